"""Reads data tables: TOML files beside the module that uses them."""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@functools.cache
def load_table(module: str, name: str) -> dict[str, Any]:
    """Return the parsed TOML file `name`.toml that is beside a module; `module` is the module's `__file__`."""
    import os
    import tomllib

    with open(os.path.join(os.path.dirname(module), f"{name}.toml"), "rb") as file:
        return tomllib.load(file)


def known_packages(table: str) -> dict[str, Any]:
    """Return a table of `known_packages.toml`: facts about packages that their metadata lacks."""
    found: dict[str, Any] = load_table(__file__, "known_packages")[table]
    return found
