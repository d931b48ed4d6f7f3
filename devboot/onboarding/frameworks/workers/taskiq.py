"""TaskIQ: a worker for the broker object."""

import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.workers.worker import Worker, assigned, worker
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.symbolic_eval.evaluate import Run

_HELD = re.compile(r"^taskiq\w*\.(?:\w+\.)*\w*Broker=:$|^taskiq\w*\..*with_result_backend\(\)=:$")


class Taskiq(Worker):
    """Recognises applications that use TaskIQ, and proposes its workers."""

    name = "taskiq"
    words = ("ListQueueBroker(", "RedisStreamBroker(")
    starts = re.compile(r"taskiq\s+worker")
    schedules = re.compile(r"taskiq\s+scheduler")

    def plain(self, clone: Clone, run: Run) -> Iterator[Process]:
        """Yield the process that runs taskiq's worker."""
        return (worker(clone, f"taskiq worker {e.module}:{e.target}", e.place) for e in assigned(run, _HELD))
