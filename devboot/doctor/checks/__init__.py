"""All checks of `doctor` in the order of their areas; one module per area, those around a project in `surroundings`."""

from __future__ import annotations

from devboot.doctor.checks import databases, lockfile, manifest, observed, ports, processes, python, settings
from devboot.doctor.checks.surroundings import directories, git, machine, network, reach, shell, store
from devboot.doctor.findings import Check
from devboot.doctor.subject import Subject

_BEFORE_SERVICES: tuple[Check, ...] = (
    *machine.CHECKS,
    *directories.CHECKS,
    *manifest.CHECKS,
    *git.CHECKS,
    *shell.CHECKS,
    *lockfile.CHECKS,
    *network.CHECKS,
    *reach.CHECKS,
    *store.CHECKS,
    *python.CHECKS,
    *databases.CHECKS,
)
_AFTER_SERVICES: tuple[Check, ...] = (*ports.CHECKS, *processes.CHECKS, *observed.CHECKS, *settings.CHECKS)
CHECKS = (*_BEFORE_SERVICES, *_AFTER_SERVICES)  # without those of the project's services


def checks_for(subject: Subject) -> tuple[Check, ...]:
    """Return all checks for a project; each service of the manifest is a separate area."""
    return (*_BEFORE_SERVICES, *_of_services(subject), *_AFTER_SERVICES)


def _of_services(subject: Subject) -> tuple[Check, ...]:
    if subject.manifest is None or not subject.manifest.services:
        return ()
    from devboot.doctor.checks import services

    return services.checks_for(subject)
