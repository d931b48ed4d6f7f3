"""Slow path of `up`: prepares the project, then sends the plan to a new daemon or the running one."""

from __future__ import annotations

from collections.abc import Sequence

from devboot import snapshot as snapshots
from devboot.app.commands import fast_up
from devboot.app.fast import daemon_connection
from devboot.app.fast.call import Call
from devboot.app.preparation.compose.composition import names_in_plan
from devboot.app.preparation.prepare import Prepared
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project.options import PrepareOptions
from devboot.daemon.process import fork
from devboot.daemon.process.fork import Handle
from devboot.environment.ports.allocate import refuse_fixed
from devboot.errors import UsageError
from devboot.model.process import TASK, ProcessSpec, fixed_port, plan_from_plain
from devboot.supervisor.core import graph
from devboot.supervisor.core.name_patterns import expand
from devboot.text.units import whole_number


def parse_ports(texts: tuple[str, ...]) -> tuple[tuple[str, int | None], ...]:
    """Parse `NAME=PORT` and `NAME=auto` as (name, port or None). Raises UsageError `usage/port`."""
    ports = []
    for text in texts:
        name, _, port = text.partition("=")
        number = whole_number(port, 65536)
        if not name or (port != "auto" and number is None):
            raise UsageError(
                "usage/port",
                f"`--port {text}` is not NAME=PORT",
                help=["devboot up --port web=auto", "devboot up --port web=8001"],
            )
        if number is not None and not 0 < number < 65536:
            raise UsageError(
                "usage/port",
                f"`{port}` in `--port {text}` can't be used as a port",
                causes=["a port is a number from 1 to 65535"],
                help=["devboot up --port web=auto", "devboot up --port web=8001"],
            )
        ports.append((name, None if port == "auto" else int(port)))
    return tuple(ports)


def prepare_options(call: Call) -> PrepareOptions:
    """Return the options of the preparation that the flags of `up` set."""
    ports = daemon_connection.running_ports(call)
    return PrepareOptions(
        is_locked=call.flag("locked"),
        takes_lock_as_it_is=call.flag("frozen"),
        is_offline=call.flag("offline"),
        ports=parse_ports(tuple(call.values.get("port") or ())),  # type: ignore[arg-type]
        is_running=daemon_connection.is_running(call),
        without_port=ports.lost if ports is not None else (),
        held_ports=ports.held if ports is not None else None,
        kit=str(call.values.get("from") or ""),
    )


def refuse_unknown_names(loaded: Loaded, names: Sequence[str], excepted: object) -> None:
    """Raise UsageError `usage/unknown-name` for an unknown process in `names` or `-x`, before provisioning begins."""
    known = names_in_plan(loaded)
    expand(names, known)
    expand(_parts(excepted), known)


def _parts(excepted: object) -> list[str]:
    given = excepted if isinstance(excepted, (list, tuple)) else ()
    return [part for each in given for part in str(each).split(",") if part]


def all_but(excepted: tuple[str, ...], names: tuple[str, ...], specs: tuple[ProcessSpec, ...]) -> tuple[str, ...]:
    """Return `names` (by default all services and processes) without those in `excepted`.

    Raises UsageError `usage/unknown-name`, and `usage/except` if nothing is left, or if a remaining process needs one
    that is left out.
    """
    known = [spec.name for spec in specs if spec.kind != TASK]
    out = set(expand(_parts(excepted), known))
    left = tuple(name for name in (expand(names, known) if names else known) if name not in out)
    if not left:
        raise UsageError("usage/except", "nothing is left to start", help=["devboot up", "devboot ps"])
    for spec in specs:
        needed = sorted({each.name for each in spec.depends_on} & out)
        if spec.name in left and needed:
            raise UsageError(
                "usage/except",
                f"`{spec.name}` depends on `{needed[0]}`, which is left out",
                help=[f"devboot up -x {needed[0]} -x {spec.name}"],
            )
    return left


def begin(call: Call, prepared: Prepared, handle: Handle | None, *, moves: bool) -> int:
    """Start the prepared project, then show it or wait for it; return the exit code of `up`.

    With `moves` the result may be `launch.AGAIN`: a port was taken in the meantime, so that the project has to be
    prepared again.
    """
    fast_up.refuse_nested(call)
    plan_plain = prepared.snapshot.plan_plain
    specs = plan_from_plain(plan_plain).processes
    expand(call.args, [spec.name for spec in specs])  # a wrong name is reported before anything starts
    excepted = call.values.get("except")
    if isinstance(excepted, (list, tuple)) and excepted:
        call.args = all_but(tuple(map(str, excepted)), call.args, specs)
    environ = snapshots.apply(prepared.snapshot.patch, call.environ)
    found = daemon_connection.meet(call)
    if found.client is not None:
        if handle is not None:  # at once, like the fast path: a `join` that shows the run replaces this process
            handle.abandon()
            handle = None
        code = fast_up.join(
            call,
            found.client,
            fingerprint=prepared.composed.plan.fingerprint,
            plan_plain=plan_plain,
            environ=environ,
            installed=prepared.installed,
            moves=moves,
        )
        if code is not None:
            return code
    refuse_fixed_ports(call, specs)
    handle = handle or fork.prepare()
    return fast_up.launch(call, handle, plan_plain, environ, installed=prepared.installed, moves=moves)


def refuse_fixed_ports(call: Call, specs: tuple[ProcessSpec, ...]) -> None:
    """Raise `port/in-use` if another program has a port that is written in the command of a process to start."""
    by_name = {spec.name: spec for spec in specs}
    names = expand(call.args, list(by_name)) if call.args else by_name
    wanted = graph.closure(names, by_name) if not call.flag("no-deps") else names
    starting = (by_name[name] for name in by_name if name in wanted)
    refuse_fixed(((spec.name, port, spec.origin) for spec in starting if (port := fixed_port(spec))), call.root)
