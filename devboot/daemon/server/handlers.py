"""Handlers of client requests, one function per command; each ends with an exit code or makes the client a viewer."""

from __future__ import annotations

import os

from devboot.daemon.clients.request import checked
from devboot.daemon.running_project import Owner
from devboot.daemon.server.console import Console
from devboot.daemon.server.early_spawns import fit_terminals, known_names
from devboot.daemon.server.pending_requests import PendingRequest, err
from devboot.daemon.views.live_updates import describe_changes, describe_effects, instances
from devboot.daemon.views.viewers import Viewer
from devboot.errors import BusyError, DevbootError, UsageError
from devboot.model import process as model
from devboot.supervisor.core import outcome
from devboot.supervisor.core.planning import scaled
from devboot.text.columns import printable
from devboot.text.units import duration
from devboot.wire import frames, greeting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import Request
    from devboot.daemon.server.server import Server
    from devboot.supervisor.core.planning import Changes

    Handler = Callable[[Server, Connection, Request], None]

_PATIENCE = 2.0  # longest time in seconds for which output is held back during a start


def carry_out(server: Server, connection: Connection, request: Request, other: greeting.Greeting) -> None:
    """Run the handler of a request, or refuse it: exit code 7 for incompatible versions, 2 for unknown commands.

    `other` is the client's greeting, with its version.
    """
    try:
        if not greeting.can_carry_out(request.command, other):
            raise _mismatch(server.project.version, other)
        handler = HANDLERS.get(request.command)
        if handler is None:
            raise UsageError(
                "usage/unknown-request",
                f"the daemon knows no request `{printable(request.command)}`",
                causes=["the command comes from another version of devboot than the daemon"],
                help=["devboot down", "devboot up -d"],
            )
        handler(server, connection, request)
    except DevbootError as error:
        refuse(connection, request, error)


def refuse(connection: Connection, request: Request, error: DevbootError) -> None:
    """Answer a request with an error and its exit code."""
    connection.complain(error, request.view)
    if request.view.json:
        connection.complain(error, request.view, frames.OUT)
    connection.finish(error.exit_code)


def _mismatch(version: str, other: greeting.Greeting) -> DevbootError:
    what, advice = greeting.mismatch(other.version, version, daemon_is_older=other.protocol > greeting.PROTOCOL)
    return BusyError("daemon/version", what, help=[advice])


def up(server: Server, connection: Connection, request: Request) -> None:
    """Handle `up -d` of a client that sends a plan: apply the plan, start the processes, answer when they are up.

    A client with a terminal becomes a viewer. Answers `stopping` if the project is being stopped, and `stale` if the
    client has to send its plan first. Raises BusyError `busy/nested` or `daemon/plan`.
    """
    if server.project.is_stopping:
        connection.send(frames.WORD, b"stopping")
        connection.close()
        return
    if not request.detach and not request.view.live:
        raise _already_running(server)
    if request.fingerprint != server.project.plan.fingerprint and not request.plan:
        connection.send(frames.WORD, b"stale")
        return
    connection.send(frames.WORD, b"welcome")
    is_edited = bool(request.plan) and request.fingerprint != server.project.plan.fingerprint
    if not request.detach:
        if is_edited:  # attaching doesn't apply edits
            server.live_updates.offer = describe_effects(server.supervisor.preview(checked(request.plan)))
        _watch(server, connection, request)
        return
    if is_edited:
        plan = checked(request.plan)
        told = describe_changes(_apply(server, plan), server.live_updates.scaled, plan)
        server.live_updates.scaled = {}
        for line in told if not request.view.quiet else ():
            err(connection, f"{line}\n")
    server.startup_report.wait(connection, request, is_same=not is_edited and _is_all_alive(server))
    server.supervisor.up(known_names(server.project.plan, request), dependencies=request.dependencies)
    server.port_moves.look()


def launch(server: Server, connection: Connection, request: Request) -> None:
    """Answer the request of the client that started this daemon; its processes are spawned already."""
    if not request.detach:
        server.project.owner = Owner(connection, moves=request.moves)
        viewer = Viewer(connection, request.view)
        server.viewers.add(viewer)
        if request.view.live:  # show the summary before output of processes, unless it takes too long
            viewer.hold()
            server.project.loop.call_later(_PATIENCE, viewer.release)
    server.startup_report.wait(connection, request, is_first=True)


