"""Pyramid: an application named in an .ini file, run by pserve."""

import posixpath
import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Candidate, Clone, Framework
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.layout import ASIDE, Application, cwd_of, manifest_folder, sources_of
from devboot.onboarding.reading.tree import Tree

_FILE = "development.ini"
_NAMES = re.compile(r"^\[app:[^\]]+\][^\[]*?^use\s*=\s*egg:\s*([\w.-]+)", re.MULTILINE | re.DOTALL)
_LISTENS = re.compile(r"^(?:listen\s*=.*?:|port\s*=\s*)(\d{2,5})\s*$", re.MULTILINE)


class Pyramid(Framework):
    """Recognises applications of Pyramid by their .ini files, and proposes pserve."""

    name = "pyramid"
    package = "pyramid"
    requires = (frozenset({"pyramid"}),)

    def applications(self, tree: Tree) -> Iterator[Candidate]:
        """Yield the applications named in the .ini files of Pyramid's scaffolds."""
        for path in tree.files():
            is_file = posixpath.basename(path) == _FILE and not ASIDE.search(path)
            found = _NAMES.search(tree.text(path) or "") if is_file else None
            if found is not None:
                folder = posixpath.dirname(path) or "."
                package = posixpath.normpath(posixpath.join(folder, found[1].replace("-", "_"), "__init__.py"))
                where = Evidence.at(path, found)
                root, sources = manifest_folder(tree, folder), sources_of(tree, folder)
                entry = package if tree.exists(package) else ""
                yield Candidate(
                    (path.count("/"), path), Application(self.name, folder, root, sources, "", "", entry, where)
                )

    def web(self, clone: Clone) -> Process | None:
        """Return the process that runs pserve with reloading, on the port in the .ini file."""
        listens = _LISTENS.search(clone.tree.text(posixpath.normpath(posixpath.join(clone.app.folder, _FILE))) or "")
        port = int(listens[1]) if listens else None
        return Process("web", f"pserve {_FILE} --reload", cwd_of(clone.app), port, clone.app.evidence)
