"""The commands `gc` and `store`, for the store of packages."""

from __future__ import annotations

from collections.abc import Sequence

from devboot.app.command_table import STORE_ACTIONS
from devboot.app.commands.housekeeping import gc as collecting, store as keeping
from devboot.cli.session import Session
from devboot.errors import Exit, IntegrityError, UsageError
from devboot.events import doing
from devboot.model.nearest import nearest
from devboot.model.printable import counted
from devboot.ui import store as shown

_SHOWN = 10  # lines of evidence


def gc(session: Session, *, older_than: str, is_dry: bool, with_data: bool) -> int:
    """Remove unused store objects, and print which stay and why; return the exit code."""
    age = collecting.parse_age(older_than) if older_than else None
    with (
        session.reporting("store", is_brief=True) as reporter,
        doing(reporter, "store", "looking for unused objects"),
    ):
        done = collecting.gc(session.context, older_than=age, is_dry=is_dry, with_data=with_data)
    if session.json:
        session.out_json(shown.collected_as_json(done))
    else:
        session.out(shown.render_collected(done, session.context.environ.get("HOME", ""), session.width()))
    return Exit.OK


def store(session: Session, action: str, names: Sequence[str]) -> int:
    """Run `store list`, `path`, `verify` or `repair`; return the exit code. Raises UsageError for another action."""
    if action == "list":
        return _list(session, names)
    if action == "verify":
        return _verify(session, names)
    if action == "repair":
        return _repair(session, names)
    if action == "path":
        return _path(session, names)
    near = nearest(action, STORE_ACTIONS)
    advice = [f"did you mean `devboot store {near}`?"] if near else []
    raise UsageError(
        "usage/argument", f"`devboot store` has no action `{action}`", help=[*advice, "`devboot help store`"]
    )


def _list(session: Session, names: Sequence[str]) -> int:
    if names:
        raise UsageError("usage/argument", f"`store list` takes no `{names[0]}`", help=["devboot store list"])
    pieces = keeping.contents(session.context)
    if session.json:
        session.out_json(shown.contents_as_json(pieces))
    else:
        session.page(shown.render_contents(pieces, session.context.environ.get("HOME", ""), session.width()))
    return Exit.OK


def _verify(session: Session, names: Sequence[str]) -> int:
    with session.reporting("store", is_brief=True) as reporter:
        found = keeping.verify(session.context, names, reporter)
    if session.json:
        session.out_json(shown.verified_as_json(found))
        return Exit.INTEGRITY if found.damaged else Exit.OK
    if found.damaged:
        lines = [f"{keeping.title_of(each.name)}: {text}" for each in found.damaged for text in each.complaints]
        raise IntegrityError(
            "store/modified",
            f"{counted(len(found.damaged), 'object')} in the store differ from what devboot installed"
            if len(found.damaged) > 1
            else f"{keeping.title_of(found.damaged[0].name)} differs from what devboot installed",
            details=lines[:_SHOWN],
            help=["devboot store repair"],
            kept=[f"{counted(found.intact, 'object')} intact"] if found.intact else [],
        )
    session.out(f"{counted(found.intact, 'object')} intact\n")
    return Exit.OK


def _repair(session: Session, names: Sequence[str]) -> int:
    with session.reporting("store") as reporter:
        done = keeping.repair(session.context, names, reporter)
    if session.json:
        session.out_json(done._asdict())
    else:
        session.out(shown.render_repaired(done) + "\n")
    return Exit.OK


def _path(session: Session, names: Sequence[str]) -> int:
    if len(names) != 1:
        raise UsageError("usage/argument", "`store path` takes one name", help=["devboot store path redis"])
    found = keeping.path_of(session.context, names[0])
    if session.json:
        title = keeping.title_of(found.name)
        session.out_json({"name": found.name, "title": title, "path": found.path, "bin": found.bin})
    else:
        session.out(f"{found.path}\n", is_exact=True)
    return Exit.OK
