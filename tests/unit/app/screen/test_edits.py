"""What is told of edits: the words for what a dry run has found out."""

from __future__ import annotations

import json

import pytest

from devboot.app.screen.edits import adjusting_flags, told

NOTHING = {"started": [], "restarted": [], "stopped": [], "tasks": [], "kept": [], "same": False, "installs": False}


@pytest.mark.parametrize(
    ("changes", "notice"),
    [
        ({"restarted": ["worker"], "started": ["mail"]}, ".env changed: u restarts worker, starts mail"),
        (
            {"installs": True, "tasks": ["migrate"], "restarted": ["web"], "stopped": ["old"]},
            ".env changed: u installs packages, runs migrate, restarts web, stops old",
        ),
        ({"restarted": ["a", "b", "c", "d", "e"]}, ".env changed: u restarts a, b, c and 2 more"),
        ({"kept": ["redis"]}, ".env changed: u applies it, no process restarts; redis goes on as it is"),
        ({"kept": ["redis"], "restarted": ["web"]}, ".env changed: u restarts web; redis goes on as it is"),
        ({}, ".env changed: u applies it, no process restarts"),
        ({"same": True}, ""),
    ],
)
def test_what_applying_would_do_is_said_in_a_line(changes, notice):
    assert notice == told(".env", json.dumps({"project": "shop", "running": NOTHING | changes}))


def test_a_mistake_is_told_by_its_first_line():
    answer = "error[manifest/syntax]: expected a value\n  --> devboot.toml:1:3\n{}\n"

    assert "error[manifest/syntax]: expected a value" == told("devboot.toml", answer)


@pytest.mark.parametrize("answer", ["", "Traceback", "{}", "null"])
def test_an_answer_that_says_nothing_leaves_the_key(answer):
    assert ".env changed: u applies" == told(".env", answer)


def test_what_runs_no_more_is_not_told_of():
    assert "" == told(".env", json.dumps({"running": None}))


def test_the_flags_of_the_start_are_said_again():
    values = {"formation": ("worker=3", "web=2"), "env-file": ("a.env",), "base-port": "6000", "detach": True}

    assert ["-m", "worker=3", "-m", "web=2", "-e", "a.env", "-p", "6000"] == adjusting_flags(values)
