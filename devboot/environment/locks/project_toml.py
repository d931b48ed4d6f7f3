"""Parses pyproject.toml and Pipfile; errors name the place of the mistake."""

from __future__ import annotations

import tomllib
from typing import Any

from devboot.clone_reader import parse_toml
from devboot.errors import ManifestError, Place

_MARK = b"\xef\xbb\xbf"


def parse_project_toml(data: bytes, file: str) -> tuple[str, dict[str, Any]]:
    """Parse a pyproject.toml or Pipfile; return its text and its tables.

    Raises ManifestError `python/requirements-syntax` for anything that isn't TOML in UTF-8, with its place.
    """
    data = data.removeprefix(_MARK)
    try:
        text = data.decode()
        return text, parse_toml(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        error = _problem(data, file)
        raise ManifestError(
            "python/requirements-syntax",
            f"`{file}` isn't valid TOML: {error.what}",
            place=error.place,
            help=error.help or ("correct it there",),
        ) from None


def _problem(data: bytes, file: str) -> ManifestError:
    from devboot.model.edge.toml.document import Document, decode

    try:
        Document(decode(data, file), file)
    except ManifestError as error:
        return error
    return ManifestError("manifest/syntax", "it can't be parsed", place=Place(file), help=["correct it there"])