def _is_all_alive(server: Server) -> bool:
    """Return whether `up` has nothing to do: all processes and services run, and none is starting."""
    standing = server.supervisor.statuses()
    return server.supervisor.verdict().ok and all(each.pid is not None for each in standing if each.kind != model.TASK)


def _already_running(server: Server) -> BusyError:
    age = duration(server.project.age)
    return BusyError(
        "busy/already-running",
        f"{printable(server.project.plan.project)} is already up (pid {os.getpid()}, for {age})",
        help=["`devboot logs -f` to watch it", "`devboot down` to stop it, `devboot up -d` to start what is missing"],
    )


def scale(server: Server, connection: Connection, request: Request) -> None:
    """Handle `scale`: switch to a plan with other numbers of instances; answer when the new ones have been spawned."""
    _refuse_to_start(server)
    plan = scaled(server.project.plan, checked(request.plan), frozenset(request.names))
    server.live_updates.scaled |= {name: count for name, count in instances(plan).items() if name in request.names}
    changes = _apply(server, plan)
    if changes.stopped and not request.view.quiet:
        err(connection, f"{', '.join(map(printable, changes.stopped))} stopping\n")
    PendingRequest(server.pending, connection, request, outcome.STARTED, changes.started).begin(lambda _names: None)


def _refuse_to_start(server: Server) -> None:
    if server.supervisor.is_shutting_down:
        raise BusyError(
            "busy/stopping", f"{printable(server.project.plan.project)} is being stopped", help=["devboot up -d"]
        )


def compare(server: Server, connection: Connection, request: Request) -> None:
    """Answer with what `up -d` would change and start with a plan, as JSON; change nothing."""
    import json

    plan = checked(request.plan)
    changes = server.supervisor.preview(plan, known_names(plan, request), dependencies=request.dependencies)
    told = changes._asdict() | {"same": plan.fingerprint == server.project.plan.fingerprint}
    _out(connection, json.dumps(told) + "\n")
    connection.finish(0)


def _apply(server: Server, plan: model.Plan) -> Changes:
    server.port_moves.apply(server.project.plan, plan)
    changes = server.supervisor.apply(plan)
    server.live_updates.offer = ""
    server.live_updates.changed()
    server.project.planned_at = server.project.wall_clock()
    server.viewers.renamed(spec.name for spec in plan.processes)
    return changes


def _watch(server: Server, connection: Connection, request: Request) -> None:
    age = duration(server.project.age)
    project = printable(server.project.plan.project)
    err(connection, f"{project} is already up (pid {os.getpid()}, for {age}), attaching\n")
    if server.live_updates.offer:
        err(connection, f"edited since: {server.live_updates.offer}, press u to apply\n")
    server.viewers.add(Viewer(connection, request.view))
    server.live_updates.changed()
    fit_terminals(server.supervisor, request.view)


def ps(server: Server, connection: Connection, request: Request) -> None:
    """Answer with the table of processes, once, or again after each change."""
    server.ps.answer(connection, request)


def down(server: Server, connection: Connection, request: Request) -> None:
    """Stop the project; each client that requests this gets its exit code when everything is down."""
    server.shut_down()
    if server.shutdown_report is not None:
        server.shutdown_report.listen(connection, request)


def logs(server: Server, connection: Connection, request: Request) -> None:
    """Show new output of the named processes. The client reads earlier output from the log files itself."""
    import json

    names = known_names(server.project.plan, request)
    offsets = {name: _size(server, name) for name in (names or [spec.name for spec in server.project.plan.processes])}
    connection.send(frames.WORD, f"from {json.dumps(offsets)}".encode())
    server.viewers.add(Viewer(connection, request.view, frozenset(names)))


def _size(server: Server, name: str) -> int:
    from devboot.supervisor.output.log_writer import log_path

    try:
        return os.stat(log_path(server.project.plan.state, name)).st_size
    except OSError:
        return 0


def start(server: Server, connection: Connection, request: Request) -> None:
    """Start the named processes; answer when each has been spawned or has failed."""
    _refuse_to_start(server)
    names = known_names(server.project.plan, request)
    PendingRequest(server.pending, connection, request, outcome.STARTED, names).begin(server.supervisor.start)


def have(server: Server, connection: Connection, request: Request) -> None:
    """Start those of the named processes that aren't running; answer when all are up, or one has failed."""
    _refuse_to_start(server)
    names = known_names(server.project.plan, request)
    PendingRequest(server.pending, connection, request, outcome.READY, names).begin(server.supervisor.up, request.wait)


