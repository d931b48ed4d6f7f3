"""Builds the supervisor's process specs from Procfile and manifest: commands, ports, probes, dependencies."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence

from devboot.environment.ports.guess import is_server, named_port, reads_port, settings_digest, shell_script
from devboot.environment.ports.wish import PortWish
from devboot.environment.reloaders import left_to_itself
from devboot.environment.tasks import gated_by
from devboot.model.edge.manifest.probes import ExecProbe, HttpProbe, LogProbe, NotifyProbe, TcpProbe, Timings
from devboot.model.edge.manifest.tables import Dependency as WantedDependency, Process, Task
from devboot.model.process import (
    ACCEPT,
    EXEC,
    HTTP,
    LINE,
    LISTEN,
    LOG,
    NOTIFY,
    PROCESS,
    TASK,
    TCP,
    UNTIL_READY,
    UNTIL_SUCCEEDED,
    Dependency,
    Probe,
    ProcessSpec,
)
from devboot.record import Record

BASE_PORT, PORT_STEP = 5000, 100
_NAMES_PORT = re.compile(r"\$PORT\b|\$\{PORT\b")
_NOT_IN_A_VARIABLE = re.compile(r"[^A-Za-z0-9_]")
_SIBLING = "OVERMIND_PROCESS_"  # begins the variables that hold ports of processes

# Servers of HTTP that listen first and load the application afterwards, in workers or behind a reloader.
_FORKS = re.compile(
    r"(?:^|[\s/])(?:(?:gunicorn|unicorn|puma)(?:\s|$)|(?:uvicorn|flask|quart)\s(?:[^&|;]*\s)?--(?:reload|debug|workers)\b)"
)
# Workers that write a line when they have loaded the application and wait for jobs: command, the line.
_ANNOUNCING = (
    (re.compile(r"\bcelery\b.*\sworker\b"), r" ready\.\s*$"),
    (re.compile(r"\bcelery\b.*\sbeat\b"), r"beat: Starting\.\.\."),
    (re.compile(r"\brq\s+worker|\brqworker\b"), r"\*\*\* Listening on "),
    (re.compile(r"\bdramatiq\b|\brundramatiq\b"), r"Worker process is ready for action"),
    (re.compile(r"\bhuey_consumer\b|\brun_huey\b"), r"Huey consumer started"),
    (re.compile(r"(?:^|[\s/])arq\s"), r"Starting worker for \d+ function"),
)
# Servers that listen on every interface once PORT is set, and how to tell them otherwise without touching the command:
# program in the command → variable, its value, what in a command or variable says where to bind.
_BINDS = {"gunicorn": ("GUNICORN_CMD_ARGS", "--bind=127.0.0.1:{port}", re.compile(r"(^|\s)(-b\b|--bind\b)"))}

# uWSGI reloads on SIGTERM by default, and would have to be killed.
_RELOADS = re.compile(r"(?:^|[\s/])uwsgi(?:\s|$)")


class Command(Record):
    """The command of one process, from the Procfile or the manifest; `origin` is its place, like `Procfile:2`.

    If several instances run, `name` is `web.2`, `process` is `web` and `instance` counts from 1.
    """

    name: str
    text: str
    origin: str
    process: str = ""  # empty: the same as its name
    instance: int = 1

    @property
    def base(self) -> str:
        """Return the process' name in the Procfile and the manifest, without instance number."""
        return self.process or self.name

    @property
    def names_port(self) -> bool:
        """Return whether the command contains `$PORT`."""
        return _NAMES_PORT.search(self.text) is not None


def port_wishes(
    commands: Sequence[Command], processes: Mapping[str, Process], base: int, step: int = PORT_STEP
) -> tuple[PortWish, ...]:
    """Return the port that each process wants: the manifest's, or 5000, 5100, … by its place in the Procfile."""
    wishes = []
    places = {name: number for number, name in enumerate(dict.fromkeys(command.base for command in commands))}
    for command in commands:
        wanted = processes.get(command.base)
        if wanted is not None and wanted.port is not None:
            port = wanted.port + command.instance - 1
            is_literal = re.search(rf"(?<!\d){port}(?!\d)", command.text) is not None
            wishes.append(PortWish(command.name, port, exact=True, origin=command.origin if is_literal else ""))
        else:
            usual = _usual_port(base, step, places[command.base])
            wishes.append(PortWish(command.name, usual + command.instance - 1, exact=False, shared=True))
    return tuple(wishes)


def instances_of(command: Command, count: int) -> tuple[Command, ...]:
    """Return the command's instances: unchanged for one, else `web.1`, `web.2` and so on."""
    if count == 1:
        return (command,)
    return tuple(
        command._replace(name=f"{command.name}.{number}", process=command.name, instance=number)
        for number in range(1, count + 1)
    )


def _usual_port(base: int, step: int, number: int) -> int:
    port = base + step * number
    return port if port < 65536 else 1024 + port % (65536 - 1024)  # a high PORT of the project leaves little above it


