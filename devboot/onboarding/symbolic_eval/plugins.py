"""Libraries that call the project's own code while they make an application."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from devboot.onboarding.symbolic_eval.values import Function, Instance, Opaque, Value

if TYPE_CHECKING:
    from devboot.onboarding.symbolic_eval.calls import Call
    from devboot.onboarding.symbolic_eval.machine import Machine

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
