"""Sanic: a script that serves, or an application object for Sanic's own runner."""

import re

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.serving_script import RUNS, Listens, ServingScript
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.reading.layout import cwd_of

_MADE = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*Sanic\(", re.MULTILINE)


class Sanic(ServingScript):
    """Recognises scripts that start a server of Sanic, and proposes to run them."""

    name = "sanic"
    package = "sanic"
    marks = ("Sanic(", "(Sanic)")
    serves = re.compile(r"=\s*Sanic\(|^class \w+\(Sanic\)", re.MULTILINE)
    listens = Listens("run", place=1, usual=8000)

    def web(self, clone: Clone) -> Process | None:
        """Return the process with Sanic's own runner, for a module that doesn't run its application itself."""
        text = clone.tree.text(clone.app.path) or ""
        made = _MADE.search(text)
        if made is None or RUNS.search(text):
            return super().web(clone)
        command = f"sanic {clone.app.entry}:{made[1]} --host 127.0.0.1 --port $PORT --reload"
        return Process("web", command, cwd_of(clone.app), None, clone.app.evidence)