def stop(server: Server, connection: Connection, request: Request) -> None:
    """Stop the named processes; answer when all have ended."""
    names = known_names(server.project.plan, request)
    PendingRequest(server.pending, connection, request, outcome.STOPPED, names).begin(server.supervisor.stop)


def restart(server: Server, connection: Connection, request: Request) -> None:
    """Restart the named processes; answer when each has been spawned again."""
    _refuse_to_start(server)
    names = known_names(server.project.plan, request)
    PendingRequest(server.pending, connection, request, outcome.RESTARTED, names).begin(server.supervisor.restart)


def stop_all(server: Server, connection: Connection, _request: Request) -> None:
    """Stop the project because a viewer pressed ctrl-c; a second request kills at once."""
    if server.project.is_stopping:
        server.force()
        return
    viewer = server.viewers.viewer_of(connection)
    if viewer is not None:
        viewer.end_line()
    server.shut_down()


def force(server: Server, _connection: Connection, _request: Request) -> None:
    """Send SIGKILL to every process of the project now."""
    server.force()


def dump(server: Server, _connection: Connection, _request: Request) -> None:
    """Write a status report for debugging to the state folder."""
    server.dump()


def resize(server: Server, connection: Connection, request: Request) -> None:
    """Store the new size of a viewer's terminal, and resize the processes' terminals."""
    if connection in server.consoles:
        server.consoles[connection].resize(request.view.rows, request.view.columns)
    else:
        viewer = server.viewers.viewer_of(connection)
        if viewer is not None:
            viewer.resize(request.view.rows, request.view.columns)
        fit_terminals(server.supervisor, request.view)


def attach(server: Server, connection: Connection, request: Request) -> None:
    """Connect the client's terminal to that of one process. Raises UsageError `usage/one-name`, BusyError."""
    names = known_names(server.project.plan, request)
    if len(names) != 1:
        raise UsageError("usage/one-name", "one process at a time can be attached to", help=["devboot attach web"])
    if any(console.name == names[0] for console in server.consoles.values()):
        raise BusyError(
            "process/attached", f"a terminal is attached to {names[0]} already", help=[f"devboot logs -f {names[0]}"]
        )
    server.consoles[connection] = Console(server.supervisor, connection, names[0], request.view)
    connection.send(frames.WORD, f"attached {names[0]}".encode())


def show(server: Server, connection: Connection, request: Request) -> None:
    """Limit a viewer's output to the named processes; without names, show all."""
    viewer = server.viewers.viewer_of(connection)
    if viewer is not None:
        viewer.end_line()
        viewer.names = frozenset(known_names(server.project.plan, request))


def moved(server: Server, connection: Connection, _request: Request) -> None:
    """Continue the start: the owner of the run, asked for a plan with other ports, has finished or failed."""
    server.port_moves.end(connection)


def pause(server: Server, connection: Connection, _request: Request) -> None:
    """Pause a viewer's output; lines that don't fit into its buffer meanwhile are counted."""
    viewer = server.viewers.viewer_of(connection)
    if viewer is not None:
        viewer.hold(pause=True)


def resume(server: Server, connection: Connection, _request: Request) -> None:
    """Resume the output to a viewer after `pause`."""
    viewer = server.viewers.viewer_of(connection)
    if viewer is not None:
        viewer.release(resume=True)


def detach(server: Server, connection: Connection, _request: Request) -> None:
    """Disconnect a viewer; if its terminal owned a foreground run, the project continues in the background."""
    owner = server.project.owner
    if owner is not None and owner.connection is connection:
        server.project.owner = None
    viewer = server.viewers.viewer_of(connection)
    if viewer is not None:
        viewer.end_line()
        viewer.say(
            f"{printable(server.project.plan.project)} keeps running: devboot logs -f   devboot ps   devboot down\n"
        )
    connection.finish(0)


def _out(connection: Connection, text: str) -> None:
    connection.say(text, frames.OUT)


HANDLERS: dict[str, Handler] = {
    "up": up,
    "ps": ps,
    "down": down,
    "logs": logs,
    "start": start,
    "have": have,
    "stop": stop,
    "restart": restart,
    "scale": scale,
    "compare": compare,
    "stop-all": stop_all,
    "force": force,
    "dump": dump,
    "detach": detach,
    "resize": resize,
    "attach": attach,
    "show": show,
    "moved": moved,
    "pause": pause,
    "resume": resume,
}
