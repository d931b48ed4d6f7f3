"""Times and patterns by which log lines are chosen."""

from __future__ import annotations

from datetime import datetime

import pytest

from devboot.app.logs.filter import Choice, as_json, parse_choice, parse_time, raw_lines
from devboot.errors import UsageError
from devboot.supervisor.output.log_reader import Line

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
        parse_choice({"grep": "("}, NOW)
    assert caught.value.what == "`--grep` can't read `(` as a regular expression"


def test_lines_are_taken_by_time_and_by_what_a_person_reads():
    choice = parse_choice({"since": "10m", "until": "5m", "grep": "^an error"}, NOW)

    assert choice.takes(Line(NOW - 400, "web", b"\x1b[31man error\x1b[0m"))
    assert not choice.takes(Line(NOW - 700, "web", b"an error"))
    assert not choice.takes(Line(NOW - 300, "web", b"an error"))
    assert not choice.takes(Line(NOW - 400, "web", b"no error"))
    assert Choice().takes(Line(0.0, "web", b""))


def test_a_line_as_json_has_no_escapes():
    assert as_json(Line(0.0, "web", b"\x1b[1mhi\xff\x1b[0m")) == b'{"at":null,"name":"web","text":"hi\\ufffd"}\n'


def test_a_raw_block_comes_apart():
    assert raw_lines(b"12.500 web\none\ntwo\n") == ("web", 12.5, [b"one", b"two"], True)
    assert raw_lines(b"12.500 web\n(Pdb) ") == ("web", 12.5, [b"(Pdb) "], False)
