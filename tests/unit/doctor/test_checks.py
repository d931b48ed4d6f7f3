"""What single checks find, on real files."""

import http.server
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import venv
from contextlib import closing
from pathlib import Path

import pytest

from devboot import snapshot
from devboot.app.preparation.last_failure import failure_on_record
from devboot.daemon import leases
from devboot.doctor.checks import checks_for, databases, lockfile, manifest, observed, ports, processes, python
from devboot.doctor.checks.surroundings import directories, machine, store
from devboot.doctor.findings import Answer
from devboot.doctor.running import run_checks
from devboot.environment.venv.record import NAME, VenvRecord, render_record
from devboot.errors import MachineError, ManifestError, Place, Problems, UsageError, WorkError
from devboot.model.edge.lockfile.lock import Lock, LockedPackage, PythonLock, PythonPackage, lock_to_text
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.model.process import Plan, ProcessSpec, plan_to_plain
from devboot.model.project_files.procfile import parse_procfile
from devboot.provision.objects.store import Store
from devboot.supervisor.explain.observed import lacks
from devboot.supervisor.last_failure import keep_failure
from devboot.supervisor.system import proctable
from tests.fakes.folders import project_of


def slugs(answer):
    return [finding.slug for finding in answer.findings]


def test_the_terminal_is_told_with_its_size(subject):
    assert machine.terminal(subject()).facts == ("terminal 80x24", "utf-8")


def test_a_directory_that_others_may_write_is_a_warning(subject):
    known = subject()
    os.chmod(known.data, 0o777)
    answer = directories.data(known)
    assert slugs(answer) == ["machine/open-directory"]
    assert answer.findings[0].fix.command == f"chmod go-w {known.data}"
    assert answer.facts[0] == "~/data"


def test_mistakes_of_the_manifest_are_findings_with_their_place(subject):
    error = ManifestError("manifest/type", "it is off", place=Place("devboot.toml", 3, 5), help=["write it so"])
    answer = manifest.manifest(subject(manifest=None, manifest_problem=Problems([error])))
    assert slugs(answer) == ["manifest/type"]
    assert answer.findings[0].evidence == ("devboot.toml:3:5", "write it so")
    assert answer.findings[0].fact == "1 problem"


def test_a_folder_without_an_application_is_told_what_to_do(subject):
    nothing = ManifestError(
        "manifest/not-found", "there is nothing", help=["`devboot init --example` writes a small project"]
    )
    (finding,) = manifest.manifest(subject(manifest=None, why_nothing=lambda: nothing)).findings

    assert (finding.slug, finding.severity) == ("manifest/not-found", "warning")
    assert (finding.fix.command, finding.fix.cost) == ("devboot init --example", "writes a small project")


def test_what_failed_at_the_last_start_is_found_if_the_project_still_has_it(subject):
    here = subject()
    plan = Plan("shop", here.project.root, here.project.state, (), (ProcessSpec("migrate", "task", "/", "true"),))
    known = snapshot.Snapshot(here.project.root, plan_to_plain(plan), (), (), ())
    snapshot.write(os.path.join(here.project.state, snapshot.NAME), known)
    assert processes.failed_before(here).findings == ()
    for name in ("migrate", "gone"):
        keep_failure(here.project.state, name, WorkError("process/task-failed", f"{name} failed: no such table"))

    (finding,) = processes.failed_before(here).findings
    assert (finding.slug, finding.severity) == ("process/task-failed", "error")
    assert finding.what == "migrate failed: no such table"
    assert finding.fix.command == "devboot logs migrate"


def test_what_failed_at_the_last_start_is_no_problem_once_the_project_was_changed(subject, tmp_path):
    here, file = subject(), tmp_path / "shop/devboot.toml"
    file.write_text("")
    plan = Plan("shop", here.project.root, here.project.state, (), (ProcessSpec("web", "process", "/", "true"),))
    known = snapshot.Snapshot(here.project.root, plan_to_plain(plan), (), snapshot.stamps([str(file)]), ())
    snapshot.write(os.path.join(here.project.state, snapshot.NAME), known)
    keep_failure(here.project.state, "web", WorkError("port/in-use", "port 8000 is taken"))
    assert ["port/in-use"] == slugs(processes.failed_before(here))

    file.write_text("[processes.web]\nport = 8001\n")

    answer = processes.failed_before(here)
    assert ((), ("web failed at the last start, changed since",)) == (answer.findings, answer.facts)


