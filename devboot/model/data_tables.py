"""The reader of tables of knowledge: TOML files that lie beside the module which uses them."""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@functools.cache
def load_table(module: str, name: str) -> dict[str, Any]:
    """Return the content of the TOML file `name` beside a module, whose `__file__` is `module`."""
    import os
    import tomllib

    with open(os.path.join(os.path.dirname(module), f"{name}.toml"), "rb") as file:
        return tomllib.load(file)


def known_packages(table: str) -> dict[str, Any]:
    """Return a table of `known_packages.toml`: what the metadata of packages doesn't say."""
    found: dict[str, Any] = load_table(__file__, "known_packages")[table]
    return found
