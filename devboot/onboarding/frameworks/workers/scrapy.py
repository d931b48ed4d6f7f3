"""Scrapy: spiders that a person starts; nothing keeps running."""

import posixpath
import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Candidate, Clone, Framework
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.layout import ASIDE, Application, find_in_modules, manifest_folder, sources_of
from devboot.onboarding.reading.tree import Tree

_FILE = "scrapy.cfg"
_SPIDER = re.compile(
    r"""^class \w+\([\w.]*Spider\):(?:\n(?:[ \t]+[^\n]*)?)*?\n[ \t]+name\s*=\s*["']([\w.-]+)["']""", re.MULTILINE
)


class Scrapy(Framework):
    """Recognises projects of Scrapy by their scrapy.cfg, and proposes the command of a spider."""

    name = "scrapy"
    package = "scrapy"
    requires = (frozenset({"scrapy"}),)

    def applications(self, tree: Tree) -> Iterator[Candidate]:
        """Yield an application for each folder with a scrapy.cfg."""
        for path in tree.files():
            if posixpath.basename(path) == _FILE and not ASIDE.search(path):
                folder = posixpath.dirname(path) or "."
                root, sources = manifest_folder(tree, folder), sources_of(tree, folder)
                app = Application(self.name, folder, root, sources, evidence=Evidence(path))
                yield Candidate((path.count("/"), path), app)

    def program(self, clone: Clone) -> tuple[str, Evidence | None] | None:
        """Return the command that starts the only spider, or the command that lists the spiders."""
        found = [
            (f"scrapy crawl {spider[1]}", where) for where, spider in find_in_modules(clone.tree, _SPIDER, "Spider")
        ]
        return found[0] if len(found) == 1 else ("scrapy list", clone.app.evidence)
