"""Static pages: an `index.html` at the root, without a program that generates or serves it."""

from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Candidate, Clone, Framework
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.tree import Tree

_PAGE = "index.html"
# Files of another language, a site generator, or a list of packages: the page isn't the whole project
_MORE = (
    "Procfile", "package.json", "requirements.txt", "pyproject.toml", "setup.py", "Pipfile", "_config.yml",
    "mkdocs.yml", "hugo.toml", "Gemfile", "composer.json", "go.mod", "Cargo.toml", "pom.xml", "build.gradle", "mix.exs",
)  # fmt: skip


class StaticPages(Framework):
    """Recognises a folder of static pages, and proposes a server for them."""

    name = "static pages"

    def applications(self, tree: Tree) -> Iterator[Candidate]:
        """Yield the folder as an application if it has a page at its root and no Python files."""
        if tree.exists(_PAGE) and not tree.python_files() and not any(tree.exists(name) for name in _MORE):
            yield Candidate((_PAGE,), Application(self.name, ".", ".", (".",), "", "", _PAGE, Evidence(_PAGE)))

    def web(self, clone: Clone) -> Process | None:
        """Return the process `web`, which serves the folder with Python's `http.server`."""
        command = "python -m http.server $PORT --bind 127.0.0.1"
        return Process("web", command, ".", None, clone.app.evidence)
