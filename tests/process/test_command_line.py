"""The command line as a process of its own: streams that are closed, broken, or can't encode."""

import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from tests.fakes.folders import state_folder
from tests.fakes.on_path import with_devboot
from tests.fakes.processes import wait_until

ESCAPES = re.compile(rb"\x1b|\r(?!\n)")


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "devboot.toml").write_text('[env]\nGREETING = "hello"\n', encoding="utf-8")
    (tmp_path / "shop" / "Procfile").write_text("web: sleep 1000\n", encoding="utf-8")
    return tmp_path


def environ(place, **changes):
    known = {
        "PATH": with_devboot(os.environ["PATH"]),
        "HOME": str(place / "home"),
        "DEVBOOT_HOME": str(place / "home"),
        "TERM": "xterm",
    }
    return known | {"PYTHONPATH": os.pathsep.join(sys.path)} | changes


def run(place, *argv, shell="", **changes):
    command = [sys.executable, "-m", "devboot", *argv]
    if shell:
        command = ["/bin/sh", "-c", f'"$@" {shell}', "sh", *command]
    return subprocess.run(
        command, cwd=place / "shop", env=environ(place, **changes), capture_output=True, timeout=60, check=False
    )


def run_on_terminal(place, *argv, columns="80", **changes):
    """Run on a terminal of 80 columns; returns the exit code and everything that was written."""
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "devboot", *argv],
        cwd=place / "shop",
        env=environ(place, COLUMNS=columns, LINES="24", **changes),
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    written = b""
    while True:
        try:
            data = os.read(leader, 65536)
        except OSError:
            break
        if not data:
            break
        written += data
    os.close(leader)
    return child.wait(60), written


