"""Checks that each service can read its data; every service is a separate area."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from devboot import snapshot as snapshots
from devboot.doctor.checks.lockfile import load
from devboot.doctor.findings import ERROR, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.fixing import REPAIR_LOG
from devboot.doctor.refusals import finding_of
from devboot.doctor.subject import Subject
from devboot.errors import DevbootError
from devboot.model.edge.lockfile.lock import NOT_REPRODUCIBLE
from devboot.model.edge.manifest.tables import Service as ServiceTable
from devboot.model.process import plan_from_plain
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.services import aof, aof_repair
from devboot.services.data import is_running, refuse_unusable
from devboot.services.plan import Service, plan_service
from devboot.services.rdb import product_of
from devboot.supervisor.last_failure import read_failures
from devboot.text.units import size, uptime

_LAST = 1000  # services are prepared after everything else


def checks_for(subject: Subject) -> tuple[Check, ...]:
    """Return one check per service of the manifest; the area is the service's name."""
    named = {} if subject.manifest is None else subject.manifest.services
    checks = ((Check(f"{name}-data", name, partial(data, name)), _log_check(name)) for name in named)
    return tuple(check for pair in checks for check in pair)


def _log_check(name: str) -> Check:
    return Check(f"{name}-log", name, partial(log, name), limit=90.0)


def data(name: str, subject: Subject) -> Answer:
    """Check that the locked version of a service can read the files in its data folder."""
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
    facts = (locked, "data readable", *_last_save(service.data, subject.now))
    place = aof.place_of(service) if service.check == "rdb" else ""
    left = (_interrupted(name, service, place, subject),) if place and aof_repair.was_interrupted(place) else ()
    return Answer(facts, left, details=(service.data,))


def _interrupted(name: str, service: Service, place: str, subject: Subject) -> Finding:
    """Return the finding for a repair that was killed; the log may be sound."""
    return Finding(
        f"{product_of(service)}/interrupted-repair",
        WARNING,
        f"a repair of the append-only file of {name} was interrupted",
        "the copy that it was repairing takes up space, and nothing uses it",
        Fix(
            f"devboot doctor --fix {name}",
            "removes the copy; a damaged original keeps its dated name",
            REPAIR_LOG,
            (place, "", subject.project.state, name),
        ),
        (place,),
    )


def log(name: str, subject: Subject) -> Answer:
    """Check, by the server's own program, the append-only file of a server that failed at its last start."""
    assert subject.manifest is not None
    failed = {failure.name for failure in read_failures(subject.project.state)}
    known = snapshots.read(os.path.join(subject.project.state, snapshots.NAME)) if name in failed else None
    specs = plan_from_plain(known.plan_plain).processes if known is not None else ()
    spec = next((each for each in specs if each.name == name), None)
    locked = _locked(subject.manifest.services[name], name, subject)
    if spec is None or not locked:
        return Answer()
    service = _planned(subject.manifest.services[name], name, locked, subject)
    place = aof.place_of(service)
    program = _program_for_checks(spec.argv, product_of(service))
    if service.check != "rdb" or not aof.is_on(service) or not os.path.exists(place) or is_running(service):
        return Answer()
    lost = aof_repair.lost_bytes(place, program) if program else None
    if lost is None:
        return Answer()
    finding = Finding(
        f"{product_of(service)}/damaged-log",
        ERROR,
        f"the append-only file of {name} is damaged",
        "the server refuses to start with it",
        Fix(
            f"devboot doctor --fix {name}",
            f"cuts off {f'{size(lost)} that' if lost else 'what'} can't be read, keeps the damaged files",
            REPAIR_LOG,
            (place, program, subject.project.state, name),
        ),
        (place,),
    )
    return Answer(findings=(finding,))


def _program_for_checks(argv: Sequence[str], product: str) -> str:
    """Return the checking program beside the server's program, as `redis-check-aof`; "" if there is none."""
    server = next((word for word in argv if os.path.basename(word) == f"{product}-server"), "")
    program = os.path.join(os.path.dirname(server), f"{product}-check-aof")
    return program if server and os.access(program, os.X_OK) else ""


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
