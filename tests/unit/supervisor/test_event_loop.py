"""The event loop: descriptors and timers in one thread."""

import ast
import errno
import os
import sys
from pathlib import Path

import pytest

from devboot.supervisor.event_loop import READ, Loop, Scope


class Clock:
    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


def test_timers_run_in_the_order_in_which_they_are_due():
    clock, ran = Clock(), []
    loop = Loop(clock)
    loop.call_later(2, lambda: ran.append("later"))
    loop.call_later(1, lambda: ran.append("sooner"))
    loop.call_later(1, lambda: ran.append("sooner, second"))

    clock.time += 2
    loop.turn()

    assert ["sooner", "sooner, second", "later"] == ran


def test_timers_are_sorted_without_calls_of_functions():
    loop = Loop()
    for number in range(100):
        loop.call_later((number * 37 % 100) / 1000 - 1, lambda: None)
    calls = []
    sys.setprofile(lambda _frame, event, _what: calls.append(event) if event == "call" else None)
    try:
        loop.turn(0)
    finally:
        sys.setprofile(None)

    assert loop.timers == []
    assert len(calls) < 100 * 5  # hundreds of processes have one each


def test_a_cancelled_timer_never_runs():
    clock, ran = Clock(), []
    loop = Loop(clock)
    loop.call_later(1, lambda: ran.append("x")).cancel()

    clock.time += 2
    loop.turn(limit=0)

    assert [] == ran


def test_a_timer_added_by_a_timer_waits_for_its_own_time():
    clock, ran = Clock(), []
    loop = Loop(clock)
    loop.call_later(0, lambda: loop.call_later(5, lambda: ran.append("nested")))

    loop.turn()
    loop.turn(limit=0)

    assert [] == ran


def test_a_readable_descriptor_is_called_back():
    loop, (reader, writer), seen = Loop(), os.pipe(), []
    loop.watch(reader, READ, lambda ready: seen.append((ready, os.read(reader, 10))))
    os.write(writer, b"hello")

    loop.turn(limit=5)

    assert [(READ, b"hello")] == seen
    loop.unwatch(reader)
    os.close(reader)
    os.close(writer)
    loop.close()


def test_a_descriptor_that_another_callback_unwatched_in_the_same_turn_is_left_alone():
    loop, first, second, seen = Loop(), os.pipe(), os.pipe(), []

    def take(mine, other):
        def callback(_ready):
            seen.append(mine)
            os.read(mine, 10)
            loop.unwatch(other)

        return callback

    loop.watch(first[0], READ, take(first[0], second[0]))
    loop.watch(second[0], READ, take(second[0], first[0]))
    os.write(first[1], b"x")
    os.write(second[1], b"x")

    loop.turn(limit=5)

    assert 1 == len(seen)
    for fd in (*first, *second):
        os.close(fd)
    loop.close()


def test_stop_ends_run():
    loop = Loop()
    loop.call_later(0, loop.stop)

    loop.run()

    loop.close()


class Failures:
    """Takes errors as a daemon does."""

    def __init__(self, loop):
        self.seen = []
        loop.on_error = self

    def __call__(self, error, fail):
        self.seen.append(type(error))
        if fail is not None:
            fail(error)


def broken(*_arguments):
    raise KeyError("odd")


@pytest.mark.faults(140)
def test_an_error_in_a_timer_ends_nothing_but_the_call():
    loop, ran = Loop(), []
    failures = Failures(loop)
    loop.call_later(0, broken)
    loop.call_later(0, lambda: ran.append("next"))

    loop.turn(limit=5)

    assert ran == ["next"]
    assert failures.seen == [KeyError]


@pytest.mark.faults(140)
def test_a_descriptor_whose_callback_fails_is_left_alone_for_a_while():
    clock = Clock()
    loop, (reader, writer) = Loop(clock), os.pipe()
    failures = Failures(loop)
    loop.watch(reader, READ, broken)
    os.write(writer, b"x")
    for _ in range(3):
        loop.turn(limit=0)
    assert failures.seen == [KeyError]

    clock.time += 60
    loop.turn(limit=0)
    loop.turn(limit=0)

    assert failures.seen == [KeyError, KeyError]
    loop.unwatch(reader)
    os.close(reader)
    os.close(writer)


