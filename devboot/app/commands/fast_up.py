"""Fast path of `up`: joins a running project, or starts the plan of a fresh snapshot; else the slow path continues."""

from __future__ import annotations

import os
import time

from devboot import snapshot
from devboot.app.fast import daemon_connection
from devboot.app.fast.call import NOTHING_TO_INSTALL
from devboot.app.fast.data_check import is_plausible
from devboot.app.fast.line_numbers import with_current_lines
from devboot.app.fast.streams import Streams
from devboot.app.screen.attach import attach
from devboot.daemon import client as daemon, leases
from devboot.daemon.process import fork
from devboot.snapshot import CHOSEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from devboot.app.fast.call import Call
    from devboot.daemon.client import Client, Found
    from devboot.daemon.process.fork import Handle
    from devboot.errors import DevbootError
    from devboot.model.process import ProcessSpec
    from devboot.wire.jsontext import Plain

INSIDE = "DEVBOOT_INSIDE"  # the supervisor's word for the root of the project that a process belongs to
_JOIN_PATIENCE = 15.0  # seconds to find the daemon of a faster `up`
_WALK = 0.01  # seconds that the search for edited code may take
_LONGEST = 1e9  # seconds; JSON has no infinity
AGAIN = -1  # in place of an exit code: a port was taken in the meantime, so a plan with another one is needed


def refuse_nested(call: Call) -> None:
    """Raise BusyError `busy/nested` if one of the project's own processes calls `up`, which would recurse for ever."""
    if call.environ.get(INSIDE) == call.root:
        raise _nested()


def _nested() -> DevbootError:
    from devboot.errors import BusyError

    return BusyError(
        "busy/nested",
        "`devboot up` was called by a process of the same project",
        causes=["that process runs under the project's supervisor already"],
        help=["remove `devboot up` from the process's command"],
    )


def carry_out(call: Call, handle: Handle | None = None) -> tuple[int | None, Handle | None]:
    """Run `up` from the snapshot; return (exit code, None), or (None, forked daemon) if the slow path must continue.

    `handle` is a daemon that was forked already.
    """
    if call.environ.get(INSIDE) == call.root:
        # At once: until then it counts as a process that is starting
        return daemon_connection.complain(call, _nested()), None
    found = _find_daemon(call)
    runs = found.client is not None or (found.lease is not None and found.lease.is_alive)
    if runs and handle is not None:
        handle.abandon()
    if found.client is not None:
        code = join_known(call, found.client)
        return None if code == AGAIN else code, None
    if runs:
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call)), None
    handle = handle or fork.prepare()
    known, since = _fresh(call), snapshot.since(call.state)
    if known is None or not _ports_are_free(known.ports) or not is_plausible(known.data, since):
        return None, handle
    environ = snapshot.apply(known.patch, call.environ)
    code = launch(call, handle, known.plan_plain, environ, installed=NOTHING_TO_INSTALL, moves=True)
    return None if code == AGAIN else code, None


def _find_daemon(call: Call) -> Found:
    """Find the project's daemon; first wait for one that is about to end, or was killed a moment ago."""
    deadline = time.monotonic() + daemon.PATIENCE
    while True:
        found = daemon_connection.meet(call)
        has_silent = found.client is None and found.lease is not None and found.lease.is_alive
        if not has_silent or (found.lease is not None and found.lease.is_frozen) or time.monotonic() >= deadline:
            return found
        time.sleep(0.01)


def _fresh(call: Call) -> snapshot.Snapshot | None:
    known = snapshot.read(f"{call.state}/{snapshot.NAME}")
    if known is None or snapshot.runs_nothing(known) or not snapshot.is_fresh(known, call.root, call.environ):
        return None  # if nothing runs, the slow path decides whether that is an error
    return with_current_lines(known)


def launch(
    call: Call,
    handle: Handle,
    plan_plain: tuple[Any, ...],
    environ: Mapping[str, str],
    *,
    installed: str,
    moves: bool = False,
) -> int:
    """Send the plan to the forked daemon, show the start, return the exit code of `up`.

    `installed` is the headline's text about the provisioning. If another `up` was faster, join that one. With `moves`
    the result may be AGAIN: then the caller prepares a plan with other ports.
    """
    deadline = time.monotonic() + _JOIN_PATIENCE
    while True:
        try:
            client = handle.launch(plan_plain, environ, request(call, installed, moves=moves))
        except fork.LostError as lost:
            code = join_winner(call, plan_plain, environ, str(lost), deadline, moves=moves)
            if code is not None:
                return code
            handle = fork.prepare()  # the other daemon has ended
        except daemon.NoAnswerError:
            return daemon_connection.complain(call, daemon_connection.gone(call))
        else:
            return _follow_start(call, client, owner=True)


def request(call: Call, installed: str, *, moves: bool = False) -> dict[str, Plain]:
    """Return the message by which `up` is requested from the daemon."""
    wait = call.values.get("wait-timeout")
    return {
        "command": "up",
        "names": list(call.args),
        "view": call.view(),
        "detach": call.flag("detach"),
        "dependencies": not call.flag("no-deps"),
        "timings": call.flag("timings"),
        "moves": moves,
        "began": call.began,
        "installed": installed,
        **({"wait": min(float(str(wait)), _LONGEST), "is_wait_given": True} if wait is not None else {}),
    }


