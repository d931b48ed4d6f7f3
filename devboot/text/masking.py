"""Masks secrets in text for users: known values and passwords in URLs, without guessing by names."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MASK = "***"
_REFERENCE = r"(?!\$\{[\w.-]+\}@)"  # a `${…}` reference is no secret itself
# A password with a slash has to be written as `%2F`, but isn't always; what could be a port before a path is none. It
# ends before `//`, so that a search doesn't start again within it, which would make it quadratic.
AFTER_COLON = r"(?!(?:\d+|\$\{[^}\s]*\}|\$\w+|\{\w*\})/)(?:[^\s/@\"']|/(?!/))+"
# Both patterns start at `://`: starting at the scheme would make the search quadratic.
_CREDENTIALS = re.compile(rf"((?<=[A-Za-z0-9+.-])://[^\s/:@\"']*):{_REFERENCE}({AFTER_COLON})@")
_TOKEN = re.compile(rf"((?<=[A-Za-z0-9+.-])://){_REFERENCE}([^\s/:@\"']{{16,}})@")  # a token in place of the user
_HOST = re.compile(r"[A-Za-z0-9_.-]*")
# Shorter values, and these, occur in text by chance: masking them would garble messages and reveal the values.
_SHORTEST = 5
_COMMON = frozenset({"false", "debug", "admin", "localhost", "127.0.0.1", "development", "password", "postgres"})


class Masker:
    """Replaces known secret values, and passwords in URLs, by `***`."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: list[str] = []
        self.add(values)

    def add(self, values: Iterable[str]) -> None:
        """Also mask these values, and each line of them; longer ones first, in case one contains another."""
        lines = {line.strip() for value in values for line in (value, *value.splitlines())}
        fresh = {line for line in lines if len(line) >= _SHORTEST and line.lower() not in _COMMON}
        self._values = sorted(fresh | set(self._values), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text with secrets replaced by `***`."""
        for value in self._values:
            text = text.replace(value, MASK)
        return _TOKEN.sub(rf"\1{MASK}@", _CREDENTIALS.sub(rf"\1:{MASK}@", text))


def replace_passwords(text: str, change: Callable[[str, str], str]) -> str:
    """Replace the password or token in each URL of a text by the result of `change(label, value)`.

    The label is `password of ada@pypi.test` or `token of pypi.test`.
    """
    text = _CREDENTIALS.sub(lambda m: f"{m[1]}:{change(_label('password', m, m[1][3:]), m[2])}@", text)
    return _TOKEN.sub(lambda m: f"{m[1]}{change(_label('token', m), m[2])}@", text)


def passwords_in(text: str) -> set[str]:
    """Return the passwords and tokens in the URLs of a text."""
    found: set[str] = set()

    def keep(_label: str, password: str) -> str:
        found.add(password)
        return MASK

    replace_passwords(text, keep)
    return found


def _label(kind: str, match: re.Match[str], user: str = "") -> str:
    host = _HOST.match(match.string, match.end())
    return f"{kind} of {user}{'@' if user else ''}{host[0] if host is not None else ''}"
