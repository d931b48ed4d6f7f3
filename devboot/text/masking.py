"""Keeps secrets out of what is shown: by their source, not by guessing at names."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"
_REFERENCE = r"(?!\$\{[\w.-]+\}@)"  # which says where the value stands
# Both begin with what no later part of them matches: a search for the scheme in front would be quadratic.
_CREDENTIALS = re.compile(rf"((?<=[A-Za-z0-9+.-])://[^\s/:@\"']*):{_REFERENCE}[^\s/@\"']+@")
_TOKEN = re.compile(rf"((?<=[A-Za-z0-9+.-])://){_REFERENCE}[^\s/:@\"']{{16,}}@")  # a token in the user's place
# Shorter values, and these, stand in text by chance: masking them would garble messages and betray them as well.
_SHORTEST = 5
_COMMON = frozenset({"false", "debug", "admin", "localhost", "127.0.0.1", "development", "password", "postgres"})


class Masker:
    """Replaces the values that it was told, and the passwords of urls, by `***`."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: list[str] = []
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """From now on mask these too; the longest is replaced first, so that none shines through another."""
        fresh = {value for value in values if len(value) >= _SHORTEST and value.lower() not in _COMMON}
        self._values = sorted(fresh | set(self._values), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        for value in self._values:
            text = text.replace(value, MASK)
        return _TOKEN.sub(rf"\1{MASK}@", _CREDENTIALS.sub(rf"\1:{MASK}@", text))
