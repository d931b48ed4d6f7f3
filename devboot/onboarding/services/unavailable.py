"""Removes services that this machine can't install; their variables get usual addresses, with a warning."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from devboot.model.edge.recipe.source_tables import DebOrigin
from devboot.onboarding.libraries import Kind, kind, kinds_of_channels, known_servers
from devboot.onboarding.proposal_values import Note, Proposal
from devboot.recipes import KnownRecipe, RecipeFolders, bundled_folder
from devboot.recipes.folders import version_key


def without_channels(proposal: Proposal) -> Proposal:
    """Return the proposal without services from conda channels, for a machine that can't use them."""
    for each in kinds_of_channels():
        text = (
            "the code connects to it, and only conda-forge has it: devboot[conda] installs it, "
            f'or `source = "host"` in [services.{each.recipe}] takes the one on PATH'
        )
        proposal = _without(proposal, each, text)
    return proposal


def without_rabbitmq(proposal: Proposal) -> Proposal:
    """Return the proposal without RabbitMQ, for a machine whose distribution doesn't have it."""
    text = "the code connects to it, and it isn't available here: only Debian and Ubuntu have it"
    return _without(proposal, kind("rabbitmq"), text)


def with_versions_of(proposal: Proposal, platform: str, *, has_debian: bool, has_npm: bool) -> Proposal:
    """Return the proposal with versions that this platform lacks replaced by the nearest available ones.

    `has_debian` means that packages of Debian releases are available, `has_npm` that an npm registry is configured.
    """
    services, notes = [], []
    for service in proposal.services:
        known = known_versions(service.recipe, platform, has_debian=has_debian, has_npm=has_npm)
        wanted = service.version
        if not wanted or any(each == wanted or each.startswith(f"{wanted}.") for each in known):
            services.append(service)
            continue
        own = own_version(service.recipe)
        nearest = nearest_version(known, wanted) if own else ""
        is_of_npm = not has_npm and len(known) < len(known_versions(service.recipe, platform, has_debian=has_debian))
        why = f"isn't available on {platform}"
        if is_of_npm:
            why = "comes from npm, and neither npm nor an .npmrc names a registry"
        text = f"compose has version {wanted}, which {why}"
        text += f"; {nearest} runs here" if nearest else "; the distribution's version runs here"
        notes.append(Note(f"{service.recipe}: {text}", service.evidence))
        services.append(replace(service, version="" if nearest == own else nearest.partition(".")[0]))
    return replace(proposal, services=tuple(services), notes=(*proposal.notes, *notes)) if notes else proposal


@functools.cache
def bundled_recipe(name: str) -> KnownRecipe:
    """Return a bundled recipe with its releases."""
    return RecipeFolders([bundled_folder()]).get(name)


def known_versions(recipe: str, platform: str = "", *, has_debian: bool = True, has_npm: bool = True) -> list[str]:
    """Return the versions of a recipe on a platform ("" for any), the newest first.

    Versions from Debian releases and from npm are included only with `has_debian` and `has_npm`.
    """
    known = bundled_recipe(recipe)
    found = []
    for release in known.releases:
        rows = release.rows()
        sources = [row.source for row in (rows.values() if not platform else filter(None, [rows.get(platform)]))]
        if any(has_npm or source != "npm" for source in sources):
            found.append(release.version)
    if has_debian:
        debs = (each for each in known.recipe.source if isinstance(each, DebOrigin) and each.release)
        found += [each.major for each in debs if each.major not in found]
    return sorted(found, key=version_key, reverse=True)


def own_version(recipe: str) -> str:
    """Return the default version of a recipe; "" if the distribution or the channel decides it."""
    releases = bundled_recipe(recipe).releases
    return releases[0].version if releases else ""


def nearest_version(known: Sequence[str], wanted: str) -> str:
    """Return the known version whose major version is nearest to the wanted one."""
    return min(known, key=lambda each: abs(int(each.partition(".")[0]) - int(wanted.partition(".")[0])))


def _without(proposal: Proposal, gone: Kind, text: str) -> Proposal:
    service = next((each for each in proposal.services if each.recipe == gone.recipe), None)
    if service is None:
        return proposal
    env = (each if each.value is None else replace(each, value=usual(gone, each.value)) for each in proposal.env)
    return replace(
        proposal,
        services=tuple(each for each in proposal.services if each is not service),
        env=tuple(env),
        notes=(*proposal.notes, Note(f"{gone.recipe}: {text}", service.evidence, warns=True)),
    )


def kind_of(recipe: str) -> Kind:
    """Return the kind of server that a recipe runs."""
    return next(each for each in known_servers().values() if each.recipe == recipe)


def usual(kind: Kind, text: str) -> str:
    """Return a variable's value with references to a service replaced by the server's usual address."""
    parts = urlsplit(kind.url if "://" in kind.url else f"//{kind.url}")
    words = {
        "url": kind.url,
        "host": parts.hostname or "",
        "port": str(parts.port),
        "user": parts.username or kind.user,
        "password": parts.password or "",
    }
    pattern = rf"\$\{{services\.{re.escape(kind.recipe)}\.(url|host|port|user|password)\}}"
    if kind.query:
        text = re.sub(rf"[?&]{re.escape(kind.query)}$", "", text)
    return re.sub(pattern, lambda match: words[match[1]], text)
