"""Stamps of a folder's names: what a running project creates doesn't change them."""

import pytest

from devboot import snapshot


@pytest.mark.parametrize(
    "name",
    [
        *("db.sqlite3", "db.sqlite3-journal", "db.sqlite3-wal", "app.db", "dump.rdb", "web.log", "web.pid", "web.sock"),
        # Of Celery's beat: one file or three, by the module that Python has for dbm
        *("celerybeat-schedule", "celerybeat-schedule.db", "celerybeat-schedule.bak", "celerybeat-schedule.dat"),
        *("celerybeat-schedule.dir", "celerybeat.pid", "__pycache__", ".coverage"),
    ],
)
def test_files_that_programs_create_do_not_change_the_names_of_a_folder(tmp_path, name):
    before = snapshot.listing(str(tmp_path))
    (tmp_path / name).touch()

    assert snapshot.listing(str(tmp_path)) == before
    assert snapshot.is_current(before)


@pytest.mark.parametrize("name", ["manage.py", "requirements.txt", "Procfile", "compose.yaml", "shop", "data.json"])
def test_files_that_may_say_what_a_project_needs_change_them(tmp_path, name):
    before = snapshot.listing(str(tmp_path))
    (tmp_path / name).touch()

    assert not snapshot.is_current(before)
