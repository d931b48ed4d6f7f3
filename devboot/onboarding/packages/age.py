"""Old lists of packages: they worked with what the index had when they were written, and so did their builds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from devboot.onboarding.proposal_values import Note, Proposal

_OLD = dt.timedelta(days=180)  # libraries remove what they have deprecated about twice a year


def with_date(proposal: Proposal, today: dt.date, last_change: Callable[[list[str]], str]) -> Proposal:
    """Take open versions, and what builds of pinned ones need, of the day on which an old list was last changed.

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
    note = Note(f"open versions, and what builds need, are those of {date}: {what}")
    return replace(proposal, python=replace(python, exclude_newer=str(date)), notes=(*proposal.notes, note))
