"""Converts an error to JSON values."""

from __future__ import annotations

from devboot.errors import Problems
from devboot.text.problems import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from devboot.errors import DevbootError, Place


def error_as_json(error: DevbootError, mask: Callable[[str], str] = str) -> dict[str, Any]:
    """Return the last object of a JSON answer: everything that the error message shows, and the exit code."""
    if isinstance(error, Problems):
        return {
            "event": "error",
            "exit": error.exit_code,
            "summary": mask(count(error)),
            "errors": [_facts(single, mask) for single in error.errors],
        }
    return {"event": "error", "exit": error.exit_code, **_facts(error, mask)}


def _facts(error: DevbootError, mask: Callable[[str], str]) -> dict[str, Any]:
    return {
        "slug": error.slug,
        "what": mask(error.what),
        "place": _place_facts(error.place),
        "details": [mask(text) for text in error.details],
        "causes": [mask(text) for text in error.causes],
        "help": [mask(text) for text in error.help],
        "kept": [mask(text) for text in error.kept],
    }


def _place_facts(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"file": place.file, "line": place.line or None, "column": place.column or None}
