"""Signs of life, on a clock that is set by hand."""

from __future__ import annotations

import pytest

from devboot.supervisor.probes.watchdog import Heartbeat
from tests.fakes.clock import Clock


@pytest.fixture
def heart():
    made = Heart()
    made.beat = Heartbeat(made.clock, 10.0, lambda: made.told.append(made.beat.text), first=5.0)
    return made


class Heart:
    def __init__(self):
        self.clock, self.told = Clock(), []


def test_the_first_sign_may_take_longer_and_each_one_gives_the_time_again(heart):
    heart.clock.pass_(14.9)
    heart.beat.beat()
    for _ in range(5):
        heart.clock.pass_(9.9)
        heart.beat.beat()

    assert [] == heart.told


def test_silence_is_told_once(heart):
    heart.clock.pass_(15.0)
    heart.beat.beat()
    heart.clock.pass_(100.0)

    assert ["no sign of life for 10 s"] == heart.told


def test_a_process_may_ask_for_another_time(heart):
    heart.beat.allow(60.0)
    heart.clock.pass_(59.0)
    assert [] == heart.told

    heart.clock.pass_(1.0)
    assert ["no sign of life for 60 s"] == heart.told


def test_a_process_that_says_it_hangs_is_believed_at_once_and_once(heart):
    heart.beat.fail()
    heart.beat.fail()
    heart.clock.pass_(100.0)

    assert ["it reported WATCHDOG=trigger"] == heart.told


def test_nothing_is_told_after_a_stop(heart):
    heart.beat.stop()
    heart.beat.beat()
    heart.beat.fail()
    heart.clock.pass_(100.0)

    assert [] == heart.told
