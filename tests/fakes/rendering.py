"""Draws errors as plain text in the shape of the documentation: enough to assert whole messages without the CLI."""

from __future__ import annotations

import unicodedata

from devboot.errors import DevbootError, Place, Problems


def render(error: DevbootError) -> str:
    """The message of one error, or of all problems with the line that counts them."""
    if isinstance(error, Problems):
        return "\n".join([*(render(single) for single in error.errors), error.summary]) + "\n"
    lines = [f"error[{error.slug}]: {error.what}"]
    if error.place is not None:
        lines += _snippet(error.place)
    lines += [f"cause: {cause}" for cause in error.causes]
    lines += [f"help: {text}" for text in error.help]
    lines += [f"kept: {text}" for text in error.kept]
    return "\n".join(lines) + "\n"


def _snippet(place: Place) -> list[str]:
    location = place.file if not place.line else f"{place.file}:{place.line}:{place.column}"
    lines = [f"  --> {location}"]
    if place.source is None:
        return lines
    gutter = max(len(str(place.line)), 2)
    empty = " " * gutter + " |"
    lines.append(empty)
    lines += [f"{number:>{gutter}} | {text}" for number, text in place.context]
    lines.append(f"{place.line:>{gutter}} | {place.source}")
    before = place.source[: place.column - 1]
    marked = place.source[place.column - 1 :][: place.width]
    padding = "".join("\t" if letter == "\t" else " " * _cells(letter) for letter in before)
    carets = "^" * max(sum(_cells(letter) for letter in marked), 1)
    lines.append(f"{empty} {padding}{carets} {place.label}".rstrip())
    lines.append(empty)
    return lines


def _cells(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