@pytest.mark.parametrize("slug", ["sqlite/damaged", "port/in-use"])
def test_a_failed_preparation_is_no_problem_if_a_check_of_its_cause_finds_nothing(slug, subject):
    one = subject()
    with pytest.raises(WorkError), failure_on_record(one.project.state, str):
        raise WorkError(slug, "it is so")

    answer = processes.prepared(one)

    assert ((), ("the last preparation failed, changed since",)) == (answer.findings, answer.facts)


def test_a_failed_preparation_is_no_problem_once_the_procfile_was_edited(subject, tmp_path):
    file = tmp_path / "shop/Procfile"
    file.write_text("web: true\n")
    one = subject(procfile=parse_procfile("web: true\n", "Procfile"))
    os.utime(file, (1, 1))
    with pytest.raises(WorkError), failure_on_record(one.project.state, str):
        raise WorkError("python/build-failed", "`ant` could not be built")
    assert ["python/build-failed"] == slugs(processes.prepared(one))

    later = time.time() + 60
    os.utime(file, (later, later))

    assert [] == slugs(processes.prepared(one))


def test_without_a_manifest_there_is_nothing_to_complain_about(subject):
    answer = manifest.manifest(subject(manifest=None))
    assert (answer.idle, answer.findings) == (True, ())


def build(staging):
    os.makedirs(os.path.join(staging, "bin"))
    with open(os.path.join(staging, "bin", "redis-server"), "wb") as file:
        file.write(b"program")


@pytest.fixture
def published(subject):
    from devboot.provision.objects.roots import TemporaryRoots

    known = subject()
    with TemporaryRoots(known.data) as roots:
        found = Store(known.data).realise("0123abcd-redis-8.2.3", build, command="test", roots=roots)
    return known, os.path.join(found.path, "bin", "redis-server")


def test_an_intact_store_is_counted(published):
    assert store.objects(published[0]).facts == ("1 object intact",)


@pytest.mark.faults(43)
def test_leftovers_in_the_store_are_told_with_their_bytes(published):
    for name in ("a", "b"):
        folder = os.path.join(published[0].data, f"store/.staging-{name}")
        os.mkdir(folder)
        with open(os.path.join(folder, "file"), "wb") as file:
            file.write(b"x" * 1000)

    assert store.objects(published[0]).facts == ("1 object intact", "2 leftovers of 2.0 kB for `devboot gc`")


@pytest.mark.faults(37)
def test_one_changed_byte_in_the_store_is_found(published):
    known, program = published
    os.chmod(program, 0o700)
    with open(program, "r+b") as file:
        file.write(b"P")
    os.chmod(program, 0o444)
    answer = store.objects(known)
    assert slugs(answer) == ["store/modified"]
    assert answer.findings[0].what == "redis 8.2.3 is not what was downloaded"
    assert answer.findings[0].fact == "0 objects intact, 1 changed"
    assert re.fullmatch(r"fetches it again, [\d.]+ k?B when unpacked", answer.findings[0].fix.cost)
    assert any("redis-server" in line for line in answer.findings[0].evidence)


@pytest.fixture
def with_venv(subject):
    known = subject()
    folder = python.venv_folder(known)
    venv.create(folder, symlinks=True, with_pip=False)
    return known, folder


def test_a_sound_virtualenv_tells_its_version(with_venv):
    known, _ = with_venv
    assert python.interpreter(known).facts == (".".join(map(str, sys.version_info[:3])), ".venv")


def test_what_a_virtualenv_brings_by_itself_is_not_counted_unless_it_is_locked(with_venv):
    here, folder = with_venv
    (library,) = Path(folder).glob("lib/*/site-packages")
    for name in ("click", "setuptools"):
        (library / f"{name}-1.dist-info").mkdir()
        for file in ("METADATA", "RECORD"):
            (library / f"{name}-1.dist-info" / file).touch()
    record = VenvRecord(True, folder, "", "", wanted="sha256:1", installed={"click": "1", "setuptools": "1"})
    Path(folder, NAME).write_text(render_record(record))
    assert python.packages(here).facts == ("1 package",)

    pins = (PythonPackage(name="setuptools", version="1"), PythonPackage(name="click", version="1"))
    Path(here.project.lock).write_text(lock_to_text(Lock(python=PythonLock(package=pins))))
    assert python.packages(here).facts == ("2 packages",)

    Path(here.project.lock).write_text(lock_to_text(Lock(python=PythonLock(package=pins[:1]))))
    assert python.packages(here).facts == ("1 package and click",)


