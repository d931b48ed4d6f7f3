"""Limits packages without pinned versions to those published before the last commit of an old list."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import replace

from devboot.onboarding.proposal_values import Note, Proposal

_FLASK_WITH_APP = dt.date(2022, 8, 1)  # the release of Flask 2.2, which added `--app`
_OLD = dt.timedelta(days=180)  # libraries remove deprecated features about twice a year


def with_date(proposal: Proposal, today: dt.date, last_change: Callable[[list[str]], str]) -> Proposal:
    """Return the proposal with `exclude-newer` set to the date of an old list of packages, if versions are open.

    `last_change` returns the date of the last commit that touched one of some paths, relative to the proposal's root.
    """
    python = proposal.python
    if not (python.packages or python.requirements):
        return proposal
    paths = list(python.requirements) or ["."]
    try:
        date = dt.date.fromisoformat(last_change(paths))
    except ValueError:
        return proposal
    if today - date < _OLD:
        return proposal
    what = f"{paths[0]} was last changed then" if python.requirements else "the clone was last changed then"
    note = Note(f"limits versions that aren't pinned, and packages for builds, to those of {date}: {what}")
    dated = replace(proposal, python=replace(python, exclude_newer=str(date)), notes=(*proposal.notes, note))
    return _with_flask_app(dated) if date < _FLASK_WITH_APP else dated


def _with_flask_app(proposal: Proposal) -> Proposal:
    """Return the proposal with FLASK_APP instead of the option `--app`, since old versions of Flask lack the option."""

    def older(command: str) -> str:
        return re.sub(r"\b((?:python -m )?flask) --app (\S+)", r"FLASK_APP=\2 \1", command)

    return replace(
        proposal,
        processes=tuple(replace(each, command=each.command and older(each.command)) for each in proposal.processes),
        tasks=tuple(replace(each, run=older(each.run)) for each in proposal.tasks),
    )
