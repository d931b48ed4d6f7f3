"""Reads the project's env files; later ones override earlier ones, and a missing file is no error."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from devboot.clone_reader import read_env_file
from devboot.environment.variables.layers import is_secret_value
from devboot.errors import DevbootError, ManifestError, Place, Problems, reason_of, shell_word
from devboot.model.composed_variable import ComposedVariable
from devboot.model.edge.complaints import problems_of
from devboot.model.project_files import overmind
from devboot.model.project_files.dotenv import Note, parse_dotenv, resolve_dotenv
from devboot.record import Record

DEFAULT_FILES = (overmind.FILE, ".env", ".env.local")


class EnvFiles(Record):
    """The variables in env files. `paths` are absolute, including missing ones; `notes` pair a file with its note."""

    variables: tuple[ComposedVariable, ...]
    notes: tuple[tuple[str, Note], ...]
    paths: tuple[str, ...]

    @property
    def port(self) -> str:
        """Return the base port set in an env file, as OVERMIND_PORT or PORT; "" if none is."""
        values = {each.name: each.value for each in self.variables}
        return values.get(overmind.PORT) or values.get("PORT", "")


def read_env_files(root: str, names: Sequence[str] | None, scope: Mapping[str, str]) -> EnvFiles:
    """Read the named env files below `root` (None: `DEFAULT_FILES`); `scope` has values for `${NAME}`.

    Raises Problems with the mistakes of all files.
    """
    variables: list[ComposedVariable] = []
    notes: list[tuple[str, Note]] = []
    errors: list[DevbootError] = []
    paths = []
    known = dict(scope)
    for name in DEFAULT_FILES if names is None else names:
        paths.append(os.path.join(root, name))
        try:
            # A folder of that name, a virtualenv or one of compose's, is no file of variables unless it is named as one
            data = _read(paths[-1], name) if names is not None or not os.path.isdir(paths[-1]) else None
            if data is None:
                continue
            parsed = parse_dotenv(data, name)
            values = resolve_dotenv(parsed, known)
        except Problems as error:
            errors += error.errors
            continue
        notes += [(name, note) for note in parsed.notes]
        for value in values:
            known[value.name] = value.value
            variables.append(
                ComposedVariable(value.name, value.value, f"{name}:{value.line}", is_secret_value(value.value))
            )
    if errors:
        raise problems_of(errors)
    return EnvFiles(tuple(variables), tuple(notes), tuple(paths))


def _read(path: str, name: str) -> bytes | None:
    try:
        return read_env_file(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        what = f"`{name}` can't be read: {reason_of(error)}"
        helps = (f"ls -ld {shell_word(path)}",)
        raise Problems([ManifestError("env/unreadable", what, place=Place(name), help=helps)]) from error
