"""Dramatiq: a worker for the module with the broker, or for a module with a worker's name beside it."""

import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.workers.worker import Worker, worker
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.reading.layout import ASIDE, module_name
from devboot.onboarding.symbolic_eval.evaluate import Run

_BROKER = re.compile(r"^dramatiq\.brokers\.\w+\.\w*Broker$")
_FILES = ("worker.py", "worker/run.py", "worker/main.py", "workers.py", "run_worker.py")


class Dramatiq(Worker):
    """Recognises applications that use Dramatiq, and proposes its workers."""

    name = "dramatiq"
    words = ("RedisBroker(", "RabbitmqBroker(")
    starts = re.compile(r"rundramatiq|\bdramatiq\s")
    django = ("django_dramatiq", "rundramatiq")

    def plain(self, clone: Clone, run: Run) -> Iterator[Process]:
        """Yield the process that runs dramatiq's worker."""
        for event in run.found.events:
            if _BROKER.search(event.name) and event.place:
                module = _module(clone, event.place.path) or module_name(event.place.path, clone.app.sources)
                if module:
                    yield worker(clone, f"dramatiq {module}", event.place)


def _module(clone: Clone, broker: str) -> str | None:
    """Return the module from which workers start, in the package with the broker; None if there is none."""
    source = clone.app.sources[0]
    prefix = "/".join(broker.split("/")[: 1 + (source.count("/") + 1 if source != "." else 0)])
    for ending in _FILES:
        for path in clone.tree.python_files():
            if path.startswith(prefix) and path.endswith("/" + ending) and not ASIDE.search(path):
                return module_name(path, clone.app.sources)
    return None
