"""Checks of devboot's data, cache and state directories."""

from __future__ import annotations

import os
import stat

from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.fixing import PROTECT, UNLOCK
from devboot.doctor.refusals import refused
from devboot.doctor.subject import Subject
from devboot.errors import shell_word
from devboot.files import WRITABLE, elsewhere
from devboot.model.printable import counted
from devboot.paths import EARLIER_STATE
from devboot.text.units import size


def data(subject: Subject) -> Answer:
    """Check that devboot's data directory is private and writable; report its path, and the store's size."""
    if subject.directories_problem is not None:
        return Answer(findings=(_nowhere(subject),))
    shown = _shown(subject.data, subject.home)
    if not os.path.isdir(subject.data):
        return Answer((f"{shown}, not made yet",))
    store = os.path.join(subject.data, "store")
    finding = _complaint(subject.data, subject) or (_complaint(store, subject) if os.path.isdir(store) else None)
    objects, used = _usage(store)
    facts = (shown, "private", f"{size(used)} in {counted(objects, 'object')}")
    return Answer(facts, (finding,) if finding else ())


def others(subject: Subject) -> Answer:
    """Check the cache and state directories."""
    places = [path for path in (subject.cache, subject.state) if path and os.path.isdir(path)]
    findings = tuple(finding for path in places if (finding := _complaint(path, subject)))
    return Answer(findings=findings, details=tuple(_shown(path, subject.home) for path in places))


def project_state(subject: Subject) -> Answer:
    """Check the project's state and data folders; report their paths, and files of earlier devboot versions."""
    folders = {"state": subject.project.state, "data": subject.project.data}
    there = {name: path for name, path in folders.items() if os.path.isdir(path)}
    findings = [finding for path in there.values() if (finding := _complaint(path, subject))]
    facts = [f"{name} in {_shown(path, subject.home)}" for name, path in there.items()]
    left = os.path.join(subject.project.root, EARLIER_STATE)
    if os.path.isdir(left) and not os.path.islink(left):
        facts.append(f"{EARLIER_STATE} is not used any more: rm -r {shell_word(left)}")
    return Answer(tuple(facts), tuple(findings))


def _nowhere(subject: Subject) -> Finding:
    problem = subject.directories_problem
    assert problem is not None
    command = next(iter(problem.help), "export DEVBOOT_HOME=/a/path/of/yours")
    return Finding(problem.slug, ERROR, problem.what, "; ".join(problem.causes) or "nothing can be kept", Fix(command))


def _complaint(path: str, subject: Subject) -> Finding | None:
    found = os.stat(path)
    shown = _shown(path, subject.home)
    if subject.uid not in {found.st_uid, 0}:
        return Finding(
            "machine/not-writable",
            ERROR,
            f"`{shown}` belongs to another user ({found.st_uid})",
            "devboot can't write there; often a command was once run with sudo",
            Fix(f"sudo chown -R {subject.uid} {shell_word(path)}"),
        )
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return Finding(
            "machine/not-writable",
            WARNING,
            f"`{shown}` is on a filesystem that is mounted read-only",
            "installed programs run, but nothing new can be installed",
            Fix(elsewhere(path, WRITABLE)),
        )
    if not os.access(path, os.W_OK | os.X_OK):
        return Finding(
            "machine/not-writable",
            ERROR,
            f"`{shown}` can't be written",
            "nothing can be installed or started",
            Fix(f"chmod u+rwx {shell_word(path)}", "", UNLOCK, (path,)),
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Finding(
            "machine/open-directory",
            WARNING,
            f"other users may write in `{shown}`",
            "somebody else could replace programs that devboot starts",
            Fix(f"chmod go-w {shell_word(path)}", "", PROTECT, (path,)),
        )
    return None


def _usage(store: str) -> tuple[int, int]:
    objects = [entry for entry in _entries(store) if not entry.name.startswith(".") and entry.is_dir()]
    return len(objects), sum(_size(entry.path) for entry in objects)


def _size(folder: str) -> int:
    total = 0
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            total += _size(entry.path)
        else:
            total += entry.stat(follow_symlinks=False).st_size
    return total


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _shown(path: str, home: str) -> str:
    home = home.rstrip("/")
    return "~" + path[len(home) :] if home and path.startswith(home + "/") else path


CHECKS = (
    Check("data", "dirs", data, limit=20.0),
    Check("other-directories", "dirs", others),
    Check("project-state", "dirs", project_state),
    refused("dirs"),
)
