"""Renders a proposal as the text of a manifest that a maintainer would commit, with evidence as comments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from devboot.model.printable import printable
from devboot.onboarding.proposal.references import refuse_foreign_references
from devboot.onboarding.proposal_values import (
    OPEN_ACCESS,
    Evidence,
    Note,
    Option,
    Process,
    Proposal,
    PythonInput,
    Variable,
)

LINES, COLUMNS = 25, 100
HEAD = "# `devboot up` runs this clone; to get devboot: `uv tool install .` in a clone of it"
SCHEMA = "#:schema ./.venv/devboot.schema.json"  # each sync writes it; editors resolve the path from the manifest


def render(proposal: Proposal) -> str:
    """Return a proposal as the text of devboot.toml: head, tables, the Procfile's content as comments, notes.

    Warnings are always written, other notes as long as the text has at most `LINES` lines.
    """
    proposal = refuse_foreign_references(proposal)
    head = [HEAD, SCHEMA, *_unsaid(proposal.python)] if proposal.has_virtualenv else [HEAD]
    parts = [head, *tables(proposal), _procfile(proposal)]
    parts = [part for part in parts if part]
    room = LINES - sum(len(part) + 1 for part in parts)
    notes: list[str] = []
    for note in sorted(proposal.notes, key=lambda note: not note.warns):
        lines = [] if OPEN_ACCESS in note.text else _wrapped(note)  # written as a comment after the key
        if note.warns or len(notes) + len(lines) <= room:
            notes += lines
    return "\n\n".join("\n".join(part) for part in [*parts, *([notes] if notes else [])]) + "\n"


def _unsaid(python: PythonInput) -> Iterator[str]:
    """Yield comments about facts that need no key, since devboot reads them from the clone's own files."""
    said = [f"Python {python.version} ({python.version_from})"] if python.version else []
    said += [f"packages of {', '.join(python.requirements)}"] if python.requirements and python.is_list_usual else []
    if said:
        yield f"# {printable(', '.join(said), COLUMNS - 2)}"


def tables(proposal: Proposal) -> list[list[str]]:
    """Return the lines of each table of the manifest, its header first."""
    found = [
        _python(proposal.python),
        _packages(proposal),
        *_services(proposal),
        *_databases(proposal),
        _env(proposal),
        _env_files(proposal),
        *_tasks(proposal),
        _procfile_table(proposal),
        *_processes(proposal),
    ]
    return [lines for lines in found if lines]


