"""Converts containers that run the clone's own code to processes and tasks."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from devboot.onboarding.compose_import.fidelity import APPROXIMATED, NATIVE, NO_EQUIVALENT
from devboot.onboarding.compose_import.servers import name_of, published_ports
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.processes import command_here, program_is_foreign
from devboot.onboarding.frameworks.tasks import MIGRATES
from devboot.onboarding.proposal_values import Option, Process, Task
from devboot.onboarding.reading.commands import is_lasting
from devboot.onboarding.reading.containers.container import Container, texts

COMPLETED = "service_completed_successfully"  # the condition of a dependency that has to end
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.0, "µs": 0.0, "ns": 0.0}
_FETCHES = re.compile(
    r"^(?:curl|wget)\b(?:(?![|;&]).)*?\b(?P<scheme>https?)://(?P<host>[\w.-]+|\[::1?\])(?::(?P<port>\d+))?(?P<path>/[^\s\"'|;&]*)?"
)
_ASKS = re.compile(
    r"^python[\d.]*\s+-c\s.*?\b(?:urlopen|(?:requests|httpx)\.get)\(\W*(?P<scheme>https?)://(?P<host>[\w.-]+|\[::1?\])"
    r"(?::(?P<port>\d+))?(?P<path>/[^\s\"'|;&,)]*)?"
)
_ENDS = re.compile(r"\s*\|\|\s*(?:exit\s+\d+|false)\s*$")
_HERE = ("localhost", "127.0.0.1", "0.0.0.0", "[::1]", "[::]")  # noqa: S104 - as healthchecks write it
_SIGNALS = re.compile(r"(?:SIG)?(?:HUP|INT|QUIT|KILL|USR1|USR2|TERM|CONT|WINCH)")
_USES_PORT = re.compile(r"\$\{?PORT\b")


@dataclass(frozen=True, slots=True)
class Program:
    """A container that runs the clone's code: its command and folder on this machine, its port, whether it ends."""

    container: Container
    name: str
    command: str
    cwd: str
    port: int | None = None
    is_task: bool = False
    is_moved: bool = False  # True if its command has the published port instead of the container's
    ends: bool = False  # True for a process that ends by itself

    @property
    def raw(self) -> Mapping[str, object]:
        """The container's keys as the compose file has them."""
        return self.container.values


def programs_of(
    clone: Clone, containers: Collection[Container], taken: Collection[str], *, has_venv: bool
) -> list[Program]:
    """Return a program for each container that runs the clone's code with a command available on this machine."""
    awaited = {name for each in containers for name, until in dependencies(each).items() if until == COMPLETED}
    found: list[Program] = []
    for container in containers:
        if not runs_clone(container):
            continue
        command, cwd = command_here(clone.tree, clone.app, container)
        if not command or _is_of_image(clone, command, cwd):
            continue
        if not has_venv:
            command = re.sub(r"^python(?=\s)", "python3", command)
        last = re.split(r"&&|;", command)[-1]  # a server may be started once its database is migrated
        ends = container.name in awaited or bool(MIGRATES.search(last)) or not is_lasting(last)
        port, moved = _port(container, command)
        name = name_of(container)
        while name in taken or any(each.name == name for each in found):
            name += "-process"
        found.append(Program(container, name, moved or command, cwd, None if ends else port, ends, bool(moved)))
    return _with_late_ones(found)


def runs_clone(container: Container) -> bool:
    """Return whether a container runs the clone's code: built from the clone, or with the clone mounted."""
    if container.is_built or container.mounts_all:
        return True
    targets = (there.rstrip("/") for here, there in container.mounts if here.startswith("."))
    return any(there and f"{container.folder}/".startswith(f"{there}/") for there in targets)


def _with_late_ones(found: list[Program]) -> list[Program]:
    """Return the programs with tasks that wait for a process changed to processes, since tasks run first."""
    while True:
        lasting = {each.container.name for each in found if not each.is_task}
        late = {each.name for each in found if each.is_task and lasting & dependencies(each.container).keys()}
        if not late:
            return found
        found = [replace(each, is_task=False, ends=True) if each.name in late else each for each in found]


def _is_of_image(clone: Clone, command: str, cwd: str) -> bool:
    """Return whether a command's program is only in the image, not on this machine."""
    first = command.split(maxsplit=1)[0]
    if not program_is_foreign(command):
        return False
    return first.startswith("/") or not clone.tree.exists(posixpath.join(clone.app.root, cwd, first))


def _port(container: Container, command: str) -> tuple[int | None, str]:
    """Return the port on which a program listens on this machine, and its command, changed if that is necessary."""
    for inner, outer in published_ports(container):
        if _USES_PORT.search(command) or inner == outer:
            return int(outer), ""
        literal = re.compile(rf"(?<![\d.]){inner}(?![\d.])")
        if literal.search(command):
            return int(outer), literal.sub(outer, command)
        is_told = container.environment.get("PORT") == inner
        return int(outer if is_told else inner), ""
    exposed = container.values.get("expose")
    inner = str(exposed[0]).partition("/")[0] if isinstance(exposed, list) and len(exposed) == 1 else ""
    return (int(inner), "") if inner.isdecimal() else (None, "")


def dependencies(container: Container) -> dict[str, str]:
    """Return the containers that a container waits for, as {name: condition}."""
    given = container.values.get("depends_on")
    if isinstance(given, dict):
        conditions = (
            (str(name), each.get("condition") if isinstance(each, dict) else "") for name, each in given.items()
        )
        return {name: str(condition or "service_started") for name, condition in conditions}
    return dict.fromkeys(texts(given), "service_started")


