"""Sends live terminals the facts that they show besides output: names, debugger prompts, edits of the manifest."""

from __future__ import annotations

from devboot.daemon.views.debugger_prompts import debugger_at
from devboot.model import process as model
from devboot.supervisor.core.planning import base_of
from devboot.text.columns import printable
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.views.viewers import Viewers
    from devboot.supervisor.core.planning import Changes
    from devboot.supervisor.core.supervisor import Supervisor

_DOWN = (model.GAVE_UP, model.FAILED)
_GATHERED = 0.05  # seconds for which changes are collected


class LiveUpdates:
    """Keeps track of processes that are in a debugger, and sends live terminals this and other facts."""

    def __init__(self, supervisor: Supervisor, viewers: Viewers) -> None:
        self._supervisor = supervisor
        self._viewers = viewers
        self._prompts: dict[str, str] = {}  # process → debugger
        self._sent: dict[Connection, bytes] = {}
        self._is_due = False
        self.scaled: dict[str, int] = {}  # process → number of instances requested by `scale`
        self.offer = ""  # effect of applying edits of the manifest; "" without edits

    @property
    def is_in_debugger(self) -> bool:
        """True if the output of any process ends with a debugger's prompt."""
        return bool(self._prompts)

    def output(self, name: str, data: bytes) -> None:
        """Record whether the output of a process ends with a debugger's prompt, or shows that the debugger was left."""
        found = debugger_at(data)
        if found:
            self._prompts[name] = found
        elif self._prompts.pop(name, None) is None:
            return
        self.changed()

    def ended(self, name: str) -> None:
        """Forget the prompt of a process whose run has ended."""
        self._prompts.pop(name, None)

    def note(self, status: model.ProcessStatus) -> model.ProcessStatus:
        """Return the status with a note that names the debugger, if the process is in one."""
        debugger = self._prompts.get(status.name)
        return status._replace(note=f"in {debugger}: devboot attach {status.name}") if debugger else status

    def changed(self) -> None:
        """Schedule an update for live terminals: processes, debuggers and pending edits."""
        if not self._is_due and len(self._viewers):
            self._is_due = True
            self._supervisor.loop.call_later(_GATHERED, self._send)

    def forget(self, connection: Connection) -> None:
        """Drop a disconnected client."""
        self._sent.pop(connection, None)

    def _send(self) -> None:
        import json

        self._is_due = False
        live = [viewer.connection for viewer in self._viewers if viewer.view.live]
        word = b"news " + json.dumps(self._facts()).encode() if live else b""
        for connection in live:
            if self._sent.get(connection) != word:
                self._sent[connection] = word
                connection.send(frames.WORD, word)

    def _facts(self) -> dict[str, object]:
        supervisor = self._supervisor
        there = {name: supervisor.process(name) for name in supervisor.names}
        return {
            "names": [name for name, each in there.items() if each.spec.kind != model.TASK],
            "terminals": [name for name, each in there.items() if each.run is not None and each.run.terminal >= 0],
            "prompts": self._prompts,
            "down": [name for name, each in there.items() if each.state.phase in _DOWN],
            "offer": self.offer,
            "addresses": [
                (name, f"{each.scheme}://{each.address}")
                for name, each in there.items()
                if each.scheme and each.address
            ],
        }


def instances(plan: model.Plan) -> dict[str, int]:
    """Return the number of instances in this plan, by name in the Procfile, as `{"worker": 2}`."""
    counts: dict[str, int] = {}
    for spec in plan.processes:
        if spec.kind == model.PROCESS:
            base = base_of(spec.name)
            counts[base] = counts.get(base, 0) + 1
    return counts


def describe_changes(changes: Changes, scaled: Mapping[str, int], plan: model.Plan) -> list[str]:
    """Return lines that describe an applied plan: what starts, restarts and stops, and which `scale` was reset."""
    told = (
        (changes.restarted, "restarting"),
        (changes.started, "starting"),
        (changes.stopped, "stopping"),
        (changes.tasks, "running"),
        (changes.updated, "updating"),
    )
    parts = [f"{what} {', '.join(map(printable, names))}" for names, what in told if names]
    now = instances(plan)
    return [
        *(["; ".join(parts)] if parts else []),
        *(
            f"{name}: {now[name]} again, as in devboot.toml; to run {count}: devboot scale {name}={count}"
            for name, count in scaled.items()
            if now.get(name, count) != count
        ),
        *(
            f"{printable(name)} keeps running unchanged; to apply the edit: devboot restart {printable(name)}"
            for name in changes.kept
        ),
        *(
            f"some settings of {printable(name)} take effect at its next start: devboot restart {printable(name)}"
            for name in changes.later
            if name not in changes.kept
        ),
    ]


def describe_effects(changes: Changes) -> str:
    """Return the effect that applying an edited plan would have, as `worker would restart, mail would start`."""
    told = (
        (changes.restarted, "would restart"),
        (changes.started, "would start"),
        (changes.stopped, "would stop"),
        (changes.tasks, "would run"),
        (changes.updated, "would be updated while running"),
        (changes.later, "would change at the next start"),
        (changes.kept, "would need a restart by hand"),
    )
    parts = [f"{', '.join(map(printable, names))} {what}" for names, what in told if names]
    return ", ".join(parts) or "no process would restart"
