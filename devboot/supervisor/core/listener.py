"""Who is told what happens to the processes of a supervisor; for type checkers, nobody imports it when running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devboot.errors import DevbootError
    from devboot.model import process as model


class Listener(Protocol):
    """Who is told what happens; called from the loop, must not block."""

    def on_output(self, name: str, data: bytes) -> None:
        """Whole lines, or one without its end after a short idle time: raw bytes with colours, in order."""

    def on_change(self, status: model.ProcessStatus) -> None:
        """Phase, pid or note of a process have changed."""

    def on_note(self, text: str, *, error: DevbootError | None = None) -> None:
        """Something that a person should read: a crash loop, a kill after the grace limit."""

    def on_settled(self) -> None:
        """Nothing is waiting, starting or in backoff any more; `verdict` says how it went."""

    def on_finished(self) -> None:
        """Nothing is alive, and nothing will start by itself."""
