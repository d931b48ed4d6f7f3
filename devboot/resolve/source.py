"""What a source of artifacts has to do: two members, one in-memory twin in the tests."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from devboot.model.artifact import Artifact


class Source(Protocol):
    """Where artifacts come from. A source never chooses: the lock has pinned name, version, file and digest."""

    @property
    def kind(self) -> str:
        """The word in the lock, as in `wheel`."""

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:
        """Unpack the artifact into the empty directory `into`, its digest checked; leaves anything there on failure.

        Raises NetworkError when it can't be had, IntegrityError when the bytes aren't those that were locked.
        """


@runtime_checkable
class Caching(Protocol):
    """A source that can tell, with the network off, whether it could fetch an artifact all the same."""

    def is_here(self, artifact: Artifact, platform: str) -> bool:
        """Whether `fetch` would need no network."""


class CachingSource(Source, Caching, Protocol):
    """A source that is both."""


@runtime_checkable
class Placing(Protocol):
    """A source that writes into its files where they will be."""

    def fetch_for(self, artifact: Artifact, platform: str, into: str, final: str) -> None:
        """As `Source.fetch` into `into`, for a tree that is moved to `final` afterwards."""
