"""Writes and reads JSON without the json package, whose import takes as long as starting a bare interpreter."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Plain = str | int | float | None | list["Plain"] | tuple["Plain", ...] | dict[str, "Plain"]


def to_json(value: Plain) -> str:
    """Encode plain values as JSON, printable ASCII only. Raises TypeError for other values."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([to_json(item) for item in value]) + "]"
    if isinstance(value, dict):
        return "{" + ",".join([f"{_quoted(key)}:{to_json(item)}" for key, item in value.items()]) + "}"
    raise TypeError(f"JSON has no {type(value).__name__}")


def from_json(text: str) -> Any:
    """Decode JSON that `to_json` has written. Raises ValueError for any other text."""
    try:
        from _json import make_scanner
    except ImportError:  # an interpreter without the accelerator
        from json import loads

        return loads(text)
    try:
        value, end = make_scanner(_Reading)(text, 0)  # type: ignore[arg-type]  # anything with these attributes
    except (StopIteration, RecursionError) as error:
        raise ValueError("no JSON") from error
    if text[end:].strip():
        raise ValueError("more than one value")
    return value


class _Reading:
    """Settings of the C scanner of the json package, equal to that package's defaults."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float


def printable_json(text: str) -> str:
    """Return a JSON document with all unprintable characters as escapes; JSON requires that only below U+0020."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    data = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at]:02x}{data[at + 1]:02x}" for at in range(0, len(data), 2))


def _quoted(text: str) -> str:
    return _quoting()(text).replace("\x7f", "\\u007f")


def _quoting() -> Callable[[str], str]:
    try:
        from _json import encode_basestring_ascii
    except ImportError:  # an interpreter without the accelerator
        from json import dumps

        return dumps
    return encode_basestring_ascii
