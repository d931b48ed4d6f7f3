"""Gets other ports for processes whose ports are taken, from the client of `up`, which reads the manifest.

A client that waits in the background is told to prepare a new plan and to come back with it. The owner of a foreground
run stays, has another client prepare the plan, and reports when that is done; until then the result of the run is open.
"""

from __future__ import annotations

from devboot.model import process as model
from devboot.supervisor import state_machine as life
from devboot.text.columns import printable
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.running_project import RunningProject
    from devboot.daemon.views.viewers import Viewers

_UP = (model.READY, model.RUNNING)
_LOST = (*life.ALIVE, model.BACKOFF, model.EXITED, model.FAILED, model.GAVE_UP)  # with a result of a run


class PortMoves:
    """Keeps track of processes that need another port, and of whether the owner was asked for a new plan.

    `ask_waiting()` asks clients that wait in the background; `judge()` decides about the run afterwards.
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
        self._lost: set[str] = set()  # processes that need another port and aren't up
        self._asked: set[tuple[str, int]] = set()  # requests sent to the owner, one per process and port

    def note(self, status: model.ProcessStatus) -> model.ProcessStatus:
        """Return the status with `port_taken` set if the process needs another port, even while it is restarted."""
        return status._replace(port_taken=True) if status.name in self._lost else status

    def changed(self, status: model.ProcessStatus) -> None:
        """Request another port if the process with this new status needs one."""
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
        """Request other ports for running processes that never become ready, since their status doesn't change."""
        for status in self._project.supervisor.statuses():
            if status.phase in life.ALIVE:
                self.changed(status)

    def end(self, connection: Connection) -> None:
        """Continue the start after the owner has prepared a new plan, or failed to."""
        owner = self._project.owner
        if owner is not None and owner.connection is connection and owner.is_moving:
            owner.is_moving = False
            self._judge()

    def apply(self, old: model.Plan, new: model.Plan) -> None:
        """Report to viewers which processes have another port in the new plan."""
        before = {spec.name: spec for spec in old.processes}
        for spec in new.processes:
            if spec.name in self._lost and spec.name in before:
                text = _move(before[spec.name], spec)
                if text:
                    self._viewers.say(f"{text}\n")
        self._lost.clear()


def _move(old: model.ProcessSpec, new: model.ProcessSpec) -> str:
    """Return `redis moves from port 6379, which was taken in the meantime, to 27504: held by …`; "" if unchanged."""
    name = printable(new.name)
    if old.port != new.port:
        from devboot.environment.ports.holder_advice import holder_of

        holder = holder_of(old.port)
        by = f": held by {printable(holder.text)}" if holder.pid else ""
        return f"{name} moves from port {old.port}, which was taken in the meantime, to {new.port}{by}"
    return f"{name} gets another port, since its own was taken in the meantime" if old != new else ""
