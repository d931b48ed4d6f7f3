"""Plans, process specifications and statuses: the supervisor's input and output, as plain values.

Standard library only and cheap to import. Times are seconds (float), signals are numbers, environments are tuples of
(name, value) pairs, so that every value is hashable, and its plain form can be sent and stored with `marshal`.
"""

from __future__ import annotations

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SERVICE, TASK, PROCESS = "service", "task", "process"

WAITING = "waiting"
STARTING = "starting"  # spawned, probe not yet passed
RUNNING = "running"  # spawned, has no probe
READY = "ready"
UNREADY = "unready"  # was ready, its probe fails now
BACKOFF = "backoff"
STOPPING = "stopping"
STOPPED = "stopped"  # on request
EXITED = "exited"  # without a request: as expected, or not restarted
FAILED = "failed"  # could not be started
GAVE_UP = "gave-up"
PHASES = (WAITING, STARTING, RUNNING, READY, UNREADY, BACKOFF, STOPPING, STOPPED, EXITED, FAILED, GAVE_UP)

UNTIL_STARTED, UNTIL_READY = "started", "ready"
UNTIL_SUCCEEDED, UNTIL_COMPLETED = "succeeded", "completed"


# Kinds of probes
TCP, HTTP, HTTPS, EXEC = "tcp", "http", "https", "exec"
LOG, LINE, NOTIFY = "log", "line", "notify"
LISTEN, ACCEPT = "listen", "accept"
PROBES = (TCP, HTTP, HTTPS, EXEC, LOG, LINE, NOTIFY, LISTEN, ACCEPT)
OF_ITSELF = (LISTEN, ACCEPT, LINE)  # default probes, for processes without a configured one


class Probe(Record):
    """A readiness or liveness probe; `kind` decides which of the fields are used.

    tcp: host, port, and optionally `send` bytes as latin-1 text with the `expect` prefix of the answer. http: host,
    port, path, `status` (empty: any below 500), `expect` as text in the body, Host header `host_header`. https: the
    same over TLS, with any certificate. exec: `command` for the shell, exit 0 within `timeout`. log: `expect` is a
    regular expression for one line of output without escapes. line: the same, as the default for workers that are known
    to print one. notify: READY=1 on the socket in NOTIFY_SOCKET. listen: the process listens on `port`; the default if
    it is given PORT. accept: it also accepts connections; the default for servers that listen before their workers have
    loaded the application.
    """

    kind: str
    host: str = "127.0.0.1"
    port: int = 0
    path: str = "/"
    host_header: str = "localhost"
    status: tuple[int, ...] = ()
    send: str = ""
    expect: str = ""
    loading: str = ""  # an answer with this prefix means "not yet", and `ps` shows it (Redis: -LOADING)
    command: str = ""
    initial_delay: float = 0.0
    period: float = 10.0  # between tries once ready; before that, tries follow each other in milliseconds
    timeout: float = 1.0
    success_threshold: int = 1
    failure_threshold: int = 3


class Dependency(Record):
    """A dependency: the process `name` must have reached the state `until` (started, ready, succeeded, completed)."""

    name: str
    until: str


class FailureHint(Record):
    """A pattern, from a recipe, for a line that a server logs when it can't run, with the error to report."""

    pattern: str  # regular expression for one line
    slug: str
    what: str
    help: str = ""
    passes: bool = False  # another try may succeed; otherwise it isn't restarted


class ProcessSpec(Record):
    """Specification of one supervised child. `command` is for /bin/sh; if it is empty, `argv` is executed."""

    name: str
    kind: str  # SERVICE, TASK, PROCESS
    cwd: str
    command: str = ""
    argv: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()  # laid over the plan's environment
    unset: tuple[str, ...] = ()  # names taken out of the plan's environment
    origin: str = ""  # where it is defined, for messages: `Procfile:2`
    pty: bool = True
    depends_on: tuple[Dependency, ...] = ()
    ready: Probe | None = None
    alive: Probe | None = None
    gates: bool = False  # `up -d` waits until ready; others count as up by `supervisor.core.settling`
    restart: str = "on-failure"  # never, on-failure, always
    max_restarts: int = 5
    window: float = 60.0
    stop_signal: int = 15
    stop_timeout: float = 5.0
    stop_command: str = ""
    exit_ends_all: bool = False
    expected_exit: tuple[int, ...] = (0,)
    port: int = 0  # where it listens, 0: unknown
    address: str = ""  # shown in ps: 127.0.0.1:8000
    scheme: str = ""  # http for a web process
    skip: str = ""  # a task that need not run: why (shown as its note)
    stamp: tuple[str, str] = ()  # type: ignore[assignment]  # (file, text) written when a task has succeeded
    stamp_databases: tuple[str, ...] = ()  # SQLite files whose schema cookie is appended to the stamp
    record: tuple[str, ...] = ()  # (file, text, database…) written as a stamp is, but nothing is skipped for it
    failure_hints: tuple[FailureHint, ...] = ()
    packages: tuple[str, ...] = ()  # root, requirements file below it, further packages: where to add a missing one
    quiet: tuple[str, ...] = ()  # output lines that contain one of these are dropped
    data: str = ""  # its data folder, for messages
    socket_folders: tuple[str, ...] = ()  # folders of its socket, outer first: created before each start, mode 0700
    socket_owner: tuple[int, ...] = ()  # uid and gid of the last of them, if the server runs as another user
    notes: tuple[str, ...] = ()
    watch: tuple[str, ...] = ()  # globs relative to the plan's root, `!` in front excludes: a change restarts it
    cascade: bool = False  # its dependents are restarted with it
    schedule: str = ""  # when it runs: `model.schedule`; empty: all the time
    script: str = ""  # digest of the script or settings behind the command: a change restarts it
    env_files: tuple[str, ...] = ()  # root, env files below it that devboot reads: where to add a variable
    observed: tuple[str, ...] = ()  # folder for PYTHONPATH, and the file for its observations; empty: not observed


