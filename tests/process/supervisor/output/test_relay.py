"""Output of real children: floods, hostile bytes, prompts, and what the log has of it."""

from __future__ import annotations

import os

import pytest

from devboot.supervisor.output.log_reader import Log, last_lines

FLOOD = """
import os, sys
line = b"%s " + b"x" * 70 + b"\\n"
for number in range({count}):
    os.write(1, b"".join(line % str(number * 100 + each).encode() for each in range(100)))
print("done")
"""


def log_of(stage, name):
    with open(stage.status(name).log, "rb") as file:
        return file.read()


@pytest.mark.faults(75)
@pytest.mark.parametrize("pty", [False, True])
def test_a_flood_is_relayed_whole_in_order_and_untorn(stage, pty):
    stage.add("flood", python=FLOOD.format(count=500), restart="never", pty=pty)

    stage.up()
    stage.until_phase("flood", "exited")
    lines = stage.output["flood"].splitlines()

    assert [int(line.split()[0]) for line in lines[:-1]] == list(range(50_000))
    assert lines[-1] == b"done"
    assert all(data.endswith(b"\n") for _, data in stage.blocks)
    assert log_of(stage, "flood") == stage.output["flood"]


@pytest.mark.faults(75)
def test_a_flood_costs_no_memory_though_nobody_looks(tmp_path):
    """In a program of its own, so that its memory can be measured; 200 MB through the pipe."""
    import subprocess
    import sys

    driver = tmp_path / "driver.py"
    driver.write_text(
        """
import os, resource, sys, time
from devboot.model.process import Plan, ProcessSpec
from devboot.supervisor.event_loop import Loop
from devboot.supervisor.core.supervisor import Supervisor
class Nobody:
    seen = 0
    def on_output(self, name, data): self.seen += len(data)
    def on_change(self, status): pass
    def on_note(self, text, *, error=None): print(text, file=sys.stderr)
    def on_settled(self): pass
    def on_finished(self): loop.stop()
root = sys.argv[1]
flood = "import os\\nblock = (b'x' * 79 + b'\\\\n') * 2500\\nfor _ in range(1000): os.write(1, block)"
spec = ProcessSpec("flood", "process", root, argv=(sys.executable, "-c", flood), restart="never", pty=False)
loop, nobody = Loop(), Nobody()
supervisor = Supervisor(loop, Plan("p", root, root, tuple(os.environ.items()), (spec,)), nobody, wall_clock=time.time)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
supervisor.up()
loop.run()
print(nobody.seen, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
""",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, driver, tmp_path], capture_output=True, text=True, check=False, env=environment
    )
    seen, grown = map(int, done.stdout.split())

    assert done.stderr == ""
    assert seen == 200_000_000
    assert grown < 8_000  # KB
    assert sum(os.path.getsize(f"{tmp_path}/logs/{name}") for name in os.listdir(f"{tmp_path}/logs")) < 40_000_000


HOSTILE = {
    "a line of 5 MB": (b"x" * 5_000_000 + b"\n", None),
    "bytes that are no UTF-8": (b"caf\xe9 \xff\xfe\n", None),
    "zero bytes": (b"a\0b\0\n", None),
    "progress with carriage returns": (b"10 %\r20 %\r100 %\ndone\n", None),
    "lines that end with CR LF": (b"a\r\nb\r\n", b"a\nb\n"),
    "clear screen and colours": (b"\x1b[2J\x1b[H\x1b[31mred\x1b[0m\n", None),
    "brackets": (b"[red]not markup[/red]\n", None),
    "form feed and next line": (b"a\x0cb\xc2\x85c\n", None),
    "no line end at the end": (b"one\ntwo", None),
    "empty lines": (b"\n\n\nx\n\n", None),
}


@pytest.mark.faults(76)
@pytest.mark.parametrize("pty", [False, True])
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_output_arrives_as_it_was_written(stage, case, pty):
    written, expected = HOSTILE[case]
    with open(f"{stage.root}/data", "wb") as file:
        file.write(written)
    stage.add("web", "cat data", restart="never", pty=pty)

    stage.up()
    stage.until_phase("web", "exited")

    assert stage.output["web"] == (expected or written)
    assert log_of(stage, "web") == stage.output["web"]


@pytest.mark.faults(76)
def test_a_prompt_without_line_end_is_shown_while_the_process_waits(stage):
    stage.add("web", r"printf 'Continue? '; exec sleep 100")

    stage.up()
    stage.until_output("web", b"Continue? ")

    assert log_of(stage, "web") == b"Continue? "


@pytest.mark.faults(76)
def test_what_is_written_right_before_a_crash_is_kept(stage):
    stage.add(
        "web", python="import os; os.write(1, b'y' * 60_000 + b'\\nlast'); os.kill(os.getpid(), 9)", restart="never"
    )

    stage.up()
    stage.until_phase("web", "exited")

    assert stage.output["web"] == b"y" * 60_000 + b"\nlast"


@pytest.mark.faults(75)
def test_output_that_somebody_unknown_keeps_writing_does_not_hold_up_the_end(stage):
    # `yes` is killed with the rest; until then it fills the pipe.
    stage.add("web", "yes & sleep 0.2; exit 3", restart="never", pty=False)

    stage.up()
    stage.until_phase("web", "exited")

    assert stage.output["web"].startswith(b"y\ny\n")


def test_a_log_goes_on_over_restarts_and_its_tail_has_times(stage):
    stage.add("web", "echo run; exec sleep 100")

    stage.up()
    stage.until_output("web", b"run")
    stage.supervisor.restart(["web"])
    stage.until_output("web", b"run\nrun\n")
    log = Log(stage.status("web").log)
    found = [*log.lines()]  # both lines in one part if they arrived at the same time
    log.close()

    assert b"".join(each.data for each in found) == b"run\nrun\n"
    assert stage.status("web").started - 60 < found[0].at <= found[-1].at


@pytest.mark.faults(15)
def test_a_log_that_cannot_be_written_does_not_stop_the_process(stage):
    os.makedirs(f"{stage.plan.state}")
    with open(f"{stage.plan.state}/logs", "w", encoding="ascii"):
        stage.add("web", "echo one; echo two; exec sleep 100")

    stage.up()
    stage.until_output("web", b"one\ntwo\n")
    stage.until_settled()

    assert stage.status("web").phase == "running"
    assert len(stage.notes) == 1
    assert "log not written" in stage.notes[0]
    assert stage.status("web").note == "log not written: file exists"


def test_lines_that_nobody_needs_reach_neither_reader_nor_log(stage):
    stage.add("redis", "echo one; echo noise; printf 'two, noise too'; sleep 1000", kind="service", quiet=("noise",))

    stage.up()
    stage.until_output("redis", b"one")
    stage.down()

    assert stage.output["redis"] == b"one\n"
    assert last_lines(stage.status("redis").log, 9) == [b"one"]
