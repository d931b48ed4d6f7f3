"""Compares the addresses in the project's settings with its services: with `--probe`, or after a failed start."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from devboot import snapshot as snapshots
from devboot.doctor.checks.observed import no_value
from devboot.doctor.findings import WARNING, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject
from devboot.environment.ports.loopback import is_free
from devboot.errors import shell_word
from devboot.model.observation import (
    ASKED,
    CONNECT,
    FAILED,
    REQUIRED,
    SETTING,
    UNSET,
    Observation,
    is_here,
    observed_folder,
    read_observations,
)
from devboot.model.printable import counted
from devboot.model.process import SERVICE, plan_from_plain
from devboot.record import Record
from devboot.supervisor.explain.observed import ALIKE, SERVICES, Lack, server_command
from devboot.supervisor.last_failure import read_failures

_RECIPES = {"postgresql": "postgres", "mysql": "mariadb", "amqp": "rabbitmq", "smtp": "mail"}  # schemes named otherwise
_SQLITE = "sqlite:"


class _Server(Record):
    """A service of the project: its name, the recipe that clients take it for, its port."""

    name: str
    recipe: str
    port: int


class _Address(Record):
    """An address that the code has. `recipe` is the usual server for it, "" if unknown; `variable` sets it."""

    host: str
    port: int
    recipe: str
    place: str
    variable: str = ""

    @property
    def shown(self) -> str:
        """The address with its place."""
        return f"{self.host}:{self.port}" + (f" ({self.place})" if self.place else "")


def settings(subject: Subject) -> Answer:
    """Compare the addresses with the services of the project and what listens on this machine."""
    seen = subject.probed if subject.probed is not None else tuple(_of_failed_start(subject))
    if not seen:
        return Answer(("no address in the settings",) if subject.probed is not None else ())
    servers = _servers(subject)
    addresses = {(each.host, each.port): each for each in reversed([*map(_address_of, seen)]) if each is not None}
    manifest = subject.manifest or subject.as_detected()[0]
    hosts = manifest.python.hosts if manifest is not None else ()
    findings = [finding for each in addresses.values() if (finding := _judged(each, servers, hosts))]
    findings += _other_databases(subject, seen)
    unset = [Lack((), each, each.name) for each in seen if each.kind == UNSET and each.how in (REQUIRED, ASKED)]
    findings += no_value(unset, subject.project.root)
    facts = [f"settings have {counted(len(addresses), 'address')}"] if subject.probed is not None else []
    failed = [f"{each.name}{each.where}" for each in seen if each.kind == FAILED]
    return Answer((*facts, *failed), tuple(findings), (*(each.shown for each in addresses.values()), *failed))


def _of_failed_start(subject: Subject) -> Iterator[Observation]:
    """Yield the connections of processes that failed at the last start, if that was observed."""
    folder = observed_folder(subject.project.state)
    if not os.path.isdir(folder):
        return
    lease = subject.lease()
    for failure in read_failures(subject.project.state) if lease is None or not lease.is_alive else ():
        seen = read_observations(os.path.join(folder, os.path.basename(failure.name)))
        yield from (each for each in seen if each.kind == CONNECT and each.place)


def _servers(subject: Subject) -> tuple[_Server, ...]:
    known = snapshots.read(os.path.join(subject.project.state, snapshots.NAME))
    manifest = subject.manifest or subject.as_detected()[0]
    if known is None or manifest is None:
        return ()
    recipes = {name: table.recipe or name for name, table in manifest.services.items()}
    return tuple(
        _Server(spec.name, ALIKE.get(recipes[spec.name], recipes[spec.name]), spec.port)
        for spec in plan_from_plain(known.plan_plain).processes
        if spec.kind == SERVICE and spec.name in recipes and spec.port
    )


def _address_of(seen: Observation) -> _Address | None:
    if seen.kind == CONNECT:
        return _Address(seen.host, seen.port, SERVICES.get(seen.port, ""), seen.place) if seen.port else None
    scheme, separator, place = seen.name.partition("://")
    if seen.kind != SETTING or not separator:
        return None
    recipe = _RECIPES.get(scheme, scheme)
    usual = next((port for port, name in SERVICES.items() if name == recipe), 0)
    host, _, text = place.rpartition(":")
    host, port = (host, seen.port) if host and text.isdecimal() else (place, usual)
    return _Address(host, port, recipe, seen.place, seen.how.partition(" ")[2]) if port else None


def _judged(address: _Address, servers: tuple[_Server, ...], hosts: tuple[str, ...]) -> Finding | None:
    alike = [each for each in servers if each.recipe == address.recipe]
    if not is_here(address.host) and address.host not in hosts:
        return _unknown_host(address, alike) if "." not in address.host and not _is_known(address.host) else None
    if address.port in {each.port for each in servers}:
        return None
    if alike:
        return _other_port(address, alike[0])
    return _no_server(address, servers) if is_free(address.port) else None


def _is_known(host: str) -> bool:
    try:
        socket.gethostbyname(host)
    except (OSError, UnicodeError):
        return False
    return True


def _other_port(address: _Address, server: _Server) -> Finding:
    source = f"`{address.variable}` sets it" if address.variable else "or change the address in the code"
    return Finding(
        "observed/other-port",
        WARNING,
        f"settings say {address.shown}, {server.name} runs on {server.port}",
        "the code connects to another server than devboot starts, or to none",
        Fix(f"devboot down && devboot up -d --port {shell_word(server.name)}={address.port}", source),
        fact=f"settings say {address.host}:{address.port}, {server.name} runs on {server.port}",
    )


def _unknown_host(address: _Address, alike: list[_Server]) -> Finding:
    name = alike[0].name if alike else "no service of the project"
    line = f'hosts = ["{address.host}"]'
    return Finding(
        "observed/unknown-host",
        WARNING,
        f"settings say {address.shown}, a host that this machine doesn't know",
        f"code that connects to it fails; {name} is what it could mean",
        Fix("devboot init --merge", f"or write `{line}` below `[python]` in devboot.toml: then it is this machine"),
        fact=f"settings say {address.host}, which is unknown here",
    )


def _no_server(address: _Address, servers: tuple[_Server, ...]) -> Finding:
    seen = Observation(CONNECT, f"{address.host}:{address.port}", "", address.place)
    command = server_command(seen, [each.name for each in servers])
    return Finding(
        "observed/no-server",
        WARNING,
        f"settings say {address.shown}, where nothing listens",
        "code that needs it fails or falls back to a default",
        Fix(command or f"ss -ltn sport = :{address.port}", "" if command else "shows what listens there"),
    )


def _other_databases(subject: Subject, seen: tuple[Observation, ...]) -> Iterator[Finding]:
    """Yield a finding for an SQLite file in the settings if devboot prepares others only."""
    manifest = subject.manifest
    root = os.path.realpath(subject.project.root)
    prepared = {_real(root, each.path) for each in manifest.sqlite.values()} if manifest is not None else set()
    for each in seen if prepared else ():
        path = each.name.removeprefix(_SQLITE)
        if each.kind == SETTING and path != each.name and _real(root, path) not in prepared:
            shown = os.path.relpath(_real(root, path), root)
            named = ", ".join(sorted(os.path.relpath(one, root) for one in prepared))
            yield Finding(
                "observed/other-database",
                WARNING,
                f"settings say {shown}{each.where}, devboot prepares {named}",
                "migrations and copies are made of another file than the code opens",
                Fix(f"grep -n -A 3 databases {shell_word(subject.project.manifest_name)}", "shows the path to change"),
            )


def _real(root: str, path: str) -> str:
    return os.path.realpath(os.path.join(root, path))


CHECKS = (Check("settings", "observed", settings),)
