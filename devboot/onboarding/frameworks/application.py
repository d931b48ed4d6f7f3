"""Finds the application of a clone and its framework."""

from __future__ import annotations

import re

from devboot.onboarding.frameworks.known import FRAMEWORKS, framework_of
from devboot.onboarding.reading.containers.image_commands import named_modules
from devboot.onboarding.reading.layout import Application, main_folder, sources_of
from devboot.onboarding.reading.tree import Tree

_OF_TEMPLATE = re.compile(r"\{\{|\{%")  # in names of folders of cookiecutter and copier


def find_application(tree: Tree) -> Application:
    """Return the clone's application; one with framework None if no known framework is recognised.

    Of applications with the same rank, the one named in a start file of the clone is taken.
    """
    for row in FRAMEWORKS:
        candidates = (candidate for framework in row for candidate in framework.applications(tree))
        found = [each for each in candidates if not _OF_TEMPLATE.search(each.app.path)]
        if found:
            named = named_modules(tree) if len(found) > 1 else []
            app = min(found, key=lambda each: (not _is_named(each.app, named), each.rank)).app
            return framework_of(app.framework).entry(tree, app)
    folder = main_folder(tree)
    return Application(None, folder, folder, sources_of(tree, folder))


def _is_named(app: Application, named: list[tuple[str, str]]) -> bool:
    target = app.target.removesuffix("()")
    return bool(app.entry) and any(
        name in ("", target) and (f".{module}".endswith(f".{app.entry}") or f".{app.entry}".endswith(f".{module}"))
        for module, name in named
    )
