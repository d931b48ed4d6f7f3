"""Children in groups of their own: bounded, gone with their parent, their leftovers found."""

import errno
import os
import signal
import subprocess
import sys
import threading

import pytest

from devboot.errors import MachineError
from devboot.uv.child import Finished, TimedOut, end_running_children, run_child
from devboot.uv.client import Uv
from devboot.uv.leases import FolderLeases, end_leftovers
from tests.fakes.processes import AS_LONG_AS_NEEDED, is_alive, wait_until

ENVIRON = {"PATH": os.environ["PATH"], "PYTHONPATH": os.getcwd()}


def python(code, **options):
    return run_child([sys.executable, "-c", code], environ=ENVIRON, folder="/", **options)


def read(path):
    return path.read_text() if path.exists() else ""


def test_output_is_kept_apart_and_lines_are_heard_as_they_come():
    heard = []

    code = "import sys; print(input()); sys.stderr.write('one\\ntwo'); sys.exit(3)"
    found = python(code, stdin="given\n", on_line=heard.append)

    assert Finished(3, "given\n", ("one", "two")) == found
    assert ["one", "two"] == heard


def test_a_program_that_is_not_there_is_an_os_error():
    with pytest.raises(FileNotFoundError):
        run_child(["/nonexistent/program"], environ=ENVIRON, folder="/")


def test_any_thread_may_run_a_child():
    found = []
    thread = threading.Thread(target=lambda: found.append(python("print(1)").stdout))
    thread.start()
    thread.join(60)

    assert ["1\n"] == found


FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({path!r}, "w").write(f"{{os.getpid()}} {{child.pid}} ")
sys.stderr.write("started\\n"); sys.stderr.flush()
time.sleep({seconds})
"""


def test_a_child_that_takes_too_long_is_ended_with_all_its_children(tmp_path):
    path = tmp_path / "pids"
    for seconds in AS_LONG_AS_NEEDED:
        with pytest.raises(TimedOut) as caught:
            python(FAMILY.format(path=str(path), seconds=600), timeout=seconds)
        if caught.value.lines:
            break

    assert ("started",) == caught.value.lines
    pids = read(path).split()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), "the group is left")


def test_what_outlives_a_finished_child_is_ended(tmp_path):
    path = tmp_path / "pids"
    python(FAMILY.format(path=str(path), seconds=0))

    pids = read(path).split()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), "the grandchild is left")


def test_an_interruption_while_waiting_ends_the_group(tmp_path):
    path = tmp_path / "pids"

    def interrupt(_line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        python(FAMILY.format(path=str(path), seconds=600), on_line=interrupt)

    pids = read(path).split()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), "the group is left")


def test_children_of_other_threads_can_be_ended():
    found, started = [], threading.Event()
    code = "import sys, time; sys.stderr.write('up\\n'); sys.stderr.flush(); time.sleep(600)"
    thread = threading.Thread(target=lambda: found.append(python(code, on_line=lambda _: started.set()).code))
    thread.start()
    assert started.wait(60)

    end_running_children()
    thread.join(60)

    assert [-signal.SIGTERM] == found


PARENT = """
import sys, threading
from devboot.uv.child import run_child
from devboot.uv.client import Uv
from devboot.uv.leases import FolderLeases
def run():
    run_child([sys.executable, "-c", {family!r}], environ={{"PATH": ""}}, folder="/", lease=FolderLeases({leases!r}))
thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


@pytest.mark.faults(29)
def test_a_killed_parent_takes_the_child_along_and_the_next_command_ends_the_rest(tmp_path):
    path, leases = tmp_path / "pids", tmp_path / "run"
    family = FAMILY.format(path=str(path), seconds=600)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(family=family, leases=str(leases))], env=ENVIRON, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: len(read(path).split()) == 2, "the family didn't start")
    child, grandchild = read(path).split()

    parent.kill()
    parent.wait()
    wait_until(lambda: not is_alive(child), "the parent-death signal didn't come")
    assert is_alive(grandchild)

    assert (int(child),) == end_leftovers(str(leases))
    wait_until(lambda: not is_alive(grandchild), "the rest of the group is left")
    assert [] == os.listdir(leases)


