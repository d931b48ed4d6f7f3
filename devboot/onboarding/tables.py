"""Loads the package's TOML tables."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from devboot.model import data_tables


def load_table(name: str) -> dict[str, Any]:
    """Return the content of the TOML file `<name>.toml` in devboot/onboarding."""
    return data_tables.load_table(__file__, name)


def is_called(kind: str, name: str) -> bool:
    """Return True if a variable's name matches the pattern for `kind` in `variables.toml`, ignoring case."""
    return _kinds_of_variables()[kind].search(name.upper()) is not None


@functools.cache
def _kinds_of_variables() -> Mapping[str, re.Pattern[str]]:
    return {kind: re.compile(pattern, re.VERBOSE) for kind, pattern in load_table("variables")["names"].items()}