# -- the manifest's tables ---------------------------------------------------------------------------------------------


def task_of(program: Program, names: Mapping[str, str], programs: Collection[Program]) -> Task:
    """Return the task for a container that ends; `names` maps containers to names of the manifest."""
    dependents = tuple(
        each.name for each in programs if dependencies(each.container).get(program.container.name) == COMPLETED
    )
    wanted = tuple(names[name] for name in dependencies(program.container) if name in names)
    return Task(
        program.name, program.command, program.cwd, (), dependents or ("processes",), wanted, program.container.evidence
    )


def process_of(
    program: Program, names: Mapping[str, str], programs: Collection[Program], servers: Collection[str]
) -> Process:
    """Return the process for a container that keeps running; `servers` are the containers replaced by services."""
    container = program.container
    tasks = {each.container.name for each in programs if each.is_task}
    waits: dict[str, str] = {}
    for name, condition in dependencies(container).items():
        if name in names:
            plain = name in servers or name in tasks
            waits[names[name]] = "" if plain else "ready" if condition == "service_healthy" else "started"
    return Process(
        program.name,
        program.command,
        program.cwd,
        program.port,
        container.evidence,
        depends_on=waits,
        options={each.ours: each.value for each in options_of(program) if each.ours},
    )


class Kept(NamedTuple):
    """A key of a container: the manifest's key and value for it, if it needs one, and the verdict."""

    key: str
    ours: str = ""
    value: Option = ""
    verdict: str = NATIVE
    text: str = ""


def options_of(program: Program) -> Iterator[Kept]:
    """Yield what becomes of a program's keys, given or not, for readiness, restarts, copies and stopping."""
    values, copies = program.raw, program.container.copies
    yield _ready(program)
    restart = str(values.get("restart") or "")
    limit = re.fullmatch(r"on-failure:(\d+)", restart)
    if restart in ("always", "unless-stopped"):
        yield Kept("restart", "restart", "always")
    elif restart == "no" or program.ends:
        yield Kept("restart", "restart", "never")
    elif limit:
        yield Kept("restart", "max_restarts", max(1, int(limit[1])))
    else:
        yield Kept("restart", text="the default" if restart.startswith("on-failure") else "a task runs once")
    yield Kept("scale", "instances" if copies > 1 else "", copies, text=f"instances = {copies}")
    signal = str(values.get("stop_signal"))
    for key, ours, value in (
        ("stop_signal", "stop_signal", signal if _SIGNALS.fullmatch(signal) else ""),
        ("stop_grace_period", "stop_timeout", _seconds(values.get("stop_grace_period"))),
    ):
        yield Kept(key, ours, value) if value else Kept(key, verdict=NO_EQUIVALENT, text="a task runs once")


def _ready(program: Program) -> Kept:
    ready, left = _probe(program)
    if program.is_task:
        return Kept("healthcheck", "ready" if ready else "", ready, text="not needed: a task is done when it ends")
    if not ready:
        is_off = isinstance(program.raw.get("healthcheck"), dict)
        return Kept("healthcheck", verdict=NATIVE if is_off else NO_EQUIVALENT, text="no check")
    text = f"`ready`; {left} isn't needed: failures before it is ready don't count" if left else ""
    return Kept("healthcheck", "ready", ready, APPROXIMATED if left else NATIVE, text)


def _probe(program: Program) -> tuple[dict[str, str | int], str]:
    """Return the readiness probe of a healthcheck, {} for none, and in words what the probe lacks of it."""
    check = program.raw.get("healthcheck")
    if not isinstance(check, dict) or str(check.get("disable")).lower() == "true":
        return {}, ""
    test = check.get("test")
    words = [str(each) for each in test] if isinstance(test, list) else ["CMD-SHELL", str(test or "")]
    if words[0] == "NONE" or not " ".join(words[1:]).strip():
        return {}, ""
    command = " ".join(words[1:]) if words[0] == "CMD-SHELL" else shlex.join(words[1:])
    command = _ENDS.sub("", command.replace("$$", "$"))
    found: dict[str, str | int] = {}
    asked = _ASKS.match(command)
    fetched = asked or _FETCHES.match(command)
    if fetched and fetched["host"] in _HERE and (asked or not re.search(r"[|;&]", command[fetched.end() :])):
        inner = {str(program.port), *(inner for inner, _ in published_ports(program.container))}
        is_own = program.port is not None and (fetched["port"] or "80") in inner
        path = fetched["path"] or "/"
        found["http"] = path if is_own else f"{fetched['scheme']}://127.0.0.1:{fetched['port'] or 80}{path}"
    else:
        found["exec"] = command
    for key, ours in (("interval", "period"), ("timeout", "timeout")):
        if seconds := _seconds(check.get(key)):
            found[ours] = seconds
    retries = str(check.get("retries") or "")
    if retries.isdecimal() and int(retries):
        found["failure_threshold"] = int(retries)
    left = [key for key in ("start_period", "start_interval") if check.get(key)]
    return found, ", ".join(f"`{key}`" for key in left)


def _seconds(given: object) -> str:
    """Convert a duration of compose (`1m30s`) to the manifest's form; "" for none."""
    text = str(given or "")
    if not text or _NUMBER.sub("", text):
        return ""
    total = sum(float(number) * _SECONDS[unit] for number, unit in _NUMBER.findall(text))
    return "" if not total else f"{total:g}s" if total >= 1 else f"{total * 1000:g}ms"
