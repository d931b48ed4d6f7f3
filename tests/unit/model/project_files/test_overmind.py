"""`.overmind.env`: which of its settings mean something here, and what is said of the others."""

from __future__ import annotations

import pytest

from devboot.model.project_files.overmind import Formation, formation_of, procfile_of, read_settings, settings_in

NAMES = ("web", "worker", "css")


def test_settings_are_what_begins_with_its_name_and_is_not_empty():
    text = b'OVERMIND_PORT=3000\nexport OVERMIND_PROCFILE="Procfile.local" # ours\nRAILS_ENV=test\nOVERMIND_COLORS=\n'

    assert settings_in(text) == {"OVERMIND_PORT": "3000", "OVERMIND_PROCFILE": "Procfile.local"}


def test_a_file_that_is_absent_or_has_mistakes_sets_nothing(tmp_path):
    assert read_settings(str(tmp_path)) == {}
    assert settings_in(b'OVERMIND_PORT="3000\n') == {}


def test_a_procfile_may_be_named_as_people_write_paths():
    assert procfile_of({"OVERMIND_PROCFILE": "./Procfile.local"}) == ("Procfile.local",)
    assert procfile_of({"OVERMIND_PORT": "3000"}) == ()


@pytest.mark.parametrize(
    ("settings", "formation"),
    [
        ({}, Formation({})),
        ({"OVERMIND_FORMATION": "worker=2"}, Formation({"worker": 2})),
        ({"OVERMIND_FORMATION": "worker=2, all=1"}, Formation({"web": 1, "worker": 2, "css": 1})),
        (
            {"OVERMIND_FORMATION": "worker=2", "OVERMIND_IGNORED_PROCESSES": "worker,absent"},
            Formation({"worker": 0}, ("`.overmind.env` leaves out worker: `devboot scale worker=1` starts it",)),
        ),
        (
            {"OVERMIND_FORMATION": "wrker=2,web=x"},
            Formation(
                {},
                (
                    "`.overmind.env`: `wrker=2` in OVERMIND_FORMATION is not NAME=COUNT of a process, and ignored",
                    "`.overmind.env`: `web=x` in OVERMIND_FORMATION is not NAME=COUNT of a process, and ignored",
                ),
            ),
        ),
        (
            {"OVERMIND_TIMEOUT": "10", "OVERMIND_CAN_DIE": "css"},
            Formation({}, ("`.overmind.env`: OVERMIND_TIMEOUT is ignored, use `stop_timeout` instead",)),
        ),
    ],
)
def test_how_often_processes_run(settings, formation):
    assert formation_of(settings, NAMES) == formation
