"""Writes a proposal as the text of a manifest, every fact with its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable

from devboot.onboarding.proposal_values import Evidence, Proposal, Variable

SIMPLE, BIG = 25, 40


def render(proposal: Proposal) -> str:
    """The text of devboot.toml: at most 25 lines for a simple project and 40 for a big one.

    Blank lines are given up first, then notes are joined; facts never are.
    """
    blocks = [block for block in (_head(proposal), *_blocks(proposal)) if block]
    notes = [_comment(note.text, note.evidence) for note in proposal.notes]
    if notes:
        blocks.append(notes)
    count = sum(len(block) for block in blocks)
    limit = SIMPLE if count <= SIMPLE else BIG
    spare = max(0, limit - count)
    if count > limit and len(notes) > 1:
        blocks[-1] = _joined(proposal, max(1, len(notes) - (count - limit)))
    lines: list[str] = []
    for index, block in enumerate(blocks):
        if index and spare > 0:
            lines.append("")
            spare -= 1
        lines += block
    return "\n".join(lines) + "\n"


def _joined(proposal: Proposal, lines: int) -> list[str]:
    texts = [note.text + (f" ({note.evidence})" if note.evidence else "") for note in proposal.notes]
    return [*(f"# {text}" for text in texts[: lines - 1]), "# " + "; ".join(texts[lines - 1 :])]


def _comment(text: str, evidence: Evidence | None) -> str:
    return f"# {text}" + (f" ({evidence})" if evidence else "")


def _because(*evidence: Evidence | None) -> str:
    known = [str(item) for item in evidence if item is not None and item.path]
    return f"  # {', '.join(known)}" if known else ""


def quoted(text: str) -> str:
    """A text as TOML writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped)
    return f'"{escaped}"'


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(quoted(item) for item in items) + "]"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def _head(proposal: Proposal) -> list[str]:
    if proposal.framework:
        return [
            f"# {proposal.framework} project, as devboot reads it"
            + _because(proposal.framework_evidence).replace("  # ", ": ")
        ]
    return []


def _blocks(proposal: Proposal) -> list[list[str]]:
    return [
        _python(proposal),
        _packages(proposal),
        *_services(proposal),
        *_databases(proposal),
        _env(proposal),
        _env_files(proposal),
        *_tasks(proposal),
        _procfile(proposal),
        *_processes(proposal),
    ]


def _python(proposal: Proposal) -> list[str]:
    python = proposal.python
    lines = []
    if python.version:
        lines.append(f"version = {quoted(python.version)}{_because(python.version_from)}")
    if python.requirements:
        lines.append(f"requirements = {_list(python.requirements)}")
    if python.packages:
        lines.append(f"packages = {_list(python.packages)}")
    if python.exclude_newer:
        lines.append(f"exclude-newer = {quoted(python.exclude_newer)}  # the last change of the list")
    if python.groups:
        lines.append(f"groups = {_list(python.groups)}")
    if python.extras:
        lines.append(f"extras = {_list(python.extras)}")
    if python.hosts:
        lines.append(f"hosts = {_list(python.hosts)}  # the code names these containers: here they are this machine")
    if lines and not python.version:
        lines.insert(0, "# version: not stated, so the newest that its packages take")
    return ["[python]", *lines] if lines else []


def _packages(proposal: Proposal) -> list[str]:
    lines = [f"{_key(each.name)} = {quoted(each.version)}{_because(each.evidence)}" for each in proposal.packages]
    return ["[packages]", *lines] if lines else []


def _services(proposal: Proposal) -> list[list[str]]:
    found = []
    for service in proposal.services:
        lines = [f"[services.{_key(service.name)}]{_because(service.evidence)}"]
        if service.recipe != service.name:
            lines.append(f"recipe = {quoted(service.recipe)}")
        if service.version:
            lines.append(f"version = {quoted(service.version)}  # as compose has it")
        if service.port is not None:
            lines.append(f"port = {service.port}  # the code names it")
        if service.is_open:
            lines.append('access = "open"  # the code connects without a password')
        found.append(lines)
    return found


def _databases(proposal: Proposal) -> list[list[str]]:
    found = []
    for item in proposal.databases:
        lines = [f"[databases.{_key(item.name)}]"]
        if item.service:
            lines = [f"[services.{_key(item.service)}.databases.{_key(item.name)}]{_because(item.evidence)}"]
            lines += [f"name = {quoted(item.database)}"] if item.database != item.name else []
            lines += [f"user = {quoted(item.user)}"] if item.user else []
            lines += [f"password = {quoted(item.password)}"] if item.password else []
        else:
            lines.append(f"path = {quoted(item.path)}{_because(item.evidence)}")
        found.append(lines)
    return found


def _env(proposal: Proposal) -> list[str]:
    lines = []
    for variable in proposal.env:
        # What is required names its place in the description already
        because = "" if variable.required else _because(variable.evidence)
        lines.append(f"{_key(variable.name)} = {_value(variable)}{because}")
    return ["[env]", *lines] if lines else []


def _value(variable: Variable) -> str:
    if variable.generate:
        return f"{{ generate = {quoted(variable.generate)} }}"
    if variable.required:
        secret = ", secret = true" if variable.secret else ""
        return f"{{ required = true, description = {quoted(variable.description)}{secret} }}"
    return quoted(variable.value or "")


def _env_files(proposal: Proposal) -> list[str]:
    return ["[env-files]", f"read = {_list(proposal.env_files)}"] if proposal.env_files else []


def _tasks(proposal: Proposal) -> list[list[str]]:
    found = []
    for task in proposal.tasks:
        lines = [f"[tasks.{_key(task.name)}]", f"run = {quoted(task.run)}{_because(task.evidence)}"]
        if task.cwd != ".":
            lines.append(f"cwd = {quoted(task.cwd)}")
        if task.inputs:
            lines.append(f"inputs = {_list(task.inputs)}")
        if task.once:
            lines.append("once = true")
        if task.before:
            lines.append(f"before = {_list(task.before)}")
        if task.depends_on:
            lines.append(f"depends_on = {_list(task.depends_on)}")
        found.append(lines)
    return found


def _procfile(proposal: Proposal) -> list[str]:
    if proposal.procfile is None:
        return []
    if proposal.is_procfile_default:
        return [f"# processes: {proposal.procfile}"]
    return ["[procfile]", f"path = {quoted(proposal.procfile)}"]


def _processes(proposal: Proposal) -> list[list[str]]:
    found = []
    for process in proposal.processes:
        lines = [f"[processes.{_key(process.name)}]"]
        if process.command:
            lines.append(f"command = {quoted(process.command)}{_because(process.evidence)}")
        if process.cwd != ".":
            lines.append(f"cwd = {quoted(process.cwd)}")
        if process.port is not None:
            lines.append(f"port = {process.port}")
        found.append(lines)
    return found
