"""What a start without a manifest was seen to ask for in vain: variables, servers and files, by the project's lines."""

from __future__ import annotations

from collections.abc import Iterable

from devboot.daemon.client import lease_of
from devboot.doctor.findings import WARNING, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject
from devboot.model.observation import NO_FILE, UNSET, Observation
from devboot.supervisor.observed import Lack, is_of_servers, lacks, server_command

_SHOWN = 3


def observed(subject: Subject) -> Answer:
    """List what was asked for in vain, and complain of servers that aren't there."""
    if subject.project.written:
        return Answer(("devboot.toml says what is needed",), idle=True)
    hosts = subject.manifest.python.hosts if subject.manifest is not None else ()
    services = subject.manifest.services if subject.manifest is not None else ()
    lease = lease_of(subject.project.state, subject.project.root, subject.environ)
    found = lacks(subject.project.state, hosts, is_running=lease is not None and lease.is_alive)
    if found is None:
        return Answer(("no start on record",), idle=True)
    variables = [each.seen for each in found if each.seen.kind == UNSET]
    files = [each.seen for each in found if each.seen.kind == NO_FILE]
    servers = filter(is_of_servers, found)
    facts = [
        *([f"variables without a value: {_listed(variables)}"] if variables else []),
        *([f"files that aren't there: {_listed(files)}"] if files else []),
    ]
    return Answer(
        tuple(facts) or ("nothing was asked for in vain",),
        tuple(_no_server(each, services) for each in servers),
        tuple(each.sentence for each in found),
    )


def _no_server(lack: Lack, services: Iterable[str]) -> Finding:
    command = server_command(lack.seen, services)
    return Finding(
        "observed/no-server",
        WARNING,
        lack.sentence,
        "what needs it fails, or does without",
        Fix(command or f"devboot logs {lack.names[0]}", "then `devboot up -d`" if command else ""),
    )


def _listed(seen: list[Observation]) -> str:
    shown = [f"{each.name}{each.where}" for each in seen[:_SHOWN]]
    return ", ".join([*shown, *([f"{len(seen) - _SHOWN} more"] if len(seen) > _SHOWN else [])])


CHECKS = (Check("observed", "observed", observed),)
