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
    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.server.server import Server

_UP = (model.READY, model.RUNNING)
_LOST = (*life.ALIVE, model.BACKOFF, model.EXITED, model.FAILED, model.GAVE_UP)  # phases in which the latest run counts


class PortMoves:
    """Keeps which processes need another port, and who was asked for it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lost: set[str] = set()  # processes that need another port, until they are up or have one
        self._asked: set[tuple[str, int]] = set()  # what the owner was asked for: once for each process and port
        self.mover: Connection | None = None  # the owner, while it has a new plan prepared

    def note(self, status: model.ProcessStatus) -> model.ProcessStatus:
        """The line of `ps`; a process that needs another port does so while it tries the old one again, too."""
        return status._replace(port_taken=True) if status.name in self._lost else status

    def changed(self, status: model.ProcessStatus) -> None:
        """Ask for another port, if this process needs one."""
        if status.phase in _UP:
            self._lost.discard(status.name)
        if not status.port_taken or status.phase not in _LOST or self._server.departure is not None:
            return
        self._lost.add(status.name)
        self._server.arrival.ask_for_other_ports()
        owner, key = self._server.owner, (status.name, status.port)
        if owner is None or not self._server.owner_moves or self._server.supervisor.is_shutting_down:
            return
        if key not in self._asked:
            self._asked.add(key)
            if self.mover is None:
                self.mover = owner
                owner.send(frames.WORD, frames.PORT_TAKEN)

    def look(self) -> None:
        """Ask again for what runs without ever getting ready, of which nothing new comes."""
        for status in self._server.supervisor.statuses():
            if status.phase in life.ALIVE:
                self.changed(status)

    def forget(self, connection: Connection) -> None:
        """It has gone."""
        if connection is self.mover:
            self.mover = None

    def end(self, connection: Connection) -> None:
        """The owner has had a new plan prepared, or couldn't: judge how things stand."""
        if connection is self.mover:
            self.mover = None
            self._server.judge()

    def apply(self, old: model.Plan, new: model.Plan) -> None:
        """Tell those who watch which processes get other ports by a new plan."""
        before = {spec.name: spec for spec in old.processes}
        for spec in new.processes:
            if spec.name in self._lost and spec.name in before:
                text = _move(before[spec.name], spec)
                if text:
                    self._server.audience.say(f"{text}\n")
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