@pytest.mark.faults(140)
def test_a_descriptor_that_cannot_be_watched_again_is_watched_later():
    clock, seen = Clock(), []
    loop, (reader, writer) = Loop(clock), os.pipe()
    failures = Failures(loop)
    poll, refused = loop.poll, [OSError(errno.ENOMEM, "no memory")] * 2

    class Refusing:
        wait, remove, close = poll.wait, poll.remove, poll.close

        def add(self, fd, events):
            if refused:
                raise refused.pop()
            poll.add(fd, events)

    loop.watch(reader, READ, lambda _ready: seen.append(os.read(reader, 1)) if failures.seen else broken())
    os.write(writer, b"x")
    loop.turn(0)
    loop.poll = Refusing()
    for _ in range(4):
        clock.time += 2
        loop.turn(0)

    assert (seen, refused, len(failures.seen)) == ([b"x"], [], 1)
    loop.unwatch(reader)
    loop.close()
    os.close(reader)
    os.close(writer)


def test_an_error_in_a_scope_ends_what_it_stands_for():
    loop, ended = Loop(), []
    failures = Failures(loop)
    one, other = Scope(loop, lambda _error: ended.append("one")), Scope(loop, lambda _error: ended.append("other"))
    one.call_later(0, broken)
    other.call_later(0, lambda: ended.append("runs"))

    loop.turn(limit=5)

    assert ended == ["one", "runs"]
    assert failures.seen == [KeyError]


@pytest.mark.faults(140)
def test_an_error_of_a_nested_call_comes_out_of_the_outermost_one():
    loop, went_on = Loop(), []
    failures = Failures(loop)
    scope = Scope(loop, lambda _error: None)

    def outer():
        scope.call(broken)
        went_on.append(True)

    assert not scope.call(outer)
    assert went_on == []
    assert failures.seen == [KeyError]


@pytest.mark.faults(142)
@pytest.mark.parametrize("delay", [700 * 3600.0, 1e300, float("inf")])
def test_a_timer_far_ahead_overflows_nothing(delay):
    loop, (reader, writer), seen = Loop(), os.pipe(), []
    loop.watch(reader, READ, lambda _ready: seen.append(os.read(reader, 1)))
    loop.call_later(delay, broken)
    os.write(writer, b"x")

    loop.turn()

    assert seen == [b"x"]
    loop.unwatch(reader)
    os.close(reader)
    os.close(writer)


def test_a_scope_is_no_second_loop_and_reports_through_its_loop():
    told = []
    loop = Loop()
    loop.on_error = lambda error, fail: told.append((str(error), fail))
    scope = Scope(loop, failed := lambda _error: None)
    within = Scope(scope, inner := lambda _error: None)

    scope.contain(ValueError("one"))
    within.contain(ValueError("two"))

    assert told == [("one", failed), ("two", inner)]
    assert [name for name in ("run", "turn", "stop", "close") if hasattr(scope, name)] == []
    loop.close()


def test_every_class_of_the_daemon_that_inherits_state_initialises_it():
    """A subclass with an `__init__` of its own that never calls the one it inherits has methods that fail."""
    found, package = [], Path(__file__).parents[3] / "devboot"
    for path in [*package.glob("supervisor/**/*.py"), *package.glob("daemon/**/*.py")]:
        classes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
        with_init = {each.name for each in classes if _init(each) is not None}
        for each in classes:
            init, bases = _init(each), {base.id for base in each.bases if isinstance(base, ast.Name)}
            if init is not None and bases & with_init and "super()" not in ast.unparse(init):
                found.append(f"{path}: {each.name}")

    assert found == []


def _init(node):
    found = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
    return found[0] if found else None
