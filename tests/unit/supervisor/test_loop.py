"""The event loop: descriptors and timers in one thread."""

import os

from devboot.supervisor.loop import READ, Loop


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
