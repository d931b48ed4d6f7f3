"""Many things at once, in any order: whatever happens, nothing is left and every state makes sense."""

from __future__ import annotations

import os
import random
import sys
import traceback

import pytest

from devboot.model.process import PHASES, Dependency, Probe
from devboot.supervisor.system.proctable import become_subreaper
from tests.fakes.stage import Stage
from tests.process.conftest import marked, searched

PROGRAMS = {
    "polite": "trap 'echo bye; exit 0' TERM; echo up; while true; do sleep 0.05; done",
    "deaf": "trap '' TERM HUP INT; echo up; while true; do sleep 0.05; done",
    "crasher": "echo crash; sleep 0.02; exit 1",
    "family": "sleep 100 & sleep 100 & echo up; wait",
    "hidden": "setsid sh -c 'sleep 100 & sleep 100' >/dev/null 2>&1 </dev/null & echo up; sleep 100",
    "flood": "yes '0123456789012345678901234567890123456789012345678901234567890123456789'",
    "probed": "sleep 0.05; touch probed; echo up; exec sleep 100",
    "once": "echo done",
    "missing": "./no-such-program",
}


def build(stage) -> None:
    """One of each kind, with a few dependencies between them."""
    needs = {
        "family": ["polite"],
        "flood": ["probed"],
        "once": ["family"],
        "hidden": [Dependency("crasher", "started")],
    }
    ready = {"probed": Probe("exec", command="test -e probed", timeout=1.0)}
    for name, command in PROGRAMS.items():
        stage.add(
            name, command, needs=needs.get(name, ()), ready=ready.get(name), gates=name in ready, stop_timeout=0.2,
            max_restarts=2, window=1.0, pty=name != "flood", kind="service" if name == "polite" else "process",
        )  # fmt: skip


def kill_one(stage, choice) -> None:
    """End one leader as the system would, when memory is short."""
    pids = [each.pid for each in stage.supervisor.statuses() if each.pid]
    if pids:
        os.kill(choice.choice(pids), choice.choice([9, 15, 11, 1]))


def perform(stage, choice) -> None:
    """One random thing."""
    names = choice.sample(list(PROGRAMS), choice.randint(1, 3))
    supervisor = stage.supervisor
    what = choice.choice(["start", "stop", "restart", "kill", "kill", "up", "apply", "resize", "wait", "wait", "wait"])
    if what == "start":
        supervisor.start(names)
    elif what == "stop":
        supervisor.stop(names)
    elif what == "restart":
        supervisor.restart(names)
    elif what == "kill":
        kill_one(stage, choice)
    elif what == "up":
        supervisor.up()
    elif what == "apply":
        kept = [
            spec
            for spec in stage.specs
            if choice.random() > 0.1 or spec.name in ("polite", "probed", "crasher", "family")
        ]
        supervisor.apply(stage.plan._replace(processes=tuple(kept)))
        supervisor.apply(stage.plan)
    elif what == "resize":
        supervisor.resize(choice.randint(0, 60), choice.randint(0, 200))
    stage.run_for(choice.choice([0, 0.002, 0.01, 0.06]))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def children() -> set[str]:
    """Children of this process, those that wait to be reaped included; some may be other tests' own."""
    found: set[str] = set()
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children", encoding="ascii") as file:
            found.update(file.read().split())
    return found


# Few long ones find what builds up, many short ones what goes wrong at once: 200 in a minute.
LONG, SHORT = 30, 8


def run_schedule(stage, mark: str, seed: int, steps: int) -> None:
    """So many random things, then down."""
    choice = random.Random(seed)
    before, others = descriptors(), children()
    build(stage)
    stage.up()
    for _ in range(steps):
        perform(stage, choice)
        assert {each.phase for each in stage.supervisor.statuses()} <= set(PHASES)

    stage.down()

    assert marked(mark) == {}
    assert {each.phase for each in stage.supervisor.statuses()} <= {"stopped", "exited", "failed", "gave-up"}
    assert [each.name for each in stage.supervisor.statuses() if each.pid] == []
    stage.until(lambda: children() <= others)  # no zombie either: a probe's command may need a turn to be reaped
    stage.supervisor.close()
    assert descriptors() <= before


@pytest.mark.faults(69, 70, 71, 79)
@pytest.mark.parametrize("seed", searched(range(100), quick=10))
def test_any_schedule_ends_with_nothing_left(stage, orphan_mark, seed):
    run_schedule(stage, orphan_mark, seed, LONG if seed < 8 else SHORT)


@pytest.mark.skipif(sys.platform != "linux", reason="subreapers are a thing of Linux")
@pytest.mark.faults(69, 70, 71, 73, 79)
@pytest.mark.parametrize("seed", searched(range(100), quick=10))
def test_any_schedule_under_a_subreaper_ends_with_nothing_left(tmp_path, orphan_mark, seed, capfd):
    child = os.fork()
    if child == 0:
        try:
            assert become_subreaper()
            run_schedule(Stage(tmp_path, adopts=True), orphan_mark, seed + 100, LONG if seed < 8 else SHORT)
        except BaseException:  # noqa: BLE001  the parent has to see it
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)

    assert (status, capfd.readouterr().err) == (0, "")
