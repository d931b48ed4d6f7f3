"""The life of one process as a pure state machine: (state, event, now, policy) in, (state, action) out, no I/O.

Whoever calls obeys the action and feeds back what came of it. A stop wins over everything, an intended restart is
never counted as a failure, and the leader's end is followed by a sweep: only when nothing of its session is left
(GONE) is it decided what comes next.
"""

from __future__ import annotations

from devboot.model import process as phases
from devboot.record import Record

# Events
START = "start"  # somebody wants it up
CLEAR = "clear"  # all that it depends on is there
SKIP = "skip"  # a task that need not run
SPAWNED = "spawned"
SPAWN_FAILED = "spawn-failed"
PROBE_PASSED = "probe-passed"
PROBE_FAILED = "probe-failed"  # a readiness probe, after having passed
ALIVE_FAILED = "alive-failed"  # the liveness probe, often enough
EXITED = "exited"  # the leader has gone
HOPELESS = "hopeless"  # what it has written says that it will end like this every time
GONE = "gone"  # nothing of its session is left
DUE = "due"  # the delay before a restart is over
STOP = "stop"
RESTART = "restart"
EVENTS = (
    START, CLEAR, SKIP, SPAWNED, SPAWN_FAILED, PROBE_PASSED, PROBE_FAILED, ALIVE_FAILED, EXITED, HOPELESS,
    GONE, DUE, STOP, RESTART,
)  # fmt: skip

# Actions
NOTHING = "nothing"
CHECK = "check"  # see whether the dependencies are there, then feed CLEAR
SPAWN = "spawn"
SIGNAL = "signal"  # ask the leader to stop
SWEEP = "sweep"  # end what the leader left behind, then feed GONE
DELAY = "delay"  # feed DUE after `seconds`
GIVE_UP = "give-up"  # tell it: the restart budget is spent, or there is no hope

# What a stopping process becomes once it has gone
THEN_STOPPED = "stopped"
THEN_AGAIN = "again"
THEN_JUDGED = "judged"  # it ended by itself: restart policy
THEN_FAILED = "failed"  # ended by us because it did not live: counts as a failure whatever its exit code
THEN_GIVEN_UP = "given-up"  # it ended by itself, and would do so again

ALIVE = (phases.STARTING, phases.RUNNING, phases.READY, phases.UNREADY)
PENDING = (phases.WAITING, phases.BACKOFF)

FIRST_DELAY = 0.001  # the first restart follows at once; a process that flaps waits longer each time


class Policy(Record):
    """What a process' specification says about its life; seconds."""

    has_probe: bool = False  # readiness gates: starting until its probe has passed
    restart: str = "on-failure"
    max_restarts: int = 5
    window: float = 60.0
    expected_exit: tuple[int, ...] = (0,)
    scheduled: bool = False  # between its runs it waits for the next one


class End(Record):
    """How a leader ended: an exit code, or the number of the signal that ended it."""

    code: int | None = None
    signal: int | None = None


class State(Record):
    """Where a process is in its life. `failures` holds the times of ends that used up restart budget."""

    phase: str = phases.STOPPED
    then: str = THEN_STOPPED
    end: End | None = None  # of the latest run
    failures: tuple[float, ...] = ()
    restarts: int = 0  # automatic ones since somebody last started, stopped or restarted it, for `ps`
    has_been_ready: bool = False  # since then


class Event(Record):
    """Something that happened; `end` comes with EXITED."""

    kind: str
    end: End | None = None


class Action(Record):
    """What has to be done now."""

    kind: str
    seconds: float = 0.0


_NOTHING = Action(NOTHING)


def _with_reset_counters(state: State) -> State:
    """The state without what counts since somebody last started, stopped or restarted it."""
    return state._replace(failures=(), restarts=0, has_been_ready=False)


def is_expected(end: End, policy: Policy) -> bool:
    """Whether a run that ended like this went as it should."""
    return end.signal is None and end.code in policy.expected_exit


def failed(state: State) -> State:
    """The state after an error of devboot's own: nothing is known of its end, and nothing starts it by itself."""
    return state._replace(phase=phases.FAILED, then=THEN_FAILED, end=None, failures=())


def succeeded(state: State, policy: Policy) -> bool:
    """Whether it ended by itself, and well."""
    return state.phase == phases.EXITED and state.end is not None and is_expected(state.end, policy)


def succeeds(state: State, policy: Policy) -> bool:
    """Whether it has ended by itself, and well, and only what it left behind is being ended."""
    is_swept = state.phase == phases.STOPPING and state.then == THEN_JUDGED and state.end is not None
    return is_swept and state.end is not None and is_expected(state.end, policy)


def delay_before_restart(failures: int, policy: Policy) -> float:
    """Seconds to wait after the given number of failures within the window (at least 1).

    All delays together stay below the window; otherwise a slow crash loop would never use up its budget.
    """
    if failures <= 1:
        return FIRST_DELAY
    longest = 0.8 * policy.window / max(1, policy.max_restarts)
    return max(FIRST_DELAY, min(0.5 * 4.0 ** min(failures - 2, 16), longest))


def advance(state: State, event: Event, now: float, policy: Policy) -> tuple[State, Action]:
    """The state after `event`, and what has to be done. Events that make no sense in a phase change nothing."""
    return _HANDLERS[event.kind](state, event, now, policy)


