"""Finds processes that run code from before it was edited: what doesn't watch its files goes on with what it loaded.

Cheap enough for a warm command: a walk through the project's own folders with a limit, and only where a file is younger
than a process a look at what that process is. What reloads by itself has started a process since the edit.
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
_ASIDE = frozenset(("tests", "test", "docs", "static", "media"))  # no process loads what lies there
_PYTHON, _NODE = (".py",), (".js", ".mjs", ".cjs", ".ts")
_RUNS_NODE = r"(?:^|[\s/])(?:node|deno|tsx|ts-node)(?=\s|$)"
# Scripts of a package.json mostly are development servers, which reload; the others run no code of the project
_RUNS_PYTHON = (
    r"(?:^|[\s/'\"])(?:(?:python|pypy)[\d.]*|arq|celery|daphne|django-admin|dramatiq|fastapi|flask|granian|gunicorn|honcho|"
    r"huey_consumer(?:\.py)?|hypercorn|litestar|manage\.py|quart|rq|rqworker|sanic|streamlit|taskiq|uvicorn|uwsgi|"
    r"waitress-serve)(?=\s|$)"
)
_NO_CODE = r"(?:^|[\s/])(?:npm|npx|yarn|pnpm|bun)\s|\s--watch\b|-m\s+http\.server\b"
_PYTHONS = ("python", "pypy")
_BETWEEN = 256  # entries of a folder from one look at the clock to the next
_MOST = 200  # files of a language that are kept
_LOADING = 1.0  # seconds after its start in which a process may still read its files


class OldCode(Record):
    """Processes that were started before a file of their code was edited; `file` lies below the project's root."""

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
    """Return the processes of a running project whose code has been edited since their start.

    `limit` is how many seconds the walk through the project may take; `specs` are read only where a file was edited.
    """
    starts = _starts(state)
    if not starts:
        return ()
    newest = _newest(root, min(starts.values()) + _LOADING, limit, clock)
    if not newest:
        return ()
    from devboot.model.process import PROCESS

    table = proctable.processes()
    specs = tuple(specs)
    found: dict[str, list[str]] = {}
    for spec in specs:
        if spec.name in starts and spec.kind == PROCESS and not _reloads(spec):
            edited = max(_own(spec, specs, newest), default=(0.0, ""))
            if edited[0] <= starts[spec.name] + _LOADING:
                continue
            members = _members(spec.name, state, table)
            if _loads(edited[1], spec, members) and not _has_reloaded(edited[0], members):
                found.setdefault(os.path.relpath(edited[1], root), []).append(spec.name)
    return tuple(OldCode(tuple(names), file) for file, names in found.items())


def _starts(state: str) -> dict[str, float]:
    """Wall-clock seconds of the start of each process that runs; nothing where the system tells dates instead."""
    found = {}
    for child in leases.read_children(leases.children_path(state)):
        seen = proctable.look(child.pid)
        if seen is not None and child.is_in({child.pid: seen}) and seen.age_order:
            found[child.name] = _wall_clock(seen.age_order)
    return found


def _wall_clock(ticks: int) -> float:
    up = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def _newest(root: str, since: float, limit: float, clock: Callable[[], float]) -> dict[str, list[tuple[float, str]]]:
    """Return the files of code that were edited last, after `since`, by their endings."""
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
    """Yield what lies in `folders`, in those too that are added meanwhile, until the time is over."""
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
    if len(files) >= 2 * _MOST:
        files.sort(reverse=True)
        del files[_MOST:]


def _is_test(name: str) -> bool:
    return name.startswith(("test_", "conftest.")) or name.rpartition(".")[0].endswith(("_test", ".test", ".spec"))


def _own(
    spec: ProcessSpec, specs: Iterable[ProcessSpec], newest: Mapping[str, list[tuple[float, str]]]
) -> Iterable[tuple[float, str]]:
    """Yield the edited files below the folder of a process that are of the language of its command.

    The script that another process runs isn't its own.
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
    """Whether a process gets edited code without being told."""
    import re

    from devboot.environment.reloaders import left_to_itself

    return bool(spec.watch or left_to_itself(spec.command) or re.search(_NO_CODE, spec.command))


def _members(name: str, state: str, table: Mapping[int, proctable.Seen]) -> Sequence[proctable.Seen]:
    """Return what runs in the session of a process."""
    session = next((each.pid for each in leases.read_children(leases.children_path(state)) if each.name == name), 0)
    return tuple(seen for seen in table.values() if seen.session == session)


def _loads(file: str, spec: ProcessSpec, members: Iterable[proctable.Seen]) -> bool:
    """Whether a process loads code of that language: a server of mail, or a proxy, loads none of the project's."""
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
    """Whether a process has started another one since, as programs do that reload their code."""
    return any(_wall_clock(seen.age_order) > edited for seen in members if seen.pid != seen.session)
