"""Both sides say what they are, in a form that every version reads."""

from __future__ import annotations

import pytest

from devboot.wire.greeting import PROTOCOL, Greeting, can_carry_out, greeting, mismatch, parse_greeting


def test_a_greeting_reads_as_it_was_written():
    assert parse_greeting(greeting("0.3.1")) == Greeting(PROTOCOL, "0.3.1")


@pytest.mark.faults(83)
def test_words_that_a_later_version_adds_are_ignored():
    assert parse_greeting(b"devboot 7 2.0.0 and more") == Greeting(7, "2.0.0")


@pytest.mark.faults(66)
@pytest.mark.parametrize("payload", [b"", b"devboot", b"devboot x 1", b"\xff\xfe\x00", b"devbot 1 1", b"devboot -1 1"])
def test_what_is_no_greeting_is_protocol_zero(payload):
    assert parse_greeting(payload) == Greeting(0, "?")


@pytest.mark.faults(83)
@pytest.mark.parametrize("distance", [-1, 1])
def test_across_one_step_a_project_can_be_seen_and_stopped_but_not_changed(distance):
    other = Greeting(PROTOCOL + distance, "9")

    allowed = [name for name in ("ps", "logs", "down", "up", "restart", "stop") if can_carry_out(name, other)]

    assert allowed == ["ps", "logs", "down"]


@pytest.mark.faults(83)
def test_across_two_steps_nothing_is_understood():
    assert not can_carry_out("ps", Greeting(PROTOCOL + 2, "9"))


@pytest.mark.faults(83)
def test_the_advice_depends_on_the_direction():
    assert mismatch("2.0", "1.0", daemon_is_older=True) == (
        "devboot 2.0 can't talk to the daemon of this project, which is devboot 1.0",
        "devboot down, then devboot up -d: the project then runs under the newer one",
    )
    assert mismatch("1.0", "2.0", daemon_is_older=False) == (
        "devboot 1.0 can't talk to the daemon of this project, which is devboot 2.0",
        "uv tool install devboot==2.0, or use the devboot that started the project",
    )
