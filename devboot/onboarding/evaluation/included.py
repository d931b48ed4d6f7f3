"""Settings in several files that django-split-settings runs in the names of the first."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from devboot.onboarding.evaluation.values import NOTHING, Module, Scope, Value

if TYPE_CHECKING:
    from devboot.onboarding.evaluation.calls import Call
    from devboot.onboarding.evaluation.machine import Machine

_DEEPEST = 8  # files may include each other


def include(m: Machine, call: Call) -> Value:
    """`split_settings.tools.include(...)`: patterns that count from the folder of the file that says it."""
    module = call.scope.module
    # Relative imports count from the module that includes, whose package may be the module itself
    is_package = posixpath.basename(module.path) == "__init__.py"
    name = f"{module.name}.included" if is_package else module.name
    for path in _paths(m, call):
        parsed = m.tree.module(path)
        if parsed is not None and m.depth < _DEEPEST:
            m.depth += 1
            try:
                part = Module(name, path, module.names, module.stars)
                m.execute(parsed.body, Scope(part, module.names))
            finally:
                m.depth -= 1
    return NOTHING


def _paths(m: Machine, call: Call) -> Iterator[str]:
    folder = posixpath.dirname(call.scope.module.path)
    for given in call.args:
        if isinstance(given.data, str):
            pattern = posixpath.normpath(posixpath.join(folder, given.data))
            names = sorted(m.tree.in_folder(posixpath.dirname(pattern) or "."))
            for each in fnmatch.filter(names, posixpath.basename(pattern)):
                yield posixpath.join(posixpath.dirname(pattern), each)


def optional(_m: Machine, call: Call) -> Value:
    """`split_settings.tools.optional(...)`: what may be missing, as everything may here."""
    return call.args[0] if call.args else NOTHING
