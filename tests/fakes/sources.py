"""An in-memory source: what it serves is a map of file names to contents."""

from __future__ import annotations

import hashlib
import os

from devboot.errors import IntegrityError, NetworkError
from devboot.model.artifact import Artifact, Layout, Wanted

TOY = {"toy/bin/toy-server": b"#!/bin/sh\necho toy 1.0.0\n", "toy/data.txt": b"data\n", "toy/extra.so": b"unwanted\n"}


class MemorySource:
    """Serves `artifacts`: the name of a file → its tree, which is what the digest is taken of. Counts its fetches."""

    kind = "memory"

    def __init__(self, artifacts: dict[str, dict[str, bytes]], *, is_reachable: bool = True) -> None:
        self.artifacts = artifacts
        self.is_reachable = is_reachable
        self.fetched: list[str] = []

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:
        """Write the tree; files in a folder `bin` are executable."""
        if not self.is_reachable:
            raise NetworkError("network/unreachable", f"could not fetch {artifact.name}")
        tree = self.artifacts[artifact.file]
        if digest_of(tree) != artifact.sha256:
            raise IntegrityError("integrity/hash-mismatch", f"{artifact.name} is not the file that was locked")
        self.fetched.append(artifact.file)
        for name, content in tree.items():
            path = os.path.join(into, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as stream:
                stream.write(content)
            os.chmod(path, 0o755 if "/bin/" in f"/{name}" else 0o644)


def digest_of(tree: dict[str, bytes]) -> str:
    """What stands for a file's sha256 here."""
    return hashlib.sha256(repr(sorted(tree.items())).encode()).hexdigest()


def toy(
    tree: dict[str, bytes] | None = None, *, platform: str, version: str = "1.0.0", glibc: str = ""
) -> tuple[Wanted, MemorySource]:
    """A package of three files and the source that serves it."""
    tree = TOY if tree is None else tree
    artifact = Artifact("memory", "toy", version, f"toy-{version}.whl", digest_of(tree), 1_600_000, glibc)
    layout = Layout((("toy-server", "toy/bin/toy-server"),), ("*.so",))
    return Wanted("toy", version, 1, platform, artifact, layout), MemorySource({artifact.file: tree})
