"""A project whose snapshot is written by hand, driven through the real command line, in pipes and in terminals."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

from devboot import snapshot
from devboot.daemon import leases
from devboot.model.process import PROCESS, SERVICE, TASK, Dependency, Plan, Probe, ProcessSpec, plan_to_plain
from tests.fakes.folders import data_folder, state_folder
from tests.fakes.on_path import with_devboot
from tests.fakes.processes import is_alive, wait_until
from tests.fakes.terminal import Terminal

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
DEADLINE = 60.0
SLEEP = "exec sleep 1000"
# A process that a signal doesn't end; it counts as up once it ignores it
DEAF = "trap '' TERM; echo ignored; while :; do sleep 0.05; done"
ANNOUNCED = {"ready": Probe("log", expect="ignored"), "gates": True}


class Project:
    """Processes by hand in a folder, and devboot to run them."""

    def __init__(self, root, home):
        self.root = root
        self.state, self.data = str(state_folder(root, home)), str(data_folder(root, home))
        self.env = {
            **os.environ,
            "PYTHONPATH": REPOSITORY,
            "DEVBOOT_HOME": home,
            "HOME": home,
            "TERM": "xterm",
            "LANG": "C.UTF-8",
        }
        self.env["PATH"] = with_devboot(self.env["PATH"])
        for name in ("NO_COLOR", "FORCE_COLOR", "CI", "CLAUDECODE", "AI_AGENT", "LC_ALL", "COLUMNS", "LINES"):
            self.env.pop(name, None)
        self.home = home
        self.specs = []
        self.children = []
        open(f"{root}/devboot.toml", "w").close()
        os.makedirs(self.state)

    def spec(self, name, command=SLEEP, kind=PROCESS, **more):
        """Add a process."""
        self.specs.append(ProcessSpec(name, kind, self.root, command, **more))
        return self

    def write(self, tasks=(), patch=(), fingerprint="one", **more):
        """Write the snapshot, which stays fresh until devboot.toml changes."""
        plan = Plan(
            project="shop",
            root=self.root,
            state=self.state,
            env=(),
            processes=tuple(self.specs),
            version="0.1.0",
            fingerprint=fingerprint,
            databases=(("sqlite", "db.sqlite3"),),
            data=self.data,
            record=f"{self.state}/project.json",
        )
        stamps = snapshot.stamps([f"{self.root}/devboot.toml"])
        value = snapshot.Snapshot(self.root, plan_to_plain(plan), patch, stamps, (), tasks=tasks, **more)
        snapshot.write(f"{self.state}/snapshot", value)
        return self

    def argv(self, *args):
        """The command line."""
        return [sys.executable, "-m", "devboot", *args]

    def devboot(self, *args, code=0, **more):
        """Run a command to its end."""
        options = {"cwd": self.root, "env": self.env, "stdin": subprocess.DEVNULL, "timeout": 90, **more}
        done = subprocess.run(self.argv(*args), capture_output=True, text=True, check=False, **options)
        assert (code, done.returncode) == (done.returncode, code) or code is None, done.stderr + done.stdout
        return done

    def start(self, *args, **more):
        """Start a command in pipes."""
        options = {"cwd": self.root, "env": self.env, "stdin": subprocess.DEVNULL, "errors": "replace", **more}
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        child = subprocess.Popen(self.argv(*args), **options)
        self.children.append(child)
        return child

    def terminal(self, *args):
        """Start a command on a terminal."""
        child = Terminal(self.argv(*args), self.env, self.root)
        self.children.append(child)
        return child

    def lease(self):
        """The daemon's lease, None without one."""
        return leases.read_daemon(leases.daemon_path(self.state))

    def pids(self):
        """Name → pid of what was started last under each name."""
        return {child.name: child.pid for child in leases.read_children(leases.children_path(self.state))}

    def is_down(self):
        """Whether daemon, guardian and their files are gone."""
        return self.lease() is None

    def end(self):
        """End whatever a failed test has left."""
        for child in self.children:
            if isinstance(child, Terminal):
                child.close()
                if child.status is None:
                    _kill_and_reap(child.pid)
            else:
                child.kill()
                child.communicate()
        lease = self.lease()
        pids = list(self.pids().values())
        if lease is not None and lease.is_alive:
            os.kill(lease.pid, signal.SIGKILL)
            wait_until(lambda: not any(map(is_alive, [*pids, lease.guardian])), "the guardian", 15)


def _kill_and_reap(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


@pytest.fixture
def project(orphan_mark):
    """An empty project; its folder has a short name, as sockets need."""
    folder = tempfile.mkdtemp(prefix="devboot-")
    os.mkdir(f"{folder}/shop")
    os.mkdir(f"{folder}/home", 0o700)
    made = Project(f"{folder}/shop", f"{folder}/home")
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shop(project):
    """A service and two processes that depend on it."""
    after_redis = (Dependency("redis", "ready"),)
    project.spec("redis", "echo ready; exec sleep 1000", SERVICE, pty=False, ready=Probe("log", expect="ready"))
    project.spec("web", "echo hello; exec sleep 1000", depends_on=after_redis, address="127.0.0.1:8000", scheme="http")
    project.spec("worker", "echo at work; exec sleep 1000", depends_on=after_redis)
    return project.write()


__all__ = ["PROCESS", "SERVICE", "TASK"]