class Surroundings(Record):
    """Values that all process specs of a project are built from.

    `ports` has a number for each process, `instances` the names of each process's instances, `variables` the composed
    ones with the caller's environment; `services` and `databases` are names; `fill_in` replaces `${…}`; `served` has
    the service of each database in a server.
    """

    root: str
    ports: Mapping[str, int]
    variables: Mapping[str, str]
    services: tuple[str, ...]
    databases: frozenset[str]
    tasks: Mapping[str, Task]
    fill_in: Callable[[str], str]
    process_variables: Callable[[Mapping[str, str]], Mapping[str, str]]
    instances: Mapping[str, tuple[str, ...]] = {}
    served: Mapping[str, str] = {}

    @property
    def everything(self) -> list[Dependency]:
        """Return the dependencies of a process that declares none: every service, and the databases in them."""
        services = [Dependency(service, UNTIL_READY) for service in self.services]
        return [*services, *(Dependency(name, UNTIL_SUCCEEDED) for name in self.served)]


def process_spec(command: Command, wanted: Process, around: Surroundings) -> ProcessSpec:
    """Build the supervisor's spec of one process from its command and its table in the manifest (`wanted`)."""
    port = around.ports[command.name]
    own = dict(around.process_variables(wanted.env))
    cwd = os.path.normpath(os.path.join(around.root, wanted.cwd))
    # A shell script around the server is read as well: `web: bash start.sh`
    whole = command._replace(text="\n".join(filter(None, (command.text, shell_script(cwd, command.text)))))
    takes_port = whole.names_port or bool(_binding(whole, own, around)) or reads_port(cwd, command.text)
    is_told = wanted.port is not None or takes_port
    serves = is_told or is_server(whole.text)
    served = port if is_told else named_port(whole.text)
    ready = (
        probe(wanted.ready, served or port, around.fill_in)
        if wanted.ready
        else _default_probe(whole, served, port, serves)
    )
    shown = served or _probed_port(wanted.ready, ready)
    # An API admits pages by their origin, so they are shown under the host name in the manifest
    host = "localhost" if isinstance(wanted.ready, TcpProbe) and ready.host == "localhost" else "127.0.0.1"
    return ProcessSpec(
        name=command.name,
        kind=PROCESS,
        cwd=cwd,
        command=command.text,
        env=tuple(sorted({**_port_variables(whole, own, around), **own, "PORT": str(port)}.items())),
        origin=command.origin,
        pty=wanted.pty,
        depends_on=_dependencies(command.base, wanted, around),
        ready=ready,
        alive=probe(wanted.alive, served or port, around.fill_in) if wanted.alive else None,
        gates=serves or wanted.ready is not None,
        restart=wanted.restart,
        max_restarts=wanted.max_restarts,
        window=wanted.window,
        stop_signal=int(signal.Signals[wanted.stop_signal]),
        stop_timeout=wanted.stop_timeout,
        stop_command=wanted.stop_command or "",
        exit_ends_all=wanted.exit_ends_all,
        expected_exit=wanted.expected_exit,
        port=shown or port,
        address=f"{host}:{shown}" if shown else "",
        scheme=_scheme(wanted.ready, serves=serves),
        watch=_watch(command, wanted),
        cascade=wanted.cascade,
        schedule=wanted.schedule or "",
        script=settings_digest(cwd, command.text),
    )


def _probed_port(wanted: Timings | None, ready: Probe) -> int:
    """Return the port on this machine to which the manifest's `ready` probe connects; 0 for other probes."""
    is_here = ready.host in ("localhost", "::1") or ready.host.startswith("127.")
    return ready.port if isinstance(wanted, HttpProbe | TcpProbe) and is_here else 0


def _scheme(ready: Timings | None, *, serves: bool) -> str:
    """Return the scheme of the address to show: the probe's, else `http` for a process that gets a port."""
    if isinstance(ready, HttpProbe):
        return "https" if ready.http.startswith("https://") else "http"
    return "http" if serves else ""


def _default_probe(command: Command, served: int, given: int, serves: bool) -> Probe:
    """Return the probe for a process without `ready`: by its port, by accepted connections, or by a known log line.

    `served` is its port, 0 if unknown; a server may then listen on any port.
    """
    line = next((line for worker, line in _ANNOUNCING if worker.search(command.text)), None)
    if line is not None and not command.names_port:
        return Probe(LINE, expect=line)
    port = served if serves else given
    return Probe(ACCEPT if port and _FORKS.search(command.text) else LISTEN, port=port)


def _watch(command: Command, wanted: Process) -> tuple[str, ...]:
    """Return the globs of `watch`, minus files for which the process reloads by itself; none if nothing is left."""
    left = left_to_itself(command.text) if wanted.watch else ()
    return () if "!**" in left else (*wanted.watch, *left)


