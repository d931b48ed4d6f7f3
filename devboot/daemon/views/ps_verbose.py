"""Renders the details of `ps -v`: each process' command, dependencies and last probe results."""

from __future__ import annotations

import time

from devboot.supervisor.core.details import details
from devboot.text.columns import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from devboot.daemon.running_project import RunningProject
    from devboot.supervisor.core.details import Asked, Details

_LABEL = 9


def text(project: RunningProject) -> str:
    """Return the text of `ps -v`: a paragraph per process, the state folder, and where the environment comes from."""
    names = (spec.name for spec in project.plan.processes)
    lines = [line for name in names for line in _lines(details(project.supervisor.process(name)), project.plan.root)]
    clock = time.strftime("%H:%M:%S", time.localtime(project.planned_at))
    last = f"processes have the environment of the `up` at {clock}; a restart from another shell does not change it"
    where = f"logs and state are in {project.plan.state}; `devboot state path --data` prints where data is"
    return "".join(f"{line}\n" for line in (*lines, "", where, last))


def facts(project: RunningProject, name: str) -> dict[str, object]:
    """Return the details of process `name` in `ps -v --json`; None for a probe that isn't configured."""
    found = details(project.supervisor.process(name))
    return {
        "command": found.command,
        "origin": found.origin or None,
        "cwd": found.cwd,
        "depends_on": dict(found.depends_on),
        "probes": {"ready": _asked(found.ready), "alive": _asked(found.alive)},
    }


def _asked(asked: Asked | None) -> dict[str, str] | None:
    return None if asked is None else {"how": asked.how, "last": asked.last}


def _lines(found: Details, root: str) -> Iterator[str]:
    yield ""
    yield printable(found.name)
    origin = f"  ({found.origin})" if found.origin else ""
    yield _row("runs", f"{printable(found.command)}{origin}")
    if found.cwd != root:
        yield _row("in", printable(found.cwd))
    if found.depends_on:
        yield _row("needs", ", ".join(f"{printable(name)} {until}" for name, until in found.depends_on))
    for label, asked in (("ready", found.ready), ("alive", found.alive)):
        if asked is not None:
            yield from _probe(label, asked)
    yield _row("log", printable(found.log))


def _probe(label: str, asked: Asked) -> Iterator[str]:
    yield _row(label, printable(asked.how))
    for line in asked.last.splitlines():
        yield _row("", f"| {printable(line)}")


def _row(label: str, words: str) -> str:
    return f"  {label:<{_LABEL}}{words}"
