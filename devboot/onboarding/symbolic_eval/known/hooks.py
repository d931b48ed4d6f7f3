"""Libraries that run more of the project: files that django-split-settings includes, plugins of Litestar."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Iterator

from devboot.onboarding.symbolic_eval.machine import Machine
from devboot.onboarding.symbolic_eval.values import NOTHING, Call, Function, Instance, Module, Opaque, Scope, Value

_INCLUDED = "__included_files__"  # of the library: files may include each other, and each runs once


def include(m: Machine, call: Call) -> Value:
    """`split_settings.tools.include(...)`: patterns that count from the folder of the file that says it."""
    module = call.scope.module
    # Relative imports count from the module that includes, whose package may be the module itself
    is_package = posixpath.basename(module.path) == "__init__.py"
    name = f"{module.name}.included" if is_package else module.name
    for path in _paths(m, call):
        parsed = m.tree.module(path)
        if parsed is not None and _is_new(module, path):
            m.execute(parsed.body, Scope(Module(name, path, module.names, module.stars), module.names))
    return NOTHING


def _is_new(module: Module, path: str) -> bool:
    known = module.names.get(_INCLUDED)
    paths = known.data if known is not None and isinstance(known.data, tuple) else ()
    module.names[_INCLUDED] = Value((*paths, path))
    return path not in paths


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


HOOK = "on_app_init"


def litestar(m: Machine, call: Call) -> Value | None:
    """Litestar asks its plugins, and functions given for that, to complete its configuration."""
    config = Value(Opaque("litestar.AppConfig"))
    for word in ("plugins", HOOK):
        given = call.keywords.get(word)
        for each in given.data if given is not None and isinstance(given.data, list | tuple) else ():
            _complete(m, each, config, call)
    return None


def _complete(m: Machine, given: Value, config: Value, call: Call) -> None:
    hook = given.data.cls.find(HOOK) if isinstance(given.data, Instance) else given
    if hook is not None and isinstance(hook.data, Function):
        m.call(hook.data, (config,) if hook is given else (given, config), {}, call.place)


TABLE: dict[str, Callable[[Machine, Call], Value | None]] = dict.fromkeys(
    ("litestar.Litestar", "litestar.app.Litestar"), litestar
)