def _wrapped(note: Note) -> list[str]:
    """Return a note as comment lines; its place is left out if it alone would need another line."""
    text = str(note) if len(str(note)) <= COLUMNS - 2 else note.text
    wrapper = textwrap.TextWrapper(COLUMNS, "# ", "#   ", break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(printable(text, len(text)))


def _line(text: str, because: Evidence | str | None = None) -> str:
    """Return a line with its evidence as a comment at the end, unless that makes it too wide."""
    comment = printable(str(because or ""), COLUMNS)
    line = f"{text}  # {comment}" if comment else text
    return line if len(line) <= COLUMNS else text


def quoted(text: str) -> str:
    """Return a text as a TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = re.sub(r"[\x00-\x1f\x7f]", lambda match: f"\\u{ord(match[0]):04x}", escaped)
    return f'"{escaped}"'


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(quoted(item) for item in items) + "]"


def key_text(name: str) -> str:
    """Return a key in TOML's syntax."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def _entry(key: str, value: object, because: Evidence | str | None = None) -> list[str]:
    """Return the line `key = value` in a list; empty for a key without a value."""
    if value is None or value in ("", ()) or value is False:
        return []
    text = quoted(value) if isinstance(value, str) else _list(value) if isinstance(value, tuple) else str(value).lower()
    return [_line(f"{key} = {text}", because)]


def _python(python: PythonInput) -> list[str]:
    newest = "" if python.version else "without a stated version: the newest Python that fits"
    lines = [
        *_entry("requirements", () if python.is_list_usual else python.requirements, newest),
        *_entry("version", python.oldest, python.oldest_from),
        *_entry("packages", python.packages),
        *_entry("exclude-newer", python.exclude_newer, "the last change of the list"),
        *_entry("groups", python.groups),
        *_entry("extras", python.extras),
        *_entry("hosts", python.hosts, "container names in the code, which lead to this machine"),
    ]
    return ["[python]", *lines] if lines else []


def _packages(proposal: Proposal) -> list[str]:
    lines = [line for each in proposal.packages for line in _entry(key_text(each.name), each.version, each.evidence)]
    return ["[packages]", *lines] if lines else []


def _services(proposal: Proposal) -> Iterator[list[str]]:
    with_databases = {item.service for item in proposal.databases}
    for service in proposal.services:
        lines = [
            *_entry("recipe", "" if service.recipe == service.name else service.recipe),
            *_entry("version", service.version, "as in the compose file"),
            *_entry("port", service.port, service.port_from),
            *_entry("access", "open" if service.is_open else "", "the code connects without a password"),
            *([f"settings = {option_text(service.settings)}"] if service.settings else []),
        ]
        if lines or service.name not in with_databases:  # the table of a database in the service implies the service
            yield [_line(f"[services.{key_text(service.name)}]", service.evidence), *lines]


def _databases(proposal: Proposal) -> Iterator[list[str]]:
    for item in proposal.databases:
        if not item.service:
            yield [f"[databases.{key_text(item.name)}]", *_entry("path", item.path, item.evidence)]
            continue
        yield [
            _line(f"[services.{key_text(item.service)}.databases.{key_text(item.name)}]", item.evidence),
            *_entry("name", "" if item.database == item.name else item.database),
            *_entry("user", item.user),
            *_entry("password", item.password),
            *_entry("extensions", item.extensions),
        ]


def _env(proposal: Proposal) -> list[str]:
    # The description of a required variable contains its place already
    lines = [
        _line(f"{key_text(each.name)} = {value_text(each)}", None if each.required else each.evidence)
        for each in proposal.env
    ]
    return ["[env]", *lines] if lines else []


def value_text(variable: Variable) -> str:
    """Return the TOML after a variable's name in `[env]`: a quoted text, or an inline table."""
    if variable.generate:
        said = f", description = {quoted(variable.description)}" if variable.description else ""
        return f"{{ generate = {quoted(variable.generate)}{said} }}"
    if variable.required:
        secret = ", secret = true" if variable.secret else ""
        return f"{{ required = true, description = {quoted(variable.description)}{secret} }}"
    if variable.from_shell:
        default = "" if variable.value is None else f", default = {quoted(variable.value)}"
        return f'{{ from = "shell"{default} }}'
    return quoted(variable.value or "")


def _env_files(proposal: Proposal) -> list[str]:
    return ["[env-files]", *_entry("read", proposal.env_files)] if proposal.env_files else []


def _tasks(proposal: Proposal) -> Iterator[list[str]]:
    for task in proposal.tasks:
        yield [
            f"[tasks.{key_text(task.name)}]",
            *_entry("run", task.run, task.evidence),
            *_entry("cwd", "" if task.cwd == "." else task.cwd),
            *_entry("inputs", task.inputs),
            *_entry("once", task.once),
            *_entry("before", task.before),
            *_entry("depends_on", task.depends_on),
        ]


def _procfile_table(proposal: Proposal) -> list[str]:
    if proposal.procfile is None or proposal.is_procfile_default:
        return []
    return ["[procfile]", *_entry("path", proposal.procfile)]


def _procfile(proposal: Proposal) -> list[str]:
    """Return comments with the Procfile's process names and its task."""
    if proposal.procfile is None:
        return []
    names = ", ".join(line.name for line in proposal.lines if line.name != "release")
    release = next((line.command for line in proposal.lines if line.name == "release"), "")
    notes = [Note(f"processes, from {proposal.procfile}: {names}")]
    if release:
        is_task = not any("processes" in task.before for task in proposal.tasks)
        when = "before they start" if is_task else "by `devboot run release`"
        notes.append(Note(f"its `release:` runs {when}: {release}"))
    return [line for note in notes for line in _wrapped(note)]


def _processes(proposal: Proposal) -> Iterator[list[str]]:
    for process in proposal.processes:
        pairs = (f"{key_text(name)} = {quoted(value)}" for name, value in process.env.items())
        yield [
            f"[processes.{key_text(process.name)}]",
            *_entry("command", process.command, process.evidence),
            *_entry("cwd", "" if process.cwd == "." else process.cwd),
            *_entry("port", process.port),
            *([f"ready = {{ tcp = {quoted(process.listens)} }}"] if process.listens else []),
            *_entry("watch", process.watch, "restarts after changes"),
            *([f"depends_on = [{', '.join(_dependencies(process))}]"] if process.depends_on else []),
            *(f"{key_text(name)} = {option_text(value)}" for name, value in process.options.items()),
            *([f"env = {{ {', '.join(pairs)} }}"] if process.env else []),
        ]


def _dependencies(process: Process) -> Iterator[str]:
    for name, until in process.depends_on.items():
        yield option_text({"name": name, "until": until}) if until else quoted(name)


def option_text(value: Option) -> str:
    """Return a value as TOML, a mapping as an inline table."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key_text(name)} = {option_text(inner)}' for name, inner in value.items())} }}"
    return quoted(value) if isinstance(value, str) else str(value)