def test_no_virtualenv_is_no_problem(subject):
    answer = python.interpreter(subject())
    assert (answer.facts, answer.idle) == (("no .venv yet",), True)


def test_a_virtualenv_whose_python_is_gone_is_found(with_venv, tmp_path):
    known, folder = with_venv
    program = os.path.join(folder, "bin", "python")
    os.remove(program)
    os.symlink(tmp_path / "removed" / "python3.12", program)
    answer = python.interpreter(known)
    assert slugs(answer) == ["python/base-gone"]
    assert answer.findings[0].evidence == (f"it was at {tmp_path}/removed/python3.12",)


def test_an_interpreter_that_cannot_be_started_is_found(with_venv):
    known, folder = with_venv
    program = os.path.join(folder, "bin", "python")
    os.remove(program)
    os.mkdir(program)
    answer = python.interpreter(known)
    evidence = (f"`{program}` is not an executable file",)
    assert (slugs(answer), answer.findings[0].evidence) == (["python/broken"], evidence)


@pytest.mark.faults(180)
def test_the_interpreter_of_a_virtualenv_is_never_run(with_venv, tmp_path):
    known, folder = with_venv
    program, mark = os.path.join(folder, "bin", "python"), tmp_path / "mark"
    os.remove(program)
    with open(program, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\ntouch {mark}\n")
    os.chmod(program, 0o755)
    assert slugs(python.interpreter(known)) == []
    assert not mark.exists()


def test_a_folder_in_the_way_of_the_virtualenv_is_found(subject):
    known = subject()
    os.makedirs(os.path.join(python.venv_folder(known), "something"))
    assert slugs(python.interpreter(known)) == ["python/foreign-venv"]


def test_packages_that_changed_since_the_sync_are_found(with_venv):
    known, folder = with_venv
    record = VenvRecord(True, folder, sys.executable, "3.12.0", wanted="sha256:1", installed={"django": "5.1.2"})
    with open(os.path.join(folder, NAME), "w", encoding="utf-8") as file:
        file.write(render_record(record))
    answer = python.packages(known)
    assert (slugs(answer), answer.findings[0].evidence) == (["python/drift"], ("django 5.1.2 is gone",))


def lease_of_this_process(known):
    """The lease of a daemon that is this process."""
    fields = dict.fromkeys(leases.DaemonLease._fields, "1")
    me = proctable.look(os.getpid())
    known_to = {"pid": os.getpid(), "started": me.started, "boot": proctable.boot_id(), "root": known.project.root}
    return leases.DaemonLease(**fields | known_to | {"guardian": 1})


DATABASE = '[databases.default]\npath = "db.sqlite3"\n'


@pytest.fixture
def database(subject):
    known = subject(DATABASE)
    path = os.path.join(known.project.root, "db.sqlite3")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE words (word TEXT)")
        connection.executemany("INSERT INTO words VALUES (?)", [("word" * 100,)] * 2000)
        connection.commit()
    return known, path


def test_a_whole_database_is_told_and_nothing_is_written(database):
    known, path = database
    before = (sorted(os.listdir(known.project.root)), os.stat(path).st_mtime_ns)
    assert databases.integrity(known).facts == ("db.sqlite3, integrity ok",)
    assert (sorted(os.listdir(known.project.root)), os.stat(path).st_mtime_ns) == before


def test_a_database_in_use_with_a_write_ahead_log_is_read_as_it_is(database):
    known, path = database
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("INSERT INTO words VALUES ('new')")
        writer.commit()
        before = (sorted(os.listdir(known.project.root)), os.stat(path + "-shm").st_mtime_ns)
        assert databases.integrity(known).facts == ("db.sqlite3, integrity ok",)
        assert (sorted(os.listdir(known.project.root)), os.stat(path + "-shm").st_mtime_ns) == before


@pytest.mark.faults(180)
def test_a_database_that_came_with_its_write_ahead_log_is_checked_without_a_file_beside_it(database, tmp_path):
    known, path = database
    kept = tmp_path / "kept"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("INSERT INTO words VALUES ('new')")
        writer.commit()
        shutil.copytree(known.project.root, kept)
    shutil.rmtree(known.project.root)
    shutil.copytree(kept, known.project.root)
    os.remove(path + "-shm")
    before = sorted(os.listdir(known.project.root))
    killed = os.path.join(known.cache, "devboot-scratch-killed")
    os.makedirs(os.path.join(killed, "work"))
    for name in ("lock", "work/copy"):
        with open(os.path.join(killed, name), "w", encoding="ascii"):
            pass
    assert databases.integrity(known).facts == ("db.sqlite3, integrity ok",)
    assert (sorted(os.listdir(known.project.root)), os.listdir(known.cache)) == (before, [])


@pytest.mark.faults(99)
def test_a_transaction_that_a_crash_has_left_in_the_journal_is_no_damage(database, tmp_path):
    known, path = database
    kept = tmp_path / "kept"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA cache_size = 5")  # pages reach the file before the transaction ends
        writer.execute("CREATE INDEX by_word ON words (word)")
        writer.execute("DELETE FROM words WHERE rowid % 3 = 0")
        writer.executemany("INSERT INTO words VALUES (?)", [(str(number) * 30,) for number in range(3000)])
        shutil.copytree(known.project.root, kept)
    shutil.rmtree(known.project.root)
    shutil.copytree(kept, known.project.root)
    before = {each.name: each.read_bytes() for each in kept.iterdir()}
    assert databases.complaints(path, "mode=ro&immutable=1") != ()

    assert databases.integrity(known) == Answer(("db.sqlite3, integrity ok",))

    assert {each.name: each.read_bytes() for each in Path(known.project.root).iterdir()} == before


def test_an_empty_file_is_not_told_to_be_intact(database):
    known, path = database
    os.truncate(path, 0)
    assert databases.integrity(known) == Answer(("db.sqlite3 is empty",))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_check_that_is_killed_leaves_a_copy_only_until_the_next_one(database, number):
    known, path = database
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("INSERT INTO words VALUES ('new')")
        writer.commit()
        code = (
            "import os, sys; from devboot.doctor.checks import databases\n"
            f"databases.complaints = lambda *_: os.kill(os.getpid(), {int(number)})\n"
            "databases.check_copy(*sys.argv[1:])"
        )
        ended = subprocess.run([sys.executable, "-c", code, path, known.cache], check=False)
        assert ended.returncode == -number
        assert len(os.listdir(known.cache)) == 1

        databases.check_copy(path, known.cache)

    assert os.listdir(known.cache) == []


@pytest.mark.faults(150, 180)
def test_a_write_ahead_log_that_is_no_file_is_not_read(database):
    known, path = database
    os.mkfifo(path + "-wal")
    (finding,) = databases.integrity(known).findings
    assert (f"it is a named pipe, not a regular file: `{path}-wal`",) == finding.evidence


def test_a_damaged_database_is_found(database):
    known, path = database
    with open(path, "r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 4096)
    assert slugs(databases.integrity(known)) == ["sqlite/damaged"]


def test_a_file_that_is_no_database_is_found(database):
    known, path = database
    with open(path, "wb") as file:
        file.write(b"version https://example.test/spec/v1\n")
    answer = databases.integrity(known)
    assert (slugs(answer), answer.findings[0].evidence) == (["sqlite/damaged"], ("it is not an SQLite file",))


@pytest.mark.faults(99)
@pytest.mark.parametrize("replace", [os.mkdir, os.mkfifo, lambda path: os.symlink("/nowhere", path)])
def test_something_else_in_place_of_a_database_is_found(replace, database):
    known, path = database
    os.unlink(path)
    replace(path)

    assert slugs(databases.integrity(known)) == ["sqlite/damaged"]


@pytest.mark.parametrize("has_copy", [False, True])
def test_the_fix_of_a_damaged_database_stops_a_running_project_first(has_copy, database):
    known, path = database
    if has_copy:
        os.makedirs(known.project.backups)
        shutil.copy(path, os.path.join(known.project.backups, "default-2026-01-01T000000.sqlite3"))
    error = MachineError("sqlite/damaged", "the database `default` is damaged")
    (check,) = [each for each in databases.CHECKS if each.name == "sqlite-start"]
    asked = known._replace(refusals=lambda: (("sqlite", error, "default"),))
    stopped = check.run(asked).findings[0].fix.command
    daemon = Path(leases.daemon_path(known.project.state))
    daemon.parent.mkdir(parents=True)
    daemon.write_text(leases.format_daemon(lease_of_this_process(known)))

    running = check.run(asked).findings[0].fix.command

    assert stopped == ("devboot doctor --fix sqlite" if has_copy else f"mv {path} {path}.damaged")
    assert running == f"devboot down && {stopped}"


SERVICE = '[services.redis]\nversion = "8"\n'


def write_lock(known, *packages):
    with open(known.project.lock, "w", encoding="utf-8") as file:
        file.write(lock_to_text(Lock(package=packages)))


def test_a_lock_that_fits_is_told(subject):
    known = subject()
    write_lock(known)
    assert lockfile.contents(known).facts == ("devboot.lock: 0 products, all with digests",)
    assert lockfile.current(known).findings == ()


def test_a_lock_that_does_not_fit_is_a_warning(subject):
    known = subject(SERVICE)
    write_lock(known)
    answer = lockfile.current(known)
    assert (slugs(answer), answer.findings[0].evidence) == (["lock/stale"], ("`redis 8` is not locked",))


def test_a_product_that_is_not_there_for_this_machine_is_found(subject):
    known = subject(SERVICE)
    write_lock(known, LockedPackage(name="redis", version="8.2.3", requested="8"))
    assert slugs(lockfile.for_this_machine(known)) == ["lock/no-artifact"]


def test_a_lock_with_a_conflict_has_no_contents(subject):
    known = subject(SERVICE)
    with open(known.project.lock, "w", encoding="utf-8") as file:
        file.write("format = 1\n<<<<<<< HEAD\n")
    assert lockfile.contents(known).facts == ("can't be read",)
    assert lockfile.current(known).findings == ()


def test_a_port_that_the_manifest_insists_on_and_somebody_else_has_is_an_error(subject, tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        answer = ports.free(subject(f"[services.redis]\nport = {port}\n"))
        root = str(tmp_path / "shop")
        project = project_of(root, tmp_path, f"{tmp_path}/detected.toml", written=False)
        detected = ports.free(subject(f"[services.redis]\nport = {port}\n")._replace(project=project))
    assert [(finding.slug, finding.severity) for finding in answer.findings] == [("port/in-use", "error")]
    assert ["devboot.toml insists on this port"] == [finding.why for finding in answer.findings]
    assert ["the project's code names this port"] == [finding.why for finding in detected.findings]


def test_ports_of_a_running_project_are_in_use_by_it(subject):
    known = subject("[services.redis]\nport = 6379\n[processes.web]\nport = 8000\n")
    daemon = Path(leases.daemon_path(known.project.state))
    daemon.parent.mkdir(parents=True, exist_ok=True)
    daemon.write_text(leases.format_daemon(lease_of_this_process(known)))

    assert ports.free(known).facts == ("6379 for redis, 8000 for web: in use by this project, which is running",)


def test_a_free_port_is_told(subject):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
    assert ports.free(subject(f"[services.redis]\nport = {port}\n")).facts == (f"{port} for redis: free",)


def test_each_service_is_an_area_between_the_databases_and_the_ports(subject):
    areas = list(dict.fromkeys(check.area for check in checks_for(subject("[services.redis]\n[services.valkey]\n"))))
    assert areas == [
        "devboot",
        "machine",
        "dirs",
        "manifest",
        "git",
        "shell",
        "lockfile",
        "network",
        "store",
        "python",
        "sqlite",
        "redis",
        "valkey",
        "ports",
        "processes",
        "observed",
    ]


@pytest.mark.parametrize(
    ("status", "expected", "ready"),
    [
        ({"kind": "task", "phase": "exited", "last_exit": {"code": 0, "signal": None}}, [], "1 ready"),
        (
            {"kind": "task", "phase": "exited", "last_exit": {"code": 1, "signal": None}, "note": "exit 1"},
            ["process/task-failed"],
            "0 ready",
        ),
        (
            {"kind": "process", "phase": "exited", "last_exit": {"code": 1, "signal": None}},
            ["process/ended"],
            "0 ready",
        ),
        (
            {"kind": "process", "phase": "exited", "last_exit": {"code": 0, "signal": None}},
            ["process/ended"],
            "0 ready",
        ),
        ({"kind": "process", "phase": "starting", "started": "1970-01-01T00:00:30+00:00"}, [], "0 ready"),
        (
            {"kind": "process", "phase": "starting", "started": "1970-01-01T00:00:05+00:00"},
            ["process/not-ready"],
            "0 ready",
        ),
    ],
)
def test_a_task_that_failed_and_a_start_that_does_not_end_are_found(status, expected, ready):
    answer = processes.judged([{"name": "one", **status}], now=70.0)
    assert (slugs(answer), answer.facts) == (expected, (ready,))


@pytest.mark.parametrize(
    "text",
    [
        "[processes.one]\ncommand = 'x'\nrestart = 'never'\n",
        "[processes.one]\ncommand = 'x'\nschedule = '@daily'\n",
        (
            "[processes.one]\ncommand = 'x'\n"
            "[processes.web]\ncommand = 'y'\ndepends_on = [{ name = 'one', until = 'succeeded' }]\n"
        ),
    ],
)
def test_a_process_that_is_meant_to_end_may_have_ended(text):
    ends = processes.meant_to_end(parse_manifest(text, "devboot.toml"))
    ended = {"kind": "process", "phase": "exited", "last_exit": {"code": 0, "signal": None}}

    assert slugs(processes.judged([{"name": "one", **ended}, {"name": "one.2", **ended}], 70.0, ends)) == []
    assert slugs(processes.judged([{"name": "web", **ended}], 70.0, ends)) == ["process/ended"]


CRASHED = {"code": 1, "signal": None, "at": "1970-01-01T00:10:00+00:00"}


@pytest.mark.parametrize("phase", ["backoff", "starting", "running", "ready"])
def test_a_process_that_crashed_a_moment_ago_is_a_problem_while_it_is_started_again(phase, tmp_path):
    log = tmp_path / "worker.log"
    log.write_text(
        'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\nValueError: no queue\nhello\n'
    )
    row = {"name": "worker", "kind": "process", "phase": phase, "restarts": 3, "last_exit": CRASHED, "log": str(log)}
    row["started"] = "1970-01-01T00:10:02+00:00"

    answer = processes.judged([row], now=630.0)

    assert slugs(answer) == ["process/exited"]
    assert answer.facts == ("0 ready",)
    assert answer.findings[0].evidence == ("ValueError: no queue",)


@pytest.mark.parametrize(
    "row",
    [
        {"restarts": 1, "last_exit": CRASHED | {"at": "1970-01-01T00:00:00+00:00"}},  # ten minutes ago
        {"restarts": 0, "last_exit": CRASHED},  # restarted by the user since
        {"restarts": 3, "last_exit": CRASHED | {"code": 0}},  # `restart = "always"`
        {"restarts": 0, "last_exit": None},
    ],
)
def test_a_process_that_has_recovered_is_no_problem(row):
    answer = processes.judged([{"name": "worker", "kind": "process", "phase": "running", **row}], now=630.0)

    assert (slugs(answer), answer.facts) == ([], ("1 ready",))


@pytest.fixture
def pages():
    """A server that answers with the status that its list says."""
    answers = [200]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answers[0], "as told")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("localhost", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, answers
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, []), (404, []), (302, []), (500, ["process/error-page"]), (503, ["process/error-page"])],
)
def test_a_first_page_that_is_an_error_is_complained_of(pages, status, expected, tmp_path):
    port, answers = pages
    answers[0] = status
    log = tmp_path / "web.log"
    log.write_text(
        'Traceback (most recent call last):\n  File "a.py", line 1, in get\nKeyError: \'user\'\n"GET /" 500\n'
    )
    web = {"name": "web", "address": f"localhost:{port}", "port": port, "log": str(log)}
    found = list(processes.of_page(web, is_detected=True))
    assert [each.slug for each in found] == expected
    assert [each.what for each in found] == [f"web answers {status} as told"] * len(expected)
    assert [each.evidence for each in found] == [("KeyError: 'user'",)] * len(expected)


