"""Converts a virtualenv's spec to JSON values and back; a generation stores it, so that `rollback` can restore it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, TypeVar

from devboot.environment.locks.pins import Direct, IndexLine, Pin, Pins
from devboot.environment.python.bundled_setuptools import wanted_setuptools
from devboot.environment.python.interpreters import Interpreter
from devboot.environment.python.versions import VersionRequest
from devboot.environment.venv.spec import VenvSpec
from devboot.uv.packages import IndexSettings

_Value = TypeVar("_Value")


def venv_to_plain(spec: VenvSpec, working_folder: str) -> dict[str, Any]:
    """Return the spec as JSON values, the interpreter as path and version, without the index settings.

    These are determined again from the lines of the project's files, which name credentials and don't contain them.
    """
    return {
        "path": spec.path,
        "name": spec.name,
        "prompt": spec.prompt,
        "folder": working_folder,
        "python": {"path": spec.interpreter.path, "version": spec.interpreter.version},
        "request": asdict(spec.request),
        "pins": [_sparse(pin, "files") for pin in spec.pins.pins],
        "directs": [_sparse(direct) for direct in spec.pins.directs],
        "indexes": [_sparse(line) for line in spec.pins.indexes],
        "options": list(spec.pins.options),
        "optional": [_sparse(direct) for direct in spec.optional],
        "bundled": bool(spec.bundled),
    }


def pins_from_plain(plain: dict[str, Any]) -> Pins:
    """Return the pins in a stored spec."""
    return Pins(
        inputs=(),
        pins=tuple(_filled(Pin, each) for each in plain["pins"]),
        directs=tuple(_filled(Direct, each) for each in plain["directs"]),
        indexes=tuple(_filled(IndexLine, each) for each in plain["indexes"]),
        options=tuple(plain["options"]),
    )


def spec_from_plain(plain: dict[str, Any], interpreter: Interpreter, indexes: IndexSettings) -> VenvSpec:
    """Return a stored spec with the given interpreter and index settings."""
    return VenvSpec(
        path=str(plain["path"]),
        name=str(plain["name"]),
        prompt=str(plain["prompt"]),
        pins=pins_from_plain(plain),
        interpreter=interpreter,
        request=_filled(VersionRequest, plain["request"]),
        indexes=indexes,
        optional=tuple(_filled(Direct, each) for each in plain["optional"]),
        bundled=wanted_setuptools(interpreter) if plain["bundled"] else "",
    )


def _sparse(value: Pin | Direct | IndexLine, *left_out: str) -> dict[str, Any]:
    """Return a dataclass as a dict without default values, to take less space."""
    usual = {field.name: field.default for field in fields(value)}
    return {name: each for name, each in asdict(value).items() if each != usual[name] and name not in left_out}


def _filled(kind: Callable[..., _Value], plain: dict[str, Any]) -> _Value:
    """Return the dataclass for a stored dict; unknown keys, of another version of devboot, are ignored."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # a class of those imported above
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in plain.items() if k in known})
