"""Chainlit: a script run by the `chainlit` command."""

import posixpath
import re
from shlex import quote

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.serving_script import ServingScript
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.reading.layout import cwd_of


class Chainlit(ServingScript):
    """Recognises scripts that Chainlit serves, and proposes its command, which reloads edited files."""

    name = "chainlit"
    package = "chainlit"
    makes_pages = True
    marks = ("chainlit",)
    serves = re.compile(r"^(?:import chainlit\b|from chainlit import)", re.MULTILINE)

    def is_run(self, path: str, text: str) -> bool:
        """Return whether a script answers chat messages and isn't a package's `__init__.py`."""
        return not path.endswith("/__init__.py") and ".on_message" in text

    def web(self, clone: Clone) -> Process | None:
        """Return the process `web`, which runs the `chainlit` command."""
        path = quote(posixpath.relpath(clone.app.path, clone.app.folder))
        command = f"chainlit run {path} --host 127.0.0.1 --port $PORT --headless --watch"
        return Process("web", command, cwd_of(clone.app), None, clone.app.evidence)