@pytest.mark.parametrize(("is_detected", "expected"), [(True, ["process/no-port"]), (False, [])])
def test_a_web_process_that_listens_nowhere_is_complained_of_where_nobody_said_so(is_detected, expected):
    web = {"name": "web", "address": "", "port": None}
    assert [each.slug for each in processes.of_page(web, is_detected=is_detected)] == expected


def test_what_no_longer_listens_says_nothing_of_pages(free_tcp_port):
    web = {"name": "web", "address": f"localhost:{free_tcp_port}", "port": free_tcp_port}
    assert [] == list(processes.of_page(web, is_detected=True))


def test_a_preparation_that_failed_is_told_until_one_succeeds(subject):
    one = subject()
    with pytest.raises(WorkError), failure_on_record(one.project.state, lambda text: text.replace("hush", "***")):
        raise WorkError("python/build-failed", "`ant` with `hush` could not be built")

    (finding,) = processes.prepared(one).findings
    assert ("python/build-failed", "`ant` with `***` could not be built") == (finding.slug, finding.what)

    with failure_on_record(one.project.state, str):
        pass
    assert () == processes.prepared(one).findings


def test_a_failed_preparation_is_no_longer_told_where_its_cause_was_taken_back(subject, tmp_path):
    one, file = subject(), tmp_path / "requirements.txt"
    file.write_text("ant\n")
    plan = plan_to_plain(Plan("shop", one.project.root, one.project.state, (), ()))
    known = snapshot.Snapshot(one.project.root, plan, (), snapshot.stamps([str(file)]), ())
    snapshot.write(os.path.join(one.project.state, snapshot.NAME), known)
    file.write_text("ant\nno-such-package\n")
    with pytest.raises(WorkError), failure_on_record(one.project.state, str):
        raise WorkError("python/no-such-package", "there is no package `no-such-package`")
    assert ["python/no-such-package"] == slugs(processes.prepared(one))

    snapshot.write(os.path.join(one.project.state, snapshot.NAME), known._replace(stamps=snapshot.stamps([str(file)])))
    assert [] == slugs(processes.prepared(one))


