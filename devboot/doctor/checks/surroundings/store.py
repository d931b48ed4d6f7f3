"""Checks that store objects are unchanged since they were published."""

from __future__ import annotations

import os

from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.fixing import REMOVE_LEFTOVERS
from devboot.doctor.refusals import refused
from devboot.doctor.subject import Subject
from devboot.model.printable import counted
from devboot.provision.collect import LEFTOVER_SECONDS, leftovers, tree_size
from devboot.provision.objects.store import Store
from devboot.text.units import size


def objects(subject: Subject) -> Answer:
    """Compare every file of every store object with the digests recorded when it was installed."""
    store = Store(subject.data)
    names = list(store.names()) if subject.data else []
    left = _leftovers(subject.data) if subject.data else ()
    if not names:
        return Answer(left or ("empty",), idle=True)
    complaints = {name: found for name in names if (found := store.complaints(name, full=True))}
    intact = len(names) - len(complaints)
    fact = f"{counted(intact, 'object')} intact"
    if complaints:
        fact += f", {len(complaints)} changed"
    used = sum(tree_size(os.path.join(store.directory, name)) for name in complaints)
    cost = f"fetches {'it' if len(complaints) == 1 else 'them'} again, {size(used)} when unpacked"
    findings = tuple(_finding(name, found, fact, cost) for name, found in complaints.items())
    return Answer((fact, *left), findings, details=tuple(map(_title, names)))


def _leftovers(data: str) -> tuple[str, ...]:
    """Return a line on files left by killed commands, which only take space; empty for none."""
    number, total = leftovers(data)
    return (f"{counted(number, 'leftover')} of {size(total)} for `devboot gc`",) if number else ()


def _finding(name: str, complaints: tuple[str, ...], fact: str, cost: str) -> Finding:
    return Finding(
        "store/modified",
        ERROR,
        f"{_title(name)} is not what was downloaded",
        "it could crash, or somebody may have tampered with it",
        # `sync` repairs only the objects that this project uses
        Fix("devboot store repair", cost, "store-repair", (name,)),
        complaints[:5],
        fact=fact,
    )


def _title(name: str) -> str:
    """Return the title of a store object's name: `redis 8.2.3` for `<key>-redis-8.2.3`."""
    package, _, version = name.partition("-")[2].rpartition("-")
    return f"{package} {version}"


def old_leftovers(subject: Subject) -> Answer:
    """Warn of files in the store that killed commands left more than a day ago."""
    if not subject.data:
        return Answer()
    number, total = leftovers(subject.data, before=subject.now - LEFTOVER_SECONDS)
    if not number:
        return Answer()
    finding = Finding(
        "store/leftovers",
        WARNING,
        f"{counted(number, 'leftover')} of killed commands in the store",
        f"nothing uses them, and they take {size(total)}",
        Fix("devboot doctor --fix store", f"removes them, frees {size(total)}", REMOVE_LEFTOVERS, (subject.data,)),
    )
    return Answer(findings=(finding,))


CHECKS = (
    Check("objects", "store", objects, limit=60.0),
    Check("leftovers", "store", old_leftovers),
    refused("store"),
)
