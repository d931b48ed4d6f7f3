"""APScheduler: a script with a blocking scheduler; background schedulers run in the application itself."""

import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.serving_script import script_command
from devboot.onboarding.frameworks.workers.worker import Worker, worker
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.reading.layout import find_in_modules
from devboot.onboarding.symbolic_eval.evaluate import Run

_MADE = re.compile(r"^[^#\n]*\bBlockingScheduler\(", re.MULTILINE)


class ApScheduler(Worker):
    """Recognises scripts with a blocking scheduler of APScheduler, and proposes to run them."""

    name = "apscheduler"

    def plain(self, clone: Clone, run: Run) -> Iterator[Process]:  # noqa: ARG002 - the text shows it
        """Yield the process that runs the script, unless the script is the web server."""
        for where, made in find_in_modules(clone.tree, _MADE, "BlockingScheduler("):
            if where.path != clone.app.path and ".start()" in made.string:
                yield worker(clone, script_command(clone.tree, clone.app, where.path), where, "scheduler")
