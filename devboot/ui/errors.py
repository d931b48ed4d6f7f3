"""Renders errors as annotations of a continuous integration service."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from devboot.errors import DevbootError, Problems


def workflow_annotations(error: DevbootError, cwd: str, workspace: str, mask: Callable[[str], str] = str) -> list[str]:
    """Return one workflow command of GitHub Actions for each error; file names are relative to `workspace`."""
    errors = error.errors if isinstance(error, Problems) else (error,)
    return [_annotation(single, cwd, workspace, mask) for single in errors]


def _annotation(error: DevbootError, cwd: str, workspace: str, mask: Callable[[str], str]) -> str:
    properties: dict[str, str] = {}
    if error.place is not None:
        path = os.path.normpath(os.path.join(cwd, error.place.file))
        properties["file"] = os.path.relpath(path, workspace) if path.startswith(workspace + "/") else path
        properties |= _numbers({"line": error.place.line, "col": error.place.column})
    properties["title"] = error.slug
    listed = ",".join(f"{name}={_escape(value, property_=True)}" for name, value in properties.items())
    return f"::error {listed}::{_escape('. '.join([mask(error.what), *map(mask, error.help)]))}"


def _numbers(values: Mapping[str, int]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value}


def _escape(text: str, *, property_: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property_ else text