def join(
    call: Call,
    client: Client,
    *,
    fingerprint: str,
    plan_plain: tuple[Any, ...] = (),
    environ: Mapping[str, str] | None = None,
    installed: str = "",
    moves: bool = True,
) -> int | None:
    """Send `up` to a running daemon: apply the plan, start what is missing, then watch or return.

    The result is as for `launch`; AGAIN only with `moves`. None if the daemon needs the plan and it wasn't given, or if
    it is ending: then continue as if there was none.
    """
    plan = (*plan_plain[:3], tuple((environ or {}).items()), *plan_plain[4:]) if plan_plain else ()
    try:
        client.ask({**request(call, installed, moves=moves), "fingerprint": fingerprint, "plan": plan})
        client.welcome()
        first = client.next(daemon.PATIENCE)
    except daemon.NoAnswerError as error:
        client.close()
        # It has replaced its socket: the caller looks for the new one; or it ended before it had seen us
        if isinstance(error, daemon.ClosedError) or not daemon_connection.is_running(call):
            return None
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    if first is None or first[1] in (b"stale", b"stopping"):
        if first is not None and first[1] == b"stopping":
            _wait_for_end(client)
        client.close()
        return None
    client.put_back(first)
    return _follow_start(call, client, owner=False)


def join_known(call: Call, client: Client) -> int | None:
    """Send `up` with the snapshot's plan to a running daemon; return the exit code, None if the snapshot is stale."""
    known = _fresh(call)
    if known is None or not is_plausible(known.data):  # without `since`: running processes write to their databases
        client.close()
        return None
    plan = known.plan_plain
    code = join(call, client, fingerprint=plan[6], installed=NOTHING_TO_INSTALL)
    if code is None and os.path.exists(f"{call.state}/{CHOSEN}"):
        # the slow path would compose the present files, not the restored generation
        found = daemon_connection.meet(call)
        if found.client is not None:
            environ = snapshot.apply(known.patch, call.environ)
            return join(call, found.client, fingerprint=plan[6], plan_plain=plan, environ=environ, installed="")
    return code


def join_winner(
    call: Call, plan_plain: tuple[Any, ...], environ: Mapping[str, str], who: str, deadline: float, *, moves: bool
) -> int | None:
    """Join the daemon of a faster `up`; return the exit code, None if the project isn't locked any more.

    `who` describes the faster one, `deadline` is monotonic seconds.
    """
    if not call.output.quiet:
        Streams().say(f"waiting for {who}\n")
    from devboot.locks import is_locked

    lock = leases.lock_path(call.state)
    while time.monotonic() < deadline:
        found = daemon_connection.meet(call)
        if found.client is not None:
            plan = plan_plain
            code = join(call, found.client, fingerprint=plan[6], plan_plain=plan, environ=environ, moves=moves)
            if code is not None:
                return code
        elif found.lease is not None and found.lease.is_alive:
            if found.lease.is_frozen:
                break
        elif not is_locked(lock):
            return None
        time.sleep(0.01)
    return daemon_connection.complain(call, daemon_connection.silent_daemon(call))


def _wait_for_end(client: Client) -> None:
    try:
        while client.next(_JOIN_PATIENCE) is not None:
            pass
    except daemon.NoAnswerError:
        return


def _follow_start(call: Call, client: Client, *, owner: bool) -> int:
    if not call.flag("detach"):
        if not call.is_grown:
            return attach(call, client, owner=owner)
        from devboot.app.screen.resume import attach_afresh

        return attach_afresh(call, client, owner=owner)
    streams = Streams()
    try:
        code = _follow(call, client, streams)
    except daemon.NoAnswerError:
        code = None
    except KeyboardInterrupt:
        streams.say(f"\n{daemon_connection.project_name(call)} is still starting: devboot ps\n")
        return 130
    finally:
        client.close()
    if client.is_port_taken:
        return AGAIN
    if not owner and code == 0 and not call.output.quiet:
        _print_outdated_processes(call, streams)
    return daemon_connection.complain(call, daemon_connection.gone(call)) if code is None else code


def _print_outdated_processes(call: Call, streams: Streams) -> None:
    """Print the names of running processes whose code was edited after their start."""
    from devboot.daemon.old_code import old_code
    from devboot.text.columns import pad, printable

    def specs() -> Iterator[ProcessSpec]:
        from devboot.model.process import plan_from_plain

        known = snapshot.read(f"{call.state}/{snapshot.NAME}")
        yield from plan_from_plain(known.plan_plain).processes if known is not None else ()

    for names, file in old_code(call.root, call.state, specs(), limit=_WALK):
        who, were = ", ".join(map(printable, names)), "was" if len(names) == 1 else "were"
        text = f"{who} {were} started before {printable(file)} was edited: devboot restart {who.replace(', ', ' ')}"
        streams.say(f"  {pad('note', 6)}  {text}\n")


def _follow(call: Call, client: Client, streams: Streams) -> int | None:
    if not call.is_live():
        return client.copy(streams.write)
    from devboot.app.screen.live import follow

    return follow(call, client, streams)


def _ports_are_free(ports: tuple[tuple[str, int, str], ...]) -> bool:
    """Return whether all ports are free; `ports` has (name, port, address)."""
    from devboot.environment.ports.loopback import is_free

    return all(is_free(port) for _, port, _ in ports)
