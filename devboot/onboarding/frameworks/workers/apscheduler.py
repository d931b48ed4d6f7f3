"""APScheduler: a script with a scheduler that blocks. Those in the background run in the application."""

import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.serving_script import script_command
from devboot.onboarding.frameworks.workers.worker import Worker, worker
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.layout import ASIDE
from devboot.onboarding.symbolic_eval.evaluate import Run

_MADE = re.compile(r"^[^#\n]*\bBlockingScheduler\(", re.MULTILINE)


class ApScheduler(Worker):
    """APScheduler."""

    name = "apscheduler"

    def plain(self, clone: Clone, run: Run) -> Iterator[Process]:  # noqa: ARG002 - the text shows it
        """Yield the script, unless it is what serves."""
        for path in clone.tree.python_files():
            text = clone.tree.text(path) or "" if not ASIDE.search(path) and path != clone.app.path else ""
            made = _MADE.search(text)
            if made is not None and ".start()" in text:
                place = Evidence(path, text.count("\n", 0, made.end()) + 1)
                yield worker(clone, script_command(clone.tree, clone.app, path), place, "scheduler")
