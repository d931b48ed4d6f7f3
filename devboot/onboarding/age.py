"""Old lists of packages that leave versions open: they worked with what the index had when they were written."""

from __future__ import annotations

import datetime as dt
import posixpath
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from devboot.clone_reader import read_text
from devboot.onboarding.proposal import Note, Proposal

_OLD = dt.timedelta(days=365)
_LISTS = (".txt", ".in", ".pip")
_NAMED = re.compile(r"^[ \t]*[A-Za-z0-9][\w.-]*[ \t]*(?:\[[^\]]*\])?[ \t]*(?P<pin>===?|@)?", re.MULTILINE)


def with_date(proposal: Proposal, today: dt.date, last_change: Callable[[list[str]], str]) -> Proposal:
    """Take the versions of the day on which an old list without versions was last changed.

    `last_change` returns the date of the last commit that touched one of some paths, relative to the proposal's root.
    """
    python = proposal.python
    paths = list(python.requirements) or ["."]
    if not (python.packages or any(_is_open(proposal.root, path) for path in python.requirements)):
        return proposal
    try:
        date = dt.date.fromisoformat(last_change(paths))
    except ValueError:
        return proposal
    if today - date < _OLD:
        return proposal
    what = f"{paths[0]} was last changed then" if python.requirements else "the clone was last changed then"
    note = Note(f"packages without a version are those of {date}: {what}")
    return replace(proposal, python=replace(python, exclude_newer=str(date)), notes=(*proposal.notes, note))


def _is_open(root: Path, path: str) -> bool:
    """Whether a list leaves the version of a package open."""
    name = posixpath.basename(path)
    if not (name.endswith(_LISTS) or name in ("Pipfile", "setup.py", "pyproject.toml")):
        return False
    try:
        text = read_text(str(root / path))
    except OSError:
        return False
    if not name.endswith(_LISTS):
        return True
    return any(match["pin"] is None for match in _NAMED.finditer(text))
