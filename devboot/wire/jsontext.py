"""Writes JSON without the json package, whose import costs as much as a bare interpreter's start."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Plain = str | int | float | None | list["Plain"] | tuple["Plain", ...] | dict[str, "Plain"]


def to_json(value: Plain) -> str:
    """The JSON text of plain values, ASCII only. Raises TypeError for anything else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return _quoting()(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([to_json(item) for item in value]) + "]"
    if isinstance(value, dict):
        return "{" + ",".join([f"{_quoting()(key)}:{to_json(item)}" for key, item in value.items()]) + "}"
    raise TypeError(f"JSON has no {type(value).__name__}")


def _quoting() -> Callable[[str], str]:
    try:
        from _json import encode_basestring_ascii
    except ImportError:  # an interpreter without the accelerator
        from json import dumps

        return dumps
    return encode_basestring_ascii
