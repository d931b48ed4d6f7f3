"""What a live terminal has to know beside the output: names, debugger prompts, edits; sent to it when it changes."""

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
_GATHERED = 0.05  # seconds in which changes are gathered


class LiveUpdates:
    """Keeps which processes sit in a debugger, and tells viewers with a live terminal of that and the rest."""

    def __init__(self, supervisor: Supervisor, viewers: Viewers) -> None:
        self._supervisor = supervisor
        self._viewers = viewers
        self._prompts: dict[str, str] = {}  # process → debugger
        self._sent: dict[Connection, bytes] = {}
        self._is_due = False
        self.scaled: dict[str, int] = {}  # process → how often it is to run, since somebody said `scale`
        self.offer = ""  # what applying the edits of the manifest would do; empty: nothing is known of edits

    @property
    def is_in_debugger(self) -> bool:
        """Whether a process sits in a debugger, as far as is known."""
        return bool(self._prompts)

    def output(self, name: str, data: bytes) -> None:
        """A process has written something that may end in a prompt, or that shows that it went on."""
        found = debugger_at(data)
        if found:
            self._prompts[name] = found
        elif self._prompts.pop(name, None) is None:
            return
        self.changed()

    def ended(self, name: str) -> None:
        """Its run is over."""
        self._prompts.pop(name, None)

    def note(self, status: model.ProcessStatus) -> model.ProcessStatus:
        """The line of `ps`, with the prompt that the process sits at."""
        debugger = self._prompts.get(status.name)
        return status._replace(note=f"in {debugger}: devboot attach {status.name}") if debugger else status

    def changed(self) -> None:
        """Tell viewers soon."""
        if not self._is_due and len(self._viewers):
            self._is_due = True
            self._supervisor.loop.call_later(_GATHERED, self._send)

    def forget(self, connection: Connection) -> None:
        """It has gone."""
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
    """How often each process runs by this plan, by its name in the Procfile."""
    counts: dict[str, int] = {}
    for spec in plan.processes:
        if spec.kind == model.PROCESS:
            base = base_of(spec.name)
            counts[base] = counts.get(base, 0) + 1
    return counts


def applied(changes: Changes, scaled: Mapping[str, int], plan: model.Plan) -> list[str]:
    """Lines for the one who has applied `plan`: what starts, restarts, stops, and which numbers hold no longer."""
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
            f"{name}: {now[name]} instead of {count} by the manifest: devboot scale {name}={count}"
            for name, count in scaled.items()
            if now.get(name, count) != count
        ),
        *(f"{printable(name)} goes on as it was started: devboot restart {printable(name)}" for name in changes.kept),
        *(
            f"{printable(name)} takes the rest of it at its next start: devboot restart {printable(name)}"
            for name in changes.later
            if name not in changes.kept
        ),
    ]


def would_do(changes: Changes) -> str:
    """`worker would restart, mail would start`."""
    told = (
        (changes.restarted, "would restart"),
        (changes.started, "would start"),
        (changes.stopped, "would stop"),
        (changes.tasks, "would run"),
        (changes.updated, "would be updated as it runs"),
        (changes.later, "would take it at the next start"),
        (changes.kept, "would need a restart by hand"),
    )
    parts = [f"{', '.join(map(printable, names))} {what}" for names, what in told if names]
    return ", ".join(parts) or "no process would restart"
