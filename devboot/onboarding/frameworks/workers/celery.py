"""Celery: a worker, and beat if there are scheduled tasks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from devboot.onboarding.frameworks.framework import Clone, Framework
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.layout import Application, cwd_of, find_in_modules, module_name
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Run

_FILES = re.compile(r"celery|worker")
# `from shop import celery, create_app`, or `celery = make_celery(app)`
_HOLDS = re.compile(
    r"^(?:from[ \t]+[\w.]+[ \t]+import[ \t]+(?:\([^)]*?|[^\n(]*?)\b(?P<taken>celery(?:_app)?)\b(?![ \t]+as\b)"
    r"|(?P<made>celery(?:_app)?)[ \t]*=[ \t]*(?!Celery\())",
    re.MULTILINE,
)
_MEETS = re.compile(r"^(?:\w+[ \t]*=[ \t]*)?(?:create|make)_\w*app\(|^with[ \t]+\w+\.app_context\(", re.MULTILINE)
_HELD = re.compile(r"(?:^|\.)Celery=:$")
_MAKES = re.compile(r"(?:^|\.)Celery$")
USES = re.compile(r"(?:^|\.)Celery$|^celery\..*config_from_object$")
_SCRIPTS = re.compile(r"(?:^|/)(?:Makefile|justfile|Procfile[\w.]*|[\w.-]+\.(?:sh|service)|supervisord?\.conf)$")
_WORKS_OFF = re.compile(r"(?m)^[^\n#]*\bcelery\b[^\n#]*\bworker\b[^\n#]*?\s(?:-Q\s*|--queues[ =])([\w.,:-]+)")
_NAMES = ("celery", "Celery", "CELERY")
_HOLDER = re.compile(
    r"^(\w*celery\w*|app)\s*(?::[^=\n]+)?=\s*"
    r"([\w.]*celery[\w.]*\(|[\w.]+\.extensions\[[\"']celery[\"']\]|\w+\.celery(?:_app)?\b(?!\())",
    re.MULTILINE | re.IGNORECASE,
)


class Celery(Framework):
    """Recognises applications that use Celery, and proposes worker and beat, restarted when code changes."""

    name = "celery"
    words = ("Celery(",)
    starts = re.compile(r"celery\b.*\bworker\b")
    schedules = re.compile(r"celery\b.*\bbeat\b")

    def workers(self, clone: Clone, run: Run) -> Sequence[Process]:
        """Return worker and beat, unless the settings disable Celery."""
        is_brought = not clone.packages or any("celery" in name for name in clone.packages)
        if not is_brought or not uses_celery(run) or is_idle(run) or _keeps_to_itself(run):
            return ()
        entry = celery_entry(clone)
        target = entry or _target(clone.tree, clone.app, run)
        if target is None:
            return ()
        here, (name, where) = cwd_of(clone.app), target
        queues = _queues_of_scripts(clone.tree)
        found = [Process("worker", f"celery -A {name} worker -l info{queues}", here, None, where)]
        beat = _has_beat(run) or (entry[1] if entry is not None and schedules(clone.tree, entry[1]) else None)
        if beat is not None:
            found.append(Process("beat", f"celery -A {name} beat -l info", here, None, beat if beat.path else where))
        return found


def uses_celery(run: Run) -> bool:
    """Return True if the code creates or configures a Celery application."""
    return any(USES.search(event.name) for event in run.found.events)


def is_idle(run: Run) -> bool:
    """Return whether the settings disable Celery: tasks run synchronously, or a switch is off."""
    eager = any(run.setting(name) is True for name in ("CELERY_TASK_ALWAYS_EAGER", "CELERY_ALWAYS_EAGER"))
    return eager or any(run.setting(name) is False for name in ("CELERY_ENABLED", "USE_CELERY", "ENABLE_CELERY"))


def _keeps_to_itself(run: Run) -> bool:
    """Return whether Celery's broker is in memory, so that a separate worker would get no tasks."""
    settings = (run.setting(name) for name in ("CELERY_BROKER_URL", "BROKER_URL", "broker_url"))
    given = [each.argument(3, "broker", "broker_url") for each in run.found.events if _MAKES.search(each.name)]
    given += [each.argument(0) for each in run.found.events if each.name.endswith("conf.broker_url=")]
    texts = (*settings, *(value.data for value in given if value is not None))
    return any(isinstance(text, str) and text.startswith("memory:") for text in texts)