def task_spec(name: str, task: Task, previous: str | None, around: Surroundings) -> ProcessSpec:
    """Build the supervisor's spec of a task; `previous` is the task that runs before it, None for the first."""
    says = "depends_on" in task.model_fields_set
    depends = list(_resolved(task.depends_on, around)) if says else around.everything
    if previous is not None and all(d.name != previous for d in depends):
        depends.append(Dependency(previous, UNTIL_SUCCEEDED))
    return ProcessSpec(
        name=name,
        kind=TASK,
        cwd=os.path.normpath(os.path.join(around.root, task.cwd)),
        command=task.run,
        pty=False,
        depends_on=tuple(depends),
        restart="never",
    )


def probe(wanted: Timings, port: int, fill_in: Callable[[str], str]) -> Probe:
    """Convert a manifest's probe to the supervisor's form; an HTTP path without host means the process' own port."""
    found = _target(wanted, port, fill_in)
    return found._replace(
        initial_delay=wanted.initial_delay,
        period=wanted.period,
        timeout=wanted.timeout,
        success_threshold=wanted.success_threshold,
        failure_threshold=wanted.failure_threshold,
    )


def _target(wanted: Timings, port: int, fill_in: Callable[[str], str]) -> Probe:
    if isinstance(wanted, HttpProbe):
        return _http(fill_in(wanted.http), wanted, port)
    if isinstance(wanted, TcpProbe):
        host, _, number = fill_in(wanted.tcp).rpartition(":")
        return Probe(TCP, host=host or "127.0.0.1", port=int(number))
    if isinstance(wanted, ExecProbe):
        return Probe(EXEC, command=wanted.exec)
    if isinstance(wanted, LogProbe):
        return Probe(LOG, expect=wanted.log)
    assert isinstance(wanted, NotifyProbe)
    return Probe(NOTIFY)


def _http(url: str, wanted: HttpProbe, port: int) -> Probe:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.hostname or "127.0.0.1"
    return Probe(
        parts.scheme or HTTP,
        host=host,
        port=parts.port or (port if not parts.netloc else 443 if parts.scheme == "https" else 80),
        path=path,
        # Django's ALLOWED_HOSTS knows localhost in debug mode, and often not 127.0.0.1.
        host_header=host if parts.netloc and not host.startswith("127.") else "localhost",
        status=wanted.status,
        expect=wanted.expect or "",
    )


def _dependencies(name: str, wanted: Process, around: Surroundings) -> tuple[Dependency, ...]:
    found = around.everything if wanted.depends_on is None else list(_resolved(wanted.depends_on, around))
    # Tasks that say themselves that they come before this process are waited for in any case.
    for task in gated_by(name, around.tasks):
        if all(dependency.name != task for dependency in found):
            found.append(Dependency(task, UNTIL_SUCCEEDED))
    return tuple(found)


def _resolved(wanted: Iterable[WantedDependency], around: Surroundings) -> Iterable[Dependency]:
    for dependency in wanted:
        if dependency.name in around.databases:
            continue  # prepared before anything is started
        is_done = dependency.name in around.tasks or dependency.name in around.served
        until = dependency.until or (UNTIL_SUCCEEDED if is_done else UNTIL_READY)
        for name in around.instances.get(dependency.name, (dependency.name,)):
            yield Dependency(name, until)
        if until == UNTIL_READY:  # a process that needs a server also needs its databases
            made = (name for name, service in around.served.items() if service == dependency.name)
            yield from (Dependency(name, UNTIL_SUCCEEDED) for name in made)


def _port_variables(command: Command, own: Mapping[str, str], around: Surroundings) -> dict[str, str]:
    """Return the variables PS, and those that make a server listen on its port and end on request."""
    variables = {"PS": command.name}
    if _RELOADS.search(command.text) and "UWSGI_DIE_ON_TERM" not in around.variables:
        variables["UWSGI_DIE_ON_TERM"] = "true"
    return variables | _binding(command, own, around)


def sibling_variables(around: Surroundings) -> tuple[tuple[str, str], ...]:
    """Return the variables with the ports of all processes, named as in overmind (`OVERMIND_PROCESS_web_PORT`).

    Of several instances the first one counts, so that scaling one process changes nothing for the others.
    """
    firsts = {names[0]: name for name, names in around.instances.items() if names}
    later = {name for names in around.instances.values() for name in names[1:]}
    named = {firsts.get(name, name): port for name, port in around.ports.items() if name not in later}
    names = {f"{_SIBLING}{_NOT_IN_A_VARIABLE.sub('_', name)}_PORT": str(port) for name, port in named.items()}
    return tuple(sorted(names.items()))


def _binding(command: Command, own: Mapping[str, str], around: Surroundings) -> dict[str, str]:
    """Return the variable that makes a server listen on its port, unless its command or a variable does already."""
    found = {}
    for program, (variable, value, says_where) in _BINDS.items():
        already = own.get(variable, around.variables.get(variable, ""))
        if program in command.text and not says_where.search(command.text) and not says_where.search(already):
            bind = value.format(port=around.ports[command.name])
            found[variable] = f"{bind} {already}".strip()
    return found
