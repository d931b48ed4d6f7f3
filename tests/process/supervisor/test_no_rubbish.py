"""A run that is over goes at once: nothing of it waits for the collector of cycles, which may take ten minutes."""

from __future__ import annotations

import gc
from types import ModuleType

import pytest

from devboot.model.process import Probe
from devboot.supervisor.core.run import Run
from devboot.supervisor.output.relay import Output
from devboot.supervisor.probes.prober import Prober
from devboot.supervisor.system.process_tree import MARKER
from devboot.supervisor.system.termination import Ending

CRASHES = "echo crash; sleep 0.05; exit 3"


@pytest.fixture
def no_collector():
    """What goes goes by itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def living():
    return [each for each in gc.get_objects() if isinstance(each, (Run, Output, Ending, Prober))]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ready": Probe("listen", port=1)},
        {"ready": Probe("log", expect="crash"), "alive": Probe("exec", command="true", period=0.01)},
        {"ready": Probe("exec", command="exit 1")},
        {"ready": Probe("exec", command="sleep 9")},
        {"ready": Probe("notify"), "alive": Probe("notify")},
        {"pty": True},
    ],
)
def test_nothing_of_a_crash_loop_stays(stage, no_collector, fields):
    before = living()
    stage.add("worker", CRASHES, max_restarts=2, window=60.0, **fields)

    stage.up()
    stage.until_phase("worker", "gave-up")

    assert 2 == stage.status("worker").restarts
    # A probe's command may end a moment later
    stage.until(lambda: all(each in before for each in living()))


@pytest.mark.parametrize("fields", [{}, {"stop_command": "kill $DEVBOOT_PID; true", "stop_timeout": 0.2}])
def test_nothing_of_what_was_stopped_stays(stage, no_collector, fields):
    before = living()
    stage.add("worker", "trap '' TERM; sleep 100 & wait", **{"stop_timeout": 0.1, **fields})

    stage.up()
    stage.until_settled()
    stage.down()

    assert [] == [each for each in living() if each not in before]


def environments(root):
    """Return all environments of processes that `root` keeps, directly or indirectly."""
    seen, left, found = {id(root)}, [root], []
    while left:
        for each in gc.get_referents(left.pop()):
            if id(each) in seen or isinstance(each, (type, ModuleType)) or _is_of_module(each):
                continue
            seen.add(id(each))
            left.append(each)
            found += [each] if isinstance(each, dict) and MARKER in each else []
    return found


def _is_of_module(each):
    return isinstance(each, dict) and "__builtins__" in each


def test_no_running_process_keeps_its_environment_unless_commands_need_it(stage):
    for number in range(3):
        stage.add(f"worker-{number}", "sleep 100", ready=Probe("listen", port=1) if number else None)
    stage.add("asked", "sleep 100", ready=Probe("exec", command="true"))
    stage.add("stopped", "sleep 100", stop_command="kill $DEVBOOT_PID")

    stage.up()
    stage.until_phase("asked", "ready")

    assert {"asked", "stopped"} == {each[MARKER].partition(":")[2] for each in environments(stage.supervisor)}