def test_a_lease_is_gone_with_its_child(tmp_path):
    seen = []

    def lease(group):
        release = FolderLeases(str(tmp_path / "run"))(group)
        seen.extend(os.listdir(tmp_path / "run"))
        return release

    python("pass", lease=lease)

    assert (1, []) == (len(seen), os.listdir(tmp_path / "run"))


def test_a_number_that_was_given_to_a_stranger_is_left_alone(tmp_path):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        FolderLeases(str(tmp_path))(stranger.pid)
        path = tmp_path / f"child-{stranger.pid}"
        path.write_text(path.read_text().replace("\n", "1\n", 1))

        assert () == end_leftovers(str(tmp_path))
        assert (stranger.poll(), []) == (None, os.listdir(tmp_path))
    finally:
        stranger.kill()
        stranger.wait()


def test_a_folder_that_is_not_there_has_no_leftovers(tmp_path):
    assert () == end_leftovers(str(tmp_path / "none"))


@pytest.mark.faults(103)
def test_a_uv_that_is_not_there_is_named_with_the_command_that_brings_it(tmp_path):
    uv = Uv(str(tmp_path / "uv"), {}, str(tmp_path))

    with pytest.raises(MachineError) as caught:
        uv.run(["--version"], doing="make the virtualenv")

    assert ("python/no-uv", "could not make the virtualenv: devboot's own uv can't be started") == (
        caught.value.slug,
        caught.value.what,
    )
    assert ("pipx reinstall devboot   # or, in devboot's checkout: uv tool install --force .",) == caught.value.help


def test_a_uv_that_takes_too_long_is_ended_and_what_it_said_is_shown(tmp_path):
    slow = tmp_path / "uv"
    slow.write_text("#!/bin/sh\necho Resolving >&2\nexec sleep 600\n")
    slow.chmod(0o755)

    for seconds in AS_LONG_AS_NEEDED:
        with pytest.raises(MachineError) as caught:
            Uv(str(slow), ENVIRON, str(tmp_path), timeout=seconds).run([], doing="install the packages")
        if caught.value.details:
            break

    assert (
        "python/uv-stalled",
        f"could not install the packages: uv was stopped after {seconds:.0f} s",
        ("Resolving",),
    ) == (
        caught.value.slug,
        caught.value.what,
        caught.value.details,
    )


def test_only_progress_is_heard(tmp_path):
    told = tmp_path / "uv"
    lines = "Using Python 3.13 environment\\nResolved 2 packages in 4ms\\nwarning: x\\n + ant==1.0\\n"
    told.write_text(f"#!/bin/sh\nprintf '{lines}' >&2\n")
    told.chmod(0o755)
    heard = []

    Uv(str(told), ENVIRON, str(tmp_path)).listening(heard.append).run([], doing="x")

    assert ["Resolved 2 packages in 4ms", "+ ant==1.0"] == heard


@pytest.mark.faults(143)
def test_a_lease_that_no_disk_takes_ends_the_child_and_says_why(tmp_path):
    seen = []

    def full(group):
        seen.append(group)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "child-1"))

    with pytest.raises(MachineError) as caught:
        python("import time; time.sleep(1000)", lease=full)

    assert caught.value.slug == "machine/disk-full"
    assert not is_alive(seen[0])


@pytest.mark.faults(143)
def test_a_full_disk_is_no_reason_to_install_devboot_again(tmp_path):
    place = tmp_path / "leases"
    place.write_text("a file where the folder belongs")
    uv = Uv("/bin/sleep", ENVIRON, "/", lease=FolderLeases(str(place)))

    with pytest.raises(MachineError) as caught:
        uv.attempt(["1000"], doing="sleep")

    assert caught.value.slug == "machine/in-the-way"
    assert not any("install" in line for line in caught.value.help)
