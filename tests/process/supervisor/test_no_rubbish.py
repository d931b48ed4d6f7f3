"""A run that is over goes at once: nothing of it waits for the collector of cycles, which may take ten minutes."""

from __future__ import annotations

import gc

import pytest

from devboot.model.process import Probe
from devboot.supervisor.core.run import Run
from devboot.supervisor.output.relay import Output
from devboot.supervisor.probes.prober import Prober
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
