"""What errors look like: whole texts, carets, broken lines."""

import pytest

from devboot.errors import BusyError, IntegrityError, ManifestError, NetworkError, Place, Problems
from devboot.text.columns import cells, wrap
from devboot.text.problems import render_problem

VERSION = ManifestError(
    "manifest/no-such-version",
    "redis has no version 7.9",
    place=Place("devboot.toml", 4, 11, width=5, label="newest 7 is 7.4.2", source='version = "7.9"'),
    help=['use "7.4", or see all with `devboot recipe show redis`'],
)
KEY = ManifestError(
    "manifest/unknown-key",
    "unknown key `prot` in `[services.redis]`",
    place=Place(
        "devboot.toml",
        9,
        1,
        width=4,
        label="not a key of a service",
        source="prot = 6380",
        context=[(8, "[services.redis]")],
    ),
    help=["did you mean `port`?"],
)
TYPE = ManifestError(
    "manifest/type",
    "`depends_on` must be a list of names, found a string",
    place=Place("devboot.toml", 15, 14, width=7, label="found here", source='depends_on = "redis"'),
    help=['write `depends_on = ["redis"]`'],
)


@pytest.mark.faults(45, 44)
def test_all_mistakes_of_a_manifest_come_in_one_run_sorted_by_place_with_their_count_last():
    problems = Problems(
        [TYPE, VERSION, KEY],
        summary="3 problems in devboot.toml; nothing was started, running processes unchanged",
    )
    assert render_problem(problems) == (
        """\
error[manifest/no-such-version]: redis has no version 7.9
  --> devboot.toml:4:11
   |
 4 | version = "7.9"
   |           ^^^^^ newest 7 is 7.4.2
   |
help: use "7.4", or see all with `devboot recipe show redis`

error[manifest/unknown-key]: unknown key `prot` in `[services.redis]`
  --> devboot.toml:9:1
   |
 8 | [services.redis]
 9 | prot = 6380
   | ^^^^ not a key of a service
   |
help: did you mean `port`?

error[manifest/type]: `depends_on` must be a list of names, found a string
  --> devboot.toml:15:14
   |
15 | depends_on = "redis"
   |              ^^^^^^^ found here
   |
help: write `depends_on = ["redis"]`

3 problems in devboot.toml; nothing was started, running processes unchanged
"""
    )


def test_an_error_without_source_names_its_place_and_where_the_address_came_from():
    error = NetworkError(
        "network/unreachable",
        "could not download python 3.12.4",
        place=Place("devboot.lock", 31, label="from https://mirror.example.test (your uv.toml)"),
        causes=["5 tries in 42 s, the last one: name `mirror.example.test` not found"],
        help=["check the connection or VPN, then run `devboot up` again"],
        kept=["redis 7.4.2 (done), python 3.12.4 (67 %, will resume)"],
    )
    assert render_problem(error) == (
        """\
error[network/unreachable]: could not download python 3.12.4
  --> devboot.lock:31, from https://mirror.example.test (your uv.toml)
cause: 5 tries in 42 s, the last one: name `mirror.example.test` not found
help: check the connection or VPN, then run `devboot up` again
kept: redis 7.4.2 (done), python 3.12.4 (67 %, will resume)
"""
    )


def test_details_stand_between_place_and_cause():
    error = IntegrityError(
        "integrity/hash-mismatch",
        "redis 7.4.2 is not the file that was locked",
        details=["expected  sha256:9f2c41d0…e07a", "received  sha256:41bb08aa…19c3"],
        causes=["probably a login page of this network"],
    )
    assert render_problem(error) == (
        """\
error[integrity/hash-mismatch]: redis 7.4.2 is not the file that was locked
  expected  sha256:9f2c41d0…e07a
  received  sha256:41bb08aa…19c3
cause: probably a login page of this network
"""
    )


@pytest.mark.parametrize(
    ("source", "column", "width", "cells_before", "carets"),
    [
        ("\tport = x", 9, 1, 11, "^"),
        ('name = "日本", x', 14, 1, 15, "^"),
        ("\t\tx", 3, 1, 8, "^"),
        ("a\tb", 3, 1, 4, "^"),
        ("日本 = 1", 1, 2, 0, "^^^^"),
        ("", 1, 1, 0, "^"),
        ("e\u0301 = 1", 6, 1, 4, "^"),
    ],
)
def test_the_caret_stands_under_its_token_behind_tabs_and_wide_characters(source, column, width, cells_before, carets):
    error = ManifestError("a/b", "c", place=Place("f", 1, column, width=width, source=source))
    lines = render_problem(error).split("\n")
    assert lines[4] == "   | " + " " * cells_before + carets


def test_a_terminal_breaks_sentences_under_their_label_but_never_inside_a_command():
    error = BusyError(
        "port/in-use",
        "web cannot listen on 127.0.0.1:8000",
        help=["stop it with `devboot -C ~/src/blog down`, or let devboot choose with `devboot up --port web=auto`"],
    )
    assert render_problem(error, width=50) == (
        """\
error[port/in-use]: web cannot listen on
  127.0.0.1:8000
help: stop it with `devboot -C ~/src/blog down`,
      or let devboot choose with
      `devboot up --port web=auto`
"""
    )


@pytest.mark.parametrize(
    "command",
    [
        f"cp /tmp/{'a' * 40}/.env.example /tmp/{'a' * 40}/.env",
        f"./devbootw -C /tmp/{'a' * 40} up -d --port web=auto",
        f"devboot restart {' '.join(f'worker{number}' for number in range(20))}",
        f"sudo apt-get install {' '.join(f'library{number}-dev' for number in range(20))}",
        f"DJANGO_SETTINGS_MODULE=config.settings.{'a' * 40} python manage.py migrate",
        f"psql -d {'a' * 40} -c 'create extension vector'",
        f"curl {'a' * 40} && devboot up -d # and so on",
    ],
)
def test_a_command_is_never_broken_so_that_it_can_be_pasted(command):
    said = render_problem(BusyError("a/b", "c", help=[command, f"first:\n{command}"]), width=40).split("\n")

    assert f"help: {command}" in said
    assert f"      {command}" in said


def test_advice_never_begins_with_an_alternative():
    assert BusyError("a/b", "c", help=["or add a line", "or go on"]).help == ("add a line", "or go on")


def test_a_pipe_gets_every_sentence_in_one_line():
    error = BusyError("a/b", "c", help=["word " * 60])
    assert render_problem(error).count("\n") == 2


def test_brackets_in_messages_are_text_and_not_markup():
    assert render_problem(BusyError("a/b", "[bold]x[/bold] [/]")) == "error[a/b]: [bold]x[/bold] [/]\n"


def test_wrapping_counts_cells():
    lines = wrap("日本語 日本語 日本語", 14)
    assert lines == ["日本語 日本語", "日本語"]
    assert max(cells(line) for line in lines) <= 14
