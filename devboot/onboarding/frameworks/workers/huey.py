"""Huey: a consumer process for the queue object."""

import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.workers.worker import Worker, assigned, worker
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.symbolic_eval.evaluate import Run

_HELD = re.compile(r"^huey\.(?:\w+\.)*\w*Huey=:$")


class Huey(Worker):
    """Recognises applications that use Huey, and proposes its workers."""

    name = "huey"
    words = ("Huey(",)
    starts = re.compile(r"run_huey|huey_consumer")
    django = ("huey.contrib.djhuey", "run_huey")

    def plain(self, clone: Clone, run: Run) -> Iterator[Process]:
        """Yield the process that runs Huey's consumer."""
        return (worker(clone, f"huey_consumer {e.module}.{e.target}", e.place) for e in assigned(run, _HELD))
