"""The command `lock diff`: compares two locks, as text or JSON."""

from __future__ import annotations

from collections.abc import Sequence

from devboot.app.commands.preparing.lock_diff import lock_diff
from devboot.cli.session import Session
from devboot.errors import Exit, UsageError
from devboot.ui.locks import diff_as_json, render_diff


def diff(session: Session, words: Sequence[str]) -> int:
    """Print the differences of two locks; return the exit code. Raises UsageError for more than two."""
    action, *rest = words
    if action != "diff" or len(rest) > 2:
        advice = "devboot lock diff OLD NEW" if action == "diff" else "did you mean `devboot lock diff`?"
        raise UsageError("usage/argument", f"`devboot lock` takes no `{' '.join(words)}`", help=[advice])
    old, new = (*rest, "", "")[:2]
    found = lock_diff(session.context, old, new)
    if session.json:
        session.out_json(diff_as_json(found))
    else:
        session.page(render_diff(found))
    return Exit.OK
