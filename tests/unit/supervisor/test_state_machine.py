"""The life of a process: every phase with every event, then whole lives, then any sequence of events at all."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from devboot.model.process import (
    BACKOFF,
    EXITED as ENDED,
    FAILED,
    GAVE_UP,
    PHASES,
    READY,
    RUNNING,
    STARTING,
    STOPPED,
    STOPPING,
    UNREADY,
    WAITING,
)  # fmt: skip
from devboot.supervisor.state_machine import (
    ALIVE,
    ALIVE_FAILED,
    CHECK,
    CLEAR,
    DELAY,
    DUE,
    EVENTS,
    EXITED,
    FIRST_DELAY,
    GIVE_UP,
    GONE,
    HOPELESS,
    NOTHING,
    PROBE_FAILED,
    PROBE_PASSED,
    RESTART,
    SIGNAL,
    SKIP,
    SPAWN,
    SPAWN_FAILED,
    SPAWNED,
    START,
    STOP,
    SWEEP,
    THEN_AGAIN,
    THEN_FAILED,
    THEN_GIVEN_UP,
    THEN_JUDGED,
    THEN_STOPPED,
    End,
    Event,
    Policy,
    State,
    advance,
    delay_before_restart,
    succeeded,
)  # fmt: skip

POLICY = Policy()
CRASH = End(1)

# What each event does in each phase; a pair that isn't here changes nothing and asks for nothing.
ALIVE_ROWS = {
    EXITED: (STOPPING, SWEEP),
    ALIVE_FAILED: (STOPPING, SIGNAL),
    STOP: (STOPPING, SIGNAL),
    RESTART: (STOPPING, SIGNAL),
}
IDLE_ROWS = {START: (WAITING, CHECK), RESTART: (WAITING, CHECK)}
TABLE = {
    WAITING: {
        CLEAR: (WAITING, SPAWN),
        SKIP: (ENDED, NOTHING),
        SPAWNED: (RUNNING, NOTHING),
        SPAWN_FAILED: (FAILED, NOTHING),
        STOP: (STOPPED, NOTHING),
    },
    STARTING: {**ALIVE_ROWS, PROBE_PASSED: (READY, NOTHING)},
    RUNNING: {**ALIVE_ROWS, PROBE_PASSED: (READY, NOTHING)},
    READY: {**ALIVE_ROWS, PROBE_FAILED: (UNREADY, NOTHING)},
    UNREADY: {**ALIVE_ROWS, PROBE_PASSED: (READY, NOTHING)},
    BACKOFF: {
        START: (WAITING, CHECK),
        DUE: (WAITING, CHECK),
        RESTART: (WAITING, CHECK),
        STOP: (STOPPED, NOTHING),
    },
    STOPPING: {EXITED: (STOPPING, SWEEP)},
    STOPPED: IDLE_ROWS,
    ENDED: IDLE_ROWS,
    FAILED: IDLE_ROWS,
    GAVE_UP: IDLE_ROWS,
}


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("phase", PHASES)
def test_every_event_in_every_phase(phase, kind):
    state = State(phase, then=THEN_STOPPED)

    after, action = advance(state, Event(kind, CRASH), 100.0, POLICY)

    assert (after.phase, action.kind) == TABLE[phase].get(kind, (phase, NOTHING))


# What a process that is stopping becomes once nothing of it is left.
GONE_TABLE = [
    (THEN_STOPPED, CRASH, STOPPED, NOTHING),
    (THEN_AGAIN, CRASH, WAITING, CHECK),
    (THEN_JUDGED, CRASH, BACKOFF, DELAY),
    (THEN_JUDGED, End(0), ENDED, NOTHING),
    (THEN_JUDGED, End(None, 9), BACKOFF, DELAY),
    (THEN_FAILED, End(0), BACKOFF, DELAY),
    (THEN_GIVEN_UP, CRASH, GAVE_UP, GIVE_UP),
]


@pytest.mark.parametrize(("then", "end", "phase", "action"), GONE_TABLE)
def test_what_follows_when_nothing_is_left(then, end, phase, action):
    after, then_do = advance(State(STOPPING, then, end), Event(GONE), 100.0, POLICY)

    assert (after.phase, then_do.kind) == (phase, action)


def test_what_has_no_hope_gives_up_at_once_unless_somebody_wants_otherwise():
    judged = State(STOPPING, THEN_JUDGED, CRASH)

    hopeless, action = advance(judged, Event(HOPELESS), 100.0, POLICY)
    assert (STOPPING, THEN_GIVEN_UP, NOTHING) == (hopeless.phase, hopeless.then, action.kind)
    assert (
        judged._replace(then=THEN_AGAIN) == advance(judged._replace(then=THEN_AGAIN), Event(HOPELESS), 1.0, POLICY)[0]
    )
    once = POLICY._replace(restart="never")
    assert ENDED == advance(hopeless, Event(GONE), 100.0, once)[0].phase
    assert STOPPED == advance(advance(hopeless, Event(STOP), 1.0, POLICY)[0], Event(GONE), 1.0, POLICY)[0].phase


THENS = [THEN_STOPPED, THEN_AGAIN, THEN_JUDGED, THEN_FAILED, THEN_GIVEN_UP]
# What it means for the time after, when somebody changes their mind while it stops, or while it is being swept.
MIND_TABLE = {STOP: THEN_STOPPED, START: THEN_AGAIN, RESTART: THEN_AGAIN}


@pytest.mark.parametrize("end", [None, End(0), CRASH])
@pytest.mark.parametrize("then", THENS)
@pytest.mark.parametrize("kind", MIND_TABLE)
def test_the_last_word_counts_while_it_stops(kind, then, end):
    assert advance(State(STOPPING, then, end), Event(kind), 100.0, POLICY)[0].then == MIND_TABLE[kind]


@pytest.mark.parametrize("then", THENS)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("kind", [START, RESTART])
def test_no_wish_for_a_run_is_lost_in_any_phase(kind, phase, then):
    before = State(phase, then)
    after, action = advance(before, Event(kind), 100.0, POLICY)

    is_on_its_way = after.phase == WAITING or (after.phase == STOPPING and after.then == THEN_AGAIN)
    assert is_on_its_way or (kind == START and after == before and phase in ALIVE)
    assert action.kind in (NOTHING, CHECK, SIGNAL)


def test_gone_before_its_end_is_known_changes_nothing():
    state = State(STOPPING, THEN_JUDGED)

    assert advance(state, Event(GONE), 100.0, POLICY)[0] == state


def test_a_second_exit_of_the_same_run_changes_nothing():
    state = State(STOPPING, THEN_JUDGED, End(0))

    assert advance(state, Event(EXITED, CRASH), 100.0, POLICY)[0] == state


def test_a_failed_start_that_shows_late_counts_unless_somebody_stopped_it():
    assert advance(State(STOPPING, THEN_JUDGED, End(127)), Event(SPAWN_FAILED), 1.0, POLICY)[0].phase == FAILED
    assert advance(State(STOPPING, THEN_STOPPED, End(127)), Event(SPAWN_FAILED), 1.0, POLICY)[0].phase == STOPPING


def test_a_process_whose_probe_gates_it_is_starting_until_it_passes():
    assert advance(State(WAITING), Event(SPAWNED), 1.0, Policy(has_probe=True))[0].phase == STARTING


def crash(state: State, at: float, policy: Policy = POLICY) -> State:
    """One more run that ends badly at `at`."""
    state = state._replace(phase=RUNNING, end=None)
    state, _ = advance(state, Event(EXITED, CRASH), at, policy)
    state, _ = advance(state, Event(GONE), at, policy)
    return state


def test_the_budget_counts_failures_within_the_window():
    policy = Policy(max_restarts=3, window=60.0)
    state = State()
    phases = []
    for at in (0.0, 1.0, 2.0, 3.0):
        state = crash(state, at, policy)
        phases.append(state.phase)

    assert phases == [BACKOFF, BACKOFF, BACKOFF, GAVE_UP]


def test_a_run_longer_than_the_window_resets_the_budget():
    policy = Policy(max_restarts=1, window=60.0)
    state = State()
    for number in range(10):
        state = crash(state, number * 61.0, policy)

    assert state.phase == BACKOFF
    assert state.failures == (9 * 61.0,)


def test_however_slowly_a_process_crashes_that_has_never_been_ready_it_gives_up():
    policy = Policy(max_restarts=3, window=60.0, has_probe=True)
    state = State()
    for number in range(4):
        state = crash(state, number * 61.0, policy)
    assert state.phase == GAVE_UP

    ready, _ = advance(State(STARTING), Event(PROBE_PASSED), 0.0, policy)
    for number in range(10):
        ready = crash(ready, number * 61.0, policy)
    assert ready.phase == BACKOFF
    assert not advance(ready._replace(phase=GAVE_UP), Event(START), 700.0, policy)[0].has_been_ready


def test_giving_up_asks_to_tell_it():
    state = State(STOPPING, THEN_JUDGED, CRASH)

    assert advance(state, Event(GONE), 1.0, Policy(max_restarts=0))[1].kind == GIVE_UP


@pytest.mark.parametrize("kind", [STOP, RESTART])
def test_what_somebody_wants_clears_the_failures(kind):
    state = crash(crash(State(), 1.0), 2.0)

    assert advance(state, Event(kind), 3.0, POLICY)[0].failures == ()


def test_automatic_restarts_are_counted_and_intended_ones_are_not():
    state = crash(State(), 1.0)
    state, _ = advance(state, Event(DUE), 2.0, POLICY)
    assert state.restarts == 1
    state, _ = advance(state._replace(phase=RUNNING), Event(RESTART), 3.0, POLICY)
    state, _ = advance(state, Event(EXITED, CRASH), 3.0, POLICY)
    state, _ = advance(state, Event(GONE), 3.0, POLICY)

    assert (state.phase, state.restarts, state.failures) == (WAITING, 0, ())


@pytest.mark.faults(210)
@pytest.mark.parametrize("kind", [START, STOP, RESTART])
@pytest.mark.parametrize("phase", PHASES)
def test_restarts_before_an_intended_start_or_stop_are_not_counted_after_it(phase, kind):
    before = State(phase, THEN_JUDGED, CRASH, failures=(1.0, 2.0), restarts=2)

    state, _ = advance(before, Event(kind), 3.0, POLICY)

    assert state.restarts == len(state.failures)


def test_delays_grow_from_almost_nothing():
    assert [delay_before_restart(count, POLICY) for count in range(1, 6)] == [0.001, 0.5, 2.0, 8.0, 9.6]


@given(strategies.integers(1, 50), strategies.floats(0.1, 3600))
def test_all_delays_together_fit_into_the_window(max_restarts, window):
    policy = Policy(max_restarts=max_restarts, window=window)
    delays = [delay_before_restart(count, policy) for count in range(1, max_restarts + 1)]

    assert delays[0] == FIRST_DELAY
    assert sum(delays) <= max(window, FIRST_DELAY * max_restarts) * 1.000001
    assert delays[1:] == sorted(delays[1:])


def test_success_means_an_end_of_its_own_that_was_expected():
    assert succeeded(State(ENDED, end=End(0)), POLICY)
    assert succeeded(State(ENDED, end=End(4)), Policy(expected_exit=(0, 4)))
    assert not succeeded(State(ENDED, end=End(1)), POLICY)
    assert not succeeded(State(ENDED, end=End(None, 15)), POLICY)
    assert not succeeded(State(STOPPED, end=End(0)), POLICY)


ENDS = strategies.sampled_from([End(0), End(1), End(127), End(None, 9)])
STEPS = strategies.lists(
    strategies.tuples(strategies.sampled_from(EVENTS), ENDS, strategies.floats(0, 30)), max_size=60
)
POLICIES = strategies.builds(
    Policy,
    has_probe=strategies.booleans(),
    restart=strategies.sampled_from(["never", "on-failure", "always"]),
    max_restarts=strategies.integers(0, 5),
    window=strategies.sampled_from([1.0, 60.0]),
)


@given(STEPS, POLICIES)
def test_any_sequence_of_events_keeps_the_rules(steps, policy):
    state, now = State(), 0.0
    for kind, end, passed in steps:
        now += passed
        before = state
        state, action = advance(state, Event(kind, end), now, policy)

        assert state.phase in PHASES
        assert len(state.failures) <= policy.max_restarts + 1
        assert action.kind != SPAWN or (before.phase == WAITING and kind == CLEAR)
        assert action.kind != SIGNAL or (before.phase in ALIVE and state.phase == STOPPING)
        assert kind != STOP or state.phase not in (*ALIVE, WAITING, BACKOFF)
        assert kind != STOP or state.phase != STOPPING or state.then == THEN_STOPPED
        assert action.kind != DELAY or (policy.restart != "never" and action.seconds >= FIRST_DELAY)


@given(STEPS, POLICIES)
def test_after_a_stop_nothing_starts_by_itself(steps, policy):
    state, now = State(), 0.0
    for kind, end, passed in [*steps, (STOP, End(0), 0.0)]:
        now += passed
        state, _ = advance(state, Event(kind, end), now, policy)
    for kind in (CLEAR, SPAWNED, PROBE_PASSED, PROBE_FAILED, ALIVE_FAILED, EXITED, GONE, DUE, GONE, CLEAR):
        now += 1.0
        state, action = advance(state, Event(kind, End(1)), now, policy)

        assert action.kind in (NOTHING, SWEEP)
    assert state.phase not in (*ALIVE, WAITING, BACKOFF, STOPPING)


def test_a_restart_that_comes_when_a_crash_is_about_to_start_it_again_counts_from_zero():
    state = State(BACKOFF, failures=(1.0,), has_been_ready=True)
    state, _ = advance(state, Event(DUE), 1.1, Policy())
    assert (state.phase, state.restarts) == (WAITING, 1)

    state, action = advance(state, Event(RESTART), 1.1, Policy())
    assert state == State(WAITING)
    assert action.kind == NOTHING