def test_what_was_typed_wrong_is_no_failed_preparation(subject):
    one = subject()
    with pytest.raises(UsageError), failure_on_record(one.project.state, str):
        raise UsageError("usage/argument", "there is no process `wep`")
    assert () == processes.prepared(one).findings


def seen_by(subject, **records):
    """A detected project on whose starts this was recorded."""
    project = subject().project._replace(written=False)
    folder = os.path.join(project.state, "observed")
    os.makedirs(folder)
    for name, lines in records.items():
        with open(os.path.join(folder, name), "w") as file:
            file.writelines("\t".join(line.split("|")) + "\n" for line in lines)
    return subject(project=project)


def test_what_was_asked_for_in_vain_stands_in_the_line_with_the_places_in_the_code(subject):
    found = observed.observed(
        seen_by(
            subject,
            web=["unset|MAIL|none|shop/mail.py:3", "unset|DEBUG|default|shop/a.py:1", "no-file|x.json||shop/a.py:9"],
            worker=["unset|MAIL|none|shop/mail.py:3", "unset|CI|tested|shop/a.py:1", "bind|0.0.0.0:80||shop/a.py:2"],
        )
    )

    assert ("missing files: x.json (shop/a.py:9)",) == found.facts
    assert ("web, worker read MAIL (shop/mail.py:3), which has no value",) == found.details[:1]
    assert "web looked for x.json (shop/a.py:9), which doesn't exist" == found.details[1]
    (finding,) = found.findings
    assert ("observed/no-value", "warning") == (finding.slug, finding.severity)
    assert ("variables without a value: MAIL (shop/mail.py:3)", "echo MAIL=… >> .env") == (
        finding.what,
        finding.fix.command.replace("'", ""),
    )


