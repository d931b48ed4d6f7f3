"""Databases inside of services: the tasks that create them, and the values of `${databases.…}`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence

from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.process import ProcessSpec
from devboot.recipes import KnownRecipe
from devboot.services.data import made_once
from devboot.services.plan import Service, WantedDatabase, database_exports
from devboot.supervisor.core.task_stamp import MADE

_ASKED = ("database", "user", "password", "extensions")  # the variables of a task that say what to create


def wanted_databases(manifest: Manifest, service: str) -> tuple[WantedDatabase, ...]:
    """Return the databases that the manifest declares in a service, in order."""
    return tuple(
        WantedDatabase(name, database.name or name, database.user or "", database.extensions, database.password or "")
        for name, database in manifest.served.items()
        if database.service == service
    )


def recorded(service: Service, stamps: str) -> tuple[ProcessSpec, ...]:
    """Return the tasks that create a service's databases, each run once per data folder of the service.

    `stamps` is the folder in which a finished task is recorded.
    """
    made = tuple(f"{MADE}{path}" for path in made_once(service))
    return tuple(
        task._replace(record=(os.path.join(stamps, f"{task.name}.made"), _digest(task), *made))
        for task in service.databases
    )


def _digest(task: ProcessSpec) -> str:
    asked = {key: value for key, value in task.env if key in _ASKED}
    return hashlib.sha256(repr(sorted(asked.items())).encode()).hexdigest()


def served_names(manifest: Manifest, recipes: Mapping[str, KnownRecipe], services: Sequence[Service]) -> dict[str, str]:
    """Return the values of `${databases.NAME.KEY}` for all databases in these services, by `databases.NAME.KEY`."""
    names: dict[str, str] = {}
    for service in services:
        own = service.spec.name
        recipe = recipes[manifest.services[own].recipe or own].recipe
        for each in wanted_databases(manifest, own):
            exports = database_exports(recipe, service.exports, each)
            names |= {f"databases.{each.name}.{word}": value for word, value in exports.items()}
    return names
