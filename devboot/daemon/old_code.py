"""Finds processes that still run code from before an edit, because they don't reload.

Cheap enough for a warm command: a walk through the project's own folders with a time limit; only if a file is newer
than a process, that process is examined. A program that reloads on its own has started a process since the edit.
"""

from __future__ import annotations

import os
import time

from devboot.daemon import leases
from devboot.record import Record
from devboot.supervisor.system import proctable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from devboot.model.process import ProcessSpec

_FOREIGN = frozenset(
    ("node_modules", "bower_components", "__pycache__", "venv", "virtualenv", "env", "site-packages", "build", "dist")
)
_ASIDE = frozenset(("tests", "test", "docs", "static", "media"))  # folders whose code no process loads
_PYTHON, _NODE = (".py",), (".js", ".mjs", ".cjs", ".ts")
_RUNS_NODE = r"(?:^|[\s/])(?:node|deno|tsx|ts-node)(?=\s|$)"
# Commands left out: scripts of package.json are mostly development servers, which reload; others run no project code
_RUNS_PYTHON = (
    r"(?:^|[\s/'\"])(?:(?:python|pypy)[\d.]*|arq|celery|daphne|django-admin|dramatiq|fastapi|flask|granian|gunicorn|honcho|"
    r"huey_consumer(?:\.py)?|hypercorn|litestar|manage\.py|quart|rq|rqworker|sanic|streamlit|taskiq|uvicorn|uwsgi|"
    r"waitress-serve)(?=\s|$)"
)
_NO_CODE = r"(?:^|[\s/])(?:npm|npx|yarn|pnpm|bun)\s|\s--watch\b|-m\s+http\.server\b"
_PYTHONS = ("python", "pypy")
_BETWEEN = 256  # entries of a folder between checks of the time
MOST = 200  # most files kept per language
_LOADING = 1.0  # seconds after its start during which a process may still read its files


class OldCode(Record):
    """Processes that were started before one of their code files, `file` (relative to the root), was edited."""

    names: tuple[str, ...]
    file: str


def old_code(
    root: str,
    state: str,
    specs: Iterable[ProcessSpec],
    *,
    limit: float,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[OldCode, ...]:
    """Return the processes of a running project whose code was edited after their start.

    `limit` is the time in seconds for the walk through the project; `specs` are read only if a file was edited.
    """
    starts = _starts(state)
    if not starts:
        return ()
    latest = newest(root, min(starts.values()) + _LOADING, limit, clock)
    if not latest:
        return ()
    from devboot.model.process import PROCESS

    table = proctable.processes()
    specs = tuple(specs)
    found: dict[str, list[str]] = {}
    for spec in specs:
        if spec.name in starts and spec.kind == PROCESS and not _reloads(spec):
            edited = max(_own(spec, specs, latest), default=(0.0, ""))
            if edited[0] <= starts[spec.name] + _LOADING:
                continue
            members = _members(spec.name, state, table)
            if _loads(edited[1], spec, members) and not _has_reloaded(edited[0], members):
                found.setdefault(os.path.relpath(edited[1], root), []).append(spec.name)
    return tuple(OldCode(tuple(names), file) for file, names in found.items())


def _starts(state: str) -> dict[str, float]:
    """Return the start time of each running process in wall-clock seconds; empty where ticks aren't available."""
    found = {}
    for child in leases.read_children(leases.children_path(state)):
        seen = proctable.look(child.pid)
        if seen is not None and child.is_in({child.pid: seen}) and seen.age_order:
            found[child.name] = _wall_clock(seen.age_order)
    return found


def _wall_clock(ticks: int) -> float:
    up = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def newest(root: str, since: float, limit: float, clock: Callable[[], float]) -> dict[str, list[tuple[float, str]]]:
    """Return the code files edited after `since`, latest first, as (time, path) by file extension.

    The walk ends after `limit` seconds.
    """
    deadline = clock() + limit
    found: dict[str, list[tuple[float, str]]] = {}
    folders = [root]
    for entry in _entries(folders, deadline, clock):
        name = entry.name
        ending = name[name.rfind(".") :] if "." in name else ""
        try:
            if ending in (*_PYTHON, *_NODE):
                edited = entry.stat(follow_symlinks=False).st_mtime
                if edited > since and not _is_test(name):
                    _keep(found.setdefault(ending, []), (edited, entry.path))
            elif not ending and name not in _FOREIGN and name not in _ASIDE and entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
        except OSError:  # removed in the meantime
            continue
    return found


def _entries(folders: Iterable[str], deadline: float, clock: Callable[[], float]) -> Iterator[os.DirEntry[str]]:
    """Yield the directory entries of `folders` until `deadline`; the caller may append folders meanwhile."""
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for at, entry in enumerate(entries):
                    if at % _BETWEEN == 0 and clock() > deadline:
                        return
                    yield entry
        except OSError:
            continue


def _keep(files: list[tuple[float, str]], file: tuple[float, str]) -> None:
    files.append(file)
    if len(files) >= 2 * MOST:
        files.sort(reverse=True)
        del files[MOST:]


def _is_test(name: str) -> bool:
    return name.startswith(("test_", "conftest.")) or name.rpartition(".")[0].endswith(("_test", ".test", ".spec"))


def _own(
    spec: ProcessSpec, specs: Iterable[ProcessSpec], newest: Mapping[str, list[tuple[float, str]]]
) -> Iterable[tuple[float, str]]:
    """Yield the edited files that a process may have loaded: below its folder, in the language of its command.

    A script that another process runs isn't included.
    """
    import re

    others = " ".join(each.command for each in specs if each.name != spec.name)
    endings = _NODE if re.search(_RUNS_NODE, spec.command) else _PYTHON
    below = spec.cwd.rstrip("/") + "/"
    for edited, path in (each for ending in endings for each in newest.get(ending, ())):
        script = os.path.basename(path)
        is_anothers = script in others and script not in spec.command
        if path.startswith(below) and not is_anothers:
            yield edited, path


def _reloads(spec: ProcessSpec) -> bool:
    """Return whether a process reloads edited code on its own, or runs no code."""
    import re

    from devboot.environment.reloaders import left_to_itself

    return bool(spec.watch or left_to_itself(spec.command) or re.search(_NO_CODE, spec.command))


def _members(name: str, state: str, table: Mapping[int, proctable.Seen]) -> Sequence[proctable.Seen]:
    """Return the system's processes in the session of the project's process `name`."""
    session = next((each.pid for each in leases.read_children(leases.children_path(state)) if each.name == name), 0)
    return tuple(seen for seen in table.values() if seen.session == session)


def _loads(file: str, spec: ProcessSpec, members: Iterable[proctable.Seen]) -> bool:
    """Return whether a process can load code in the language of `file`; a mail server or a proxy can't."""
    import re

    if not file.endswith(_PYTHON) or re.search(_RUNS_PYTHON, spec.command):
        return True
    return any(_program(seen.pid).startswith(_PYTHONS) for seen in members)


def _program(pid: int) -> str:
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""


def _has_reloaded(edited: float, members: Sequence[proctable.Seen]) -> bool:
    """Return whether a process has started a child since the edit, as reloading programs do."""
    return any(_wall_clock(seen.age_order) > edited for seen in members if seen.pid != seen.session)
