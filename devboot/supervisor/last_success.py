"""Stores the environment in which a project last started without errors, to report what has changed when it fails.

    <state>/worked      facts at the last start without errors: a line per fact, name and value; 0600
    <state>/changed     differences between that environment and the last one that was prepared, a line each

Neither file holds values of variables.
"""

from __future__ import annotations

import os

from devboot.clone_reader import read_text
from devboot.files import atomic_write, plain
from devboot.paths import upwards
from devboot.record import Record
from devboot.text.columns import printable
from devboot.text.units import ago

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devboot.model.process import Plan

WORKED, CHANGED = "worked", "changed"
_GENERATION = "generation"
_SMALL = 64 * 1024  # bytes of HEAD, or of devboot's own records
_REFS = 4 * 1024 * 1024
_LENGTH = 9  # characters of a commit that are shown
_SHOWN = 8  # differences


class LastSuccess(Record):
    """The last start without errors: when (wall-clock seconds), the number of its generation (0: unknown), and facts.

    Facts are names and values of the machine and the project, as `kernel` or `port of web`.
    """

    at: float
    generation: int
    facts: Mapping[str, str]


def keep_success(plan: Plan) -> None:
    """Record a start without errors of `plan`, and clear the recorded changes. Raises OSError or MachineError."""
    generation = _text_of(f"{plan.state}/generations/current").partition("\n")[0]
    facts = {_GENERATION: generation, **facts_of(plan)}
    lines = [f"{name}\t{value}" for name, value in facts.items() if "\n" not in value]
    atomic_write(f"{plan.state}/{WORKED}", "\n".join(lines) + "\n", mode=0o600, sync=False)
    keep_changes(plan.state, ())


def keep_changes(state: str, changes: Iterable[str]) -> None:
    """Record, as lines of text, what preparations changed since the last start without errors.

    Raises OSError, MachineError.
    """
    path = f"{state}/{CHANGED}"
    if text := "".join(f"{each}\n" for each in changes):
        atomic_write(path, text, mode=0o600, sync=False)
    elif os.path.lexists(path):
        os.unlink(path)


def last_success(state: str) -> LastSuccess | None:
    """Return the last start without errors; None if there was none, or if its record can't be read."""
    path = f"{state}/{WORKED}"
    facts = dict(line.split("\t", 1) for line in _text_of(path).split("\n") if "\t" in line)
    if not facts:
        return None
    number = facts.pop(_GENERATION, "")
    try:
        return LastSuccess(os.stat(path).st_mtime, int(number) if number.isdecimal() else 0, facts)
    except OSError:
        return None


def changes_since(last: LastSuccess, plan: Plan | None, root: str, state: str, version: str) -> tuple[str, ...]:
    """Return differences from the last start without errors as lines: recorded ones, then machine, git and ports."""
    prepared = [line for line in _text_of(f"{state}/{CHANGED}").split("\n") if line]
    now = machine_facts(root, version) if plan is None else facts_of(plan)
    differing = [name for name in last.facts if name in now and now[name] != last.facts[name]]
    return (*prepared, *(f"{name} {last.facts[name]} → {now[name]}" for name in differing))


def sentence(last: LastSuccess, changes: Iterable[str], now: float) -> str:
    """Return `since it last worked, 2 days ago: python 3.12.3 → 3.13.5; …`; "" without changes."""
    parts = list(dict.fromkeys(changes))
    shown = parts[:_SHOWN] + ([f"{len(parts) - _SHOWN} more"] if len(parts) > _SHOWN else [])
    return f"since it last worked, {ago(now - last.at)}: {printable('; '.join(shown))}" if parts else ""


def facts_of(plan: Plan) -> dict[str, str]:
    """Return facts about the plan's project, its machine and its ports, as `{"port of web": "5000"}`."""
    ports = {f"port of {spec.name}": str(spec.port) for spec in plan.processes if spec.port}
    return {**machine_facts(plan.root, plan.version), **ports}


def machine_facts(root: str, version: str) -> dict[str, str]:
    """Return devboot's version, the operating system, the kernel, and the git commit of the folder `root`, by name."""
    system = os.uname()
    lines = [line for line in _text_of("/etc/os-release").split("\n") if line.startswith("PRETTY_NAME=")]
    facts = {"devboot": version, "system": lines[0][12:].strip("\"'") if lines else ""}
    facts |= {"kernel": f"{system.sysname} {system.release} {system.machine}", "git": head_of(root)}
    return {name: value for name, value in facts.items() if value}


def head_of(folder: str) -> str:
    """Return commit and branch of the repository around a folder, as in `1a2b3c4d5 (main)`; "" without one.

    Only files are read: no program of the clone's configuration is run.
    """
    place = next((path for path in (f"{each}/.git" for each in upwards(folder)) if os.path.lexists(path)), "")
    if place and not os.path.isdir(place):  # of a worktree or a submodule
        place = os.path.join(os.path.dirname(place), _read(place).removeprefix("gitdir:").strip())
    head = _read(f"{place}/HEAD").strip() if place else ""
    if not head.startswith("ref:"):
        return _short(head)
    name = head[4:].strip()
    shared = os.path.join(place, _read(f"{place}/commondir").strip())
    commit = _read(f"{place}/{name}").strip() or _read(f"{shared}/{name}").strip() or _packed(shared, name)
    return f"{_short(commit)} ({name.removeprefix('refs/heads/')})" if _short(commit) else ""


def _short(commit: str) -> str:
    """Return the first characters of a commit; "" for a text that isn't a commit, which a hostile clone may contain."""
    return commit[:_LENGTH] if len(commit) >= 40 and not commit.strip("0123456789abcdef") else ""


def _packed(folder: str, name: str) -> str:
    rows = (line.split(" ") for line in _read(f"{folder}/packed-refs", _REFS).split("\n"))
    return next((row[0] for row in rows if row[1:] == [name]), "")


def _read(path: str, limit: int = _SMALL) -> str:
    try:
        return read_text(path, limit=limit)
    except OSError:
        return ""


def _text_of(path: str) -> str:
    try:
        with open(path, "rb", buffering=0, opener=plain) as file:
            return (file.read(_SMALL) or b"").decode("utf-8", "replace")
    except OSError:
        return ""
