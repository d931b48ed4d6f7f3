"""Protocols that sources of artifacts implement."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from devboot.model.artifact import Artifact


class Source(Protocol):
    """A source of artifacts. It never chooses: the lock has pinned name, version, file and digest."""

    @property
    def kind(self) -> str:
        """The source's kind in the lock, such as `wheel`."""

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:
        """Download, verify and unpack the artifact into the empty folder `into`.

        After a failure its content is undefined. Raises NetworkError if the artifact can't be downloaded,
        IntegrityError if its bytes differ from the locked ones.
        """


@runtime_checkable
class Caching(Protocol):
    """A source that can check whether an artifact is cached, for use without network."""

    def is_here(self, artifact: Artifact, platform: str) -> bool:
        """Return whether `fetch` would need no network."""


class CachingSource(Source, Caching, Protocol):
    """A source that is both a Source and Caching."""


@runtime_checkable
class Placing(Protocol):
    """A source whose installed files contain the path at which they are installed."""

    def fetch_for(self, artifact: Artifact, platform: str, into: str, final: str) -> None:
        """Install an artifact into `into` as `Source.fetch` does, for a folder that is moved to `final` afterwards."""
