"""The commands `generations`, `diff` and `rollback`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from devboot.app.commands.housekeeping import rollback as going_back
from devboot.app.preparation.generations import history as known
from devboot.cli.session import Session
from devboot.errors import Exit, UsageError
from devboot.provision import generations as files
from devboot.state.project import find_project
from devboot.text.modes import is_unicode
from devboot.text.units import whole_number
from devboot.ui import generations as shown


def generations(session: Session) -> int:
    """List the generations; return the exit code."""
    found = known.summaries(_state(session))
    if session.json:
        session.out_json(shown.list_as_json(found))
    elif found:
        session.page(shown.render_list(found, session.width()))
    else:
        session.say("nothing has been synced here yet")
    return Exit.OK


def diff(session: Session, numbers: Sequence[str]) -> int:
    """Print the differences of two generations, by default the current one and the one before; return the exit code.

    `numbers` are up to two numbers of generations. Raises UsageError.
    """
    state = _state(session)
    if len(numbers) > 2:
        raise UsageError("usage/argument", f"`devboot diff` takes no `{numbers[2]}`", help=["devboot diff 2 4"])
    asked = [_number(text) for text in numbers]
    old = known.chosen(state, asked[0] if asked else known.previous(state))
    new = known.chosen(state, asked[1] if len(asked) > 1 else files.current(state))
    changes = known.differences(old, new)
    if session.json:
        told = shown.changes_as_json(changes, session.mask)
        session.out_json({"old": old.facts.number, "new": new.facts.number, "changes": told})
    elif changes:
        session.page(shown.render_changes(changes, unicode=is_unicode(session.context.stdout), mask=session.mask))
    else:
        session.say(f"generations {old.facts.number} and {new.facts.number} are the same")
    return Exit.OK


def rollback(session: Session, number: str, *, is_offline: bool) -> int:
    """Switch back to a generation, and print the changes; return the exit code."""
    root = find_project(session.context.cwd, session.context.environ).root
    wanted = _number(number) if number else None
    with session.reporting(os.path.basename(root)) as reporter:
        done = going_back.rollback(session.context, wanted, reporter, is_offline=is_offline)
    if session.json:
        told = shown.changes_as_json(done.changes, session.mask)
        session.out_json({"old": done.before, "new": done.number, "changes": told})
        return Exit.OK
    session.out(shown.render_changes(done.changes, unicode=is_unicode(session.context.stdout), mask=session.mask))
    session.say(f"generation {done.number} is current until a file of the project changes")
    session.say("next: `devboot up -d` applies it, `devboot sync` returns to the newest state")
    return Exit.OK


def _state(session: Session) -> str:
    return find_project(session.context.cwd, session.context.environ).state


def _number(text: str) -> int:
    number = whole_number(text, 10**9)
    if number is None:
        raise UsageError(
            "usage/argument", f"a generation has a number, found `{text}`", help=["`devboot generations` lists them"]
        )
    return number
