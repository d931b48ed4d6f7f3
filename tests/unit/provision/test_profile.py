"""The programs of a project, linked below its state folder."""

from __future__ import annotations

import os

import pytest

from devboot.provision.profile import link_programs


def folder(tmp_path, name, *programs):
    place = tmp_path / name / "bin"
    place.mkdir(parents=True)
    for each in programs:
        (place / each).write_text(f"{name}'s {each}")
    return str(place)


def shown(tmp_path):
    """What one sees there: program and what it is."""
    place = tmp_path / "state/profile/bin"
    return {each.name: each.read_text() for each in sorted(place.iterdir())}


@pytest.fixture
def state(tmp_path):
    (tmp_path / "state").mkdir()
    return str(tmp_path / "state")


def test_programs_are_shown_and_those_of_earlier_folders_win(state, tmp_path):
    link_programs(
        state, [folder(tmp_path, "one", "a", "b"), folder(tmp_path, "two", "b", "c"), str(tmp_path / "missing")]
    )

    assert shown(tmp_path) == {"a": "one's a", "b": "one's b", "c": "two's c"}


def test_it_is_replaced_as_a_whole_and_left_alone_where_it_is_right(state, tmp_path):
    one, two = folder(tmp_path, "one", "a", "b"), folder(tmp_path, "two", "b")
    link_programs(state, [one])
    before = os.stat(os.path.join(state, "profile"))
    link_programs(state, [one])
    assert os.stat(os.path.join(state, "profile")) == before

    link_programs(state, [two])
    assert shown(tmp_path) == {"b": "two's b"}
    assert os.listdir(state) == ["profile"]
    link_programs(state, [])
    assert os.listdir(state) == []


@pytest.mark.faults(30)
@pytest.mark.parametrize("there", ["file", "folder", "link"])
def test_whatever_an_interrupted_command_or_a_person_left_there_is_replaced(there, state, tmp_path):
    for path in (tmp_path / "state/profile", tmp_path / "state/profile.new"):
        if there == "file":
            path.write_text("x")
        elif there == "folder":
            (path / "bin/sub").mkdir(parents=True)
        else:
            path.symlink_to("/nonexistent")
    link_programs(state, [folder(tmp_path, "one", "a")])

    assert shown(tmp_path) == {"a": "one's a"}
    assert os.listdir(state) == ["profile"]
