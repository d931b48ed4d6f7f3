"""State machine of one process, without I/O: (state, event, now, policy) in, (state, action) out.

The caller carries out the action and feeds its result back as an event. A stop overrides everything, and a requested
restart never counts as a failure. After the leader's exit, the rest of its session is ended first; the next step is
decided when no process of the session is left (event GONE).
"""

from __future__ import annotations

from devboot.model import process as phases
from devboot.record import Record

# Events
START = "start"  # requested by a user or by a dependent
CLEAR = "clear"  # every dependency is met
SKIP = "skip"  # a task that need not run
SPAWNED = "spawned"
SPAWN_FAILED = "spawn-failed"
PROBE_PASSED = "probe-passed"
PROBE_FAILED = "probe-failed"  # a readiness probe, after having passed
ALIVE_FAILED = "alive-failed"  # the liveness probe, often enough
EXITED = "exited"  # the leader has gone
HOPELESS = "hopeless"  # its output shows that every further run would end the same way
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
CHECK = "check"  # check the dependencies, then feed CLEAR
SPAWN = "spawn"
SIGNAL = "signal"  # send the leader its stop signal
SWEEP = "sweep"  # end the processes that the leader left behind, then feed GONE
DELAY = "delay"  # feed DUE after `seconds`
GIVE_UP = "give-up"  # report that the restart budget is spent, or that restarting is pointless

# What follows when a stopping process is gone
THEN_STOPPED = "stopped"
THEN_AGAIN = "again"
THEN_JUDGED = "judged"  # its end was not requested: the restart policy decides
THEN_FAILED = "failed"  # ended by us because its liveness probe failed: a failure, whatever its exit code
THEN_GIVEN_UP = "given-up"  # its end was not requested, and another run would end the same way

ALIVE = (phases.STARTING, phases.RUNNING, phases.READY, phases.UNREADY)
PENDING = (phases.WAITING, phases.BACKOFF)

FIRST_DELAY = 0.001  # the first restart is immediate; the delay grows with each failure


class Policy(Record):
    """Restart policy of a process, from its specification. Durations are in seconds."""

    has_probe: bool = False  # the process stays `starting` until its readiness probe has passed
    restart: str = "on-failure"
    max_restarts: int = 5
    window: float = 60.0
    expected_exit: tuple[int, ...] = (0,)
    scheduled: bool = False  # runs on a schedule, and waits between runs


class End(Record):
    """Exit of a leader: its exit code, or the number of the signal that ended it."""

    code: int | None = None
    signal: int | None = None


class State(Record):
    """State of a process. `failures` holds the times of failures that count against `max_restarts`."""

    phase: str = phases.STOPPED
    then: str = THEN_STOPPED
    end: End | None = None  # of the latest run
    failures: tuple[float, ...] = ()
    restarts: int = 0  # automatic restarts since the last requested start, stop or restart; shown by `ps`
    has_been_ready: bool = False  # since the last requested start, stop or restart


class Event(Record):
    """An event of the state machine, as EXITED. `end` is set for EXITED only."""

    kind: str
    end: End | None = None


class Action(Record):
    """An action for the caller to carry out, such as spawning a run; `seconds` is for timers."""

    kind: str
    seconds: float = 0.0


_NOTHING = Action(NOTHING)


def _with_reset_counters(state: State) -> State:
    """Return the state with its failures and restarts reset, as after a requested start, stop or restart."""
    return state._replace(failures=(), restarts=0, has_been_ready=False)


def is_expected(end: End, policy: Policy) -> bool:
    """Return whether an exit counts as a success: an expected exit code, and no signal."""
    return end.signal is None and end.code in policy.expected_exit


def failed(state: State) -> State:
    """Return the state after an internal error of devboot: failed, without an exit, and not restarted."""
    return state._replace(phase=phases.FAILED, then=THEN_FAILED, end=None, failures=())


def succeeded(state: State, policy: Policy) -> bool:
    """Return True if the process has ended with an expected exit code, and no signal ended it."""
    return state.phase == phases.EXITED and state.end is not None and is_expected(state.end, policy)


def succeeds(state: State, policy: Policy) -> bool:
    """Return whether the leader has exited as expected while its remaining children are still being ended."""
    is_swept = state.phase == phases.STOPPING and state.then == THEN_JUDGED and state.end is not None
    return is_swept and state.end is not None and is_expected(state.end, policy)


def delay_before_restart(failures: int, policy: Policy) -> float:
    """Return the seconds to wait after the given number of failures within the window (at least 1).

    All delays together stay below the window; otherwise a slow crash loop would never use up its budget.
    """
    if failures <= 1:
        return FIRST_DELAY
    longest = 0.8 * policy.window / max(1, policy.max_restarts)
    return max(FIRST_DELAY, min(0.5 * 4.0 ** min(failures - 2, 16), longest))


def advance(state: State, event: Event, now: float, policy: Policy) -> tuple[State, Action]:
    """Return the state after `event` and the action to carry out. Events without meaning in a phase change nothing."""
    return _HANDLERS[event.kind](state, event, now, policy)


def _start(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase in ALIVE or state.phase == phases.WAITING:
        return state, _NOTHING
    if state.phase == phases.STOPPING:
        return state._replace(then=THEN_AGAIN), _NOTHING  # also while the leftovers of an unrequested end are swept
    return _afresh(state)


def _restart(state: State, _event: Event, _now: float, _policy: Policy) -> tuple[State, Action]:
    if state.phase in ALIVE:
        return _with_reset_counters(state)._replace(phase=phases.STOPPING, then=THEN_AGAIN), Action(SIGNAL)
    if state.phase == phases.STOPPING:
        return _with_reset_counters(state)._replace(then=THEN_AGAIN), _NOTHING
    if state.phase == phases.WAITING:
        return _with_reset_counters(state), _NOTHING
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
    # Also after exit 126 or 127, when it turns out that the shell didn't find the program.
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
    # Until it was ready once, failures outside of the window count too: else a slow start could crash for ever.
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
