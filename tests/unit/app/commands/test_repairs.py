"""Repairs of `doctor --fix`: what they replace is kept, and an interrupted one is completed by the next."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from devboot.app.commands.repairs import repair
from devboot.doctor.fixing import (
    COPY_TEMPLATE,
    IGNORE,
    PROTECT,
    REMOVE_LEFTOVERS,
    REPAIRS,
    RESTORE_DATABASE,
    RESUME_DAEMON,
    UNLOCK,
)
from devboot.environment.databases import examine, look_at
from devboot.errors import BusyError, MachineError
from devboot.provision.objects.store import STAGING
from devboot.supervisor.system import proctable
from tests.fakes.checkpoints import checkpoints
from tests.fakes.processes import freeze

RESTORE = """if True:
    import sys
    from devboot.app.commands.repairs import repair
    repair("restore-database", tuple(sys.argv[1:]), 0.0)
"""


@pytest.fixture
def damaged(tmp_path):
    """The paths of a damaged database and of its copy, and the project's root."""
    path, copy = tmp_path / "db", tmp_path / "copy"
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("create table book (title)")
    path.write_bytes(b"damaged")
    (tmp_path / "db-journal").write_bytes(b"of the damaged one")
    return str(path), str(copy), str(tmp_path)


def tables(path):
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("select name from sqlite_schema")]


def contents(folder):
    return sorted((folder / name).read_bytes() for name in os.listdir(folder) if name.startswith("db."))


def test_a_restored_database_is_the_copy_and_the_damaged_one_is_kept_with_its_journal(damaged, tmp_path):
    kept = repair(RESTORE_DATABASE, damaged, 0.0)

    assert ["book"] == tables(tmp_path / "db")
    with open(kept, "rb") as file:
        assert b"damaged" == file.read()
    assert [b"damaged", b"of the damaged one"] == contents(tmp_path)
    assert not (tmp_path / "db-journal").exists()
    assert ["book"] == tables(tmp_path / "copy")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_a_database_that_a_program_has_open_is_not_replaced(damaged, tmp_path):
    program = [sys.executable, "-c", "import sys; held = open(sys.argv[1]); print(flush=True); sys.stdin.read()"]
    with subprocess.Popen([*program, damaged[0]], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"\n"
        with pytest.raises(BusyError) as caught:
            repair(RESTORE_DATABASE, damaged, 0.0)
        holder.stdin.close()

    assert caught.value.slug == "sqlite/locked"
    assert f"pid {holder.pid}" in caught.value.causes[0]
    assert sorted(os.listdir(tmp_path)) == ["copy", "db", "db-journal"]


def killed_at(point, arguments):
    environ = {**os.environ, "PYTHONPATH": os.getcwd(), "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": f"{point}=kill"}
    assert -9 == subprocess.run([sys.executable, "-c", RESTORE, *arguments], env=environ, check=False).returncode


@pytest.mark.parametrize("point", checkpoints("app/commands/repairs.py"))
def test_a_restoration_that_was_killed_is_completed_by_the_next_under_one_date(point, damaged, tmp_path):
    (tmp_path / "db-wal").write_bytes(b"log of the damaged one")
    killed_at(point, damaged)
    assert b"damaged" == (tmp_path / "db").read_bytes()

    kept = repair(RESTORE_DATABASE, damaged, 100_000.0)

    assert ["book"] == tables(tmp_path / "db")
    name = os.path.basename(kept)
    assert ["copy", "db", name, f"{name}-journal", f"{name}-wal"] == sorted(os.listdir(tmp_path))
    assert [b"damaged", b"log of the damaged one", b"of the damaged one"] == contents(tmp_path)


@pytest.mark.parametrize("point", ["repair/database-linked", "repair/log-aside", "repair/database-aside"])
def test_a_database_without_its_log_is_not_used_before_its_restoration_is_complete(point, damaged, tmp_path):
    shutil.copy(tmp_path / "copy", tmp_path / "db")  # without its journal it looks sound
    killed_at(point, damaged)

    assert "damaged" == examine(damaged[0])[0] == look_at(damaged[0])[0]
    repair(RESTORE_DATABASE, damaged, 0.0)
    assert "whole" == examine(damaged[0])[0]


def test_a_log_that_was_kept_already_is_not_overwritten(damaged, tmp_path):
    killed_at("repair/log-aside", damaged)
    (tmp_path / "db-journal").write_bytes(b"of later")

    repair(RESTORE_DATABASE, damaged, 0.0)

    assert [b"damaged", b"of the damaged one"] == contents(tmp_path)
    assert [b"of later"] == [each.read_bytes() for each in tmp_path.glob("db-journal.*")]


def test_a_folder_in_place_of_the_database_is_kept(damaged, tmp_path):
    (tmp_path / "db").unlink()
    (tmp_path / "db").mkdir()
    (tmp_path / "db/file").write_text("data")

    kept = repair(RESTORE_DATABASE, damaged, 0.0)

    assert ["book"] == tables(tmp_path / "db")
    with open(f"{kept}/file") as file:
        assert "data" == file.read()


def test_a_copy_that_can_not_be_made_leaves_nothing_behind(damaged, tmp_path):
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n{RESTORE}"
    before = sorted(os.listdir(tmp_path))

    failed = subprocess.run([sys.executable, "-c", limited, *damaged], check=False, stderr=-1)

    assert b"MachineError: " in failed.stderr
    assert before == sorted(os.listdir(tmp_path))
    assert b"damaged" == (tmp_path / "db").read_bytes()


def test_a_file_that_somebody_else_has_restored_is_left_alone(damaged, tmp_path):
    (tmp_path / "db.restored").write_text("by hand")

    repair(RESTORE_DATABASE, damaged, 0.0)

    assert "by hand" == (tmp_path / "db.restored").read_text()
    assert ["book"] == tables(tmp_path / "db")


def test_a_database_outside_of_the_project_is_not_replaced(damaged, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "db").symlink_to(tmp_path / "db")

    with pytest.raises(MachineError, match="leads-outside"):
        repair(RESTORE_DATABASE, (str(project / "db"), damaged[1], str(project)), 0.0)

    assert b"damaged" == (tmp_path / "db").read_bytes()


def test_a_template_is_copied_for_its_owner_alone_and_over_nothing(tmp_path):
    (tmp_path / ".env.example").write_text("KEY=1\n")
    arguments = (str(tmp_path / ".env.example"), str(tmp_path / ".env"), str(tmp_path))

    repair(COPY_TEMPLATE, arguments, 0.0)

    assert ("KEY=1\n", 0o600) == ((tmp_path / ".env").read_text(), (tmp_path / ".env").stat().st_mode & 0o777)
    (tmp_path / ".env").write_text("KEY=mine\n")
    with pytest.raises(MachineError, match="in-the-way"):
        repair(COPY_TEMPLATE, arguments, 0.0)
    assert "KEY=mine\n" == (tmp_path / ".env").read_text()


@pytest.mark.parametrize(("use_case", "before", "after"), [(PROTECT, 0o777, 0o755), (UNLOCK, 0o500, 0o700)])
def test_a_mode_is_changed_as_little_as_needed(use_case, before, after, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(before)

    repair(use_case, (str(tmp_path / "data"),), 0.0)

    assert after == (tmp_path / "data").stat().st_mode & 0o777


def test_a_link_in_place_of_a_folder_is_not_followed(tmp_path):
    (tmp_path / "other").mkdir(mode=0o755)
    (tmp_path / "data").symlink_to(tmp_path / "other")

    with pytest.raises(MachineError):
        repair(PROTECT, (str(tmp_path / "data"),), 0.0)


def test_each_repair_that_a_finding_can_name_exists():
    from devboot.app.commands import repairs

    assert REPAIRS == set(repairs.REPAIRS)


# Lines for git, leftovers, a paused daemon


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b"/.env\n"),
        (b"", b"/.env\n"),
        (b"*.log\n", b"*.log\n/.env\n"),
        (b"*.log", b"*.log\n/.env\n"),
        (b"\xff\n", b"\xff\n/.env\n"),
        (b"/.env\n*.log\n", b"/.env\n*.log\n"),
        (b"*.log\r\n*.pyc\r\n", b"*.log\r\n*.pyc\r\n/.env\r\n"),
        (b"*.log\r\n/.env", b"*.log\r\n/.env"),
        (b"a\rb\n", b"a\rb\n/.env\n"),
    ],
)
def test_a_line_is_added_to_gitignore_and_the_others_stay(before, after, tmp_path):
    path = tmp_path / ".gitignore"
    if before is not None:
        path.write_bytes(before)

    for _ in range(2):  # once more changes nothing
        repair(IGNORE, (str(path), "/.env", str(tmp_path)), 0.0)

    assert path.read_bytes() == after


