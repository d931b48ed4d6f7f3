"""The module from which Celery's worker starts where tasks need the application's context: where both are made."""

from __future__ import annotations

import posixpath
import re

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.layout import ASIDE, module_name
from devboot.onboarding.reading.tree import Tree

_FILES = re.compile(r"celery|worker")
# `from shop import celery, create_app`, or `celery = make_celery(app)`
_HOLDS = re.compile(
    r"^(?:from[ \t]+[\w.]+[ \t]+import[ \t]+(?:\([^)]*?|[^\n(]*?)\b(?P<taken>celery(?:_app)?)\b(?![ \t]+as\b)"
    r"|(?P<made>celery(?:_app)?)[ \t]*=[ \t]*(?!Celery\())",
    re.MULTILINE,
)
_MEETS = re.compile(r"^(?:\w+[ \t]*=[ \t]*)?(?:create|make)_\w*app\(|^with[ \t]+\w+\.app_context\(", re.MULTILINE)


def celery_entry(clone: Clone) -> tuple[str, Evidence] | None:
    """What `celery -A` is given; None where no module makes both: tasks then run without the application."""
    tree, app = clone.tree, clone.app
    found: list[tuple[bool, int, str, str, Evidence]] = []
    for path in tree.python_files() if clone.framework.has_context else ():
        is_named_so = bool(_FILES.search(posixpath.basename(path)))
        if ASIDE.search(path) or not (is_named_so or path == app.path):
            continue
        text = tree.text(path) or ""
        held, name = _HOLDS.search(text), module_name(path, app.sources)
        if held is not None and name is not None and _MEETS.search(text):
            line = text.count("\n", 0, held.start()) + 1
            found.append((not is_named_so, path.count("/"), name, held["taken"] or held["made"], Evidence(path, line)))
    if not found:
        return None
    _, _, module, name, evidence = min(found, key=lambda each: each[:4])
    return f"{module}.{name}", evidence


def schedules(tree: Tree, evidence: Evidence) -> bool:
    """Whether the module gives Celery's beat something to do."""
    return bool(re.search(r"\.add_periodic_task\(|\bbeat_schedule\b", tree.text(evidence.path) or ""))
