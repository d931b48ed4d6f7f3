"""What a process costs that has nothing to tell: there may be hundreds."""

from __future__ import annotations

from devboot.model.process import PROCESS, Plan, ProcessSpec
from devboot.supervisor.core.supervisor import Supervisor
from devboot.supervisor.event_loop import Loop

MOST = 30  # attributes; Python keeps more of them in a table of 1.5 KB


def test_a_process_that_never_ran_has_few_attributes_of_its_own(tmp_path):
    plan = Plan("shop", str(tmp_path), str(tmp_path), (), (ProcessSpec("web", PROCESS, str(tmp_path), "serve"),))
    loop = Loop()
    supervisor = Supervisor(loop, plan, None, wall_clock=lambda: 0.0)

    process = supervisor.process("web")

    # Those that its first run sets, in addition
    in_run = {"run", "error", "parting", "settled", "was_skipped", "starts", "is_wanted_anyway", "is_due", "blocked"}
    in_run |= {"_forced", "_hinted", "_was_ready", "_is_quiet"}
    assert len(vars(process).keys() | in_run) <= MOST
    assert process.tail.text == b""
    supervisor.close()
    loop.close()