def test_of_many_the_first_stand_in_the_line(subject):
    found = observed.observed(seen_by(subject, web=[f"unset|V{at}|none|a.py:{at}" for at in range(8)]))

    shown = ", ".join(f"V{at} (a.py:{at})" for at in range(6))
    assert [f"variables without a value: {shown}, 2 more"] == [each.what for each in found.findings]
    given = " ".join(f"V{at}=…" for at in range(6))
    assert [f"printf %sn {given} >> .env"] == [
        each.fix.command.replace("'", "").replace("\\", "") for each in found.findings
    ]
    assert 8 == len(found.details)


def test_a_host_of_a_container_is_complained_of_unless_its_name_leads_here(subject):
    one = seen_by(subject, web=["lookup|cache:6379||shop/cache.py:8", "lookup|api.example.test:443||shop/a.py:1"])
    led = one._replace(manifest=parse_manifest("[python]\nhosts = ['cache']\n", "devboot.toml"))

    assert ["web looks up the host cache (shop/cache.py:8), which doesn't exist"] == [
        finding.what for finding in observed.observed(one).findings
    ]
    assert () == observed.observed(led).findings


@pytest.mark.parametrize("is_there", [False, True])
def test_a_server_of_this_machine_is_complained_of_while_the_project_runs(is_there, subject, tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        if not is_there:
            server.close()
        one = seen_by(subject, web=[f"connect|localhost:{port}||shop/cache.py:8"])
        running = lacks(one.project.state, (), is_running=True)
        down = lacks(one.project.state, (), is_running=False)

    expected = [f"web connects to localhost:{port} (shop/cache.py:8), where nothing listens"]
    assert ([] if is_there else expected, ()) == ([each.sentence for each in running], down)


def test_a_usual_server_counts_also_where_a_thread_of_its_driver_connects(subject):
    one = seen_by(subject, web=["connect|localhost:27017||", "connect|localhost:9||", "bind|0.0.0.0:80||"])

    found = [each.sentence for each in lacks(one.project.state, (), is_running=True)]

    assert [each for each in found if "27017" not in each] == []


def test_nothing_is_said_of_a_project_with_a_manifest_or_without_a_start(subject):
    assert (observed.observed(subject()).idle, observed.observed(seen_by(subject)).idle) == (True, True)


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("gunicorn shop.wsgi", "gunicorn"),
        ("exec PORT=1 bin/serve --all", "bin/serve"),
        ("cd api && flask run", ""),
        ("$SERVER run", ""),
        ("(sleep 1; flask run)", ""),
        ("echo 'never closed", ""),
        ("", ""),
    ],
)
def test_the_program_of_a_command_is_its_first_word_unless_only_a_shell_can_say(command, program):
    assert program == manifest.program_of(command)


