"""Variables that only a class for another stage reads: its body runs, too, where development imports the module."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace

from devboot.onboarding.proposal_values import Variable
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.machine import Need
from devboot.onboarding.symbolic_eval.values import Value

_ELSEWHERE = re.compile(r"prod|stag|heroku|docker|unix|deploy|live|test|ci(?:$|[A-Z_])", re.IGNORECASE)
_HERE = re.compile(r"dev|local|debug", re.IGNORECASE)
_NUMBERS = frozenset({"int", "float", "builtins.int", "builtins.float"})


def for_another_stage(tree: Tree, need: Need, variable: Variable, settings: Mapping[str, Value]) -> Variable:
    """The variable with any value, where no class but one that development leaves alone wants it."""
    place = need.place
    if not variable.required or place is None or any(value.place == place for value in settings.values()):
        return variable
    parsed = tree.module(place.path)
    classes = [node for node in parsed.body if isinstance(node, ast.ClassDef)] if parsed else []
    around = next((node for node in classes if node.lineno <= place.line <= (node.end_lineno or 0)), None)
    if around is None or not _ELSEWHERE.search(around.name) or not any(_HERE.search(each.name) for each in classes):
        return variable
    value = "0" if need.cast in _NUMBERS else ""
    return replace(variable, value=value, required=False, secret=False, description="")
