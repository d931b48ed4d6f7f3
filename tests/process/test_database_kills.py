"""Migrations killed at every checkpoint: the next run ends where an undisturbed one would."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests.fakes.checkpoints import checkpoints

PREPARE = """if True:
    import sys
    from devboot.environment.databases import Database, Surroundings, prepare_database
    root = sys.argv[1]
    database = Database("default", root + "/db", {"journal_mode": "wal"}, root + "/*.sql", root + "/seed")
    prepare_database(database, Surroundings(root, root + "/data", 0.0))
"""


def prepare(root, fail_point=""):
    environ = {**os.environ, "PYTHONPATH": os.getcwd(), "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": fail_point}
    return subprocess.run([sys.executable, "-c", PREPARE, str(root)], env=environ, check=False).returncode


def content(root):
    with closing(sqlite3.connect(f"{root}/db")) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
        return names, connection.execute("PRAGMA integrity_check").fetchone()[0]


def rows(root, table):
    with closing(sqlite3.connect(f"{root}/db")) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


@pytest.mark.faults(29, 100)
@pytest.mark.parametrize("point", checkpoints("environment/databases"))
def test_a_kill_at_any_checkpoint_is_made_good_by_the_next_run(point, tmp_path):
    (tmp_path / "1.sql").write_text("CREATE TABLE a (b); INSERT INTO a VALUES (1);")
    (tmp_path / "seed").write_text("INSERT INTO a VALUES (2);")
    if point == "database/backed-up":  # a backup is taken only of what was there before
        assert prepare(tmp_path) == 0
        (tmp_path / "2.sql").write_text("INSERT INTO a VALUES (3);")

    assert prepare(tmp_path, f"{point}=kill") == -9
    assert prepare(tmp_path) == 0

    assert content(tmp_path) == (["a", "devboot_migrations"], "ok")
    assert rows(tmp_path, "a") == ([(1,), (2,), (3,)] if point == "database/backed-up" else [(1,), (2,)])
    backup = tmp_path / "data/backup"
    assert not backup.exists() or not any(".new" in name for name in os.listdir(backup))


@pytest.mark.faults(100)
def test_a_kill_inside_the_third_migration_leaves_the_second_state(tmp_path):
    for number in (1, 2, 3):
        (tmp_path / f"{number}.sql").write_text(f"CREATE TABLE t{number} (x);")
    (tmp_path / "seed").write_text("INSERT INTO t1 VALUES (1);")
    (tmp_path / "3.sql").rename(tmp_path / "3.later")
    assert prepare(tmp_path) == 0
    (tmp_path / "3.later").rename(tmp_path / "3.sql")

    assert prepare(tmp_path, "database/before-commit=kill") == -9
    assert content(tmp_path) == (["devboot_migrations", "t1", "t2"], "ok")
    (backup,) = os.listdir(tmp_path / "data/backup")
    with closing(sqlite3.connect(tmp_path / "data/backup" / backup)) as connection:
        assert connection.execute("SELECT * FROM t1").fetchall() == [(1,)]
