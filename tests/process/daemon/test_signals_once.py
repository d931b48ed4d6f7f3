"""What a person's signal becomes: one stop for each process, from the supervisor, however the signal was sent."""

import os
import shlex
import signal
import sys

import pytest

from tests.fakes.processes import are_gone

COUNTING = """
import os, signal, sys, time
def take(number, _frame):
    os.write(1, signal.Signals(number).name.encode() + b"\\n")
    if number == signal.SIGTERM:
        sys.exit(0)
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, take)
os.write(1, b"up\\n")
while True:
    time.sleep(1)
"""


def written(project):
    try:
        with open(f"{project.state}/logs/counting.log", encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


@pytest.mark.faults(120)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_a_signal_to_the_command_or_to_its_group_is_one_stop_for_each_process(project, send, number):
    command = f"exec {shlex.join([sys.executable, '-c', COUNTING])}"
    project.spec("counting", command, pty=False, stop_timeout=60.0).write()
    child = project.start("up", process_group=0)
    while "up" not in child.stdout.readline().split():  # what it shows it watches, and heeds signals
        assert child.poll() is None
    pids = project.pids()

    send(child.pid, number)

    assert 128 + number == child.wait(60)
    assert "up\nSIGTERM\n" == written(project)
    assert are_gone(pids.values())
