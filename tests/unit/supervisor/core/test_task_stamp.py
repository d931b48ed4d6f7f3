"""When a task need not run again."""

import sqlite3

from devboot.model.process import Plan, ProcessSpec
from devboot.supervisor.core.task_stamp import PRESENCE, UNCHANGED, is_current, looked_at, write_stamp


def task(tmp_path, *databases):
    return ProcessSpec(
        "migrate", "task", "/", stamp=(str(tmp_path / "stamps/migrate"), "abc"), stamp_databases=databases
    )


def finish(spec):
    write_stamp(*spec.stamp, spec.stamp_databases)


def change_schema(path, statement):
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def test_a_task_that_never_ran_is_not_current(tmp_path):
    assert not is_current(task(tmp_path))


def test_a_finished_task_is_skipped_with_a_reason(tmp_path):
    spec = task(tmp_path)
    finish(spec)

    assert (UNCHANGED,) == tuple(each.skip for each in looked_at(Plan("shop", "/", "/state", (), (spec,))).processes)


def test_other_inputs_make_it_run_again(tmp_path):
    spec = task(tmp_path)
    finish(spec)

    assert not is_current(spec._replace(stamp=(spec.stamp[0], "other")))


def test_another_schema_makes_it_run_again(tmp_path):
    path = str(tmp_path / "db.sqlite3")
    change_schema(path, "create table a (x)")
    spec = task(tmp_path, path)
    finish(spec)
    assert is_current(spec)

    change_schema(path, "create table b (x)")

    assert not is_current(spec)


def test_a_database_that_has_gone_makes_it_run_again(tmp_path):
    path = tmp_path / "db.sqlite3"
    change_schema(str(path), "create table a (x)")
    spec, once = task(tmp_path, str(path)), task(tmp_path, f"{PRESENCE}{path}")
    finish(once)
    assert is_current(once)

    path.unlink()

    assert not is_current(spec)
    assert not is_current(once)


def test_a_task_that_runs_once_per_database_does_not_mind_its_schema(tmp_path):
    path = str(tmp_path / "db.sqlite3")
    change_schema(path, "create table a (x)")
    once = task(tmp_path, f"{PRESENCE}{path}")
    finish(once)

    change_schema(path, "create table b (x)")

    assert is_current(once)


def test_a_task_without_a_stamp_runs_each_time(tmp_path):
    spec = task(tmp_path)._replace(stamp=())

    assert not is_current(spec)
