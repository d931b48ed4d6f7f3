"""What is said of a project before anything of it is done."""

from __future__ import annotations

import os

import pytest

from devboot import snapshot
from devboot.app.preparation.data import prepare_databases
from devboot.app.preparation.notices import report_notes, warn_of_edits, warn_of_foreign_files
from devboot.app.preparation.project.load import load_project
from devboot.environment.variables.envfiles import EnvFiles
from devboot.environment.variables.layers import GENERATED
from devboot.environment.variables.secrets import ensure_secrets
from devboot.events import DONE, UNCHANGED, WARNING, RecordingReporter
from devboot.model.composed_variable import ComposedVariable
from tests.fakes.folders import home_beside, project_of


@pytest.mark.faults(64)
def test_a_project_in_a_folder_of_everybodys_is_warned_of_by_its_slug(tmp_path):
    tmp_path.chmod(0o1777)
    reporter, uid = RecordingReporter(), tmp_path.stat().st_uid + 1
    warn_of_foreign_files(project_of(tmp_path, tmp_path)._replace(manifest=""), {}, uid, reporter)

    event = reporter.events[-1]
    assert (event.kind, event.slug) == (WARNING, "trust/foreign-owner")
    assert event.text == f"everybody on this machine can write to `{tmp_path}`: its commands run as you"


def test_a_database_that_only_the_application_makes_is_not_said_to_be_there(tmp_path):
    manifest = '[databases.default]\npath = "shop.db"\n'
    manifest += '[databases.own]\npath = "own.db"\npragmas = { journal_mode = "wal" }\n'
    (tmp_path / "devboot.toml").write_text(manifest)

    def told():
        reporter = RecordingReporter()
        prepare_databases(load_project(str(tmp_path), home_beside(tmp_path)), lambda: 0.0, reporter)
        return [event.text for event in reporter.events if event.kind in (DONE, UNCHANGED)]

    assert told() == ["shop.db, created by the application", "own.db created"]
    (tmp_path / "shop.db").touch()
    assert told() == ["shop.db", "own.db"]


def test_addresses_of_mongodb_that_look_for_the_user_in_another_database_are_named(tmp_path):
    manifest = (
        '[services.store]\nrecipe = "mongodb"\n[services.other]\nrecipe = "mongodb"\naccess = "open"\n[env]\n'
        'SHOP = "${services.store.url}/shop"\nTRIES = "${services.store.url}/shop?retryWrites=true"\n'
        'WHOLE = "${services.store.url}"\nGOOD = "${services.store.url}/shop?w=1&authSource=admin"\n'
        'OPEN = "${services.other.url}/shop"\nKEY = { generate = "hex" }\n'
    )
    (tmp_path / "devboot.toml").write_text(manifest)
    reporter = RecordingReporter()
    report_notes(load_project(str(tmp_path), home_beside(tmp_path)), EnvFiles((), (), ()), reporter)

    wanted = "write `${services.store.url}/shop?authSource=admin`"
    assert [event.text for event in reporter.events if event.slug == "service/auth-source"] == [
        f"`SHOP` can't log in to `store`: {wanted}",
        f"`TRIES` can't log in to `store`: {wanted}",
    ]


def test_secrets_that_are_made_anew_are_named(tmp_path):
    names = ("KEY", "NEW", "WRITTEN")
    (tmp_path / "devboot.toml").write_text("[env]\n" + "".join(f'{n} = {{ generate = "hex" }}\n' for n in names))
    loaded = load_project(str(tmp_path), home_beside(tmp_path))
    had = (("KEY", "0a", GENERATED, True), ("WRITTEN", "0b", ".env:1", True))
    before = snapshot.Snapshot(str(tmp_path), (), (), (), (), variables=had)

    def told(*given):
        reporter = RecordingReporter()
        report_notes(loaded, EnvFiles(given, (), ()), reporter)
        return [event.text for event in reporter.events if event.step == "secrets"]

    assert told() == []
    os.makedirs(loaded.project.state, exist_ok=True)
    snapshot.write(os.path.join(loaded.project.state, snapshot.NAME), before)
    assert told() == [f"new values for KEY: {loaded.project.data}/secrets.toml no longer has the old ones"]
    assert told(ComposedVariable("KEY", "mine", ".env", secret=True)) == []
    ensure_secrets(loaded.project.data, {"KEY": "hex"})
    assert told() == []


def test_files_edited_in_the_meantime_are_named_and_folders_are_not(tmp_path):
    (tmp_path / ".env").write_text("A=1\n")
    os.mkfifo(tmp_path / "pipe")
    paths = [str(tmp_path / name) for name in (".env", ".env", "Procfile", "pipe")]
    stamps = (snapshot.listing(str(tmp_path)), *snapshot.stamps(paths))
    (tmp_path / "data").mkdir()
    (tmp_path / ".env").write_text("A=12\n")
    os.utime(tmp_path / "pipe", (1, 1))
    reporter = RecordingReporter()

    warn_of_edits(stamps, str(tmp_path), reporter)

    assert [".env changed during this run; the change takes effect on the next run"] == [
        event.text for event in reporter.events
    ]
