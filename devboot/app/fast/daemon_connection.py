"""Connects fast commands to the daemon: finds it, sends a request, reports that there is none or no answer."""

from __future__ import annotations

import os

from devboot.app.fast.streams import Streams
from devboot.daemon import client as daemon
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.fast.call import Call
    from devboot.daemon.client import Client, Found
    from devboot.errors import DevbootError


def meet(call: Call) -> Found:
    """Find the daemon of the project that `call` is about, and connect to it."""
    return daemon.find(call.state, call.root, call.environ, call.data)


def is_running(call: Call) -> bool:
    """Return whether the project has a daemon, whether it answers or not."""
    found = meet(call)
    if found.client is not None:
        found.client.close()
    return found.client is not None or (found.lease is not None and found.lease.is_alive)


class RunningPorts(Record):
    """Ports of a running project: `lost` are processes whose port another program took, `held` are ports in use."""

    lost: tuple[str, ...]
    held: tuple[int, ...]


def running_ports(call: Call) -> RunningPorts | None:
    """Request the ports of running processes from the daemon; None if no daemon answers."""
    import json

    found = meet(call)
    if found.client is None:
        return None
    try:
        processes = json.loads(written(call, found.client, "ps"))["processes"]
        lost = tuple(str(each["name"]) for each in processes if each.get("port_taken"))
        alive = (each for each in processes if each["pid"] and each["port"] and each["name"] not in lost)
        return RunningPorts(lost, tuple(int(each["port"]) for each in alive))
    except (daemon.NoAnswerError, ValueError, LookupError, TypeError):
        return None  # it has just ended, or is of another version


def answer(call: Call, client: Client, **more: object) -> int:
    """Send the call's command to the daemon, copy its output to this terminal, and return its exit code."""
    request = {"command": call.command, "names": list(call.args), "view": call.view(), **more}
    streams = Streams()
    client.pass_through = streams.passing_through()
    try:
        client.ask(request)  # type: ignore[arg-type]
        client.welcome()
        code = client.copy(streams.write)
    except daemon.NoAnswerError:
        return complain(call, silent_daemon(call))
    finally:
        client.close()
    if code is None:
        return complain(call, gone(call))
    return code or streams.failure


def written(call: Call, client: Client, command: str, **more: object) -> bytes:
    """Send `command` to the daemon and return the JSON that it answers with; b"" if it refuses."""
    from devboot.wire import frames

    found, answer = b"", None
    try:
        client.ask({"command": command, "names": [], "view": {**call.view(), "json": True}, **more})  # type: ignore[dict-item]
        client.welcome()
        while (answer := client.next(daemon.PATIENCE)) is not None and answer[0] != frames.EXIT:
            found += answer[1] if answer[0] == frames.OUT else b""
    finally:
        client.close()
    return found if answer is not None and answer[1] == b"0" else b""


def complain(call: Call, error: DevbootError) -> int:
    """Print an error, also as JSON with --json, and return its exit code."""
    from devboot.text.modes import has_colour
    from devboot.text.problems import render_problem

    colour = has_colour(call.stderr, call.environ, call.output)
    Streams().say(render_problem(error, colour=colour))
    if call.output.json:
        from devboot import __version__
        from devboot.text.problems import error_as_json
        from devboot.wire.jsontext import to_json

        document = {"schema": 1, "devboot": __version__, **error_as_json(error)}
        Streams().write(1, f"{to_json(document)}\n".encode())
    return error.exit_code


def warn(call: Call, error: DevbootError) -> None:
    """Print an error as a warning; the command continues."""
    from devboot.text.modes import has_colour
    from devboot.text.problems import render_problem

    colour = has_colour(call.stderr, call.environ, call.output)
    Streams().say(render_problem(error, colour=colour, severity="warning"))


def refuse_stopped(call: Call) -> None:
    """Raise BusyError `daemon/no-answer` if the project's daemon is paused (SIGSTOP), before preparing in vain."""
    found = meet(call)
    if found.client is not None:
        found.client.close()
    if found.lease is not None and found.lease.is_alive and found.lease.is_frozen:
        raise silent_daemon(call)


def silent_daemon(call: Call) -> DevbootError:
    """Return the error for a daemon that doesn't answer, with the cause as far as the system shows it."""
    from errno import EMFILE

    from devboot.daemon import search
    from devboot.errors import BusyError
    from devboot.supervisor.system import limits

    lease = daemon.lease_of(call.state, call.root, call.environ, call.data)
    if lease is None or not lease.is_alive:  # all its files were deleted
        lease = search.find_run(call.root, call.environ, call.state, call.data)
    who = f" (pid {lease.pid})" if lease else ""
    causes, helps = [], ["devboot down"]
    if lease and lease.is_frozen:
        causes = ["it is stopped, as by SIGSTOP or a debugger"]
    elif lease and limits.is_exhausted(lease.pid):
        causes, helps = ["it has no file descriptors left"], [*limits.advice(EMFILE, lease.pid), *helps]
    return BusyError(
        "daemon/no-answer", f"the daemon of {project_name(call)}{who} does not answer", causes=causes, help=helps
    )


def gone(call: Call) -> DevbootError:
    """Return the error for a daemon that ended during its answer: killed, or crashed with a crash report."""
    from devboot.daemon import leases
    from devboot.errors import MachineError, WorkError
    from devboot.supervisor.system import proctable

    if not proctable.is_there():
        return MachineError(
            "machine/no-proc",
            "the kernel's table of processes can't be read",
            causes=["nothing is mounted at `/proc`, as in a bare `chroot`"],
            help=["mount -t proc proc /proc"],
        )
    trace = leases.crash_path(call.state)
    crashed = os.path.exists(trace) and os.stat(trace).st_mtime >= call.began
    return WorkError(
        "daemon/gone",
        "the daemon ended before it answered",
        causes=[f"it crashed because of a bug: see `{trace}`"] if crashed else ["it was killed"],
        help=["devboot up -d", *(["please report that file: it has no values of variables"] * crashed)],
        kept=["no process is left running: the daemon's parent ends everything that the daemon started"],
    )


def project_name(call: Call) -> str:
    """Return the project's name, as far as it is known without reading the manifest."""
    from devboot import snapshot

    known = snapshot.read(f"{call.state}/{snapshot.NAME}")
    return str(known.plan_plain[0]) if known is not None else os.path.basename(call.root) or "project"
