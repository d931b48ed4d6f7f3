"""Checks that each service can read its data. Every service is an area of its own."""

from __future__ import annotations

import os
from functools import partial

from devboot.doctor.checks.lockfile import load
from devboot.doctor.findings import Answer, Check
from devboot.doctor.refusals import finding_of
from devboot.doctor.subject import Subject
from devboot.errors import DevbootError
from devboot.model.edge.lockfile.lock import NOT_REPRODUCIBLE
from devboot.model.edge.manifest.tables import Service as ServiceTable
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.services.data import refuse_unusable
from devboot.services.plan import Service, plan_service
from devboot.text.units import uptime

_LAST = 1000  # services are prepared after everything else


def checks_for(subject: Subject) -> tuple[Check, ...]:
    """Return one check per service of the manifest; the area is the service's name."""
    named = {} if subject.manifest is None else subject.manifest.services
    return tuple(Check(f"{name}-data", name, partial(data, name)) for name in named)


def data(name: str, subject: Subject) -> Answer:
    """Check that the locked version of a service can read the files in its data directory."""
    assert subject.manifest is not None
    table = subject.manifest.services[name]
    locked = _locked(table, name, subject)
    if not locked:
        return Answer(("not locked yet",), idle=True)
    if table.source == "host":  # the version is known only after a start, and so is the format of the data
        return Answer((NOT_REPRODUCIBLE,))
    service = _planned(table, name, locked, subject)
    try:
        refuse_unusable(service)
    except DevbootError as error:
        return Answer((locked,), (finding_of(error, _LAST),))
    if not os.path.isdir(service.data):
        return Answer((locked, "no data yet"))
    return Answer((locked, "data readable", *_last_save(service.data, subject.now)), details=(service.data,))


def _locked(table: ServiceTable, name: str, subject: Subject) -> str:
    try:
        lock = load(subject)
    except DevbootError:
        return ""
    found = lock and lock.find(table.recipe or name, table.version or "", table.source or "")
    return found.version if found else ""


def _planned(table: ServiceTable, name: str, version: str, subject: Subject) -> Service:
    folders = RecipeFolders((os.path.join(subject.project.root, "recipes"), bundled_folder()))
    recipe = folders.get(table.recipe or name).recipe
    settings = {key: tuple(map(str, values)) for key, values in table.settings.items()}
    # Only the data's place matters here; port, runtime folder and programs are placeholders.
    return plan_service(
        recipe,
        name,
        version,
        settings,
        port=1,
        root=subject.project.root,
        data=subject.project.data,
        runtime=subject.project.state,
        programs="",
    )


def _last_save(folder: str, now: float) -> tuple[str, ...]:
    try:
        newest = max(entry.stat().st_mtime for entry in os.scandir(folder) if entry.is_file())
    except ValueError:
        return ()
    return (f"last save {uptime(max(0.0, now - newest))} ago",)