@pytest.mark.parametrize("target", ["outside", "shop/ignored"])
def test_no_line_is_added_through_a_link_which_git_would_not_read(target, tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / target).write_text("x\n")
    (tmp_path / "shop/.gitignore").symlink_to(tmp_path / target)

    with pytest.raises(MachineError) as caught:
        repair(IGNORE, (str(tmp_path / "shop/.gitignore"), "/.env", str(tmp_path / "shop")), 0.0)

    assert caught.value.slug == "machine/in-the-way"
    assert (tmp_path / target).read_text() == "x\n"


def test_leftovers_are_removed_and_objects_stay(tmp_path):
    for name in (f"{STAGING}abcdefgh-toy-1", "abcdefgh-toy-2"):
        (tmp_path / "store" / name).mkdir(parents=True)
        os.utime(tmp_path / "store" / name, (0.0, 0.0))
    (tmp_path / "locks").mkdir()

    repair(REMOVE_LEFTOVERS, (str(tmp_path),), 90_000.0)

    assert ["abcdefgh-toy-2"] == os.listdir(tmp_path / "store")


@pytest.fixture
def paused():
    """A paused process, and what the kernel's table says of it."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        freeze(process.pid)
        yield process.pid, proctable.look(process.pid)
        os.kill(process.pid, signal.SIGCONT)
        process.stdin.close()


def test_a_paused_daemon_continues(paused):
    pid, seen = paused
    assert seen.state in "Tt"

    repair(RESUME_DAEMON, (str(pid), seen.started), 0.0)

    assert proctable.look(pid).state not in "Tt"


def test_another_process_with_the_daemons_pid_is_left_alone(paused):
    pid, _ = paused

    repair(RESUME_DAEMON, (str(pid), "another time"), 0.0)

    assert proctable.look(pid).state in "Tt"
