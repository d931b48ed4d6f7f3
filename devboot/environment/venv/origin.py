"""Detects a virtualenv that came with the clone: no program of it is run, and a sync renames it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from devboot.clone_writer import is_below
from devboot.environment.venv.condition import ABSENT, FROM_CLONE, Condition, examine
from devboot.environment.venv.record import NAME, has_record, is_untouched, load_record
from devboot.git import tracked_below


def examine_origin(venv: str, root: str, environ: Mapping[str, str]) -> Condition:
    """Examine the virtualenv's path as `examine` does, and also whether the virtualenv came with the clone.

    Args:
        venv: its place.
        root: the project's folder.
        environ: variables for git.

    """
    condition = examine(venv)
    if condition.state == ABSENT:
        return condition
    reason = _reason(venv, root, environ)
    return Condition(FROM_CLONE, reason) if reason else condition


def _reason(venv: str, root: str, environ: Mapping[str, str]) -> str:
    """Return the evidence that the virtualenv came with the clone, in words; "" without any."""
    if os.path.islink(venv):
        leads_out = is_below(venv, root) and not is_below(os.path.realpath(venv), os.path.realpath(root))
        return f"it is a link to `{os.readlink(venv)}`, out of the project" if leads_out else ""
    record = load_record(venv)
    if record is not None and is_untouched(venv, record):
        return ""  # its times and numbers of inodes, which no clone can bring along, are those that a sync has written
    tracked = tracked_below(venv, root, environ)
    if tracked is None:
        return "git can't say whether it tracks it"
    if not tracked:
        return ""
    is_record_tracked = any(os.path.basename(name) == NAME.encode() for name in tracked)
    return "" if has_record(venv) and not is_record_tracked else "git tracks it"
