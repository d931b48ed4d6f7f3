"""What killed commands left beside the store: gone by age, and only without a live owner."""

import os
import subprocess
from pathlib import Path

import pytest

from devboot.app.stale_downloads import remove_stale_downloads
from devboot.environment.venv.record import NAME, VenvRecord, render_record
from devboot.locks import FileLock
from devboot.provision.collect import Terms

NOW = 2_000_000_000.0
DAY = 86400.0


def make(path, age, *, content="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (NOW - age, NOW - age))
    return path


def virtualenv(path, age, *, is_adopted=False):
    make(path / NAME, age, content=render_record(VenvRecord(True, str(path), "", "", is_adopted=is_adopted)))
    os.utime(path, (NOW - age, NOW - age))
    return path


def went(cache, roots=(), **more):
    found = remove_stale_downloads(str(cache), map(str, roots), Terms(lambda: NOW, **more))
    return [os.path.basename(piece.name) for piece in found]


@pytest.mark.faults(43)
def test_hundreds_of_parts_of_downloads_go_but_for_those_that_somebody_works_on(tmp_path):
    folder = tmp_path / "downloads"
    parts = [make(folder / f"{number:064x}.part", 2 * DAY) for number in range(300)]
    young = make(folder / f"{999:064x}.part", DAY / 2)
    whole = make(folder / f"{1000:064x}", 29 * DAY)
    with FileLock(str(folder / f"locks/{7:064x}.lock"), "download"):
        assert len(went(tmp_path)) == 299

    assert sorted(path for path in folder.iterdir() if path.is_file()) == sorted([parts[7], young, whole])


def test_a_download_stays_for_a_month_and_its_last_use_counts(tmp_path):
    old, used = (make(tmp_path / f"downloads/{number:064x}", 31 * DAY) for number in (1, 2))
    os.utime(used, (NOW - DAY, NOW - 31 * DAY))

    assert went(tmp_path, is_dry=True) == [old.name]
    assert old.exists()
    assert went(tmp_path, older_than=32 * DAY) == []
    assert went(tmp_path, older_than=0.0) == [old.name]
    assert not old.exists()


@pytest.mark.faults(43)
def test_old_virtualenvs_that_syncs_moved_aside_go_unless_they_are_used(tmp_path):
    name = ".venv.2026-05-01T120000"
    mine = virtualenv(tmp_path / "shop" / name, 31 * DAY)
    virtualenv(tmp_path / "notes" / name, 31 * DAY, is_adopted=True)
    virtualenv(tmp_path / "young" / name, DAY)
    virtualenv(tmp_path / "current/.venv", 31 * DAY)
    (tmp_path / "foreign" / name).mkdir(parents=True)
    roots = [path for path in tmp_path.iterdir() if path.is_dir()]
    command = ["sh", "-c", "echo up; read line"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=mine)
    try:
        assert child.stdout.readline() == b"up\n"
        assert went(tmp_path / "cache", roots) == []
    finally:
        child.communicate()

    assert went(tmp_path / "cache", roots) == [name]
    assert not mine.exists()


@pytest.mark.faults(43)
def test_wrong_bytes_that_were_set_aside_go_after_a_week(tmp_path):
    make(tmp_path / f"downloads/quarantine/{1:064x}", 8 * DAY)
    kept = make(tmp_path / f"downloads/quarantine/{2:064x}", 6 * DAY)

    assert went(tmp_path) == [f"{1:064x}"]
    assert kept.exists()


@pytest.mark.parametrize("place", ["kits/.unpacked", "kits/.packing", "downloads/.apt"])
def test_what_commands_worked_in_goes_after_a_day(place, tmp_path):
    folder = tmp_path / place
    for name, age in (("old", 2 * DAY), ("new", DAY / 2)):
        Path(f"{folder}-{name}").mkdir(parents=True)
        os.utime(f"{folder}-{name}", (NOW - age, NOW - age))

    assert went(tmp_path) == [f"{folder.name}-old"]
    assert [path.name for path in folder.parent.iterdir()] == [f"{folder.name}-new"]
