"""Repeats a probe: at once with short back-off until it passes, then every `period` seconds."""

from __future__ import annotations

import math

from devboot.model import process as model
from devboot.supervisor.probes import accept, command, listen, tcp_http

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from devboot.model.process import Probe
    from devboot.supervisor.event_loop import Timer
    from devboot.supervisor.probes.target import Target

    class Attempt(Protocol):
        """One try of a probe that is under way. It calls back once, unless it is cancelled."""

        def cancel(self) -> None:
            """Abort the try without a callback."""

    Done = Callable[[bool, str], None]


FIRST, LONGEST = 0.001, 0.25  # shortest and longest pause between tries of a gating probe, in seconds
LAG = 0.1  # pause between tries as a share of the time since the start
COMMAND_FIRST, COMMAND_LAG = 0.02, 0.25  # a command costs more than a connection
# The same for probes that gate nothing: a worker with a PORT may never listen, and probing it should cost nothing.
PATIENT_FIRST, PATIENT_TOTAL, NUDGE_LAG = 0.05, 60.0, 0.25
CONVERSING = (model.TCP, model.HTTP, model.HTTPS)
ASKING = (*CONVERSING, model.EXEC, model.LISTEN, model.ACCEPT)


def pause(elapsed: float) -> float:
    """Return the seconds until the next try of a probe that has failed for `elapsed` seconds."""
    return min(max(FIRST, elapsed * LAG), LONGEST)


def command_pause(elapsed: float) -> float:
    """Return the seconds until the next try of a probe that runs a command and has failed for `elapsed` seconds."""
    return min(max(COMMAND_FIRST, elapsed * COMMAND_LAG), LONGEST)


def patient_pause(elapsed: float) -> float | None:
    """Return the seconds until the next try of a probe that no process waits for; None: wait for new output first."""
    if elapsed >= PATIENT_TOTAL:
        return None
    # Powers of two, so that processes started together are probed at the same time.
    return max(PATIENT_FIRST, 2.0 ** math.floor(math.log2(elapsed))) if elapsed > 0 else PATIENT_FIRST


class Prober:
    """Repeats a probe until it is stopped; calls `on_result(passed)` when the result changes beyond the thresholds."""

    def __init__(
        self,
        probe: Probe,
        target: Target,
        on_result: Callable[[bool], None],
        *,
        patient: bool = False,
        passed: bool = False,
        own_port: int = 0,
        is_sole: bool = False,
        on_ask: Callable[[], None] = lambda: None,
    ) -> None:
        """`own_port` is the process' port; `is_sole` means that only the process itself may listen there.

        `on_ask()` is called before each try.

        Without the check, a foreign program that held the port before the start would pass the probe in its place, and
        so would a process of another run that took the port in the same moment. A listener that comes later may stand
        in for the process, such as a container that it has started.
        """
        self._probe = probe
        self._asks_own = probe.kind in CONVERSING and probe.port == own_port != 0
        self._is_alone = self._asks_own and (is_sole or listen.is_taken(own_port, target.host.watcher))
        self._target = target
        self._on_result = on_result
        self._on_ask = on_ask
        self._once = probe.kind in model.OF_ITSELF
        self._pause = patient_pause if patient else command_pause if probe.kind == model.EXEC else pause
        self._since = self._asked = target.host.loop.now()
        self._passed = passed
        self._stopped = False
        self._streak = self._answers = 0
        self._attempt: Attempt | None = None
        self._timer: Timer | None = None
        self.text = ""  # result of the last try, for `ps` and error messages
        if probe.kind in ASKING:
            first = PATIENT_FIRST if patient else 0.0
            self._schedule(max(probe.period if passed else first, probe.initial_delay), self._asked)

    def stop(self) -> None:
        """Stop probing; no callback follows."""
        if self._timer is not None:
            self._timer.cancel()
        if self._attempt is not None:
            self._attempt.cancel()
        self._timer = self._attempt = None
        self._stopped = True

    @property
    def port(self) -> int:
        """Port that is probed."""
        return self._probe.port

    def move(self, port: int) -> None:
        """Probe another port from now on, at once."""
        if self._stopped:
            return
        for waiting in (self._timer, self._attempt):
            if waiting is not None:
                waiting.cancel()
        self._attempt = None
        self._probe = self._probe._replace(port=port)
        self._schedule(0.0, self._target.host.loop.now())

    def nudge(self) -> None:
        """Bring the next try forward; called when the process has written output."""
        if self._stopped or self._passed or self._attempt is not None or self._probe.kind not in ASKING:
            return
        now = self._target.host.loop.now()
        # A process that writes all the time and never becomes ready is probed less and less often.
        due = max(now + LONGEST, self._asked + (now - self._since) * NUDGE_LAG)
        if self._timer is None or self._timer.when > due:
            if self._timer is not None:
                self._timer.cancel()
            self._schedule(due - now, now)

    def _schedule(self, seconds: float, now: float) -> None:
        when = now + seconds
        if self._pause is patient_pause:
            # Many are probed in the same turn, so that they share one query to the kernel.
            step = max(PATIENT_FIRST, seconds / 4)
            when = math.ceil(when / step) * step
        self._timer = self._target.host.loop.call_at(when, self._ask)

    def _ask(self) -> None:
        self._timer = None
        self._asked = self._target.host.loop.now()
        answered = self._answers
        self._on_ask()
        attempt = ask(self._probe, self._target, self._answered, self._told)
        # The callback may have run already; then there is nothing left to cancel.
        self._attempt = attempt if self._answers == answered else None

    def _told(self, text: str) -> None:
        self.text = text

    def _answered(self, good: bool, text: str) -> None:
        self._attempt = None
        if good and (self._is_alone or (self._asks_own and not self._passed)):
            good, stranger = self._is_own()
            text = text if good else stranger
        self._answers += 1
        self.text = text
        now = self._target.host.loop.now()
        self._streak = self._streak + 1 if good != self._passed else 0
        threshold = self._probe.failure_threshold if self._passed else self._probe.success_threshold
        changed = self._streak >= max(1, threshold)
        if changed:
            self._passed, self._streak, self._since = good, 0, now
        if not (self._passed and (self._once or not self._probe.period)):
            seconds = self._probe.period if self._passed else self._pause(now - self._since)
            if seconds is not None:
                self._schedule(seconds, now)
        if changed:
            self._on_result(good)

    def _is_own(self) -> tuple[bool, str]:
        port, where = self._probe.port, self._target
        own, stranger = listen.look(port, where.host.watcher, where.leader, where.mark)
        stands_in = not (own or self._is_alone or listen.is_anothers(port, where.host.watcher, where.mark))
        return own or stands_in, stranger


def ask(probe: Probe, target: Target, done: Done, tell: Callable[[str], None]) -> Attempt | None:
    """Try a probe once; `done(good, text)` is called later, or before this function returns None.

    `tell(text)` receives a message while a long try waits.
    """
    if probe.kind in CONVERSING:
        return tcp_http.Conversation(target.host.loop, probe, done)
    if probe.kind == model.EXEC:
        return command.run(probe, target, done)
    if probe.kind == model.ACCEPT:
        where = target.host
        return accept.accept(where.loop, probe.port, where.watcher, target.leader, target.mark, done, tell)
    done(*listen.look(probe.port, target.host.watcher, target.leader, target.mark))
    return None
