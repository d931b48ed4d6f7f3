"""Downloads release files of upstream projects: URL from the recipe, mirror from the user, digest from the lock."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from devboot.errors import LockError
from devboot.model.artifact import Artifact
from devboot.record import Record
from devboot.sources.transfers.download import Downloads
from devboot.sources.transfers.transfer import Download
from devboot.unpack import unpack

MIRROR = "DEVBOOT_MIRROR"
# ELF, and Mach-O for one and for several architectures.
_PROGRAMS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


class Mirrored(Record):
    """A URL with mirrors applied, and the setting or recipe that it comes from."""

    url: str
    said_by: str


class ArchiveSource:
    """Source of tarballs, zip files and single programs. `step_of` returns an artifact's progress line.

    `environ` may name mirrors in DEVBOOT_MIRROR: url prefixes with their replacements, as in
    `https://files.example.test/=https://mirror.example.test/files/`, or one url that is put in front of all others.
    """

    kind = "archive"

    def __init__(self, downloads: Downloads, environ: Mapping[str, str], step_of: Callable[[Artifact], str]) -> None:
        self._downloads = downloads
        self._mirrors = environ.get(MIRROR, "")
        self._step_of = step_of

    def is_here(self, artifact: Artifact, platform: str) -> bool:  # noqa: ARG002  what the protocol says
        """Return whether the file is in the cache."""
        return self._downloads.has(artifact.sha256)

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:  # noqa: ARG002  the artifact says it all
        """Download and unpack the archive (or copy a single program) into a folder; see `Source.fetch`."""
        path = self.have(artifact)
        if _is_program(path):
            shutil.copyfile(path, os.path.join(into, artifact.file))
            return
        unpack(path, into, name=artifact.file)

    def have(self, artifact: Artifact) -> str:
        """Download the file unless it is cached; return its path, verified against the lock's digest.

        Raises LockError `lock/no-artifact`, and the errors of `Downloader.fetch`.
        """
        step = self._step_of(artifact)
        if not artifact.address:
            raise LockError(
                "lock/no-artifact",
                f"the recipe of {step} no longer has a url for {artifact.file}",
                help=[f"devboot lock --update {step}"],
            )
        found = mirrored(artifact.address, self._mirrors, f"the recipe of {step}")
        what = f"{step} {artifact.version}"
        return self._downloads.fetch(Download(found.url, artifact.sha256, artifact.size, what, step, found.said_by))


def mirrored(url: str, mirrors: str, said_by: str) -> Mirrored:
    """Apply the user's mirrors to a URL; the longest matching prefix counts."""
    rules = [word.partition("=") for word in mirrors.split()]
    fitting = [(start, target) for start, equals, target in rules if equals and url.startswith(start)]
    if fitting:
        start, target = max(fitting, key=lambda rule: len(rule[0]))
        return Mirrored(target + url[len(start) :], f"`{MIRROR}`")
    prefix = next((start for start, equals, _ in rules if not equals), "")
    if not prefix:
        return Mirrored(url, said_by)
    parts = urlsplit(url)
    return Mirrored(f"{prefix.rstrip('/')}/{parts.netloc}{parts.path}", f"`{MIRROR}`")


def _is_program(path: str) -> bool:
    with open(path, "rb") as stream:
        return stream.read(4) in _PROGRAMS
