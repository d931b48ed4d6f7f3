"""The table of `ps`, in a pipe and on a terminal."""

from __future__ import annotations

import time

import pytest

from devboot.model.process import LastExit, ProcessStatus
from devboot.text.process_table import TableStyle, hints, iso_time, process_facts, process_table, title

NOW = time.mktime((2026, 5, 12, 9, 41, 0, 0, 0, -1))
STATUSES = (
    ProcessStatus("redis", "service", "ready", 4713, NOW - 7800, 6379, "127.0.0.1:6379", memory=9_000_000),
    ProcessStatus(
        "web", "process", "ready", 4718, NOW - 720, 8000, "127.0.0.1:8000", "http", 2, 84_000_000,
        LastExit(1, None, NOW - 720), "last exit 1",
    ),
    ProcessStatus("worker", "process", "backoff", restarts=4, last_exit=LastExit(1, None, NOW), note="exit 1, in 8 s"),
    ProcessStatus("mailer", "process", "gave-up", restarts=4, last_exit=LastExit(78, None, NOW), note="exit 78"),
    ProcessStatus("beat", "process", "waiting", note="for worker"),
    ProcessStatus("migrate", "task", "exited", last_exit=LastExit(0, None, NOW)),
    ProcessStatus("gone", "process", "exited", last_exit=LastExit(None, 9, NOW)),
)  # fmt: skip


def test_in_a_pipe_phases_are_words_and_nothing_is_cut():
    assert process_table(STATUSES, NOW, TableStyle(symbols=False)) == [
        "NAME     PHASE              UP  ADDRESS         RESTARTS    MEM  NOTE",
        "redis    ready           2h10m  127.0.0.1:6379         0   9 MB",
        "web      ready             12m  127.0.0.1:8000         2  84 MB  last exit 1",
        "worker   backoff             -  -                      4      -  exit 1, in 8 s",
        "mailer   gave-up             -  -                      4      -  exit 78",
        "beat     waiting             -  -                      0      -  for worker",
        "migrate  done                -  -                      -      -  at 09:41",
        "gone     exited SIGKILL      -  -                      0      -  at 09:41",
    ]


def test_on_a_terminal_a_symbol_stands_before_the_word_and_notes_without_room_have_a_line():
    lines = process_table(STATUSES[:3], NOW, TableStyle(symbols=True, columns=70))

    assert lines == [
        "NAME    PHASE         UP  ADDRESS         RESTARTS    MEM  NOTE",
        "redis   ● ready    2h10m  127.0.0.1:6379         0   9 MB",
        "web     ● ready      12m  127.0.0.1:8000         2  84 MB  last exit 1",
        "worker  ◐ backoff      -  -                      4      -",
        "    exit 1, in 8 s",
    ]


@pytest.mark.parametrize("columns", [44, 80, 200])
def test_neither_the_address_nor_the_reason_is_cut_however_narrow_the_terminal_is(columns):
    why = "HTTP 500 without 'ready to accept connections', which its probe expects"
    unready = ProcessStatus(
        "web", "process", "unready", 1, NOW - 5, 8000, "127.0.0.1:8000", note=why, memory=84_000_000
    )

    lines = process_table([*STATUSES, unready], NOW, TableStyle(symbols=True, columns=columns))

    assert all(len(line) <= columns for line in lines)
    assert " ".join("\n".join(lines).split()).count(why) == 1
    assert "\n".join(lines).count("127.0.0.1:8000") == 2


def test_a_terminal_that_is_too_narrow_for_the_address_has_it_below():
    named = ProcessStatus("a-rather-long-name", "process", "exited", last_exit=LastExit(None, 9, NOW), note="at 09:41")

    assert process_table([STATUSES[1], named], NOW, TableStyle(symbols=True, columns=44)) == [
        "NAME                PHASE             NOTE",
        "web                 ● ready",
        "    127.0.0.1:8000, last exit 1",
        "a-rather-long-name  ○ exited SIGKILL",
        "    at 09:41",
    ]


@pytest.mark.parametrize("unicode", [True, False])
def test_a_database_that_was_created_is_done_and_no_process_that_exited(unicode):
    created = ProcessStatus(
        "shop", "task", "exited", last_exit=LastExit(0, None, NOW), note="database shop in postgres"
    )
    skipped = ProcessStatus("migrate", "task", "exited", note="unchanged")
    failed = ProcessStatus("seed", "task", "exited", last_exit=LastExit(1, None, NOW), note="exit 1")

    lines = process_table([created, skipped, failed], NOW, TableStyle(symbols=True, unicode=unicode, columns=200))

    sign = "✓" if unicode else "ok"
    assert [f"{sign} done" in line for line in lines[1:]] == [True, True, False]
    assert "exited 1" in lines[3]


def test_colours_change_nothing_but_colours():
    plain = process_table(STATUSES, NOW, TableStyle(symbols=True, unicode=False))
    coloured = process_table(STATUSES, NOW, TableStyle(symbols=True, unicode=False, colour=True))

    import re

    assert [re.sub(r"\x1b\[\d*m", "", line) for line in coloured] == plain
    assert coloured[4].count("\x1b[31m") == 1


def test_what_gave_up_has_a_hint():
    assert hints(STATUSES) == ["mailer is not restarted any more: devboot logs mailer"]


def test_the_title_says_since_when():
    assert title("shop", 4711, 7800) == "shop, up for 2 h 10 min (pid 4711)"


def test_the_facts_for_programs_are_those_of_the_table():
    facts = process_facts(STATUSES[1])

    assert facts == {
        "name": "web",
        "kind": "process",
        "phase": "ready",
        "pid": 4718,
        "address": "127.0.0.1:8000",
        "port": 8000,
        "restarts": 2,
        "memory": 84_000_000,
        "started": iso_time(NOW - 720),
        "last_exit": {"code": 1, "signal": None, "at": iso_time(NOW - 720)},
        "note": "last exit 1",
        "next_run": None,
        "log": None,
        "port_taken": False,
    }


NOT_IN_JSON = {"scheme"}  # of an address for people


def test_every_field_of_a_process_is_in_json():
    assert set(ProcessStatus._fields) - NOT_IN_JSON == process_facts(STATUSES[0]).keys()
    without = process_facts(ProcessStatus("web", "task", "waiting"))
    whole = ProcessStatus(
        "worker", "process", "ready", 1, NOW, 7, "127.0.0.1:7", "http", 2, 3, LastExit(1, None, NOW), "note", "/log",
        NOW, True,
    )  # fmt: skip
    assert [] == [key for key, value in process_facts(whole).items() if value == without[key]]