def run_while_locked(shop, then):
    """Run `devboot sync` on a terminal while the project is locked, and call `then` once it says that it waits.

    `then` is called with the process and the open file that holds the lock. Returns the exit code and the output.
    """
    run(shop, "lock")  # so that the state folder is the project's
    lock = state_folder(shop / "shop", environ(shop)["DEVBOOT_HOME"]) / "run/prepare.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        leader, follower = pty.openpty()
        child = subprocess.Popen(
            [sys.executable, "-m", "devboot", "sync"],
            cwd=shop / "shop",
            env=environ(shop, COLUMNS="80", LINES="24"),
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        os.close(follower)
        written = b""
        while b"waiting" not in written:
            written += os.read(leader, 65536)
        then(child, held)
        try:
            while data := os.read(leader, 65536):
                written += data
        except OSError:
            pass
        os.close(leader)
    return child.wait(60), written


@pytest.mark.faults(109)
@pytest.mark.parametrize("changes", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
@pytest.mark.parametrize("argv", [("doctor",), ("explain", "bug"), ("statu",), ("help",), ("nicht-da-\u00e9",)])
def test_no_character_is_too_much_for_a_stream(shop, argv, changes):
    done = run(shop, *argv, **changes)
    assert b"Traceback" not in done.stderr
    assert b"bug" not in done.stderr.split(b"\n")[0]
    assert done.stdout.isascii()


@pytest.mark.faults(109)
def test_the_ascii_symbols_are_taken_where_the_others_can_not_be_encoded(shop):
    assert run(shop, "doctor", LC_ALL="C").stdout.startswith(b"  ok devboot")
    assert run(shop, "doctor", LC_ALL="C.UTF-8").stdout.startswith("  ✓ devboot".encode())


@pytest.mark.faults(112)
def test_a_closed_stdout_is_no_error_of_ours(shop):
    done = run(shop, "help", shell=">&-")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.faults(112)
def test_a_reader_that_goes_away_ends_us_in_silence_with_141(shop):
    done = run(shop, "help", shell="| true; exit ${PIPESTATUS:-0}")
    assert done.stderr == b""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as broken:
        child = subprocess.run(
            [sys.executable, "-m", "devboot", "help"],
            cwd=shop / "shop",
            env=environ(shop),
            stdout=broken,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (child.returncode, child.stderr) == (141, b"")


@pytest.mark.faults(112)
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_behind_stdout_is_told(shop):
    done = run(shop, "help", shell="> /dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith(b"error[output/not-written]: the output could not be written\ncause: no space left")


@pytest.mark.faults(111)
@pytest.mark.parametrize(
    "changes", [{}, {"CI": "1", "FORCE_COLOR": "1"}, {"TERM": "dumb"}, {"COLUMNS": "0"}, {"COLUMNS": "1"}]
)
def test_off_a_terminal_nothing_is_redrawn(shop, changes):
    done = run(shop, "sync", **changes)
    assert done.returncode == 0, done.stderr
    assert not ESCAPES.search(done.stderr)
    assert b"plain output" in done.stderr


@pytest.mark.faults(111)
@pytest.mark.parametrize("changes", [{"CI": "1", "FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_nobody_looks_at_gets_lines_too(shop, changes):
    code, written = run_on_terminal(shop, "sync", **changes)
    assert code == 0
    assert b"plain output" in written
    assert b"\x1b[?25l" not in written


@pytest.mark.faults(111)
@pytest.mark.parametrize("columns", ["0", "1", "7", "1000"])
@pytest.mark.parametrize("argv", [("sync",), ("doctor",), ("statu",), ("help", "up"), ("explain", "bug"), ("env",)])
def test_no_width_of_a_terminal_is_too_strange(shop, argv, columns):
    code, written = run_on_terminal(shop, *argv, columns=columns)
    assert code == {("statu",): 2, ("env",): 1}.get(argv, 0)  # nothing was synced here
    assert b"Traceback" not in written


def test_on_a_terminal_the_cursor_comes_back(shop):
    code, written = run_while_locked(shop, lambda _child, lock: lock.close())
    assert code == 0
    assert written.rfind(b"\x1b[?25h") > written.rfind(b"\x1b[?25l") > 0


@pytest.mark.faults(108)
def test_without_a_home_explanations_still_come(shop):
    done = run(shop, "explain", "bug", HOME="/nonexistent", DEVBOOT_HOME="")
    assert done.returncode == 0


def tree(place):
    """Everything below a folder, with times and sizes."""
    return {
        path: (os.lstat(path).st_mtime_ns, os.lstat(path).st_size)
        for folder, names, files in os.walk(place)
        for path in [folder, *(os.path.join(folder, name) for name in (*names, *files))]
    }


def test_doctor_changes_nothing_before_and_after_a_sync(shop):
    before = tree(shop)
    assert run(shop, "doctor").returncode == 0
    assert tree(shop) == before
    assert run(shop, "sync").returncode == 0
    before = tree(shop)
    assert run(shop, "doctor", "-v").returncode == 0
    assert tree(shop) == before


def test_doctor_sees_a_project_that_runs_and_one_that_gave_up(shop):
    (shop / "shop" / "Procfile").write_text("good: sleep 1000\nbad: exit 3\n", encoding="utf-8")
    (shop / "shop" / "devboot.toml").write_text("[processes.bad]\nmax_restarts = 1\n", encoding="utf-8")
    try:
        run(shop, "up", "-d")
        done = run(shop, "doctor", "processes", "--json")
    finally:
        run(shop, "down")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [finding["slug"] for finding in report["findings"]] == ["process/crash-loop"]
    assert report["findings"][0]["fix"]["command"] == "devboot logs bad"


@pytest.mark.faults(74)
def test_up_inside_its_own_processes_is_refused(shop):
    (shop / "shop" / "Procfile").write_text(f"again: {sys.executable} -m devboot up\n", encoding="utf-8")
    (shop / "shop" / "devboot.toml").write_text('[processes.again]\nrestart = "never"\n', encoding="utf-8")
    try:
        run(shop, "up", "-d")
        # on a busy machine it may be up before it ends
        wait_until(lambda: b"busy/nested" in run(shop, "logs", "again").stdout)
    finally:
        run(shop, "down")


@pytest.mark.faults(115)
def test_ctrl_c_while_preparing_says_what_is_kept_and_exits_130(shop):
    (shop / "shop" / "devboot.toml").write_text("", encoding="utf-8")
    run(shop, "lock")  # so that the state folder is the project's
    lock = state_folder(shop / "shop", environ(shop)["DEVBOOT_HOME"]) / "run/prepare.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    held = open(lock, "w", encoding="utf-8")  # noqa: SIM115
    with held:
        fcntl.flock(held, fcntl.LOCK_EX)  # another command is at it: ours waits
        child = subprocess.Popen(
            [sys.executable, "-m", "devboot", "sync"], cwd=shop / "shop", env=environ(shop), stderr=subprocess.PIPE
        )
        assert child.stderr is not None
        written = b""
        while b"waiting" not in written:
            written += os.read(child.stderr.fileno(), 4096)
        child.send_signal(signal.SIGINT)
        rest = child.communicate(timeout=60)[1]
    assert child.returncode == 130
    assert rest == b"stopped by you; nothing is half installed\nnext: devboot sync\n"


@pytest.mark.faults(117)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_while_lines_are_redrawn_leaves_the_cursor_visible(shop, number, code):
    ended, written = run_while_locked(shop, lambda child, _lock: child.send_signal(number))
    assert ended == code
    assert written.rfind(b"\x1b[?25h") > written.rfind(b"\x1b[?25l") > 0
    assert b"Traceback" not in written


@pytest.mark.parametrize("argv", [("up",), ("ps",), ("doctor",), ("run", "--", "true"), ("statu",)])
def test_a_directory_that_is_gone_is_told(shop, argv):
    gone = shop / "shop" / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["/bin/sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", sys.executable, "-m", "devboot", *argv],
        cwd=gone,
        env=environ(shop),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert done.stderr.startswith((b"error[usage/no-directory]: the current directory is gone", b"error[usage/unknown"))


def test_init_says_what_to_start_and_what_to_commit(shop):
    (shop / "shop" / "devboot.toml").unlink()

    done = run(shop, "init")

    assert done.stderr.decode().splitlines()[-2:] == [
        "next: devboot up                         start everything",
        "      git add devboot.toml devboot.lock  so that others get the same",
    ]


def test_an_edit_of_the_script_behind_a_process_is_applied_by_the_next_up(shop):
    script = shop / "shop" / "start.sh"
    script.write_text("exec sleep 1000\n", encoding="utf-8")
    (shop / "shop" / "Procfile").write_text("web: sh start.sh\n", encoding="utf-8")
    try:
        assert run(shop, "up", "-d").returncode == 0
        assert b"nothing changed" in run(shop, "up", "-d").stderr
        script.write_text(f"exec {sys.executable} -m http.server $PORT\n", encoding="utf-8")
        done = run(shop, "up", "-d")
        (web,) = json.loads(run(shop, "ps", "--json").stdout)["processes"]
    finally:
        run(shop, "down")
    assert (done.returncode, b"restarting web" in done.stderr) == (0, True)
    assert (web["phase"], web["address"]) == ("ready", f"127.0.0.1:{web['port']}")
