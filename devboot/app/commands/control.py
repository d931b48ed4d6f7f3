"""`devboot start`, `stop`, `restart`: controls single processes of a running project."""

from __future__ import annotations

import os

from devboot import snapshot
from devboot.app.fast import daemon_connection
from devboot.app.fast.streams import Streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.fast.call import Call


_SETTING = ("devboot.toml", "Procfile", "Procfile.dev")


def _edited(call: Call) -> str:
    """Return the first settings file edited since `up`, for a warning: a restart doesn't apply the edit.

    "" for none.
    """
    known = snapshot.read(f"{call.state}/{snapshot.NAME}", has_plan=False)
    for each in snapshot.changed(known) if known is not None else ():
        name = os.path.basename(each[0])
        if name in _SETTING or name.startswith(".env"):
            return each[0].removeprefix(f"{call.root}/")
    return ""


def carry_out(call: Call) -> int:
    """Send `start`, `stop` or `restart` to the running daemon and return the exit code."""
    found = daemon_connection.meet(call)
    if found.client is not None:
        code = daemon_connection.answer(call, found.client, **({"wait": 0.0} if call.output.no_wait else {}))
        edited = _edited(call) if call.command != "stop" and not call.output.quiet else ""
        if edited:
            Streams().say(f"{edited} has changed since the last `up`; to apply the change: devboot up -d\n")
        return code
    if found.lease is not None and found.lease.is_alive:
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    project = daemon_connection.project_name(call)
    if call.command == "stop":
        Streams().say(f"{project} is not running\n")
        return 0
    import shlex

    from devboot.errors import WorkError

    names = shlex.join(call.args)
    return daemon_connection.complain(
        call,
        WorkError("daemon/not-running", f"{project} is not running", help=[f"devboot up -d {names}".rstrip()]),
    )
