"""Times and patterns by which log lines are chosen."""

from __future__ import annotations

import warnings
from datetime import datetime

import pytest

from devboot.app.logs.filter import parse_filter, parse_time
from devboot.app.logs.printing import as_json
from devboot.app.logs.query import raw_lines
from devboot.errors import UsageError
from devboot.supervisor.output.log_reader import Filter, Lines

NOW = datetime(2026, 5, 12, 10, 30).astimezone().timestamp()


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("10m", NOW - 600),
        ("1h30m", NOW - 5400),
        ("2d", NOW - 172800),
        ("09:41", datetime(2026, 5, 12, 9, 41).astimezone().timestamp()),
        ("9:41:07", datetime(2026, 5, 12, 9, 41, 7).astimezone().timestamp()),
        ("2026-05-11", datetime(2026, 5, 11).astimezone().timestamp()),
        ("2026-05-11T08:00:00+00:00", 1778486400.0),
    ],
)
def test_times_are_ago_today_or_on_a_date(text, when):
    assert parse_time(text, NOW, "--since") == when


def test_what_is_no_time_or_no_pattern_is_refused_with_examples():
    with pytest.raises(UsageError) as caught:
        parse_time("yesterday", NOW, "--since")
    assert (caught.value.slug, caught.value.what) == ("usage/argument", "`--since` can't read `yesterday` as a time")
    with pytest.raises(UsageError) as caught:
        parse_filter({"grep": "("}, NOW)
    assert caught.value.what == "`--grep` can't read `(` as a regular expression"


@pytest.mark.parametrize("text", ["[[]", "[a||b]x", "[a&&b]", "[a~~b]"])
def test_a_valid_pattern_prints_no_warning(text, recwarn):
    warnings.simplefilter("always")
    parse_filter({"grep": text}, NOW)

    assert [str(each.message) for each in recwarn] == []


@pytest.mark.parametrize("text", ["a{99999999999999999999}", "(" * 5000 + ")" * 5000], ids=["number", "nesting"])
def test_a_pattern_beyond_what_python_compiles_is_refused(text):
    with pytest.raises(UsageError, match="can't read"):
        parse_filter({"grep": text}, NOW)


def test_lines_are_selected_by_time_and_by_what_a_person_reads():
    chosen = parse_filter({"since": "10m", "until": "5m", "grep": "^an error"}, NOW)
    lines = Lines(NOW - 400, "web", b"fine\n\x1b[31man error\x1b[0m\nno error\nan error")

    assert list(chosen.out_of(lines)) == [
        Lines(NOW - 400, "web", b"\x1b[31man error\x1b[0m\n"),
        Lines(NOW - 400, "web", b"an error"),
    ]
    assert list(chosen.out_of(lines._replace(at=NOW - 700))) == []
    assert list(chosen.out_of(lines._replace(at=NOW - 300))) == []
    assert list(Filter().out_of(Lines(0.0, "web", b"\n"))) == [Lines(0.0, "web", b"\n")]


def test_lines_as_json_have_no_escapes():
    found = list(as_json(Lines(0.0, "web", b"\x1b[1mhi\xff\x1b[0m\n\n10%\r20%\n")))

    assert found == [
        b'{"at":null,"name":"web","text":"hi\\ufffd"}\n',
        b'{"at":null,"name":"web","text":""}\n',
        b'{"at":null,"name":"web","text":"20%"}\n',
    ]


def test_a_raw_block_comes_apart():
    assert raw_lines(b"12.500 web\none\ntwo\n") == Lines(12.5, "web", b"one\ntwo\n")
    assert raw_lines(b"12.500 web\n(Pdb) ") == Lines(12.5, "web", b"(Pdb) ")
