"""The lock that one command at a time holds while it prepares a project; others wait, or give up at once."""

from __future__ import annotations

from devboot.app.preparation.project.folders import claim_folders
from devboot.events import NOTE, Event, Reporter
from devboot.locks import PROJECT, FileLock, Holder
from devboot.state.claiming import Patience
from devboot.state.project import Project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context

_PATIENCE = 1800.0  # another command may be downloading an interpreter on a slow line


def lock_project(project: Project, command: str, context: Context, reporter: Reporter | None = None) -> FileLock:
    """Create the project's folders and take its preparation lock, waiting for other commands.

    `command` is shown to those who wait for this one. Raises BusyError `busy/locked`, with `--no-wait` at once,
    BusyError `state/in-use` and MachineError.
    """

    def waiting(holder: Holder) -> None:
        if reporter is not None and not context.output.no_wait:
            who = holder.describe(context.wall_clock())
            reporter.emit(Event(NOTE, "lock", f"waiting for {who}", waits_for=who))

    for note in claim_folders(project.root, context.environ, Patience(patience(context), waiting)):
        if reporter is not None:
            reporter.emit(Event(NOTE, "state", note))
    lock = FileLock(project.prepare_lock, command, PROJECT)
    lock.acquire(timeout=patience(context), waiting=waiting)
    return lock


def patience(context: Context, usual: float = _PATIENCE) -> float:
    """Return how many seconds to wait for another devboot's lock: `usual`, or 0 with `--no-wait`."""
    return 0.0 if context.output.no_wait else usual
