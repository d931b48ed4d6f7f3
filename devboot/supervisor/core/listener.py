"""Protocol for events of a supervisor; imported for type checking only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from devboot.errors import DevbootError
    from devboot.model import process as model


class Listener(Protocol):
    """Receiver of a supervisor's events. Its methods are called from the loop and must not block."""

    def on_output(self, name: str, data: bytes) -> None:
        """Receive output of a process in order: whole lines, or an unfinished one after a short idle time."""

    def on_change(self, status: model.ProcessStatus) -> None:
        """Receive the new status of a process whose phase, pid or note has changed."""

    def on_note(self, text: str, *, error: DevbootError | None = None) -> None:
        """Receive a message for the user, such as a crash loop or a kill after the grace period."""

    def on_settled(self) -> None:
        """Called when no process is waiting, starting or in backoff any more; `verdict` has the outcome."""

    def on_finished(self) -> None:
        """Called when no process is alive and none will start again without a command."""
