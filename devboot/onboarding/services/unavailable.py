"""Removal of services that this machine can't install: their usual addresses stay in variables, with a warning."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit

from devboot.onboarding.libraries import Kind, kind, kinds_of_channels, known_servers
from devboot.onboarding.proposal_values import Note, Proposal


def without_channels(proposal: Proposal) -> Proposal:
    """Return the proposal for a machine that can't ask a conda channel."""
    for each in kinds_of_channels():
        text = (
            "the code connects to it, and only conda-forge has it: devboot[conda] brings it, "
            f'or `source = "host"` in [services.{each.recipe}] takes the one on PATH'
        )
        proposal = _without(proposal, each, text)
    return proposal


def without_rabbitmq(proposal: Proposal) -> Proposal:
    """Return the proposal for a machine whose distribution isn't Debian's kin."""
    text = "the code connects to it, and it can't be had here: only Debian and Ubuntu have it"
    return _without(proposal, kind("rabbitmq"), text)


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
    """Return the kind that a recipe is of."""
    return next(each for each in known_servers().values() if each.recipe == recipe)


def usual(kind: Kind, text: str) -> str:
    """Return what stands in a variable where the server isn't devboot's: usual addresses in place of the service's."""
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
