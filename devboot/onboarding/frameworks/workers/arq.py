"""arq: a worker started with the name of its settings class."""

import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.workers.worker import Worker, worker
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.symbolic_eval.evaluate import Run

_SETTINGS = "WorkerSettings"


class Arq(Worker):
    """Recognises applications that use arq, and proposes its workers."""

    name = "arq"
    words = (_SETTINGS, "RedisSettings(")
    starts = re.compile(r"\barq\s")

    def plain(self, clone: Clone, run: Run) -> Iterator[Process]:
        """Yield the process that runs arq with the module's settings class."""
        for name, module in run.machine.modules.items():
            value = module.names.get(_SETTINGS)
            if value is not None and value.place and "arq" in clone.packages:
                yield worker(clone, f"arq {name}.{_SETTINGS}", value.place)
