"""RQ: the project's own worker script, Django-RQ's worker, or RQ's command."""

import posixpath
import re
from collections.abc import Iterator
from shlex import quote

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.workers.worker import Worker, worker
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.reading.layout import find_in_modules
from devboot.onboarding.symbolic_eval.evaluate import Run

# Flask extensions use `get_worker`
_MAKES = re.compile(r"\b(?:Worker|get_worker)\(")
_QUEUE = re.compile(r"(?:^|\.)(?:rq\.Queue|RQ)$")
_FILE = re.compile(r"(?:^|/|_)worker\.py$")


class Rq(Worker):
    """Recognises applications that use RQ, and proposes its workers."""

    name = "rq"
    words = ("RQ(",)
    starts = re.compile(r"\brq\s+worker|rqworker")
    schedules = re.compile(r"rqscheduler")
    django = ("django_rq", "rqworker default")

    def plain(self, clone: Clone, run: Run) -> Iterator[Process]:
        """Yield a process for each script that creates an RQ worker, and `rq worker` for each queue."""
        if not {"rq", "flask-rq2"} & clone.packages.keys():
            return
        for where, _ in find_in_modules(clone.tree, _MAKES, "Worker(", "get_worker("):
            if _FILE.search(where.path):
                yield worker(clone, f"python {quote(posixpath.relpath(where.path, clone.app.folder))}", where)
        for event in run.found.events:
            if _QUEUE.search(event.name) and event.place:
                first = event.argument(0, "name")
                queue = first.data if first is not None and isinstance(first.data, str) else "default"
                yield worker(clone, f"rq worker --url $REDIS_URL {queue}", event.place)
