"""What children write is data: nothing of it moves the cursor."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from devboot.text.escapes import shown

SIGN = "\N{REPLACEMENT CHARACTER}".encode()


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
        ("\u0085 stays one line\n".encode(), "\ufffd stays one line\n".encode()),
        ("\u009b31mcsi \u009d52;c;YQ==\u009c\n".encode(), "\ufffd31mcsi \ufffd52;c;YQ==\ufffd\n".encode()),
        (b"joined \xc2\x1b[m\x9b31m \xc2\x07\x9b \xc2\xc2\x9b\x9b\n", b"joined %b31m %b \xc2%b\x9b\n" % ((SIGN,) * 3)),
        ("half of it \u009b".encode()[:-1], "half of it \ufffd".encode()),
        ("caf\u00e9 \u00a9 \u00a0\n".encode(), "caf\u00e9 \u00a9 \u00a0\n".encode()),
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

    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", text)
    assert text.count(b"\n") == data.count(b"\n")


@pytest.mark.faults(184)
@given(
    st.lists(
        st.sampled_from([b"\xc2", b"\x9b", b"\x9d", b"\x1b", b"[31m", b"[", b"]", b"\x07", b"\n", b"x"]), max_size=12
    )
)
def test_blocks_that_follow_each_other_make_no_control_of_their_halves(blocks):
    for colour in (False, True):
        text = b"".join(shown(block, colour=colour) for block in blocks)
        assert not re.search(rb"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]|\xc2[\x80-\x9f]", text)
        assert b"\x1b" not in re.sub(rb"\x1b\[[0-9;:]*m", b"", text)
