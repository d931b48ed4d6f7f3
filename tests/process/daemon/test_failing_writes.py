"""Every write of a daemon may fail: nothing of what runs notices, and once there is room again all is as it was."""

from __future__ import annotations

import ast
import os
import signal
from pathlib import Path

import pytest

import devboot
from tests.fakes.checkpoints import checkpoints
from tests.fakes.processes import are_alive, are_gone, is_alive, wait_until

PACKAGE = Path(devboot.__file__).parent
PARTS = ("daemon", "supervisor", "wire", "files.py")  # what a daemon consists of
TICKER = "n=0; while :; do n=$((n+1)); echo line $n; sleep 0.02; done"
WRITES = {"write", "rename", "replace", "makedirs", "mkdir", "ftruncate"}
# Functions that write without a fail-point of their own: (module, function) → why.
OTHER = {
    ("daemon/cgroup.py", "create"): "catches OSError, before anything runs",
    ("daemon/process/fork.py", "_make_group"): "a pipe",
    ("daemon/server/console.py", "_write"): "a terminal",
    ("daemon/process/fork.py", "_close_descriptors"): "/dev/null",
    ("daemon/process/lifecycle.py", "serve"): "before anything runs, and a pipe",
    ("daemon/process/lifecycle.py", "refresh"): "asked for by a signal: the loop contains it",
    ("daemon/ownership.py", "publish"): "the folder; the lease has points in files.py",
    ("daemon/leases.py", "_is_shortened"): "catches what its parts raise",
    ("supervisor/output/log_writer.py", "_open_private"): "its caller has one",
    ("daemon/ownership.py", "write_reclaimed"): "the guardian, when nothing runs any more",
}


def writers(path):
    """Names of the functions in a module that change files, and whether each has a fail-point."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef):
            continue
        calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
        if any(map(is_write, calls)):
            yield node.name, any(is_point(call.func) for call in calls)


def is_point(function):
    """Whether what is called is a fail-point, by whatever way."""
    return getattr(function, "id", getattr(function, "attr", "")) == "fail_point"


def is_write(call):
    """Whether a call writes to a file or changes a folder."""
    function = call.func
    if isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "os":
        flags = {
            each.attr for argument in call.args[1:] for each in ast.walk(argument) if isinstance(each, ast.Attribute)
        }
        return function.attr in WRITES or (function.attr == "open" and bool(flags & {"O_CREAT", "O_WRONLY", "O_RDWR"}))
    modes = [argument.value for argument in call.args[1:2] if isinstance(argument, ast.Constant)]
    return getattr(function, "id", "") == "open" and any(set(str(mode)) & set("wax+") for mode in modes)


@pytest.mark.faults(143)
def test_every_function_of_the_daemon_that_writes_has_a_fail_point():
    modules = [path for part in PARTS[:2] for path in sorted((PACKAGE / part).rglob("*.py"))]
    found = {(str(path.relative_to(PACKAGE)), name): has_point for path in modules for name, has_point in writers(path)}

    assert [where for where, has_point in found.items() if not has_point and where not in OTHER] == []


class Failing:
    """A running project whose daemon fails at a point that can be set while it runs."""

    def __init__(self, project) -> None:
        self.project = project
        self.switch = Path(project.home) / "point"
        project.env |= {"DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": f"@{self.switch}"}
        project.spec("ticker", TICKER).spec("quiet", "exec sleep 1000", pty=False)
        project.spec("fickle").write().devboot("up", "-d")
        self.lease = project.lease()
        self.pids = {name: pid for name, pid in project.pids().items() if name != "fickle"}

    def exercise(self):
        """Have the daemon write whatever it writes in its life."""
        log = os.path.join(self.project.state, "logs", "ticker.log")
        for path in (log, f"{log}.index"):
            Path(path).unlink(missing_ok=True)  # so that it is made anew
        for number in (signal.SIGUSR1, signal.SIGQUIT):
            os.kill(self.lease.pid, number)
        self.project.devboot("restart", "fickle")
        self.project.devboot("up", "-d")

    def check(self):
        """All that ran runs."""
        assert is_alive(self.lease.pid)
        assert are_alive(self.pids.values())
        assert self.project.devboot("ps").stdout.count("running") == 3


@pytest.fixture
def failing(project):
    """Set a point by writing into its `switch`."""
    return Failing(project)


@pytest.mark.slow
@pytest.mark.faults(143)
@pytest.mark.parametrize("action", ["enospc", "eio", "erofs"])
def test_whatever_write_fails_the_daemon_and_all_processes_live(failing, action):
    points = [point for part in PARTS for point in checkpoints(part)]
    assert len(points) > 8

    for point in points:
        failing.switch.write_text(f"{point}={action}")
        failing.exercise()
        failing.check()
    failing.switch.write_text("")
    failing.exercise()
    failing.check()

    log = Path(failing.project.state, "logs", "ticker.log")
    wait_until(lambda: log.exists() and b"\nline " in log.read_bytes(), "the log after all that")
    assert failing.project.lease().pid == failing.lease.pid
    known = failing.project.pids()
    assert {name: known[name] for name in failing.pids} == failing.pids
    failing.project.devboot("down")
    wait_until(failing.project.is_down)
    assert are_gone(failing.pids.values())
