"""An attached `up` finds that another one has started the project while it was preparing: it joins that daemon."""

from __future__ import annotations

import subprocess
import sys

# Runs twice: joining replaces the process.
PROGRAM = """
import os, sys
if "DEVBOOT_RESUME" in os.environ:
    try:
        print("child:", *os.waitpid(-1, os.WNOHANG))
    except ChildProcessError:
        print("no child")
    sys.exit()
from types import SimpleNamespace
from devboot import snapshot
from devboot.app.commands.preparing.up import begin
from devboot.app.fast.call import Call, look_at_streams
from devboot.daemon.process import fork
from devboot.text.modes import OutputOptions
root, state, data = sys.argv[1:]
call = Call("up", (), {}, root=root, state=state, data=data, environ=dict(os.environ), began=1.0,
            streams=look_at_streams(os.environ), output=OutputOptions(), is_grown=True)
known = snapshot.read(f"{state}/snapshot")
plan = SimpleNamespace(fingerprint=known.plan_plain[6])
prepared = SimpleNamespace(snapshot=known, composed=SimpleNamespace(plan=plan), installed="")
sys.exit(begin(call, prepared, fork.prepare(), moves=True))
"""


def test_it_leaves_no_zombie_of_the_daemon_that_it_had_forked_itself(project):
    project.spec("web").write().devboot("up", "-d")

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, project.root, project.state, project.data],
        cwd=project.root,
        env=project.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )

    assert (done.returncode, done.stdout) == (0, "no child\n"), done.stderr
    project.devboot("down")
