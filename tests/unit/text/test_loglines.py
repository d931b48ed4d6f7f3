"""Prefixes belong to lines, times to blocks, colours to names."""

from __future__ import annotations

import time

import pytest

from devboot.text.columns import cells
from devboot.text.loglines import LineStyle, Prefixer, prefix_width
from devboot.text.paint import colour_of

AT = time.mktime((2026, 5, 12, 9, 41, 7, 0, 0, -1)) + 0.25


def block(data, *, name="web", names=("web", "worker"), continued=False, **style):
    return Prefixer(names, LineStyle(**style)).block(name, data, AT, continued=continued)


def test_every_line_gets_the_prefix_with_names_padded_to_the_longest():
    assert block(b"one\ntwo\n") == "09:41:07 web    │ one\n09:41:07 web    │ two\n".encode()


def test_an_unended_line_stays_unended_and_goes_on_without_a_prefix():
    assert block(b"Password: ", unicode=False) == b"09:41:07 web    | Password: "
    assert block(b"ok\nnext\n", unicode=False, continued=True) == b"ok\n09:41:07 web    | next\n"


def test_empty_lines_keep_their_prefix():
    assert block(b"\n\n", unicode=False) == b"09:41:07 web    | \n09:41:07 web    | \n"


def test_full_timestamps_have_date_and_milliseconds():
    assert block(b"x\n", timestamps="full", unicode=False).startswith(b"2026-05-12T09:41:07.250 web    | x")


def test_without_prefix_the_text_is_all():
    assert block(b"x\n", prefix=False) == b"x\n"


def test_a_colour_that_a_line_leaves_on_does_not_run_on():
    text = block(b"\x1b[31mred\nmore\x1b[0m\n", colour=True)

    assert text.count(b"\x1b[31mred\x1b[0m\n") == 1


def test_text_that_is_nothing_but_escapes_shows_nothing():
    assert block(b"\x1b[2J") == b""


def test_a_name_keeps_its_colour_and_instances_share_it():
    assert colour_of("web") == colour_of("web.2") == colour_of("web")
    assert colour_of("a.b") == colour_of("a.b")


@pytest.mark.parametrize("seed", range(20))
def test_no_two_processes_share_a_colour(seed):
    names = [
        f"{word}-{seed}" for word in ("web", "worker", "beat", "redis", "postgres", "mail", "css", "docs", "api", "ml")
    ]

    prefixes = {
        name: block(b"x\n", name=name, names=names, colour=True).split(name.encode())[0][-12:] for name in names
    }

    assert len(set(prefixes.values())) == len(names)


def test_a_viewer_of_one_process_sees_its_colour_among_all():
    names = [f"worker{number}" for number in range(12)]
    style = LineStyle(colour=True, timestamps="none")

    every = {name: Prefixer(names, style).prefix(name, AT) for name in names}
    single = {name: Prefixer([name], style, names).prefix(name, AT) for name in names}

    assert [text.split()[0] for text in every.values()] == [text.split()[0] for text in single.values()]
    assert len({text.partition(b"m")[0] for text in every.values()}) == 12


@pytest.mark.parametrize("names", [("web",), ("web", "日本")])
def test_the_width_of_the_prefix_is_what_it_takes(names):
    from devboot.text.columns import cells

    text = Prefixer(names, LineStyle()).block("web", b"", AT) or Prefixer(names, LineStyle()).prefix("web", AT)

    assert cells(text.decode()) == prefix_width(names)


def test_lines_wider_than_the_terminal_are_broken_between_words_each_part_with_its_prefix():
    narrow = Prefixer(["web"], LineStyle(columns=50))
    words = b"one two three four five six seven eight nine ten\nshort\n"
    lines = narrow.block("web", words, 0.0).decode().splitlines()

    assert [line.partition(" │ ")[2] for line in lines] == [
        "one two three four five six seven",
        "eight nine ten",
        "short",
    ]
    assert all(cells(line) <= 50 for line in lines)
    assert Prefixer(["web"], LineStyle()).block("web", words, 0.0).count(b"\n") == 2


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b"see http://127.0.0.1:8000/a/very/long/address/that/fits/nowhere now\n", 3),
        (b"    " + b"x" * 60 + b"\n", 1),
        (b"\xc3\xa9" * 20 + b" " + b"\xc3\xa9" * 14 + b"\n", 1),
        (b"\x1b[31mred\x1b[0m " + b"\x1b[32mgreen\x1b[0m " * 4 + b"\n", 1),
        (b"\xff" * 60 + b"\n", 1),
        (b" " * 60 + b"\n", 1),
    ],
)
def test_words_and_what_only_looks_long_stay_whole(text, parts):
    style = LineStyle(columns=50, colour=True)
    shown = Prefixer(["web"], style).block("web", text, 0.0)

    assert shown.count(b"\n") == parts
    if b"http" in text:
        assert b"http://127.0.0.1:8000/a/very/long/address/that/fits/nowhere" in shown


def test_a_line_that_goes_on_is_not_broken_since_nobody_knows_where_it_stands():
    words = b"one two three four five six seven eight nine ten\n" * 2
    shown = Prefixer(["web"], LineStyle(columns=50)).block("web", words, 0.0, continued=True)

    assert shown.startswith(b"one two three four five six seven eight nine ten\n")
    assert shown.count(b"\n") == 3


def test_a_narrow_terminal_breaks_lines_itself():
    words = b"one two three four five six seven eight nine ten\n"
    assert Prefixer(["web"], LineStyle(columns=40)).block("web", words, 0.0).count(b"\n") == 1
