"""What a warm start may be given without a closer look."""

from __future__ import annotations

import os
import sqlite3

import pytest

from devboot.app.fast.data_check import MANAGED_SQLITE, REDIS, SQLITE, VALKEY, is_plausible

DUMP = b"REDIS0012" + b"data" + b"\xff" + b"checksum"


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "db.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.executescript("create table a (b); create table c (d);")
    connection.close()
    return path


def test_a_whole_database_is_sound(database):
    assert is_plausible([(SQLITE, str(database), 0), (MANAGED_SQLITE, str(database), 0)])


@pytest.mark.faults(99)
@pytest.mark.parametrize("content", [b"", b"x" * 4096, None])
def test_an_empty_a_foreign_and_a_truncated_database_are_not(database, content):
    database.write_bytes(database.read_bytes()[:-1] if content is None else content)

    assert not is_plausible([(SQLITE, str(database), 0)])


def test_a_database_with_a_log_beside_it_is_the_business_of_sqlite(database):
    database.write_bytes(database.read_bytes()[:-1])
    (database.parent / "db.sqlite3-wal").touch()

    assert is_plausible([(SQLITE, str(database), 0)])


def test_a_missing_file_is_sound_where_others_make_it(tmp_path):
    assert is_plausible([(SQLITE, str(tmp_path / "new"), 0), (REDIS, str(tmp_path / "data/dump.rdb"), 12)])
    assert not is_plausible([(MANAGED_SQLITE, str(tmp_path / "new"), 0)])
    assert not is_plausible([(SQLITE, str(tmp_path / "gone/new"), 0)])
    assert not is_plausible([(SQLITE, str(tmp_path), 0)])


@pytest.mark.faults(95, 99)
@pytest.mark.parametrize("kind", [SQLITE, REDIS])
def test_a_link_to_nothing_and_a_pipe_are_not(kind, tmp_path):
    (tmp_path / "link").symlink_to("/nowhere/data")
    os.mkfifo(tmp_path / "pipe")

    assert not is_plausible([(kind, str(tmp_path / "link"), 12)])
    assert not is_plausible([(kind, str(tmp_path / "pipe"), 12)])


@pytest.mark.faults(94, 95)
@pytest.mark.parametrize(
    ("kind", "content", "is_sound"),
    [
        (REDIS, DUMP, True),
        (REDIS, DUMP[:-1], False),
        (REDIS, b"", False),
        (REDIS, b"x" * 40, False),
        (REDIS, DUMP.replace(b"0012", b"0013"), False),
        (REDIS, DUMP.replace(b"REDIS0012", b"VALKEY080"), False),
        (VALKEY, DUMP.replace(b"REDIS0012", b"VALKEY080"), False),
        (VALKEY, DUMP, True),
    ],
)
def test_a_dump_has_a_beginning_that_the_server_reads_and_an_end(tmp_path, kind, content, is_sound):
    path = tmp_path / "dump.rdb"
    path.write_bytes(content)

    assert is_sound == is_plausible([(kind, str(path), 12)])


def test_a_database_that_others_have_changed_since_the_last_run_is_not(database):
    changed = database.stat().st_ctime_ns

    assert is_plausible([(SQLITE, str(database), 0)], since=changed)
    assert not is_plausible([(SQLITE, str(database), 0)], since=changed - 1)
    assert not is_plausible([(MANAGED_SQLITE, str(database), 0)], since=changed - 1)
