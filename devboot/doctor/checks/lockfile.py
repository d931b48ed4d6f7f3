"""Checks that devboot.lock can be read, fits the manifest, and has artifacts for this machine."""

from __future__ import annotations

import os
import sys

from devboot.clone_reader import read_bytes
from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.refusals import refused
from devboot.doctor.subject import Subject
from devboot.errors import DevbootError, Problems
from devboot.model.artifact import platform_of
from devboot.model.edge.lockfile.lock import LOCK, Lock, parse_lock, stale_packages
from devboot.model.printable import counted
from devboot.paths import shown_from
from devboot.provision.distribution import this_distribution
from devboot.resolve.packages import wishes_of

_NOT_DAMAGED = ("lock/conflict", "lock/too-new", "lock/source-changed")  # whose own advice is better
_LOCK = Fix("devboot lock", "then commit devboot.lock", "lock")
_LOCK_OUTSIDE = Fix("devboot lock", "chooses them now", "lock")


def load(subject: Subject) -> Lock | None:
    """Return the project's lock; None if there is none. Raises Problems."""
    try:
        return parse_lock(read_bytes(subject.project.lock), shown_from(subject.project.lock, subject.project.root))
    except FileNotFoundError:
        return None


def contents(subject: Subject) -> Answer:
    """Report what the lock contains; that it can't be read is reported by the preflight."""
    try:
        lock = load(subject)
    except Problems:
        return Answer(("can't be read",))
    if lock is None:
        wanted = subject.manifest is not None and bool(wishes_of(subject.manifest))
        return Answer((f"no {LOCK} yet" if wanted else f"no {LOCK}, and none is needed",), idle=True)
    parts = [counted(len(lock.package), "product")]
    if lock.python is not None:
        from devboot.environment.python.platform_tags import packages_here

        here = platform_of(sys.platform, os.uname().machine) or ""
        parts.append(counted(packages_here(lock.python, here), "Python package"))
    return Answer((f"{LOCK}: {', '.join(parts)}, all with digests",))


def current(subject: Subject) -> Answer:
    """Check that the lock fits the manifest and the requirements files."""
    lock = _known(subject)
    if lock is None or subject.manifest is None:
        return Answer()
    # With Python packages in it, the requirement files count too.
    try:
        reasons = subject.why_stale() if lock.python else stale_packages(lock, wishes_of(subject.manifest))
    except DevbootError:
        return Answer()  # `up` refuses, and is asked by another check
    if not reasons:
        return Answer()
    known = subject.project.manifest_name if subject.project.written else "the files of the clone"
    finding = Finding(
        "lock/stale",
        WARNING,
        f"{LOCK if subject.project.written else 'the lock'} is out of date: it does not match {known}",
        f"{'colleagues and CI' if subject.project.written else 'the next `devboot up`'} would get other versions",
        _LOCK if subject.project.written else _LOCK_OUTSIDE,
        reasons,
        fact=f"does not match {known}",
    )
    return Answer(findings=(finding,))


def for_this_machine(subject: Subject) -> Answer:
    """Check that every package in the lock has an artifact for this platform."""
    lock = _known(subject)
    here = platform_of(sys.platform, os.uname().machine)
    if lock is None or here is None:
        return Answer()
    release = this_distribution()
    missing = [
        package
        for package in lock.package
        if package.reproducible and package.row(here) is None and package.on(release, here) is None
    ]
    findings = tuple(
        Finding(
            "lock/no-artifact",
            ERROR,
            f"{package.name} {package.version} is not available for {here}",
            "it can't be started on this machine",
            Fix(
                f"devboot lock --update {package.name}", "chooses a version that is available", "lock", (package.name,)
            ),
            tuple(reason for place, reason in package.unavailable.items() if place == here),
        )
        for package in missing
    )
    return Answer(findings=findings, details=tuple(f"{package.name} {package.version}" for package in lock.package))


def _known(subject: Subject) -> Lock | None:
    try:
        return load(subject)
    except Problems:
        return None  # reported by `up`'s own checks


def _repair(_subject: Subject, error: DevbootError, _name: str) -> Fix | None:
    """Return the fix for a lock that can't be read: make it again."""
    if not error.slug.startswith("lock/") or error.slug in _NOT_DAMAGED:
        return None
    return Fix(
        "devboot lock", "makes it again with the last versions that worked here, keeps a copy of the file", "lock"
    )


CHECKS = (
    Check("contents", "lockfile", contents),
    Check("current", "lockfile", current),
    Check("for-this-machine", "lockfile", for_this_machine),
    refused("lockfile", _repair),
)
