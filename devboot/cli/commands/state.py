"""The command `state`: prints the paths of state and data, and adopts those of another project."""

from __future__ import annotations

from devboot.app.command_table import STATE_ACTIONS
from devboot.app.commands.housekeeping import state as keeping
from devboot.cli.session import Session
from devboot.errors import Exit, UsageError
from devboot.model.nearest import nearest
from devboot.ui import state as shown


def state(session: Session, action: str, name: str, *, is_data: bool) -> int:
    """Run `state path`, `list` or `adopt`; return the exit code. Raises UsageError for another action."""
    if action == "path":
        path = keeping.path_of(session.context, name, is_data=is_data)
        if session.json:
            session.out_json({"path": path})
        else:
            session.out(f"{path}\n", is_exact=True)
        return Exit.OK
    if action == "list" and not name:
        return _list(session)
    if action == "adopt" and name:
        return _adopt(session, name)
    near = nearest(action, STATE_ACTIONS)
    advice = [f"did you mean `devboot state {near}`?"] if near and near != action else []
    what = {"list": "`state list` takes no name", "adopt": "`state adopt` needs a name that `state list` shows"}
    raise UsageError(
        "usage/argument",
        what.get(action, f"`devboot state` has no action `{action}`"),
        help=[*advice, "`devboot help state`"],
    )


def _list(session: Session) -> int:
    found = keeping.listed(session.context)
    if session.json:
        session.out_json(shown.list_as_json(found))
    elif found:
        session.page(shown.render_list(found, session.context.environ.get("HOME", ""), session.width()))
    else:
        session.say("no project has state or data yet")
    return Exit.OK


def _adopt(session: Session, name: str) -> int:
    done = keeping.take_over(session.context, name)
    if session.json:
        session.out_json(done._asdict())
        return Exit.OK
    session.say(f"`{done.root}` has the state and data of `{name}` now")
    if done.kept:
        session.say(f"what it had before is kept; to return to it: devboot state adopt {done.kept}")
    session.say("next: devboot up")
    return Exit.OK
