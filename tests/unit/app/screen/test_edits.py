"""What is told of edits: the words for what a dry run has found out."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from devboot import snapshot
from devboot.app.screen import edits
from devboot.app.screen.edits import Edits, notice_of, repeated_flags
from tests.fakes.processes import wait_until

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
        ({"kept": ["redis"]}, ".env changed: u applies it, no process restarts; redis keeps running as it is"),
        ({"kept": ["redis"], "restarted": ["web"]}, ".env changed: u restarts web; redis keeps running as it is"),
        ({}, ".env changed: u applies it, no process restarts"),
        ({"same": True}, ""),
    ],
)
def test_what_applying_would_do_is_said_in_a_line(changes, notice):
    assert notice == notice_of(".env", json.dumps({"project": "shop", "running": NOTHING | changes}))


def test_a_mistake_is_told_by_its_first_line():
    answer = "error[manifest/syntax]: expected a value\n  --> devboot.toml:1:3\n{}\n"

    assert "error[manifest/syntax]: expected a value" == notice_of("devboot.toml", answer)


@pytest.mark.parametrize("answer", ["", "Traceback", "{}", "null"])
def test_an_answer_that_says_nothing_leaves_the_key(answer):
    assert ".env changed: u applies" == notice_of(".env", answer)


def test_what_runs_no_more_is_not_told_of():
    assert "" == notice_of(".env", json.dumps({"running": None}))


def test_the_flags_of_the_start_are_said_again():
    values = {"formation": ("worker=3", "web=2"), "env-file": ("a.env",), "base-port": "6000", "detach": True}

    assert ["-m", "worker=3", "-m", "web=2", "-e", "a.env", "-p", "6000"] == repeated_flags(values)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Edits of a project whose `app.toml` and names below `app` count; asking writes a line, and finds all the same."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app.toml").touch()
    stamps = (snapshot.listing(f"{tmp_path}/app"), snapshot.stamp(f"{tmp_path}/app.toml"))
    snapshot.write(f"{tmp_path}/{snapshot.NAME}", snapshot.Snapshot(str(tmp_path), (), (), stamps, ()))
    answer = json.dumps({"running": NOTHING | {"same": True}})
    script = f"echo >> {tmp_path}/asked; sleep 0.5; echo '{answer}'"
    monkeypatch.setattr(edits, "command_line", lambda *_: ["sh", "-c", script])
    return Edits(SimpleNamespace(root=str(tmp_path), state=str(tmp_path), values={}, environ={}))


def answered(shop, now):
    """What is said once the question that this moment raises has its answer."""
    shop.look(now)
    wait_until(lambda: shop.look(now) is not None and not shop.is_asking, "the answer")
    return shop.look(now)


def test_a_file_is_told_of_at_once_until_it_turns_out_to_mean_nothing(shop, tmp_path):
    (tmp_path / "app/schedule").touch()
    (tmp_path / "app.toml").write_text("# edited")

    assert shop.look(10.0) == "app.toml changed: u applies"
    assert answered(shop, 10.0) == ""


def test_names_that_come_into_a_folder_are_asked_about_once_and_told_of_only_when_they_mean_something(shop, tmp_path):
    (tmp_path / "app/schedule").touch()
    assert shop.look(10.0) == ""
    assert shop.is_asking
    assert answered(shop, 10.0) == ""
    (tmp_path / "app/schedule-journal").touch()  # another time, the same names that count
    assert answered(shop, 20.0) == ""

    assert (tmp_path / "asked").read_text() == "\n"
