"""Dash: a script that serves when it is run."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from devboot.onboarding.frameworks.framework import Candidate
from devboot.onboarding.frameworks.serving_script import RUNS, Listens, ServingScript
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.layout import application_at, own_modules
from devboot.onboarding.reading.tree import Tree

_HOLDS_PAGES = re.compile(r"\bDash\([^)]*\buse_pages\s*=\s*True|\bpage_container\b")


class Dash(ServingScript):
    """Recognises scripts that start a server of Dash, and proposes to run them."""

    name = "dash"
    package = "dash"
    makes_pages = True
    pages = "pages"
    marks = ("Dash(",)
    serves = re.compile(r"=\s*(?:dash\.)?Dash\(")
    listens = Listens("run", place=1, usual=8050)

    def applications(self, tree: Tree) -> Iterator[Candidate]:
        """Yield the scripts with Dash applications; one that includes pages precedes pages that can run alone.

        An application that one module creates and only another one runs belongs to the other module.
        """
        for candidate in super().applications(tree):
            path = candidate.app.path
            runner = "" if self.is_run(path, tree.text(path) or "") else _runner(tree, path)
            if runner:
                app = application_at(tree, self.name, Evidence(runner, 1))
                yield Candidate((-1, *candidate.rank[1:]), replace(app, evidence=candidate.app.evidence))
                continue
            holds = _HOLDS_PAGES.search(tree.text(candidate.app.path) or "")
            yield candidate._replace(rank=(-1, *candidate.rank[1:])) if holds else candidate


def _runner(tree: Tree, path: str) -> str:
    """Return the module that imports and runs the application of the module `path`; "" if there is none."""
    name = posixpath.basename(path).removesuffix(".py")
    takes = re.compile(
        rf"^from[ \t]+[\w.]*\b{re.escape(name)}[ \t]+import\b|^import[ \t]+{re.escape(name)}\b", re.MULTILINE
    )
    others = (each for each in own_modules(tree) if each != path)
    return next((each for each in others if tree.matches(each, takes) and tree.matches(each, RUNS)), "")
