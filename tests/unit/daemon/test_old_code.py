"""Which processes run code from before an edit: a real child, and files whose times a test sets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from devboot.daemon import leases
from devboot.daemon.leases import ChildLease
from devboot.daemon.old_code import MOST, OldCode, newest, old_code
from devboot.model.process import PROCESS, SERVICE, ProcessSpec
from devboot.supervisor.system import proctable
from tests.fakes.processes import wait_until

EDITED, BEFORE = 3600, -3600  # seconds from now: an edit after the start, and one before


@pytest.fixture
def child(tmp_path):
    """A process that runs, written down as `web`."""
    os.makedirs(leases.run_directory(str(tmp_path / "state")))
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    seen = proctable.look(child.pid)
    text = leases.format_children([ChildLease(child.pid, seen.started, "web")])
    with open(leases.children_path(str(tmp_path / "state")), "w", encoding="utf-8") as file:
        file.write(text)
    (tmp_path / "shop").mkdir()
    yield child
    child.kill()
    child.wait()


def write(tmp_path, name, age):
    path = tmp_path / "shop" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (time.time() + age, time.time() + age))


def found(tmp_path, command="python app.py", kind=PROCESS, limit=60.0, clock=time.monotonic, **more):
    root = str(tmp_path / "shop")
    specs = [
        ProcessSpec("web", kind, more.pop("cwd", root), command, **more),
        ProcessSpec("worker", kind, root, command),
    ]
    return old_code(root, str(tmp_path / "state"), specs, limit=limit, clock=clock)


@pytest.mark.usefixtures("child")
def test_an_edit_after_the_start_is_named_and_an_earlier_one_is_not(tmp_path):
    write(tmp_path, "app.py", BEFORE)
    assert found(tmp_path) == ()
    write(tmp_path, "shop/views.py", EDITED)
    assert found(tmp_path) == (OldCode(("web",), "shop/views.py"),)


@pytest.mark.usefixtures("child")
@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "tests/a.py",
        "test_a.py",
        "a_test.py",
        ".venv/lib/a.py",
        "node_modules/a/a.js",
        "app.js",
        "venv/a.py",
    ],
)
def test_what_a_python_process_does_not_load_is_no_code_of_its_own(tmp_path, name):
    write(tmp_path, name, EDITED)
    assert found(tmp_path) == ()


@pytest.mark.usefixtures("child")
def test_the_script_of_another_process_is_not_its_own(tmp_path):
    write(tmp_path, "worker.py", EDITED)
    root = str(tmp_path / "shop")
    specs = [
        ProcessSpec("web", PROCESS, root, "python web.py"),
        ProcessSpec("worker", PROCESS, root, "python worker.py"),
    ]
    assert old_code(root, str(tmp_path / "state"), specs, limit=60.0) == ()
    write(tmp_path, "shared.py", EDITED)
    assert old_code(root, str(tmp_path / "state"), specs, limit=60.0) == (OldCode(("web",), "shared.py"),)


@pytest.mark.usefixtures("child")
def test_each_process_has_the_code_of_its_language_and_its_folder(tmp_path):
    write(tmp_path, "front/app.ts", EDITED)
    assert found(tmp_path, "node front/app.js") == (OldCode(("web",), "front/app.ts"),)
    assert found(tmp_path, "node front/app.js", cwd=str(tmp_path / "shop" / "other")) == ()


@pytest.mark.usefixtures("child")
@pytest.mark.parametrize("command", ["npm run dev", "node --watch app.js", "exec yarn start"])
def test_development_servers_of_node_reload(tmp_path, command):
    write(tmp_path, "app.js", EDITED)
    assert found(tmp_path, command) == ()


@pytest.mark.usefixtures("child")
@pytest.mark.parametrize(
    "more",
    [
        {"watch": ("**/*.py",)},
        {"kind": SERVICE},
        {"command": "python manage.py runserver"},
        {"command": "uvicorn app:app --reload"},
        {"command": "python -m http.server $PORT"},
    ],
)
def test_what_reloads_by_itself_is_left_alone(tmp_path, more):
    write(tmp_path, "app.py", EDITED)
    assert found(tmp_path, **more) == ()


@pytest.mark.usefixtures("child")
@pytest.mark.parametrize(
    "command",
    [
        "mailpit --smtp 127.0.0.1:1025",
        "sleep 1001",
        "ngrok http 5000",
        "caddy run",
        "php -S 127.0.0.1:$PORT -t public",
        "redis-server --port 6380 --dir /srv/python/data",
        "./bin/run --flask-url http://localhost",
        "tail -f celery.log",
    ],
)
def test_a_program_that_loads_none_of_the_code_is_left_alone(tmp_path, command):
    write(tmp_path, "app.py", EDITED)
    assert found(tmp_path, command) == ()


@pytest.mark.usefixtures("child")
@pytest.mark.parametrize(
    "command",
    [
        "exec .venv/bin/python3.12 -u app.py",
        "celery -A shop worker",
        "gunicorn app:app",
        "./manage.py qcluster",
        "bash -c 'python app.py'",
        "poetry run rq worker",
        "huey_consumer.py app.huey",
        "uwsgi --ini uwsgi.ini",
    ],
)
def test_programs_of_python_are_known_by_their_command(tmp_path, command):
    write(tmp_path, "app.py", EDITED)
    assert found(tmp_path, command) == (OldCode(("web",), "app.py"),)


PYTHON = f"{sys.executable} -c 'import time; print(1, flush=True); time.sleep(1000)' & wait"


def test_a_script_that_has_started_python_is_known_by_what_runs(tmp_path, child):
    child.kill()
    child.wait()
    with subprocess.Popen(["sh", "-c", PYTHON], start_new_session=True, stdout=subprocess.PIPE) as script:
        try:
            script.stdout.readline()
            seen = proctable.look(script.pid)
            text = leases.format_children([ChildLease(script.pid, seen.started, "web")])
            (tmp_path / "state" / "run" / "children").write_text(text)
            write(tmp_path, "app.py", EDITED)
            assert found(tmp_path, "./start.sh") == (OldCode(("web",), "app.py"),)
        finally:
            os.killpg(script.pid, signal.SIGKILL)


RELOADS = "read line; sleep 1000 & echo started; wait"


def test_a_program_that_has_started_another_process_since_has_reloaded(tmp_path, child):
    child.kill()
    child.wait()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(["sh", "-c", RELOADS], start_new_session=True, **pipes) as reloader:
        try:
            seen = proctable.look(reloader.pid)
            text = leases.format_children([ChildLease(reloader.pid, seen.started, "web")])
            (tmp_path / "state" / "run" / "children").write_text(text)
            write(tmp_path, "app.py", 1)
            edited = os.stat(tmp_path / "shop/app.py").st_mtime
            assert found(tmp_path) == (OldCode(("web",), "app.py"),)
            wait_until(lambda: time.time() > edited + 1, "a moment after the edit")
            reloader.stdin.write(b"go\n")
            reloader.stdin.flush()
            reloader.stdout.readline()
            assert found(tmp_path) == ()
        finally:
            os.killpg(reloader.pid, signal.SIGKILL)


def test_nothing_is_read_where_nothing_runs(tmp_path):
    assert old_code(str(tmp_path), str(tmp_path / "state"), iter([None]), limit=1.0) == ()


@pytest.mark.usefixtures("child")
def test_no_process_is_looked_at_where_no_file_was_edited(tmp_path):
    write(tmp_path, "app.py", BEFORE)

    def never():
        raise AssertionError
        yield

    assert old_code(str(tmp_path / "shop"), str(tmp_path / "state"), never(), limit=60.0) == ()


@pytest.mark.usefixtures("child")
def test_a_walk_that_takes_too_long_ends(tmp_path):
    write(tmp_path, "app/views.py", EDITED)
    assert found(tmp_path, limit=-1.0) == ()


@pytest.mark.usefixtures("child")
def test_a_walk_through_one_large_folder_ends_too(tmp_path):
    for number in range(1000):
        (tmp_path / "shop" / f"a{number}.py").touch()
    looks = []

    def clock():
        looks.append(None)
        return float(len(looks))

    found(tmp_path, limit=1.5, clock=clock)
    assert len(looks) == 3


@pytest.mark.usefixtures("child")
def test_what_is_removed_during_the_walk_does_not_hide_the_rest(tmp_path):
    for number in range(20):
        write(tmp_path, f"gone{number}.py", EDITED)
    write(tmp_path, "kept.py", EDITED)

    def clock():  # its second call comes when the folder has been read
        if os.path.exists(tmp_path / "begun"):
            for path in (tmp_path / "shop").glob("gone*.py"):
                path.unlink()
        (tmp_path / "begun").touch()
        return 0.0

    assert found(tmp_path, clock=clock) == (OldCode(("web",), "kept.py"),)


@pytest.mark.usefixtures("child")
def test_of_very_many_files_the_newest_are_kept(tmp_path):
    for number in range(1, 1001):
        write(tmp_path, f"a{number}.py", EDITED + number)
    assert found(tmp_path) == (OldCode(("web",), "a1000.py"),)
    assert len(newest(str(tmp_path / "shop"), 0.0, 60.0, time.monotonic)[".py"]) < 2 * MOST


@pytest.mark.usefixtures("child")
def test_links_lead_nowhere(tmp_path):
    write(tmp_path, "app.py", BEFORE)
    os.symlink(tmp_path / "shop", tmp_path / "shop" / "again")
    os.symlink("/usr/lib/python3", tmp_path / "shop" / "lib")
    assert found(tmp_path) == ()