def _target(tree: Tree, app: Application, run: Run) -> tuple[str, Evidence | None] | None:
    """Return the value for `celery -A` (a module, or `module:name` if Celery can't find the object) and its place."""
    made = [e for e in run.found.events if _HELD.search(e.name) and e.module]
    # Of several prefer the application's own: in its package, or with a usual name
    home = (run.machine.settings.name if run.machine.settings else app.entry).split(".")[0]
    made.sort(key=lambda e: (e.module.split(".")[0] != home, "celery" not in e.module))
    for event in made:
        return _shortest(run, event.module, event.target), event.place
    return _by_attribute(tree, app)


def _shortest(run: Run, module: str, name: str) -> str:
    package = module.rpartition(".")[0]
    outer = run.machine.modules.get(package)
    if module.endswith(".celery") and name in ("app", "celery") and outer is not None:
        return package
    holder = run.machine.modules.get(module)
    is_hidden = name == "celery" and holder is not None and "app" in holder.names
    return module if name in ("app", "celery") and not is_hidden else f"{module}.{name}"


def _by_attribute(tree: Tree, app: Application) -> tuple[str, Evidence | None] | None:
    """Return the value for `celery -A`, and its place, if a factory creates the Celery application."""
    found = (
        (module_name(where.path, app.sources), each, where) for where, each in find_in_modules(tree, _HOLDER, *_NAMES)
    )
    holders = [(len(where.path), name, each[1], where) for name, each, where in found if name]
    if not holders:
        return None
    _, module, name, evidence = min(holders, key=lambda item: item[0])
    return (module if name in ("app", "celery") else f"{module}.{name}"), evidence


def _has_beat(run: Run) -> Evidence | None:
    """Return the place in the code that schedules tasks for Celery's beat; None if there is none."""
    value = run.names.get("CELERY_BEAT_SCHEDULE") or run.names.get("CELERYBEAT_SCHEDULE")
    if value is not None and value.data:
        return value.place or Evidence("")
    if "django_celery_beat" in run.apps:
        return run.names["INSTALLED_APPS"].place or Evidence("")
    if schedule := run.fields("CELERY").get("beat_schedule"):
        return schedule.place or Evidence("")
    for event in run.found.events:
        if re.search(r"beat_schedule|add_periodic_task", event.name) or "beat_schedule" in event.call.keywords:
            return event.place or Evidence("")
    return None


def _queues_of_scripts(tree: Tree) -> str:
    """Return ` -Q a,b,celery` with the queues that the clone's own worker scripts name, and the default queue.

    "" if no script names a queue.
    """
    queues: dict[str, None] = {}
    for path in tree.files():
        if _SCRIPTS.search(path) and path.count("/") <= 2:
            for match in _WORKS_OFF.finditer(tree.text(path) or ""):
                queues |= dict.fromkeys(match[1].split(","))
    return f" -Q {','.join(queues | {'celery': None})}" if queues else ""


def celery_entry(clone: Clone) -> tuple[str, Evidence] | None:
    """Return the value for `celery -A` of a module that also creates the web application, and its place; None for none.

    Without such a module, tasks run outside of the application's context.
    """
    tree, app = clone.tree, clone.app
    found: list[tuple[bool, int, str, str, Evidence]] = []
    for where, held in find_in_modules(tree, _HOLDS, "celery") if clone.framework.has_context else ():
        is_named_so = _FILES.search(posixpath.basename(where.path)) is not None
        name = module_name(where.path, app.sources) if is_named_so or where.path == app.path else None
        if name is not None and _MEETS.search(held.string):
            found.append((not is_named_so, where.path.count("/"), name, held["taken"] or held["made"], where))
    if not found:
        return None
    _, _, module, name, evidence = min(found, key=lambda each: each[:3])
    return f"{module}.{name}", evidence


def schedules(tree: Tree, evidence: Evidence) -> bool:
    """Return whether a module's code schedules periodic tasks."""
    return bool(re.search(r"\.add_periodic_task\(|\bbeat_schedule\b", tree.text(evidence.path) or ""))
