"""`devboot ps`: lists processes: state, address, and why one isn't running."""

from __future__ import annotations

import os

from devboot.app.fast import daemon_connection
from devboot.app.fast.streams import Streams
from devboot.daemon import client as daemon, leases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.fast.call import Call
    from devboot.daemon.leases import DaemonLease


def carry_out(call: Call) -> int:
    """Print the daemon's table of processes; return the exit code. It is no error if nothing runs."""
    if call.flag("all"):
        return _all(call)
    found = daemon_connection.meet(call)
    if found.client is not None:
        _say_if_moved(call, found.lease)
        if call.flag("watch"):
            return _watch(call, found.client)
        return daemon_connection.answer(call, found.client)
    if found.lease is not None and found.lease.is_alive:
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    _nothing_runs(call)
    return 0


def _say_if_moved(call: Call, lease: DaemonLease | None) -> None:
    """Print a note if the running project's folder was renamed since its start: where it was started."""
    from devboot.text.columns import printable

    if lease is not None and lease.root != call.root and not call.output.json:
        where = printable(lease.root)
        Streams().say(f"it was started in {where}, before it was moved: `devboot down`, then `devboot up -d`\n")


def _watch(call: Call, client: daemon.Client) -> int:
    try:
        return daemon_connection.answer(call, client, watch=True)
    except KeyboardInterrupt:
        return 130


def _nothing_runs(call: Call) -> None:
    from devboot import __version__
    from devboot.wire.jsontext import to_json

    project = daemon_connection.project_name(call)
    if call.output.json:
        document = {
            "schema": 1,
            "devboot": __version__,
            "project": project,
            "root": call.root,
            "pid": None,
            "since": None,
            "processes": [],
        }
        Streams().write(1, f"{to_json(document)}\n".encode())  # type: ignore[arg-type]
        return
    from devboot.text.columns import printable

    ended = leases.sudden_end(call.state)
    left = leases.orphans_of(call.state) if ended is not None else []
    why = f", {ended.describe()}" if ended is not None else ""
    Streams().say(f"{project} is not running{why}: devboot up{' -d' * bool(why)}\n")
    if left:
        names = ", ".join(f"{printable(name)} (pid {seen.pid})" for seen, name in left)
        Streams().say(f"still running from its last start: {names}; to end them: devboot down\n")


def _all(call: Call) -> int:
    """Print the processes of all running projects of this user, one project after the other."""
    from devboot.paths import runtime_directory
    from devboot.text.columns import printable

    code = 0
    running = leases.live_daemons(runtime_directory(call.environ, os.getuid()))
    for number, lease in enumerate(running):
        found = daemon.connect(lease)
        if found is None:
            continue
        # Also in a file or a pipe: the table needs its title there
        title = ("\n" if number else "") + f"{printable(lease.root)}\n"
        Streams().say(title) if call.stdout.terminal or call.output.json else Streams().write(1, title.encode())
        code = max(code, daemon_connection.answer(call, found))
    if not running:
        Streams().say("no project of yours is running\n")
    return code
