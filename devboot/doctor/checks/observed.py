"""What a start without a manifest was seen to ask for in vain: variables, servers and files, by the project's lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from devboot.daemon.client import lease_of
from devboot.doctor.findings import WARNING, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject
from devboot.model.observation import NO_FILE, UNSET
from devboot.supervisor.explain.append_command import append_command
from devboot.supervisor.explain.observed import SHOWN, Lack, is_of_servers, lacks, server_command, summaries

NOTHING = ("nothing was asked for in vain",)


def observed(subject: Subject) -> Answer:
    """List what was asked for in vain, and complain of variables without a value and servers that aren't there."""
    if subject.project.written:
        return Answer(("devboot.toml says what is needed",), idle=True)
    hosts = subject.manifest.python.hosts if subject.manifest is not None else ()
    services = subject.manifest.services if subject.manifest is not None else ()
    lease = lease_of(subject.project.state, subject.project.root, subject.environ)
    found = lacks(subject.project.state, hosts, is_running=lease is not None and lease.is_alive)
    if found is None:
        return Answer(("no start on record",), idle=True)
    variables = [each for each in found if each.seen.kind == UNSET]
    return Answer(
        summaries(each for each in found if each.seen.kind == NO_FILE) or (NOTHING if not found else ()),
        (
            *_no_value(variables, subject.project.root),
            *(_no_server(each, services) for each in found if is_of_servers(each)),
        ),
        tuple(each.sentence for each in found),
    )


def _no_value(variables: Sequence[Lack], root: str) -> Iterator[Finding]:
    why = "what needs them fails, or does without"
    for what in summaries(variables):
        command = append_command(root, ".env", [f"{each.seen.name}=…" for each in variables[:SHOWN]]) or "devboot env"
        yield Finding("observed/no-value", WARNING, what, why, Fix(command, "then `devboot up -d`"))


def _no_server(lack: Lack, services: Iterable[str]) -> Finding:
    command = server_command(lack.seen, services)
    return Finding(
        "observed/no-server",
        WARNING,
        lack.sentence,
        "what needs it fails, or does without",
        Fix(command or f"devboot logs {lack.names[0]}", "then `devboot up -d`" if command else ""),
    )


CHECKS = (Check("observed", "observed", observed),)
