"""Checks that the project's ports are free, or in use by the project itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from devboot import snapshot
from devboot.daemon.client import lease_of
from devboot.doctor.findings import ERROR, Answer, Check, Finding, Fix
from devboot.doctor.refusals import refused
from devboot.doctor.subject import Subject
from devboot.environment.ports.allocate import in_use
from devboot.environment.ports.holder_advice import using_variable
from devboot.environment.ports.loopback import is_free
from devboot.model.process import SERVICE, fixed_port, plan_from_plain


class WantedPort(NamedTuple):
    """A port and the service or process that needs it.

    `is_exact` means that no other port will do. `origin` is the place of the command that names the port.
    """

    port: int
    name: str
    is_exact: bool
    origin: str = ""


def free(subject: Subject) -> Answer:
    """Check that services and processes can listen on their ports; ports of the running project are fine."""
    wanted = wanted_ports(subject)
    if not wanted:
        return Answer(("none chosen yet, the first start does",), idle=True)
    lease = lease_of(subject.project.state, subject.project.root, subject.environ, subject.project.data)
    if lease is not None and lease.is_alive:
        return Answer((f"{_listed(wanted)}: in use by this project, which is running",))
    taken = {one for one in wanted if not is_free(one.port)}
    free_ones = [one for one in wanted if one not in taken]
    facts = [f"{_listed(free_ones)}: free"] if free_ones else []
    # devboot chose these ports, so the next start chooses others and says so
    moved = [one for one in wanted if one in taken and not one.is_exact]
    others = "another one" if len(moved) == 1 else "others"
    facts += [f"{_listed(moved)}: in use by another program, so the next start takes {others}"] if moved else []
    who = "devboot.toml insists on" if subject.project.written else "the project's code names"
    findings = tuple(
        _finding(one, one.origin + " names" if one.origin else who, movable=_is_movable(subject, one.name))
        for one in wanted
        if one in taken and one.is_exact
    )
    return Answer(tuple(facts), findings)


def _listed(ports: Iterable[WantedPort]) -> str:
    """Return ports as text: `8000 for web, 6379 for redis`."""
    return ", ".join(f"{one.port} for {one.name}" for one in ports)


def _is_movable(subject: Subject, name: str) -> bool:
    """Return whether users of the port get it from a variable; for a service only if the manifest wires one."""
    manifest = subject.manifest
    return manifest is None or name not in manifest.services or manifest.is_wired(name)


def wanted_ports(subject: Subject) -> tuple[WantedPort, ...]:
    """Return the ports set in the manifest, and those recorded by the last `up` or `sync` for the rest."""
    exact = _exact(subject)
    pinned = tuple(WantedPort(port, name, is_exact=True) for name, port in exact.items())
    known = snapshot.read(os.path.join(subject.project.state, snapshot.NAME))
    if known is None:
        return pinned
    specs = [spec for spec in plan_from_plain(known.plan_plain).processes if spec.port and spec.name not in exact]
    specs.sort(key=lambda spec: spec.kind == SERVICE)
    return pinned + tuple(
        WantedPort(
            spec.port, spec.name, is_exact=bool(fixed_port(spec)), origin=spec.origin if fixed_port(spec) else ""
        )
        for spec in specs
    )


def _exact(subject: Subject) -> dict[str, int]:
    if subject.manifest is None:
        return {}
    ports = {name: table.port for name, table in subject.manifest.services.items() if isinstance(table.port, int)}
    return ports | {name: table.port for name, table in subject.manifest.processes.items() if table.port is not None}


def _finding(wanted: WantedPort, who: str, *, movable: bool) -> Finding:
    elsewhere = using_variable(wanted.port, wanted.origin) if wanted.origin else ""
    error = in_use(wanted.name, wanted.port, movable=movable, elsewhere=elsewhere)
    return Finding(
        error.slug,
        ERROR,
        error.what,
        f"{who} this port",
        Fix(error.help[0], f"or {error.help[1]}" if len(error.help) > 1 else ""),
        error.causes,
        fact=f"{_listed([wanted])}: in use by another program",
    )


CHECKS = (Check("free", "ports", free), refused("ports"))
