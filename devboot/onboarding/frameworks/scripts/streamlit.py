"""Streamlit: a script run by the `streamlit` command."""

import posixpath
import re
import shlex

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.serving_script import ServingScript
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.reading.commands import TARGETS, offered
from devboot.onboarding.reading.layout import cwd_of

_PAGE = re.compile(r"\bset_page_config\(|\bst\.(?:title|navigation)\(")


class Streamlit(ServingScript):
    """Recognises scripts that start a server of Streamlit, which reloads edited files, and proposes to run them."""

    name = "streamlit"
    package = "streamlit"
    makes_pages = True
    pages = "pages"
    marks = ("streamlit",)
    serves = re.compile(r"^(?:import streamlit\b|from streamlit import)", re.MULTILINE)

    def is_run(self, path: str, text: str) -> bool:
        """Return whether a script is the first page of a Streamlit application.

        Streamlit finds the others in `pages/`.
        """
        return "/pages/" not in path and bool(_PAGE.search(text))

    def web(self, clone: Clone) -> Process | None:
        """Return the process with Streamlit's command, run with `python -m` to find modules in the working folder.

        Streamlit reads its configuration, and the code its files, in the folder that it is started in: the clone's own
        command for the script decides.
        """
        app = clone.app
        program = "python -m streamlit run" if "." in app.entry else "streamlit run"
        path = posixpath.relpath(app.path, app.root)
        own = re.compile(rf"\bstreamlit\s+run\s+(?:\./)?{re.escape(path)}(?:\s|$)")
        is_run_above = any(own.search(command) for command, _ in offered(clone.tree, app, TARGETS))
        inner = path if is_run_above else posixpath.relpath(app.path, app.folder)
        command = f"{program} {shlex.quote(inner)} --server.port $PORT --server.headless true"
        return Process("web", command, "." if is_run_above else cwd_of(app), None, app.evidence)
