"""Processes that are easily watched: what they write counts without a gap, so that a lost byte is noticed."""

from __future__ import annotations

import sys

from devboot.model.process import SERVICE, Dependency, Probe
from tests.fakes.rules import DEAF, FAMILY, FRAGILE, NEEDS, ONCE, STORE, WEB

LINES = 200  # of one burst: so few that nobody who reads can fall behind
GRACE = 90.0  # seconds: whoever stops politely is never cut short
# It says so when it starts, writes numbered lines at each SIGUSR1, and has a last word for SIGTERM.
WRITER = f"""
import os, _signal
wanted = {{_signal.SIGTERM, _signal.SIGUSR1}}
_signal.pthread_sigmask(_signal.SIG_BLOCK, wanted)
pid, burst = os.getpid(), 0
def say(text): os.write(1, f"{{text}}\\n".encode())
say(f"run {{pid}}")
while _signal.sigwait(wanted) == _signal.SIGUSR1:
    burst += 1
    for number in range({LINES}): say(f"{{pid}} {{burst}} {{number}}")
    say(f"{{pid}} {{burst}} end")
say(f"bye {{pid}}")
"""
SHELL = {
    DEAF: "trap '' TERM; echo run; exec sleep 1000",
    FAMILY: "sleep 1000 & setsid sleep 1000 & echo run; wait",
    FRAGILE: "echo run; exec sleep 1000",
    ONCE: "echo run",
}


def add_processes(project, *, deaf):
    """One of each kind. A daemon that is killed leaves all the grace time to whatever is deaf: there none is."""
    project.specs.clear()
    for name, needs in NEEDS.items():
        command = "exec sleep 1000" if name == DEAF and not deaf else SHELL.get(name, "")
        project.spec(
            name,
            f"echo run; {command}" if name == DEAF and not deaf else command,
            kind=SERVICE if name == STORE else "process",
            argv=() if command else (sys.executable, "-I", "-S", "-c", WRITER),
            pty=name == WEB,
            depends_on=tuple(Dependency(each, "ready") for each in needs),
            ready=Probe("log", expect="^run"),
            gates=True,
            restart="never" if name == ONCE else "on-failure",
            max_restarts=1 if name == FRAGILE else 1000,
            window=3600.0 if name == FRAGILE else 1.0,
            stop_timeout=0.1 if name == DEAF else GRACE,
        )
    project.write()


def check_log(text, last_words):
    """Each run begins, counts without a gap, and ends with its last word, unless it was killed: then anywhere."""
    *lines, cut = text.split("\n")
    expected = {""}  # what the next line may be; for now nothing but the beginning of a run
    said = set()
    for line in lines:
        start = line.find("run ")
        if start >= 0:  # a killed one may have left a line unended
            assert any(each.startswith(line[:start]) for each in expected), line
            pid, burst, number = line[start + 4 :], 1, 0
        else:
            assert line in expected
            if line.startswith("bye "):
                said.add(int(line[4:]))
                expected = {""}
                continue
            burst, number = (burst + 1, 0) if line.endswith("end") else (burst, number + 1)
        expected = {f"{pid} {burst} {number if number < LINES else 'end'}", *([] if number else [f"bye {pid}"])}
    assert any(each.startswith(cut) for each in expected)
    assert last_words <= said
