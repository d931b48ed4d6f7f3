"""What a command may do with the person and the streams that it has."""

from __future__ import annotations

import pytest

from devboot.app.context import Context
from devboot.cli.session import Session
from devboot.text.modes import OutputOptions, StreamFacts

TERMINAL, PIPE = StreamFacts(terminal=True), StreamFacts()


@pytest.mark.parametrize(
    ("stdin", "environ", "options", "expected"),
    [
        (TERMINAL, {}, OutputOptions(), True),
        (PIPE, {}, OutputOptions(), False),
        (TERMINAL, {"CI": "true"}, OutputOptions(), False),
        (TERMINAL, {}, OutputOptions(plain=True), False),
        (TERMINAL, {}, OutputOptions(no_input=True), False),
        (TERMINAL, {}, OutputOptions(json=True), False),
    ],
)
def test_questions_are_for_a_person_at_a_terminal_that_is_drawn_on(stdin, environ, options, expected):
    context = Context(
        cwd="/", environ={"TERM": "xterm", **environ}, stdin=stdin, stdout=TERMINAL, stderr=TERMINAL, output=options,
        clock=lambda: 0.0, wall_clock=lambda: 0.0, uid=1, version="0",
    )  # fmt: skip

    assert Session(context).can_ask is expected
