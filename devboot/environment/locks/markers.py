"""Environment markers as expressions: parse, join, evaluate in part, write.

An expression is True, False, an `Atom`, or `Both`/`Either` over expressions. Joining keeps them flat, and drops
duplicates and parts that another part covers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

from devboot.record import Record


class Atom(Record):
    """One comparison of a marker, as `python_version >= "3.9"`; strings keep their quotes."""

    left: str
    op: str
    right: str


class Both(Record):
    """An expression that holds if all parts hold."""

    parts: tuple[Expression, ...]


class Either(Record):
    """An expression that holds if at least one part holds."""

    parts: tuple[Expression, ...]


Expression: TypeAlias = "bool | Atom | Both | Either"

_TOKEN = re.compile(
    r"""\s*(?P<token>\(|\)|'[^']*'|"[^"]*"|not\s+in\b|<=|>=|===|==|~=|!=|<|>|[A-Za-z_][\w.]*)""",
)


class MarkerError(ValueError):
    """Raised for a text that isn't an environment marker."""


def parse_marker(text: str) -> Expression:
    """Parse a marker; an empty text is True.

    Raises:
        MarkerError: it doesn't follow the grammar of markers.

    """
    if not text.strip():
        return True
    parser = _Parser(_tokens(text))
    found = parser.either()
    if parser.peek() is not None:
        raise MarkerError(f"unexpected `{parser.peek()}` in marker `{text}`")
    return found


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise MarkerError(f"unexpected `{text[at:].strip()}` in marker `{text}`")
        tokens.append(match["token"])
        at = match.end()
    return tokens


class _Parser:
    """Recursive-descent parser for the tokens of one environment marker."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> str | None:
        """Return the next token without consuming it; None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> str:
        token = self.peek()
        if token is None:
            raise MarkerError("the marker ends too early")
        self._at += 1
        return token

    def either(self) -> Expression:
        parts = [self._both()]
        while self.peek() == "or":
            self._take()
            parts.append(self._both())
        return disjoin(parts)

    def _both(self) -> Expression:
        parts = [self._part()]
        while self.peek() == "and":
            self._take()
            parts.append(self._part())
        return conjoin(parts)

    def _part(self) -> Expression:
        if self.peek() != "(":
            left, op, right = self._take(), self._take(), self._take()
            return Atom(left, "not in" if op.startswith("not") else op, right)
        self._take()
        inner = self.either()
        if self._take() != ")":
            raise MarkerError("a parenthesis isn't closed")
        return inner


def conjoin(parts: Iterable[Expression]) -> Expression:
    """Join expressions by `and`."""
    flat = _flatten(parts, Both)
    if False in flat:
        return False
    kept = _minimal([part for part in flat if part is not True], Either)
    return kept[0] if len(kept) == 1 else Both(tuple(kept)) if kept else True


def disjoin(parts: Iterable[Expression]) -> Expression:
    """Join expressions by `or`."""
    flat = _flatten(parts, Either)
    if True in flat:
        return True
    kept = _minimal([part for part in flat if part is not False], Both)
    return kept[0] if len(kept) == 1 else Either(tuple(kept)) if kept else False


def _flatten(parts: Iterable[Expression], kind: type[Both | Either]) -> list[Expression]:
    flat: list[Expression] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else (part,))
    return list(dict.fromkeys(flat))


def _minimal(parts: list[Expression], inner: type[Both | Either]) -> list[Expression]:
    """Drop each part that another part absorbs: of `a or (a and b)` only `a` stays."""
    sets = [frozenset(part.parts) if isinstance(part, inner) else frozenset((part,)) for part in parts]
    return [part for part, own in zip(parts, sets, strict=True) if not any(other < own for other in sets)]


def decide(expression: Expression, verdict: Callable[[Atom], bool | None]) -> Expression:
    """Replace each atom by the True or False that `verdict` returns for it (None keeps the atom), and simplify."""
    if isinstance(expression, Atom):
        known = verdict(expression)
        return expression if known is None else known
    if isinstance(expression, Both):
        return conjoin(decide(part, verdict) for part in expression.parts)
    if isinstance(expression, Either):
        return disjoin(decide(part, verdict) for part in expression.parts)
    return expression


_OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in", "not in": "in"}


def negate(expression: Expression) -> Expression:
    """Return the opposite of an expression; False for one whose opposite can't be expressed."""
    if isinstance(expression, Atom):
        opposite = _OPPOSITES.get(expression.op)
        return True if opposite is None else Atom(expression.left, opposite, expression.right)
    if isinstance(expression, Both):
        return disjoin(negate(part) for part in expression.parts)
    if isinstance(expression, Either):
        return conjoin(negate(part) for part in expression.parts)
    return not expression


def render_marker(expression: Expression) -> str:
    """Return an expression as a marker's text; True gives an empty text.

    Raises:
        ValueError: it is False, which no marker can express.

    """
    if expression is False:
        raise ValueError("False has no marker")
    return "" if expression is True else _render(expression, inside_both=False)


def _render(expression: Expression, *, inside_both: bool) -> str:
    if isinstance(expression, Atom):
        return f"{expression.left} {expression.op} {expression.right}"
    if isinstance(expression, Both):
        return " and ".join(_render(part, inside_both=True) for part in expression.parts)
    if isinstance(expression, Either):
        text = " or ".join(_render(part, inside_both=False) for part in expression.parts)
        return f"({text})" if inside_both else text
    raise TypeError(expression)


def membership(names: Iterable[str], chosen: Iterable[str]) -> Callable[[Atom], bool | None]:
    """Return a function for `decide` that evaluates atoms such as `extra == "x"` and `"x" in extras`.

    Args:
        names: the marker variables to evaluate (`extra`, `extras`, `dependency_groups`).
        chosen: the normalised names that they contain.

    """
    meant, given = frozenset(names), frozenset(chosen)

    def verdict(atom: Atom) -> bool | None:
        if atom.left in meant:
            value = atom.right
        elif atom.right in meant:
            value = atom.left
        else:
            return None
        is_in = re.sub(r"[-_.]+", "-", value.strip("'\"")).lower() in given
        return is_in if atom.op in ("==", "in") else not is_in

    return verdict


def applies(marker: str, environment: Mapping[str, str]) -> bool:
    """Return whether a marker holds in an environment (values by name); an unparsable marker counts as holding."""
    if not marker:
        return True
    try:
        return Marker(marker).evaluate({**environment, "extra": ""})
    except (InvalidMarker, UndefinedEnvironmentName):
        return True
