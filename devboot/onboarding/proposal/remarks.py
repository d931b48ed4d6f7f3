"""What is worth saying beside the manifest: servers not shown to be needed, what a clone lacks, what else it holds."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

from devboot.onboarding.frameworks.django_settings import named_settings
from devboot.onboarding.frameworks.flask import abilities, flask_name
from devboot.onboarding.libraries import kind
from devboot.onboarding.proposal.debug_flags import evidence_of
from devboot.onboarding.proposal.survey import Clone
from devboot.onboarding.proposal_values import Database, Evidence, Note, Task
from devboot.onboarding.reading.layout import ASIDE, manifest_folder
from devboot.onboarding.symbolic_eval.settings import Run
from devboot.onboarding.symbolic_eval.values import HOLE


def other_services(clone: Clone, run: Run, servers: set[str]) -> list[Note]:
    """Services of compose that nothing shows to be needed, and those that no recipe serves yet."""
    notes: list[Note] = []
    for container in clone.compose.containers:
        recipe = container.recipe
        if recipe and recipe != "redis" and recipe not in servers:
            servers.add(recipe)
            own = kind(recipe).recipe
            rest = f"`[services.{own}]` would run it" if own else "there is no recipe for it yet"
            notes.append(Note(f"{recipe}: compose has it as `{container.name}`; {rest}", container.evidence))
    if "rabbitmq" not in servers:
        for event in run.found.events:
            for value in (*event.call.args, *event.call.keywords.values()):
                if isinstance(value.data, str) and re.match(r"(?:py)?amqps?://", value.data):
                    servers.add("rabbitmq")
                    return [
                        *notes,
                        Note(
                            "rabbitmq: the code connects to it; `[services.rabbitmq]` would run it",
                            evidence_of(event.place),
                            warns=True,
                        ),
                    ]
    return notes


def without_migrations(clone: Clone, tasks: Collection[Task], databases: Collection[Database]) -> list[Note]:
    """Flask-Migrate with nothing to migrate: whoever clones it makes the migrations, as its README says."""
    tree, app = clone.tree, clone.app
    if app.framework != "flask" or "flask-migrate" not in clone.packages or not databases:
        return []
    makes = any(tree.mentions(path, ("create_all(",)) for path in tree.python_files() if not ASIDE.search(path))
    if makes or any(task.name in ("migrate", "tables") for task in tasks):
        return []
    name, known = flask_name(tree, app), abilities(tree, app.root, clone.python.requirements)
    option, before = (f"--app {name} ", "") if known.option else ("", f"FLASK_APP={name} ")
    command = f"{before if name else ''}devboot run -- flask {option if name else ''}db init"
    text = (
        f"no migrations are in the clone, so tables are missing: `{command}`, then with `migrate`, then with `upgrade`"
    )
    return [Note(text, app.evidence)]


_DJANGO = ("execute_from_command_line",)


def neighbours(clone: Clone) -> list[Note]:
    """Other Django applications of the clone, each of which `up` would start in its own folder."""
    tree, app = clone.tree, clone.app
    if app.framework != "django":
        return []
    notes = []
    for path in sorted(tree.python_files()):
        folder = posixpath.dirname(path) or "."
        is_other = posixpath.basename(path) == "manage.py" and path != app.path and not ASIDE.search(path)
        if is_other and manifest_folder(tree, folder) not in (app.root, ".") and tree.mentions(path, _DJANGO):
            notes.append(Note(f"{folder} is an application, too: `devboot -C {folder} up` starts it", Evidence(path)))
    return notes[:3]


def absent(clone: Clone, run: Run) -> list[Note]:
    """Modules that the code imports and the clone lacks, with the template from which one is made."""
    notes = []
    known = [(name, place) for name, place in run.found.absent if HOLE not in name]
    missing = [(name, evidence_of(place), "imported") for name, place in known[:2]]
    if clone.app.framework == "django" and not clone.settings:
        name, evidence = named_settings(clone.tree, clone.app.path)
        missing += [(name, evidence, "named")] if name else []
    for name, evidence, how in missing:
        inner = name.replace(".", "/")
        beside = [f"{source}/{inner}" if source != "." else inner for source in clone.app.sources]
        stems = "|".join(map(re.escape, beside))
        made = r"[._-]?(?:example|sample|template|dist|default)\w*(?:\.py)?$"
        pattern = re.compile(rf"(?:{stems})(?:{made}|\.py\.\w+$)")
        template = next((path for path in clone.tree.files() if pattern.search(path)), None)
        hint = f": make it from {template}" if template else ""
        notes.append(Note(f"`{name}` is {how} but not in the clone{hint}", evidence))
    return notes
