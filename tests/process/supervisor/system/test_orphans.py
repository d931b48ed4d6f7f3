"""A supervisor that is a subreaper: no zombie stays, and nothing gets away, whatever it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.process.conftest import marked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="subreapers are a thing of Linux")

DRIVER = """
import json, os, signal, sys, time
from devboot.supervisor.system.proctable import become_subreaper, own_children
from devboot.model.process import Plan, ProcessSpec
from devboot.supervisor.event_loop import Loop, READ
from devboot.supervisor.core.supervisor import Supervisor
root, command, wanted = sys.argv[1:4]
assert become_subreaper()
output, notes = [], []
class Listener:
    def on_output(self, name, data):
        output.append(data.decode())
        if wanted in "".join(output): loop.call_later(0.05, look)
    def on_change(self, status): pass
    def on_note(self, text, *, error=None): notes.append(text)
    def on_settled(self): pass
    def on_finished(self): loop.stop()
alive = []
def look():
    alive.append(len(own_children()))
    supervisor.shutdown()
loop = Loop()
spec = ProcessSpec("web", "process", root, command, stop_timeout=5.0, restart="never")
plan = Plan("p", root, root, tuple(os.environ.items()), (spec,))
supervisor = Supervisor(loop, plan, Listener(), wall_clock=time.time, adopts=True)
reading, writing = os.pipe()
os.set_blocking(reading, False); os.set_blocking(writing, False)
signal.signal(signal.SIGCHLD, lambda *_: None)
signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
loop.watch(reading, READ, lambda _: (os.read(reading, 65536), supervisor.reap_orphans()))
supervisor.up()
loop.run()
print(json.dumps([alive, sorted(own_children()), notes]))
"""


def drive(tmp_path, program: str, wanted: str = "up"):
    """Run `program` under a supervisor until it has said `wanted`, then shut down: children alive then, left, notes."""
    (tmp_path / "driver.py").write_text(DRIVER, encoding="utf-8")
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    command = f"{sys.executable} -u {tmp_path}/program.py"
    done = subprocess.run(
        [sys.executable, tmp_path / "driver.py", tmp_path, command, wanted],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        timeout=60,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.faults(73)
def test_thousands_of_short_lived_orphans_leave_no_zombie(tmp_path):
    alive, left, notes = drive(
        tmp_path,
        """
import os, time
for number in range(1000):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
print("up")
time.sleep(100)
""",
    )

    assert (alive, left, notes) == ([1], [], [])


@pytest.mark.faults(71)
def test_what_has_cleared_its_environment_and_left_is_ended_at_shutdown(tmp_path, orphan_mark):
    alive, left, notes = drive(
        tmp_path,
        """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(null, fd)
        os.execve("/bin/sleep", ["sleep", "100"], {})
    os._exit(0)
os.wait()
print("up")
time.sleep(100)
""",
    )

    assert (alive, left, notes) == ([2], [], [])
    assert marked(orphan_mark) == {}


@pytest.mark.faults(74)
def test_a_bounded_fork_bomb_is_ended_whole(tmp_path, orphan_mark):
    _, left, _ = drive(
        tmp_path,
        """
import os, time
for level in range(7):
    if os.fork() == 0: os.setsid()
    else: continue
print("up")
time.sleep(100)
""",
    )

    assert left == []
    assert marked(orphan_mark) == {}