@pytest.mark.parametrize(("text", "found"), [("", ["process/no-program"]), ("[python]\n", [])])
def test_before_the_first_start_a_program_is_missed_unless_the_preparation_may_bring_it(text, found, subject):
    lines = "web: python3 -m http.server\nmailer: no-such-mailer --now\n"
    detected = parse_manifest(text, "devboot.toml"), parse_procfile(lines, "Procfile")
    one = subject(manifest=None, environ=dict(os.environ), as_detected=lambda: detected)

    assert found == slugs(manifest.commands(one))


@pytest.mark.parametrize("word", ["mailer", "my mailer", "it's"])
def test_the_command_that_looks_for_a_missing_program_can_be_pasted(word, subject, tmp_path):
    detected = parse_manifest("", "devboot.toml"), parse_procfile(f'web: "{word}" --now\n', "Procfile")
    one = subject(manifest=None, environ={"PATH": str(tmp_path)}, as_detected=lambda: detected)

    (finding,) = manifest.commands(one).findings

    (*_, script) = shlex.split(finding.fix.command)
    assert ["command", "-v", word] == shlex.split(script)


@pytest.mark.parametrize("text", ["", "[services.redis]\n[databases.default]\npath = 'db.sqlite3'\n[env]\nA = 'x'\n"])
def test_no_check_crashes_where_nothing_was_prepared_and_nothing_runs(subject, text):
    empty = subject(text)

    report = run_checks(checks_for(empty), empty, time.monotonic)

    assert [] == [f"{outcome.check.name}: {outcome.crash}" for outcome in report.crashes]


def test_a_stale_lock_of_a_project_without_a_manifest_is_not_to_be_committed(subject):
    known = subject(SERVICE)
    write_lock(known)
    finding = lockfile.current(known).findings[0]
    assert (finding.fact, finding.fix.cost) == ("does not match devboot.toml", "then commit devboot.lock")

    outside = known._replace(project=known.project._replace(written=False))
    write_lock(outside)
    finding = lockfile.current(outside).findings[0]
    assert (finding.what, finding.fix.cost) == (
        "the lock is out of date: it does not match the files of the clone",
        "chooses them now",
    )


@pytest.mark.parametrize(("is_written", "first"), [(True, "`watch = "), (False, "`devboot init` first: `watch = ")])
def test_old_code_of_a_project_without_a_manifest_leads_to_init_first(is_written, first):
    finding = processes.of_old_code("worker.2", "tasks.py", is_written=is_written)
    assert finding.fix.command == "devboot restart worker.2"
    assert finding.fix.cost.startswith(first)
    assert "`[processes.worker]`" in finding.fix.cost
