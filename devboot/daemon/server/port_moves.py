"""Processes whose ports other programs have: asks the client of an `up`, which reads the manifest, for other ports.

A client that waits in the background is sent away to prepare a new plan, with which it comes back. The one that owns a
foreground run stays, has another client do that, and reports when it is done: until then nothing of the run is judged.
"""

from __future__ import annotations

from devboot.model import process as model
from devboot.supervisor import state as life
from devboot.text.columns import printable
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.running_project import RunningProject
    from devboot.daemon.views.viewers import Viewers

_UP = (model.READY, model.RUNNING)
_LOST = (*life.ALIVE, model.BACKOFF, model.EXITED, model.FAILED, model.GAVE_UP)  # phases in which the latest run counts


class PortMoves:
    """Keeps which processes need another port, and who was asked for it.

    `ask_waiting()` asks those that wait in the background; `judge()` draws the conclusions that had to wait.
    """

    def __init__(
        self,
        project: RunningProject,
        viewers: Viewers,
        *,
        ask_waiting: Callable[[], None],
        judge: Callable[[], None],
    ) -> None:
        self._project = project
        self._viewers = viewers
        self._ask_waiting = ask_waiting
        self._judge = judge
        self._lost: set[str] = set()  # processes that need another port, until they are up or have one
        self._asked: set[tuple[str, int]] = set()  # what the owner was asked for: once for each process and port

    def note(self, status: model.ProcessStatus) -> model.ProcessStatus:
        """The line of `ps`; a process that needs another port does so while it tries the old one again, too."""
        return status._replace(port_taken=True) if status.name in self._lost else status

    def changed(self, status: model.ProcessStatus) -> None:
        """Ask for another port, if this process needs one."""
        if status.phase in _UP:
            self._lost.discard(status.name)
        if not status.port_taken or status.phase not in _LOST or self._project.is_stopping:
            return
        self._lost.add(status.name)
        self._ask_waiting()
        owner, key = self._project.owner, (status.name, status.port)
        if owner is None or not owner.moves or self._project.supervisor.is_shutting_down:
            return
        if key not in self._asked:
            self._asked.add(key)
            if not owner.is_moving:
                owner.is_moving = True
                owner.connection.send(frames.WORD, frames.PORT_TAKEN)

    def look(self) -> None:
        """Ask again for what runs without ever getting ready, of which nothing new comes."""
        for status in self._project.supervisor.statuses():
            if status.phase in life.ALIVE:
                self.changed(status)

    def end(self, connection: Connection) -> None:
        """The owner has had a new plan prepared, or couldn't: judge how things stand."""
        owner = self._project.owner
        if owner is not None and owner.connection is connection and owner.is_moving:
            owner.is_moving = False
            self._judge()

    def apply(self, old: model.Plan, new: model.Plan) -> None:
        """Tell those who watch which processes get other ports by a new plan."""
        before = {spec.name: spec for spec in old.processes}
        for spec in new.processes:
            if spec.name in self._lost and spec.name in before:
                text = _move(before[spec.name], spec)
                if text:
                    self._viewers.say(f"{text}\n")
        self._lost.clear()


def _move(old: model.ProcessSpec, new: model.ProcessSpec) -> str:
    """`redis moves from port 6379, which was taken in the meantime, to 27504: held by …`; empty for no change."""
    name = printable(new.name)
    if old.port != new.port:
        from devboot.environment.ports.holder_advice import holder_of

        holder = holder_of(old.port)
        by = f": held by {printable(holder.text)}" if holder.pid else ""
        return f"{name} moves from port {old.port}, which was taken in the meantime, to {new.port}{by}"
    return f"{name} gets another port for one that was taken in the meantime" if old != new else ""
