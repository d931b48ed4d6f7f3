"""Columns stay aligned whatever is in them."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from devboot.text.columns import cells, pad, printable, table, table_within


@pytest.mark.parametrize(("text", "width"), [("web", 3), ("日本", 4), ("e\u0301", 1), ("שלום", 4), ("a\u200bb", 2)])
def test_cells_count_what_a_terminal_draws(text, width):
    assert cells(text) == width


def test_pad_fills_by_cells_on_either_side():
    assert (pad("日", 4), pad("日", 4, right=True), pad("long", 2)) == ("日  ", "  日", "long")


def test_control_characters_are_shown_as_escapes():
    assert printable("a\tb\x1b[2J\n") == r"a\tb\x1b[2J\n"


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), min_size=1, max_size=5))
def test_the_second_column_starts_in_the_same_cell_in_every_row(pairs):
    rows = [(printable(left), f"|{printable(right)}") for left, right in pairs]

    lines = table(rows)

    starts = {cells(line[: len(line) - len(row[1].rstrip())]) for line, row in zip(lines, rows, strict=True)}
    assert len(starts) == 1


def test_lines_have_no_blanks_at_their_end_and_numbers_stand_right():
    assert table([("NAME", "MEM", "NOTE"), ("web", "9 MB", ""), ("worker", "84 MB", "x")], right=frozenset({1})) == [
        "NAME      MEM  NOTE",
        "web      9 MB",
        "worker  84 MB  x",
    ]


def test_a_field_that_is_too_long_does_not_move_those_of_the_other_rows():
    rows = [("service", "redis", "app.py:13"), ("variable", "DATABASE_URL: " + "x" * 60, "app.py:10")]

    assert table_within(rows, 40) == [
        "service   redis  app.py:13",
        f"variable  DATABASE_URL: {'x' * 60}",
        "                 app.py:10",
    ]
    assert table_within(rows, 0) == table_within(rows, 100) == table(rows)
    assert [line.strip() for line in table_within([("a", "too long", "b")], 3)] == ["a  too long", "b"]
    assert table_within([("a", "too long", "")], 3) == ["a  too long"]


def test_in_a_narrow_terminal_the_last_columns_move_below_their_rows():
    rows = [("NAME", "SIZE", "USER"), ("redis-8.2.3", "24 MB", "/home/ann/shop"), ("node", "9 MB", "")]

    assert table(rows, right=frozenset({1}), width=34) == table(rows, right=frozenset({1}))
    assert table(rows, right=frozenset({1}), width=33) == [
        "NAME          SIZE  USER",
        "redis-8.2.3  24 MB",
        "    /home/ann/shop",
        "node          9 MB",
    ]
    assert table(rows[1:], width=12) == ["redis-8.2.3", "    24 MB", "    /home/ann/shop", "node", "    9 MB"]
    assert table([("long name", "")], width=4) == ["long name"]


@pytest.mark.parametrize("width", [44, 80])
def test_a_row_that_is_too_wide_leaves_the_others_on_one_line(width):
    rows = [("", "lock", "devboot.lock", f"{'a' * 40} {'b' * 40}"), ("", "copy", "/home/" + "c" * 90, "before")]
    rows += [("", "start", name, "its command") for name in ("redis", "web", "worker")]

    lines = table(rows, width=width)
    assert lines[-3:] == [f"  start  {name:<12}  its command" for name in ("redis", "web", "worker")]
    assert lines[0] == "  lock   devboot.lock"
    assert [line for line in lines if len(line) > width] == [f"    /home/{'c' * 90}"]