def _start(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase in ALIVE or state.phase == phases.WAITING:
        return state, _NOTHING
    if state.phase == phases.STOPPING:
        return state._replace(then=THEN_AGAIN), _NOTHING  # also when it ended by itself and is being swept
    return _afresh(state)


def _restart(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase in ALIVE:
        return _with_reset_counters(state)._replace(phase=phases.STOPPING, then=THEN_AGAIN), Action(SIGNAL)
    if state.phase == phases.STOPPING:
        return _with_reset_counters(state)._replace(then=THEN_AGAIN), _NOTHING
    if state.phase == phases.WAITING:
        return state, _NOTHING
    return _afresh(state)


def _afresh(state: State) -> tuple[State, Action]:
    return _with_reset_counters(state)._replace(phase=phases.WAITING), Action(CHECK)


def _stop(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase in ALIVE:
        return _with_reset_counters(state)._replace(phase=phases.STOPPING, then=THEN_STOPPED), Action(SIGNAL)
    if state.phase == phases.STOPPING:
        return _with_reset_counters(state)._replace(then=THEN_STOPPED), _NOTHING
    if state.phase in PENDING:
        return _with_reset_counters(state)._replace(phase=phases.STOPPED), _NOTHING
    return state, _NOTHING


def _clear(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    return state, Action(SPAWN) if state.phase == phases.WAITING else _NOTHING


def _skip(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase != phases.WAITING:
        return state, _NOTHING
    return state._replace(phase=phases.EXITED, end=End(0)), _NOTHING


def _spawned(state: State, _event: Event, _now: float, policy: Policy) -> tuple[State, Action]:
    if state.phase != phases.WAITING:
        return state, _NOTHING
    phase = phases.STARTING if policy.has_probe else phases.RUNNING
    return state._replace(phase=phase, then=THEN_JUDGED, end=None), _NOTHING


def _spawn_failed(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    # Also after an exit of 126 or 127 that turned out to mean: the shell didn't find the program.
    if state.phase == phases.WAITING or (state.phase == phases.STOPPING and state.then == THEN_JUDGED):
        return state._replace(phase=phases.FAILED), _NOTHING
    return state, _NOTHING


def _probe_passed(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase in (phases.STARTING, phases.RUNNING, phases.UNREADY):
        return state._replace(phase=phases.READY, has_been_ready=True), _NOTHING
    return state, _NOTHING


def _probe_failed(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase == phases.READY:
        return state._replace(phase=phases.UNREADY), _NOTHING
    return state, _NOTHING


def _alive_failed(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase in ALIVE:
        return state._replace(phase=phases.STOPPING, then=THEN_FAILED), Action(SIGNAL)
    return state, _NOTHING


def _exited(state: State, event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase in ALIVE:
        return state._replace(phase=phases.STOPPING, then=THEN_JUDGED, end=event.end), Action(SWEEP)
    if state.phase == phases.STOPPING and state.end is None:
        return state._replace(end=event.end), Action(SWEEP)
    return state, _NOTHING


def _hopeless(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase == phases.STOPPING and state.then == THEN_JUDGED:
        return state._replace(then=THEN_GIVEN_UP), _NOTHING
    return state, _NOTHING


def _gone(state: State, _event: Event, now: float, policy: Policy) -> tuple[State, Action]:
    if state.phase != phases.STOPPING or state.end is None:
        return state, _NOTHING
    if state.then == THEN_STOPPED:
        return state._replace(phase=phases.STOPPED), _NOTHING
    if state.then == THEN_AGAIN or policy.scheduled:
        return state._replace(phase=phases.WAITING), Action(CHECK)
    if state.then == THEN_GIVEN_UP and policy.restart != "never":
        return state._replace(phase=phases.GAVE_UP), Action(GIVE_UP)
    failed = state.then == THEN_FAILED or not is_expected(state.end, policy)
    if policy.restart == "never" or (policy.restart == "on-failure" and not failed):
        return state._replace(phase=phases.EXITED), _NOTHING
    return _spend(state, now, policy)


def _spend(state: State, now: float, policy: Policy) -> tuple[State, Action]:
    # Of what has never been ready each failure counts: a slow start would crash for ever, and somebody waits for it
    is_starting = policy.has_probe and not state.has_been_ready
    failures = (*(at for at in state.failures if is_starting or now - at < policy.window), now)
    if len(failures) > policy.max_restarts:
        return state._replace(phase=phases.GAVE_UP, failures=failures), Action(GIVE_UP)
    delay = delay_before_restart(len(failures), policy)
    return state._replace(phase=phases.BACKOFF, failures=failures), Action(DELAY, delay)


def _due(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase != phases.BACKOFF:
        return state, _NOTHING
    return state._replace(phase=phases.WAITING, restarts=state.restarts + 1), Action(CHECK)


_HANDLERS = {
    START: _start, CLEAR: _clear, SKIP: _skip, SPAWNED: _spawned, SPAWN_FAILED: _spawn_failed,
    PROBE_PASSED: _probe_passed, PROBE_FAILED: _probe_failed, ALIVE_FAILED: _alive_failed, EXITED: _exited,
    HOPELESS: _hopeless, GONE: _gone, DUE: _due, STOP: _stop, RESTART: _restart,
}  # fmt: skip
