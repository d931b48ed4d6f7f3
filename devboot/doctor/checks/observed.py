"""Reports variables, servers and files that programs looked up in vain at a start without a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from devboot.daemon.client import lease_of
from devboot.doctor.findings import WARNING, Answer, Check, Finding, Fix
from devboot.doctor.subject import Subject
from devboot.model.observation import NO_FILE, UNSET
from devboot.supervisor.explain.append_command import append_command
from devboot.supervisor.explain.observed import SHOWN, Lack, is_of_servers, lacks, server_command, summaries

NOTHING = ("nothing was missing at the last start",)


def observed(subject: Subject) -> Answer:
    """Report missing files; warn of unset variables and of servers that aren't running."""
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
            *no_value(variables, subject.project.root),
            *(_no_server(each, services) for each in found if is_of_servers(each)),
        ),
        tuple(each.sentence for each in found),
    )


def no_value(variables: Sequence[Lack], root: str) -> Iterator[Finding]:
    """Yield the finding for variables without a value, with the command that adds them to `.env`."""
    why = "code that needs them fails or falls back to a default"
    for what in summaries(variables):
        command = append_command(root, ".env", [f"{each.seen.name}=…" for each in variables[:SHOWN]]) or "devboot env"
        yield Finding("observed/no-value", WARNING, what, why, Fix(command, "then `devboot up -d`"))


def _no_server(lack: Lack, services: Iterable[str]) -> Finding:
    command = server_command(lack.seen, services)
    return Finding(
        "observed/no-server",
        WARNING,
        lack.sentence,
        "code that needs it fails or falls back to a default",
        Fix(command or f"devboot logs {lack.names[0]}", "then `devboot up -d`" if command else ""),
    )


CHECKS = (Check("observed", "observed", observed),)
