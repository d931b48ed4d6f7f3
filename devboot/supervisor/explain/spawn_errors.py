"""Explains why a program could not be started, with advice."""

from __future__ import annotations

import os
import re
from errno import E2BIG, EACCES, ENOENT, ENOEXEC, ENOTDIR

from devboot.clone_reader import read_head
from devboot.errors import WorkError, shell_word
from devboot.model.nearest import nearest
from devboot.paths import SocketFolderError
from devboot.supervisor.system import proctable
from devboot.supervisor.system.limits import EXHAUSTED, advice
from devboot.supervisor.system.spawn import DataInUseError, which

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST = 200  # characters of a command that are shown
_ELSEWHERE = "export DEVBOOT_HOME=/a/short/path/of/yours"
# Messages of `env`, translated after the name, and of shells
_NOT_FOUND = (
    r"^(?:/usr/bin/)?env: [\u2018'\"]?([\w.+-]+)[\u2019'\"]?: ",
    r": (?:exec: )?([\w.+-]+): (?:command )?not found$",
)


def explain(
    error: OSError, *, name: str, program: str, cwd: str, env: Mapping[str, str], command: str = "", origin: str = ""
) -> WorkError:
    """Return the error for a failed spawn: `process/spawn` with reason and advice, or `service/data-in-use`.

    `origin` is where the user wrote the `command`, as `Procfile:2`; "" if nowhere.
    """
    if isinstance(error, DataInUseError):
        return _data_in_use(name, str(error.filename))
    if error.errno in EXHAUSTED:
        reason, helps = "no file descriptors are left", advice(error.errno or 0)
    elif isinstance(error, SocketFolderError):
        reason, helps = str(error.strerror), _free(str(error.filename))
    else:
        reason, helps = _reason(error, program, cwd, env, command)
    if origin and not helps:
        helps = [f"correct the command in {origin}, or install `{program}`; then `devboot up -d`"]
    causes = [f"{command[:_LONGEST]}{'…' * (len(command) > _LONGEST)}     ({origin})"] if origin else []
    return WorkError("process/spawn", f"`{name}` could not be started: {reason}", causes=causes, help=helps)


def _free(folder: str) -> list[str]:
    """Return the command that renames an unusable socket folder, or advice to use another folder."""
    try:
        is_own = os.lstat(folder).st_uid == os.getuid()
    except OSError:  # it could not be created
        return [f"ls -ld {shell_word(os.path.dirname(folder))}", _ELSEWHERE]
    return [f"mv {shell_word(folder)} {shell_word(folder + '.aside')}" if is_own else _ELSEWHERE]


def _data_in_use(name: str, folder: str) -> WorkError:
    pids = sorted(proctable.lock_holders([folder]))
    who = ", ".join(f"pid {pid} ({proctable.name_of(pid)})" for pid in pids) or "another process"
    return WorkError(
        "service/data-in-use",
        f"`{name}` was not started: another server works on its data",
        causes=[f"{who} holds the lock of `{folder}`"],
        help=[
            f"kill {' '.join(map(str, pids))}" if pids else f"fuser -v {shell_word(folder)}",
            f"devboot start {name}",
        ],
        kept=["the data, unchanged"],
    )


def missing(program: str, *, cwd: str, env: Mapping[str, str]) -> OSError | None:
    """Return the OSError that spawning `program` would raise because of its path or folder; None if both are fine."""
    try:
        os.stat(cwd)
        os.stat(os.path.join(cwd, which(program, env.get("PATH", os.defpath))))
    except OSError as error:
        return error
    return None


def named_as_missing(lines: Iterable[str]) -> str:
    """Return the program that a shell or `env` reports as not found; "" if none."""
    found = [match for line in lines for pattern in _NOT_FOUND if (match := re.search(pattern, line))]
    return found[-1][1] if found else ""


def _reason(error: OSError, program: str, cwd: str, env: Mapping[str, str], command: str) -> tuple[str, list[str]]:
    if not os.path.isdir(cwd):
        return f"its directory `{cwd}` does not exist", [f"create it: `mkdir -p {shell_word(cwd)}`, or change `cwd`"]
    named = error.filename if isinstance(error.filename, str) else program
    path = os.path.join(cwd, named)
    if error.errno in (ENOENT, ENOTDIR):
        # A name without a slash is searched on PATH only: a folder with that name in the project is irrelevant
        return _not_found(program, path if os.sep in named else "", cwd, env)
    if error.errno == EACCES:
        return f"`{program}` is not executable", [f"`chmod +x {shell_word(path)}`"]
    if error.errno == ENOEXEC:
        return f"`{program}` is a program for another kind of machine", [f"see what it is: `file {shell_word(path)}`"]
    if error.errno == E2BIG:
        return _too_large(env, command)
    return f"{error.strerror or error} (`{program}`)", [f"ls -l {shell_word(path)}   # its owner and mode"]


def _not_found(program: str, path: str, cwd: str, env: Mapping[str, str]) -> tuple[str, list[str]]:
    if path and os.path.exists(path):
        interpreter = _interpreter(path)
        return f"`{program}` names the interpreter `{interpreter}`, which does not exist", [
            f"edit its first line: {path}"
        ]
    from devboot.supervisor.explain.missing_programs import origin_of

    origin = origin_of(program, cwd)
    return f"`{program}` was not found", [origin] if origin else _suggest(program, env.get("PATH", os.defpath))


def _too_large(env: Mapping[str, str], command: str) -> tuple[str, list[str]]:
    size = sum(len(key) + len(value) + 2 for key, value in env.items())
    largest = max(env, key=lambda key: len(env[key]), default="")
    if len(command) > len(env.get(largest, "")):
        return f"its command of {len(command)} bytes is too long", ["put the command into a script"]
    return f"its environment of {size} bytes is too large", [f"the largest variable is `{largest}`"]


def _interpreter(path: str) -> str:
    try:
        first = read_head(path, 256).partition(b"\n")[0]
    except OSError:
        return "?"
    return first[2:].decode("utf-8", "replace").strip() if first.startswith(b"#!") else "?"


def _suggest(program: str, search: str) -> list[str]:
    if "/" in program:
        return []
    found: set[str] = set()
    for folder in search.split(os.pathsep):
        try:
            found.update(os.listdir(folder or "."))
        except OSError:
            continue
    likely = nearest(program, found)
    return [f"did you mean `{likely}`?"] if likely else []
