"""Configures services for code with a hard-coded address: the port in it, and access without password.

It fills in what a written manifest leaves out, and only if no variable leads to the service. The code is read for a new
service, and as long as it names the address: so a service can close again, but never opens later.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping

from devboot.app.preparation.project.loaded import FixedAddress, Loaded
from devboot.clone_reader import parse_json
from devboot.events import WARNING, Event, Reporter
from devboot.files import atomic_write, plain
from devboot.model.edge.manifest.manifest import Manifest
from devboot.model.edge.manifest.tables import Service
from devboot.supervisor.explain.observed import ALIKE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from devboot.onboarding import Proposal
    from devboot.onboarding.proposal_values import Service as FoundService

_FILLED = ("port", "access")


def with_fixed_addresses(manifest: Manifest, state: str) -> tuple[Manifest, Mapping[str, FixedAddress]]:
    """Return a written manifest with port and access that earlier preparations found in code; and these by service."""
    return _filled(manifest, _read(state), {})


def settle_fixed_addresses(loaded: Loaded, reporter: Reporter, *, is_recorded: bool) -> Loaded:
    """Return the project with ports and access that its code requires; warn of each service opened for that.

    `is_recorded`: what the code was found to need is stored for the next command.
    """
    manifest, state = loaded.manifest, loaded.project.state
    if not loaded.project.written:
        return loaded
    known = {name: each for name, each in _read(state).items() if name in manifest.services}
    unclear = [
        name
        for name, service in manifest.services.items()
        if _left_out(service, loaded.fixed.get(name)) and (name not in known or known[name] != FixedAddress())
    ]
    if not unclear:
        return loaded
    for name in unclear:
        warns = is_recorded and name not in known
        known[name] = _decide(loaded, name, reporter if warns else None)
    if is_recorded and os.path.isdir(state):
        atomic_write(_path(state), json.dumps({name: list(each) for name, each in known.items()}))
    manifest, fixed = _filled(manifest, known, loaded.fixed)
    for name, each in fixed.items():
        if each.is_open:
            text = f"`{name}` accepts every user of this machine: the code connects without a password{_at(each.place)}"
            lines = (f"[services.{name}]", 'access = "private"  # asks for the generated password')
            reporter.emit(Event(WARNING, "services", text, lines=lines, slug="service/open"))
    return loaded._replace(manifest=manifest, fixed=fixed)


def _decide(loaded: Loaded, name: str, reporter: Reporter | None) -> FixedAddress:
    """Return the port and access that code requires of one service.

    Warns if variables lead to the service but some of the code has no password. The code is only read if that can make
    a difference.
    """
    manifest = loaded.manifest
    if "access" in manifest.services[name].model_fields_set:
        reporter = None
    if reporter is None and manifest.is_wired(name):
        return FixedAddress()
    proposal = loaded.proposal if _is_the_only_one(manifest, name) else None
    found = _found(manifest, name, proposal)
    if found is None or proposal is None:
        return FixedAddress()
    place = str(found.evidence or "")
    if not manifest.is_wired(name) and not _is_wired(proposal, found.name):
        return FixedAddress(found.port or 0, found.is_open, place)
    if found.is_open and reporter is not None:
        text = f"`{name}` asks for a password, which the code doesn't send{_at(place)}"
        lines = (f"[services.{name}]", 'access = "open"  # accepts every user of this machine')
        reporter.emit(Event(WARNING, "services", text, lines=lines, slug="service/needs-open"))
    return FixedAddress()


def _is_the_only_one(manifest: Manifest, name: str) -> bool:
    """Return whether no other service of the manifest is of the same kind, so that clients can only mean this one."""
    return [_kind(manifest, each) for each in manifest.services].count(_kind(manifest, name)) == 1


def _kind(manifest: Manifest, name: str) -> str:
    recipe = manifest.services[name].recipe or name
    return ALIKE.get(recipe, recipe)


def _found(manifest: Manifest, name: str, proposal: Proposal | None) -> FoundService | None:
    own = _kind(manifest, name)
    services = () if proposal is None else proposal.services
    return next((each for each in services if ALIKE.get(each.recipe, each.recipe) == own), None)


def _is_wired(proposal: Proposal, service: str) -> bool:
    """Return whether the code reads the address of a service, or of a database in it, from a variable."""
    inside = (f"databases.{each.name}" for each in proposal.databases if each.service == service)
    values = repr((proposal.env, [process.env for process in proposal.processes]))
    return any(f"${{{name}." in values for name in (f"services.{service}", *inside))


def _filled(
    manifest: Manifest, known: Mapping[str, FixedAddress], before: Mapping[str, FixedAddress]
) -> tuple[Manifest, Mapping[str, FixedAddress]]:
    """Return the manifest with port and access set, or reset, where it leaves them out; `before` was set earlier."""
    services, fixed = dict(manifest.services), {}
    for name, each in known.items():
        if name not in services:
            continue
        left_out = _left_out(services[name], before.get(name))
        wanted = FixedAddress(each.port * ("port" in left_out), each.is_open and "access" in left_out, each.place)
        values: dict[str, Any] = {"port": wanted.port or "auto", "access": "open" if wanted.is_open else "private"}
        changes = {key: values[key] for key in left_out if getattr(services[name], key) != values[key]}
        services[name] = services[name].model_copy(update=changes) if changes else services[name]
        if wanted.port or wanted.is_open:
            fixed[name] = wanted
    changed = any(services[name] is not manifest.services[name] for name in services)
    return manifest.model_copy(update={"services": services}) if changed else manifest, fixed


def _left_out(service: Service, before: FixedAddress | None) -> Collection[str]:
    """Return which of `port` and `access` the manifest doesn't set itself; `before` was filled in earlier."""
    filled = () if before is None else [key for key, value in zip(_FILLED, before, strict=False) if value]
    return [key for key in _FILLED if key not in service.model_fields_set or key in filled]


def _at(place: str) -> str:
    return f" ({place})" if place else ""


def _path(state: str) -> str:
    return os.path.join(state, "fixed-addresses.json")


def _read(state: str) -> dict[str, FixedAddress]:
    """Return the recorded ports and access by service; empty if the record can't be read."""
    try:
        with open(_path(state), encoding="utf-8", opener=plain) as file:
            rows = parse_json(file.read())
        return {
            str(name): FixedAddress(int(port), bool(is_open), str(at)) for name, (port, is_open, at) in rows.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
