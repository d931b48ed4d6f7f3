"""Order and skipping of once-tasks."""

import os

import pytest

from devboot.app.preparation.project.recorded_reads import RecordedReads
from devboot.environment.tasks import asked_first, automatic, gated_by, match_inputs, needs, stamp_text
from devboot.model.edge.manifest.tables import Process, Task
from devboot.snapshot import are_current


def task(**fields):
    return Task.model_validate({"run": "true", **fields})


def test_tasks_before_processes_run_in_the_order_of_the_file():
    tasks = {"b": task(before=["processes"]), "test": task(), "a": task(before=["processes"])}

    assert ("b", "a") == automatic(tasks, {})


def test_a_dependency_comes_first_whatever_the_file_says():
    tasks = {"demo": task(before=["processes"], depends_on=["migrate"]), "migrate": task(before=["processes"])}

    assert ("migrate", "demo") == automatic(tasks, {})


def test_a_task_that_an_automatic_one_needs_is_automatic():
    tasks = {"demo": task(before=["processes"], depends_on=["migrate"]), "migrate": task()}

    assert ("migrate", "demo") == automatic(tasks, {})


def test_a_task_that_a_process_depends_on_is_automatic():
    tasks = {"assets": task(), "test": task()}
    processes = {"web": Process.model_validate({"depends_on": ["assets"]})}

    assert ("assets",) == automatic(tasks, processes)


def test_what_a_task_needs_is_what_it_depends_on_and_what_comes_before_it():
    tasks = {
        "test": task(depends_on=["redis", "build"]),
        "build": task(depends_on=["fetch"]),
        "fetch": task(),
        "clean": task(before=["test"]),
    }

    assert ("redis", "build", "clean") == needs("test", tasks)
    assert ("fetch", "build", "clean") == asked_first("test", tasks)


def test_before_may_name_a_task():
    tasks = {"demo": task(before=["web"]), "migrate": task(before=["demo"])}

    assert ("migrate", "demo") == automatic(tasks, {})


def test_a_process_waits_for_tasks_before_all_processes_and_before_itself():
    tasks = {"migrate": task(before=["processes"]), "assets": task(before=["web"]), "test": task()}

    assert ("migrate", "assets") == gated_by("web", tasks)
    assert ("migrate",) == gated_by("worker", tasks)


def make(tmp_path, *names):
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return str(tmp_path)


def test_globs_match_files_and_say_which_folders_they_looked_into(tmp_path):
    root = make(tmp_path, "shop/migrations/0001.py", "blog/migrations/0001.py", "shop/models.py", "readme.py")

    found = match_inputs(root, ["*/migrations/*.py"])

    assert ("blog/migrations/0001.py", "shop/migrations/0001.py") == found.files
    assert ("", "blog/migrations", "shop/migrations") == found.folders


def test_a_double_star_goes_down_but_not_into_folders_that_nobody_means(tmp_path):
    root = make(tmp_path, "a/b/c/x.sql", "x.sql", ".venv/x.sql", "node_modules/p/x.sql", "a/__pycache__/x.sql")

    assert ("a/b/c/x.sql", "x.sql") == match_inputs(root, ["**/*.sql"]).files


def test_a_plain_path_is_a_glob_too(tmp_path):
    root = make(tmp_path, "seed.json")

    assert (("seed.json",), (), True) == match_inputs(root, ["seed.json"])


APPEARING = [
    "missing.json",
    "data/more.json",
    "data/x.log",
    "run.tmp",
    ".hidden/x.sql",
    "a/b/x.sql",
    "data/x1.csv",
]


@pytest.mark.faults(162)
@pytest.mark.parametrize("name", APPEARING)
def test_whatever_would_match_is_noted_before_it_is_there_and_nothing_else(tmp_path, name):
    root = make(tmp_path, "seed.json", "data/seed.json")
    globs = ["seed.json", "missing.json", "data/more.json", "data/*.log", "*.tmp", "**/*.sql", "data/x[0-9].csv"]
    with RecordedReads() as watched:
        before = match_inputs(root, globs)

    make(tmp_path, "notes.md", "data/app.pid", "data/db.sqlite3-journal", "data/x.pyc", "__pycache__/x.sql")
    assert are_current(watched.stamps)

    make(tmp_path, name)
    assert not are_current(watched.stamps)
    assert match_inputs(root, globs).files != before.files


def test_the_stamp_changes_with_command_inputs_and_packages(tmp_path):
    root = make(tmp_path, "a.sql")
    inputs = match_inputs(root, ["*.sql"])
    before = stamp_text(task(), root, inputs, packages="1", environment="e")

    assert before == stamp_text(task(), root, inputs, packages="1", environment="e")
    assert before != stamp_text(task(), root, inputs, packages="2", environment="e")
    assert before != stamp_text(task(run="false"), root, inputs, packages="1", environment="e")
    (tmp_path / "a.sql").write_text("changed")
    assert before != stamp_text(task(), root, inputs, packages="1", environment="e")


def test_names_of_files_need_not_be_text(tmp_path):
    name = os.fsdecode(b"caf\xe9.sql")
    (tmp_path / name).write_bytes(b"")
    root = str(tmp_path)

    inputs = match_inputs(root, ["*.sql"])

    assert (name,) == inputs.files
    assert 64 == len(stamp_text(task(), root, inputs, packages="", environment=""))


def test_where_there_are_too_many_folders_nothing_is_said_of_changes(tmp_path, monkeypatch):
    monkeypatch.setattr("devboot.environment.tasks._FOLDERS_LIMIT", 2)
    root = make(tmp_path, "a/x.sql", "b/x.sql", "c/x.sql")

    assert not match_inputs(root, ["**/*.sql"]).is_whole
    assert match_inputs(root, ["a/*.sql"]).is_whole


@pytest.mark.faults(150)
def test_an_input_too_large_to_read_counts_by_its_size_and_times(tmp_path):
    path = tmp_path / "dump"
    path.touch()
    os.truncate(path, 1 << 40)
    inputs = match_inputs(str(tmp_path), ["dump"])

    before = stamp_text(task(), str(tmp_path), inputs, packages="", environment="")
    again = stamp_text(task(), str(tmp_path), inputs, packages="", environment="")
    os.utime(path, ns=(1, 1))
    after = stamp_text(task(), str(tmp_path), inputs, packages="", environment="")

    assert before == again
    assert before != after
