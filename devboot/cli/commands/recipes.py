"""The command `recipe`: new, test, update."""

from __future__ import annotations

import os
from collections.abc import Sequence

from devboot.app.command_table import RECIPE_ACTIONS
from devboot.app.recipes import recipe as recipes
from devboot.app.recipes.update import UpdateOptions
from devboot.cli.session import Session
from devboot.errors import Exit, UsageError
from devboot.model.nearest import nearest


def recipe(session: Session, words: Sequence[str], *, version: str, exclude_newer: str, offline: bool) -> int:
    """Run `recipe new`, `test` or `update`; return the exit code. Raises UsageError for another action."""
    action, *rest = words
    if action not in RECIPE_ACTIONS:
        near = nearest(action, RECIPE_ACTIONS)
        advice = [f"did you mean `devboot recipe {near}`?"] if near else []
        raise UsageError(
            "usage/argument", f"`devboot recipe` has no action `{action}`", help=[*advice, "`devboot help recipe`"]
        )
    if not rest or len(rest) > 2:
        raise UsageError(
            "usage/argument", f"`recipe {action}` needs the name of one recipe", help=["`devboot help recipe`"]
        )
    name, extra = rest[0], "".join(rest[1:])
    if action == "new":
        return _new(session, name, extra)
    if action == "update":
        return _update(session, name, UpdateOptions(extra, version, exclude_newer))
    return _test(session, name, extra or version, offline=offline)


def _new(session: Session, name: str, source: str) -> int:
    with session.reporting(name) as reporter:
        made = recipes.new(session.context, name, source, reporter)
    folder = os.path.relpath(made.folder, session.context.cwd)
    if session.json:
        session.out_json({"folder": folder, "files": list(made.files)})
        return Exit.OK
    session.say(f"wrote {', '.join(os.path.join(folder, file) for file in made.files)}")
    if "versions.toml" not in made.files:
        session.say(f"next: look at it, then `devboot recipe update {name}`")
    session.say(f"next: devboot recipe test {name}")
    return Exit.OK


def _update(session: Session, name: str, wish: UpdateOptions) -> int:
    with session.reporting(name) as reporter:
        done = recipes.update(session.context, name, wish, reporter)
    path = os.path.relpath(done.path, session.context.cwd)
    if session.json:
        added = [{"version": version, "platforms": list(platforms)} for version, platforms in done.added]
        session.out_json({"file": path, "added": added})
    elif done.added:
        session.say(f"wrote {path}: {', '.join(version for version, _ in done.added)}")
        session.say(f"next: devboot recipe test {name}")
    else:
        session.say(f"{path} unchanged: the sources have nothing newer")
    return Exit.OK


def _test(session: Session, name: str, version: str, *, offline: bool) -> int:
    with session.reporting(name) as reporter:
        tested = recipes.test(session.context, name, version, is_offline=offline, reporter=reporter)
    is_real = not offline and not tested.lacks
    if session.json:
        session.out_json({"recipe": name, "version": tested.version, "real": is_real})
    else:
        session.say(
            f"{name} {tested.version} {'works on this machine' if is_real else 'looks right; it was not fetched'}"
        )
    return Exit.OK
