"""Checks of uv, the virtualenv and its packages."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from devboot.doctor.checks.lockfile import load
from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.refusals import refused
from devboot.doctor.subject import Subject, venv_folder
from devboot.errors import Problems, shell_word
from devboot.model.printable import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.environment.venv.condition import Condition

_PATIENCE = 8.0
_SEEDS = ("pip", "setuptools", "wheel")  # may come with a virtualenv without being required by the project
_REBUILD = Fix("devboot sync", "rebuilds the virtualenv from the lock", "sync")


def uv(subject: Subject) -> Answer:
    """Check that uv is installed and starts."""
    from uv import find_uv_bin

    try:
        binary = find_uv_bin()
    except FileNotFoundError:
        return Answer(findings=(_no_uv("it isn't installed together with devboot"),))
    try:
        answer = _output([binary, "--version"], subject.environ)
    except (OSError, subprocess.SubprocessError) as error:
        return Answer(findings=(_no_uv(str(error)),))
    return Answer(details=(f"{answer} at {binary}",))


def interpreter(subject: Subject) -> Answer:
    """Check that the virtualenv is complete and its interpreter is an executable file, without running it.

    It belongs to the clone, which may be hostile.
    """
    folder = venv_folder(subject)
    shown = os.path.relpath(folder, subject.project.root)
    if not os.path.lexists(folder):
        return Answer((f"no {shown} yet",), idle=True)
    from devboot.environment.venv.condition import ABSENT, BROKEN, UNUSABLE, examine

    condition = examine(folder)
    if condition.state == ABSENT:
        return Answer((f"no {shown} yet",), idle=True)
    if condition.state == UNUSABLE:
        return Answer(findings=(_in_the_way(shown, condition.reason),))
    if condition.state == BROKEN:
        return Answer(findings=(_broken(shown, condition, folder),))
    program = os.path.join(folder, "bin", "python")
    base = os.path.realpath(program)
    if not os.path.isfile(base) or not os.access(base, os.X_OK):
        return Answer(findings=(_does_not_start(shown, base),))
    return Answer((condition.version, shown), details=(f"{program} -> {base}",))


def _locked(subject: Subject) -> frozenset[str]:
    """Return the names of the packages pinned in devboot.lock; empty if another lock file pins them."""
    try:
        lock = load(subject)
    except Problems:
        return frozenset()
    return frozenset(each.name for each in lock.python.package) if lock is not None and lock.python else frozenset()


def packages(subject: Subject) -> Answer:
    """Check that the packages installed by the last sync are still in the virtualenv."""
    folder = venv_folder(subject)
    if not os.path.lexists(folder):
        return Answer()
    from devboot.environment.python.installed import list_installed, lost_files
    from devboot.environment.venv.record import load_record

    record = load_record(folder)
    if record is None or not record.is_complete:
        return Answer()
    if not record.wanted:
        return Answer(findings=(_not_installed(os.path.relpath(folder, subject.project.root)),))
    installed = list_installed(folder)
    lost = lost_files(folder)
    if lost:
        return Answer(findings=(_damaged(lost),))
    changed = [
        f"{name} {version} is {installed[name].version if name in installed else 'gone'}"
        for name, version in record.installed.items()
        if name not in installed or installed[name].version != version
    ]
    added = sorted(installed.keys() - record.installed.keys())
    details = (f"added by hand: {', '.join(added)}",) if added else ()
    if not changed:
        locked = _locked(subject)
        names = [name for name in record.installed if name not in _SEEDS or name in locked]
        others = [name for name in names if locked and name not in locked]  # the project itself
        shown = " and ".join([counted(len(names) - len(others), "package"), *others])
        return Answer((shown,), details=details)
    finding = Finding(
        "python/drift",
        WARNING,
        f"{counted(len(changed), 'package')} in the virtualenv changed since the last sync",
        "what runs here is not what the lock says",
        Fix("devboot sync", "puts the locked versions back; what was added stays", "sync"),
        tuple(changed[:5]),
    )
    return Answer(findings=(finding,), details=details)


def _not_installed(shown: str) -> Finding:
    return Finding(
        "python/not-installed",
        ERROR,
        f"the packages for {shown} could not be installed",
        "the last `up` or `sync` failed before it had installed them",
        Fix("devboot sync", "installs the locked packages, or says why that isn't possible", "sync"),
    )


def _damaged(lost: Mapping[str, tuple[str, str]]) -> Finding:
    return Finding(
        "python/damaged-package",
        ERROR,
        f"{counted(len(lost), 'package')} in the virtualenv lost files: {', '.join(list(lost)[:3])}",
        "the metadata says that they are installed, but their imports fail",
        Fix("devboot sync --force", "installs them again, from uv's cache where it has them", "sync"),
        tuple(f"`{file}` {what}" for file, what in lost.values())[:5],
    )


def _output(command: list[str], environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=os.sep,
        env=dict(environ),
        capture_output=True,
        text=True,
        check=True,
        timeout=_PATIENCE,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.strip()


def _no_uv(reason: str) -> Finding:
    return Finding(
        "python/no-uv",
        ERROR,
        "devboot's own uv can't be started",
        "devboot makes virtualenvs and fetches packages with it",
        Fix("pipx reinstall devboot", "or, in devboot's checkout, `uv tool install --force .`"),
        (reason,),
    )


def _in_the_way(shown: str, reason: str) -> Finding:
    return Finding(
        "python/foreign-venv",
        ERROR,
        f"`{shown}` is in the way of the virtualenv",
        "devboot needs this path for the virtualenv, and doesn't touch what it didn't make",
        Fix(f"mv {shell_word(shown)} {shell_word(shown + '.old')}"),
        (reason,),
    )


def _broken(shown: str, condition: Condition, folder: str) -> Finding:
    base = os.path.realpath(os.path.join(folder, "bin", "python"))
    if not os.path.exists(base):
        return Finding(
            "python/base-gone",
            ERROR,
            f"{shown} was made with python {condition.version or '?'}, now removed",
            f'every command in {shown} fails with "no such file"',
            _REBUILD,
            (f"it was at {base}",),
            fact=f"{shown} points to an interpreter that is gone",
        )
    return Finding(
        "python/broken",
        ERROR,
        f"{shown} can't be used as it is",
        "nothing of the project can run with it",
        _REBUILD,
        (condition.reason,),
    )


def _does_not_start(shown: str, base: str) -> Finding:
    return Finding(
        "python/broken",
        ERROR,
        f"the interpreter of {shown} can't be started",
        "nothing of the project can run with it",
        _REBUILD,
        (f"`{base}` is not an executable file",),
    )


CHECKS = (
    Check("uv", "python", uv),
    Check("interpreter", "python", interpreter),
    Check("packages", "python", packages),
    refused("python"),
)
