"""Fakes the files of a recipe for tests without network: each program is a script of one line.

A recipe whose versions only a channel or a distribution knows gets made-up versions for tests without network.
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from collections.abc import Iterator

from devboot.app.preparation.locking.candidates import Answers
from devboot.errors import IntegrityError
from devboot.model.artifact import PLATFORMS, Artifact, Layout, Wanted
from devboot.model.edge.artifacts import ArtifactRow, PartRow
from devboot.model.edge.lockfile.lock import Wish
from devboot.model.edge.recipe.recipe import Release
from devboot.recipes import KnownRecipe
from devboot.resolve.conda_queries import channel_origin, with_release
from devboot.resolve.distro_queries import LINUX, deb_origin, distribution_row

MADE_UP = "1.2.3"
_IN_TREE = re.compile(r"\{tree\}/([\w./-]+)")
_EPOCH = (1980, 1, 1, 0, 0, 0)


class MiniatureSource:
    """A source that serves fake files of `layout`; `damage` changes one byte, to test verification."""

    def __init__(self, kind: str, layout: Layout, version: str, *, damage: bool = False) -> None:
        self.kind = kind
        self._files = dict(files_of(layout, version))
        self._damage = damage
        self.fetches = 0

    @property
    def digest(self) -> str:
        """Return the sha256 of the fake files, as the lock has it."""
        return hashlib.sha256(self._bytes()).hexdigest()

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:  # noqa: ARG002  the same for all platforms
        """Write the fake files into the folder `into`; see `Source.fetch`."""
        self.fetches += 1
        content = bytearray(self._bytes())
        if self._damage:
            content[-1] ^= 1
        if hashlib.sha256(content).hexdigest() != artifact.sha256:
            raise IntegrityError(
                "integrity/hash-mismatch",
                f"{artifact.name} is not the file that was locked",
                causes=["the test has changed one byte of it on purpose"],
                help=["devboot explain integrity/hash-mismatch"],
            )
        for name, text in self._files.items():
            path = os.path.join(into, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, 0o755)  # noqa: S103  a program

    def _bytes(self) -> bytes:
        return "\0".join(f"{name}\0{text}" for name, text in sorted(self._files.items())).encode()


def made_up_offers(wish: Wish, known: KnownRecipe, distribution: str) -> Answers:
    """Return made-up versions of a recipe that has none of its own; for other recipes nothing."""
    channel, deb = channel_origin(known, wish), deb_origin(known, wish)
    if known.releases or (channel is None and deb is None):
        return Answers({known.name: known}, {})
    version = wish.requested or MADE_UP
    if channel is not None:
        part = PartRow(name=channel.name, version=f"{version}-0", file="noarch/a.conda", sha256="a" * 64, size=1)
        row = ArtifactRow(source="conda", name=channel.name, version=version, files=(part,))
        release = Release.model_validate({"version": version, **dict.fromkeys(PLATFORMS, row)})
        return Answers({known.name: with_release(known, release)}, {})
    assert deb is not None
    part = PartRow(name=deb.known_as[0], version=f"{version}-1", file="a.deb", sha256="a" * 64, size=1)
    rows = [distribution_row(deb, distribution, platform, version, part.version, [part]) for platform in LINUX]
    return Answers({known.name: known}, {wish: tuple(rows)})


def files_of(layout: Layout, version: str) -> Iterator[tuple[str, str]]:
    """Yield (path, content) of a fake file for each program and pattern in a layout."""
    names = [_name(pattern) for _, pattern in layout.bin]
    changed = {_name(pattern): texts for pattern, texts in layout.substitute}
    said = f"echo {version}\n"
    yield from ((name, f"#!/bin/sh\n{said}") for name in names)
    for name, texts in changed.items():
        yield name, "#!/bin/sh\n" + "".join(f"# {old}\n" for old in texts[::2]) + said
    named = {path for _, command in layout.shims for path in _IN_TREE.findall(command)}
    folders = tuple(f"{os.path.dirname(name)}/" for name in (*names, *changed))
    yield from ((path, f"#!/bin/sh\n{said}") for path in named - {*names, *changed} if not _is_above(path, folders))


def _is_above(path: str, folders: tuple[str, ...]) -> bool:
    return any(folder.startswith(f"{path}/") for folder in folders)


def miniature_of(wanted: Wanted, source: MiniatureSource) -> Wanted:
    """Return the wanted package with the digest of the fake files, and without minimum versions of libc or macOS."""
    small = wanted.artifact._replace(sha256=source.digest, size=1, glibc="", macos="")
    return wanted._replace(artifact=small)


def write_wheel(folder: str, artifact: Artifact, layout: Layout, version: str) -> Artifact:
    """Write the fake files as a real wheel named like the artifact; return the artifact with digest and size."""
    name, release = artifact.file.split("-")[:2]
    info = f"{name}-{release}.dist-info"
    content = dict(files_of(layout, version))
    content[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {artifact.name}\nVersion: {artifact.version}\n"
    tag = "-".join(artifact.file.removesuffix(".whl").split("-")[-3:])
    content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: devboot\nRoot-Is-Purelib: true\nTag: {tag}\n"
    content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    path = os.path.join(folder, artifact.file)
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in content.items():
            archive.writestr(zipfile.ZipInfo(each, _EPOCH), text)
    with open(path, "rb") as file:
        data = file.read()
    return artifact._replace(sha256=hashlib.sha256(data).hexdigest(), size=len(data), glibc="", macos="")


def _name(pattern: str) -> str:
    """Return a file name that the glob pattern matches."""
    letters, inside = [], False
    for letter in pattern:
        if letter == "[":
            inside = True
        elif letter == "]" and inside:
            inside = False
            letters.append("x")
        elif not inside:
            letters.append("x" if letter in "*?" else letter)
    return "".join(letters)
