"""What children write is data: nothing of it moves the cursor."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from devboot.text.escapes import shown


@pytest.mark.faults(76)
@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (b"plain\n", b"plain\n"),
        (b"\x1b[31mred\x1b[0m\n", b"red\n"),
        (b"\x1b[2J\x1b[Hclear\n", b"clear\n"),
        (b"10%\r50%\r100%\n", b"100%\n"),
        (b"end\r\nnext\r\n", b"end\nnext\n"),
        (b"first\n10%\r50%\rdone\r\r\nlast\rlater\r", b"first\ndone\nlater"),
        (b"\x1b]0;title\x07text\n", b"text\n"),
        (b"\x1b]8;;http://example.test\x1b\\link\x1b]8;;\x1b\\\n", b"link\n"),
        (b"bell\x07 back\x08 form\x0c nul\x00\n", b"bell back form nul\n"),
        (b"cut \x1b[3", b"cut "),
        (b"\xff\xfe not text\n", b"\xff\xfe not text\n"),
        (b"[red]markup[/red]\n", b"[red]markup[/red]\n"),
        (b"tab\there\n", b"tab\there\n"),
        ("\u0085 stays one line\n".encode(), "\u0085 stays one line\n".encode()),
        (b"\x1b(B\x1b=odd\n", b"odd\n"),
    ],
)
def test_escapes_are_taken_out(data, plain):
    assert shown(data, colour=False) == plain


def test_colours_stay_where_they_are_wanted_and_nothing_else_does():
    data = b"\x1b[1;31mred\x1b[0m\x1b[2K\x1b[5Aup\x1b[38;5;9mx\n"

    assert shown(data, colour=True) == b"\x1b[1;31mred\x1b[0mup\x1b[38;5;9mx\n"


@pytest.mark.faults(76)
@given(st.binary(max_size=200))
def test_no_control_character_is_left_and_no_line_is_lost(data):
    text = shown(data, colour=False)

    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", text)
    assert text.count(b"\n") == data.count(b"\n")
