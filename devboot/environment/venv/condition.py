"""Examines what is in place of a virtualenv, and decides what a sync does about it; changes nothing."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass

from devboot.clone_reader import read_text
from devboot.environment.venv.record import VenvRecord, has_record, load_record
from devboot.errors import MachineError
from devboot.record import Record

ABSENT, OURS, BROKEN, FOREIGN, UNUSABLE = "absent", "ours", "broken", "foreign", "unusable"
FROM_CLONE = "from the clone"
ASIDE = ".aside."  # begins the names of what was moved aside within a volume
CREATE, KEEP, ADOPT, REBUILD = "create", "keep", "adopt", "rebuild"


@dataclass(frozen=True, slots=True)
class Condition:
    """What is at the virtualenv's path, as `state`, and a `reason` in words.

    `state` is ABSENT, OURS (a sync made it or adopted it), BROKEN (a virtualenv that can't be used any more), FOREIGN
    (made by hand, looks sound), UNUSABLE (no virtualenv at all) or FROM_CLONE (it came with the clone: nothing of it is
    run).
    """

    state: str
    reason: str = ""
    version: str = ""
    record: VenvRecord | None = None


class WantedPython(Record):
    """The chosen interpreter: its minor version, and its path in `only` if the virtualenv must use exactly that one."""

    minor: str
    only: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a sync does with the virtualenv: `act` is CREATE, KEEP, ADOPT or REBUILD (the old one is renamed first).

    `says` is a sentence for the user, or empty. `old_is_sound`: the renamed one works, and is restored if the new one
    can't be filled. `keeps_old`: the renamed one is kept, whatever it contains.
    """

    act: str
    says: str = ""
    old_is_sound: bool = False
    keeps_old: bool = False


def examine(venv: str) -> Condition:
    """Return what is at the virtualenv's path: whether there is one, who made it, and whether it works."""
    try:
        mode = os.lstat(venv).st_mode
    except FileNotFoundError:
        return Condition(ABSENT)
    if stat.S_ISLNK(mode):
        return Condition(UNUSABLE, f"it is a link to `{os.readlink(venv)}`")
    if not stat.S_ISDIR(mode):
        return Condition(UNUSABLE, "it is a file")
    record = load_record(venv)
    if record is None and all(name.startswith(ASIDE) or name == "lost+found" for name in os.listdir(venv)):
        return Condition(ABSENT)  # a volume isn't empty when it is new, nor when a sync was killed
    return _examine_folder(venv, record)


def _examine_folder(venv: str, record: VenvRecord | None) -> Condition:
    is_ours = has_record(venv)
    version = configured_version(venv)
    python = os.path.join(venv, "bin", "python")
    if not version and not is_ours and not _looks_like_venv(venv):
        return Condition(UNUSABLE, "it is a folder without a virtualenv in it")
    if os.path.isdir(os.path.join(venv, "conda-meta")):
        return Condition(UNUSABLE, "it is a conda environment")
    for is_so, reason in (
        (is_ours and record is None, "its record is damaged"),
        (record is not None and not record.is_complete, "interrupted"),
        (not version, "its pyvenv.cfg can't be read"),
        (not os.path.exists(python), "its Python is gone"),
        (not os.access(python, os.X_OK), "its Python isn't executable"),
        (_was_made_elsewhere(venv, record), "project moved"),
        (_leads_elsewhere(venv, version), "a link leads out of it"),
    ):
        if is_so:
            return Condition(BROKEN, reason, version, record)
    return Condition(OURS if record else FOREIGN, "", version, record)


def _looks_like_venv(venv: str) -> bool:
    return os.path.lexists(os.path.join(venv, "bin", "python")) and os.path.isdir(os.path.join(venv, "lib"))


def configured_version(venv: str) -> str:
    """Return the Python version in a virtualenv's pyvenv.cfg, as `3.12.4`; "" without one."""
    try:
        text = read_text(os.path.join(venv, "pyvenv.cfg"))
    except OSError:
        return ""
    match = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", text, re.MULTILINE)
    return match[1] if match else ""


def _was_made_elsewhere(venv: str, record: VenvRecord | None) -> bool:
    """Return whether the virtualenv was created at another path and moved, by its record or activation script."""
    here = os.path.realpath(venv)
    if record is not None:
        return record.location != here
    script = os.path.join(venv, "bin", "activate")
    try:
        text = read_text(script)
    except OSError:
        return False
    match = re.search(r"""^[ \t]*(?:export )?VIRTUAL_ENV=["']?([^"'\n$]+)["']?\s*$""", text, re.MULTILINE)
    return match is not None and os.path.isabs(match[1]) and os.path.realpath(match[1]) != here


def _leads_elsewhere(venv: str, version: str) -> bool:
    """Return whether the virtualenv's folders for programs or packages are links that lead out of it."""
    here = os.path.realpath(venv)
    packages = os.path.join("lib", f"python{'.'.join(version.split('.')[:2])}", "site-packages")
    inner = (os.path.join(venv, name) for name in ("bin", packages, os.path.join(packages, "__pycache__")))
    return any(os.path.realpath(each) != os.path.join(here, os.path.relpath(each, venv)) for each in inner)


def decide(
    condition: Condition,
    name: str,
    *,
    wanted: WantedPython,
    is_admitted: bool,
    is_forced: bool,
    has_lost_libraries: bool = False,
) -> Decision:
    """Return what a sync has to do with the virtualenv.

    Args:
        condition: the condition of the place.
        name: its name in messages, `.venv`.
        wanted: the chosen interpreter.
        is_admitted: the existing version satisfies the project's request.
        is_forced: the user allows to move a foreign one aside.
        has_lost_libraries: packages in it load system libraries that are gone from the store.

    Raises:
        MachineError: `python/foreign-venv`, something is there that isn't devboot's to change.

    """
    has_right_python = is_admitted and ".".join(condition.version.split(".")[:2]) == wanted.minor
    if condition.state == ABSENT:
        return Decision(CREATE)
    if condition.state == FROM_CLONE:
        return Decision(REBUILD, f"{name} came with the clone ({condition.reason}): moving it aside", keeps_old=True)
    if condition.state == BROKEN:
        return Decision(REBUILD, _rebuilding(condition.reason, name))
    if condition.state == OURS:
        decision = _of_ours(condition, name, wanted, has_right_python=has_right_python)
        return _with_libraries(decision, name) if has_lost_libraries else decision
    if condition.state == FOREIGN and has_right_python and not is_forced:
        return Decision(ADOPT, f"using the {name} that is there (python {condition.version}); nothing in it is removed")
    if is_forced:
        return Decision(REBUILD, f"moving the old {name} aside", old_is_sound=True)
    reason = condition.reason or f"it has python {condition.version}, this project needs {wanted.minor}"
    raise foreign_venv(name, reason)


def _of_ours(condition: Condition, name: str, wanted: WantedPython, *, has_right_python: bool) -> Decision:
    if not has_right_python:
        says = f"rebuilding {name} for python {wanted.minor} (it had {condition.version})"
        return Decision(REBUILD, says, old_is_sound=True)
    made_with = condition.record.python if condition.record is not None else ""
    if wanted.only and made_with != wanted.only:
        return Decision(REBUILD, f"rebuilding {name} with the python of `[packages]`", old_is_sound=True)
    return Decision(KEEP)


def _with_libraries(decision: Decision, name: str) -> Decision:
    """Return the decision changed from keeping the virtualenv to rebuilding it, as its packages need lost libraries."""
    if decision.act != KEEP:
        return decision
    return Decision(REBUILD, _rebuilding("system libraries that its packages load are gone", name), old_is_sound=True)


def _rebuilding(reason: str, name: str) -> str:
    if reason == "project moved":
        return f"project moved, rebuilding {name}"
    return f"rebuilding {name} (interrupted)" if reason == "interrupted" else f"rebuilding {name}: {reason}"


def foreign_venv(name: str, reason: str) -> MachineError:
    """Return the error for a virtualenv or folder that devboot didn't make, and so doesn't change."""
    return MachineError(
        "python/foreign-venv",
        f"`{name}` is in the way of the virtualenv, and devboot didn't create it",
        causes=(reason,),
        help=(
            "devboot sync --force   # moves it aside, nothing is deleted",
            "or name another folder: `venv` in `[python]`",
        ),
        kept=(f"{name} was not touched",),
    )