def signal_name(number: int) -> str:
    """Return the name of a signal, SIGTERM for 15; `signal 99` for numbers without a name."""
    from signal import Signals

    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def fixed_port(spec: ProcessSpec) -> int:
    """Return the port that is written as a number in the process' command, so that it can't be moved; 0 for none."""
    import re

    chosen = dict(spec.env).get("PORT")
    if spec.kind != PROCESS or not spec.address or chosen in (None, str(spec.port)):
        return 0
    return spec.port if re.search(rf"(?<!\d){spec.port}(?!\d)", spec.command) else 0


class Plan(Record):
    """Everything a daemon needs to run one project. `env` is the whole base environment of its children."""

    project: str
    root: str
    state: str  # the project's state folder: logs/ and run/ lie below
    env: tuple[tuple[str, str], ...]
    processes: tuple[ProcessSpec, ...]
    version: str = ""  # devboot's own, for the handshake
    fingerprint: str = ""  # digest of the plan's inputs; equal fingerprints mean that nothing has to be applied
    databases: tuple[tuple[str, str], ...] = ()  # (name, path), for the summary
    composed: tuple[tuple[str, str], ...] = ()  # variables of `env` set by manifest, env files and recipes
    data: str = ""  # the project's data folder
    record: str = ""  # the file that records the owner of the state folder
    siblings: tuple[tuple[str, str], ...] = ()  # variables with the ports of all processes, for each process


class LastExit(Record):
    """Last exit of a process: an exit code, or the number of the signal that ended it; `at` is wall-clock seconds."""

    code: int | None
    signal: int | None
    at: float


class ProcessStatus(Record):
    """One row of `ps`. `started` is wall-clock seconds since the epoch, `memory` bytes of the whole session."""

    name: str
    kind: str
    phase: str
    pid: int | None = None
    started: float | None = None
    port: int = 0
    address: str = ""
    scheme: str = ""
    restarts: int = 0
    memory: int | None = None
    last_exit: LastExit | None = None
    note: str = ""
    log: str = ""  # path of its log file
    next_run: float | None = None  # of a scheduled process, wall-clock seconds
    port_taken: bool = False  # it has failed, or can't become ready, because another program has its port


def makes_database(spec: ProcessSpec) -> bool:
    """Return whether a task creates a database of the manifest inside of a service."""
    return spec.kind == TASK and spec.origin.startswith("[databases.")


def has_gate(spec: ProcessSpec) -> bool:
    """Return whether a process counts as up only when its probe passes; a task, when it has ended."""
    if spec.kind == TASK:
        return True
    return spec.ready is not None and (spec.gates or spec.ready.kind not in OF_ITSELF)


def plan_to_plain(plan: Plan) -> tuple[Any, ...]:
    """Return the plan as nested plain tuples, for `marshal` and `json`."""
    return _plain(plan)  # type: ignore[no-any-return]


def plan_from_plain(plain: tuple[Any, ...]) -> Plan:
    """Convert nested plain tuples to a plan; lists (from JSON) count as tuples."""
    values = dict(zip(Plan._fields, _tuples(plain), strict=True))
    values["processes"] = tuple(_spec(item) for item in values["processes"])
    return Plan(**values)


def _spec(plain: tuple[Any, ...]) -> ProcessSpec:
    values: dict[str, Any] = dict(zip(ProcessSpec._fields, plain, strict=True))
    values["depends_on"] = tuple(Dependency(*item) for item in values["depends_on"])
    values["failure_hints"] = tuple(FailureHint(*item) for item in values["failure_hints"])
    for field in ("ready", "alive"):
        values[field] = None if values[field] is None else Probe(*values[field])
    return ProcessSpec(**values)


def _plain(value: Any) -> Any:
    return tuple(_plain(item) for item in value) if isinstance(value, (tuple, list)) else value


def _tuples(value: Any) -> Any:
    return _plain(value)


def environment_of(plan: Plan, spec: ProcessSpec) -> Mapping[str, str]:
    """Return all variables that a process starts with, except those that the supervisor adds."""
    composed = dict(plan.env)
    for name in spec.unset:
        composed.pop(name, None)
    composed.update(variables_of(plan, spec))
    return composed


def variables_of(plan: Plan, spec: ProcessSpec) -> dict[str, str]:
    """Return the variables of a process beyond the plan's common environment: its own, and the ports of all processes.

    The ports are stored once per plan: stored per process, their number would grow quadratically.
    """
    return {**(dict(plan.siblings) if spec.kind == PROCESS else {}), **dict(spec.env)}
