"""Lines that match a pattern are found in whole blocks as they would be one by one."""

from __future__ import annotations

import random
import re
import warnings

import pytest

from devboot.app.logs.line_search import LineSearch, patterns_in_block
from devboot.text.escapes import shown

QUICK = [
    *(
        "error",
        "error|warn",
        "(?i)ERROR",
        "(?i)err|War",
        r"\berror\b",
        "^error",
        "error$",
        "^$",
        "",
        ".*error",
        "a.*?b",
    ),
    *(r"err\s+or", r"\Sx", r"[^:]x", r"[^]:]x", "[]:]x", r"[a-c\d]x", r"\W", r"\D$", "(a|b) x", "(?:a|b)+", r"a\.b"),
    *(
        "a{2}",
        "^a|b$",
        "|",
        "a|",
        "é",
        "(?i)é",
        "[é-ü]",
        "�",
        "^^a",
        r"\ba|^b",
        "a [bc]",
        r"\$x",
        r"[\]:]",
        "(?i)[A-C]x",
    ),
]
LINE_BY_LINE = [
    *(r"error\Z", r"\Aerror", "a(?!b)", "a(?=b)", "(?<=a)b", "(?<!a)b", "a++b", "a*+b", "(?>a+)b", "(?s)a.b", r"a\nb"),
    *(r"[\s:]x", r"[\Wx]", r"(a)\1", r"\Bx", "(?x) a b", "(?P<n>a)b", r"\tb", "\tb", "(?i:a)b", r"[\t-~]x", "(?-i:a)"),
]
PIECES = [
    *(
        "error",
        "Error",
        "warn",
        "war",
        " ",
        "  ",
        "a",
        "b",
        "x",
        ":",
        "]",
        "$x",
        ".",
        "A",
        "é",
        "É",
        "ü",
        "\t",
        "0",
        "\u017f",
    ),
    *("\x1b[31m", "\x1b[0m", "\x1b]0;title\x07", "\x1b]0;open", "\r", "\x1b", "\x07", "\x85", "K", "İ", "s", "\x00"),
]
BYTES = [b"\xff", b"\xc2", b"\xe2\x80", b"\x9b31m", b"\xc2\x9b"]


def one_by_one(pattern, data):
    """The numbers of the lines that match, each looked at by itself."""
    lines = data.removesuffix(b"\n").split(b"\n")
    texts = [shown(line, colour=False).decode("utf-8", "replace") for line in lines]
    return [number for number, text in enumerate(texts) if pattern.search(text)]


def numbers(search, data):
    """The numbers of the lines in the ranges that a search yields."""
    found = []
    for start, end in search(data):
        assert start == 0 or data[start - 1 : start] == b"\n"
        assert end == len(data) or data[end - 1 : end] == b"\n"
        first = data.count(b"\n", 0, start)
        found += range(first, first + data.count(b"\n", start, end) + (data[end - 1 : end] != b"\n"))
    return found


def compiled(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(text)


@pytest.mark.parametrize("text", [*QUICK, *LINE_BY_LINE])
def test_a_block_has_the_same_matching_lines_as_its_lines_one_by_one(text):
    pattern = compiled(text)
    search = LineSearch(pattern)
    chance = random.Random(text)
    for _ in range(150):
        pieces = [each.encode() for each in chance.choices(PIECES, k=chance.randrange(1, 40))]
        if chance.random() < 0.3:
            pieces += chance.choices(BYTES, k=3)
            chance.shuffle(pieces)
        for _ in range(chance.randrange(8)):
            pieces.insert(chance.randrange(len(pieces) + 1), b"\n")
        if chance.random() < 0.5:
            pieces = [piece for piece in pieces if piece.isascii() and b"\x1b" not in piece] or [b"a"]
        data = b"".join(pieces)
        assert numbers(search, data) == one_by_one(pattern, data), data


@pytest.mark.parametrize("text", QUICK)
def test_usual_patterns_are_searched_in_whole_blocks(text):
    parts = patterns_in_block(text)

    assert parts
    assert not any(part.search("\n") and part.search("\n").group() for part in parts)


@pytest.mark.parametrize("text", LINE_BY_LINE)
def test_patterns_that_depend_on_the_ends_of_the_text_are_searched_line_by_line(text):
    assert patterns_in_block(text) == []


def test_alternatives_are_searched_one_after_the_other_and_what_slows_a_search_at_its_beginning_is_left_out():
    assert [part.pattern for part in patterns_in_block(r"^error|\bwarn|.*fatal")] == ["error", "warn", "fatal"]
    assert [part.pattern for part in patterns_in_block("(error|warn)ing")] == ["(error|warn)ing"]


def test_matching_lines_next_to_each_other_are_one_range():
    assert list(LineSearch(re.compile("a"))(b"a\nab\nc\na\n")) == [(0, 5), (7, 9)]
    assert list(LineSearch(re.compile("a"))(b"a\na")) == [(0, 3)]
