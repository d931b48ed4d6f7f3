"""Protocols for sources of artifacts."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from devboot.model.artifact import Artifact


class Source(Protocol):
    """A source of artifacts. It never chooses: the lock has pinned name, version, file and digest."""

    @property
    def kind(self) -> str:
        """The source's kind in the lock, such as `wheel`."""

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:
        """Fetch, verify and unpack the artifact into the empty folder `into`; after a failure its content is undefined.

        Raises NetworkError if the artifact can't be downloaded, IntegrityError if its bytes differ from the locked
        ones.
        """


@runtime_checkable
class Caching(Protocol):
    """A source that knows whether an artifact is cached, for use without network."""

    def is_here(self, artifact: Artifact, platform: str) -> bool:
        """Return whether `fetch` would need no network."""


class CachingSource(Source, Caching, Protocol):
    """A source that is both a Source and Caching."""


@runtime_checkable
class Placing(Protocol):
    """A source whose files contain their final path."""

    def fetch_for(self, artifact: Artifact, platform: str, into: str, final: str) -> None:
        """Fetch as `Source.fetch` into `into`, for a tree that is moved to `final` afterwards."""
