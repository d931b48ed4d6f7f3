"""Dash: a script that serves when it is run."""

import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Candidate
from devboot.onboarding.frameworks.serving_script import Listens, ServingScript
from devboot.onboarding.reading.tree import Tree

_HOLDS_PAGES = re.compile(r"\bDash\([^)]*\buse_pages\s*=\s*True|\bpage_container\b")


class Dash(ServingScript):
    """Dash."""

    name = "dash"
    package = "dash"
    makes_pages = True
    pages = "pages"
    serves = re.compile(r"=\s*(?:dash\.)?Dash\(")
    listens = Listens("run", place=1, usual=8050)

    def applications(self, tree: Tree) -> Iterator[Candidate]:
        """Yield the scripts; the one that holds the pages comes before pages that run on their own, too."""
        for candidate in super().applications(tree):
            holds = _HOLDS_PAGES.search(tree.text(candidate.app.path) or "")
            yield candidate._replace(rank=(-1, *candidate.rank[1:])) if holds else candidate
