"""The fake that forks commands answers each test with the end of its own command, whatever became of another one."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.fakes import warm_commands


@pytest.fixture
def interruptible():
    """Let SIGUSR1 end what a test is doing, as its time limit does."""

    def interrupt(*_):
        raise LookupError

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_a_test_that_is_interrupted_leaves_no_answer_for_the_next(tmp_path, interruptible):
    (tmp_path / "Procfile").write_text("web: sleep 1000\n")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DEVBOOT_HOME": str(tmp_path / "devboot")}

    def devboot(*words):
        return warm_commands.run([sys.executable, "-m", "devboot"], words, tmp_path, environ, 60)

    with pytest.raises(LookupError):
        devboot("run", "--", "sh", "-c", f"kill -USR1 {os.getpid()}; exec sleep 1000")

    assert (0, "devboot 0.1.0\n") == (devboot("--version").returncode, devboot("--version").stdout)
