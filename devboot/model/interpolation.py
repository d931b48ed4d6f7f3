"""Finds and replaces `${…}` references in values. `$NAME` without braces stays unchanged."""

from __future__ import annotations

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OPENING = "${"


class Reference(Record):
    """A reference `${name}` in a text, from offset `start` to `end`; `end` is -1 if the brace isn't closed."""

    name: str
    start: int
    end: int


class UnknownReference(LookupError):  # noqa: N818  as LookupError, it names what happened
    """Raised for a `${name}` without a value.

    `variable` is the variable whose value contains it, "" for other texts.
    """

    def __init__(self, reference: str, variable: str = "") -> None:
        super().__init__(reference)
        self.reference = reference
        self.variable = variable


def references(template: str) -> tuple[Reference, ...]:
    """Return all `${name}` references in a text, in order."""
    return tuple(_scan(template))


def _scan(template: str) -> Iterator[Reference]:
    start = template.find(OPENING)
    while start >= 0:
        end = template.find("}", start)
        if end < 0:
            yield Reference(template[start + 2 :], start, -1)
            return
        yield Reference(template[start + 2 : end], start, end + 1)
        start = template.find(OPENING, end)


def interpolate(template: str, scope: Mapping[str, str]) -> str:
    """Return a text with each `${name}` replaced by `scope[name]`. Raises UnknownReference."""
    if OPENING not in template:
        return template
    parts = []
    done = 0
    for reference in _scan(template):
        if reference.end < 0:
            break  # an error in a manifest, reported when it was parsed; plain text elsewhere
        if reference.name not in scope:
            raise UnknownReference(reference.name)
        parts += [template[done : reference.start], scope[reference.name]]
        done = reference.end
    return "".join([*parts, template[done:]])


def resolve_variables(variables: Mapping[str, str], scope: Mapping[str, str]) -> dict[str, str]:
    """Return the values of variables with `${…}` replaced, in the order of `variables`; they may refer to each other.

    References to other names are looked up in `scope`, and so is a variable's own name (`PATH =
    "${root}/bin:${PATH}"`). Cycles are reported when the manifest is parsed; a cycle here raises UnknownReference.
    """
    resolved: dict[str, str] = {}
    for name in variables:
        _resolve(name, variables, scope, resolved)
    return {name: resolved[name] for name in variables}


def _resolve(name: str, variables: Mapping[str, str], scope: Mapping[str, str], resolved: dict[str, str]) -> None:
    waiting = [name]
    while waiting:
        current = waiting[-1]
        if current in resolved:
            waiting.pop()
            continue
        needed = _needs(current, variables)
        missing = [other for other in needed if other not in resolved]
        if not missing:
            resolved[waiting.pop()] = _filled_in(current, variables, scope, resolved)
        elif missing[0] in waiting:
            raise UnknownReference(missing[0], current)
        else:
            waiting.append(missing[0])


def _needs(name: str, variables: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(r.name for r in _scan(variables[name]) if r.name in variables and r.name != name)


def _filled_in(name: str, variables: Mapping[str, str], scope: Mapping[str, str], resolved: Mapping[str, str]) -> str:
    known = {other: resolved[other] for other in _needs(name, variables)}
    for reference in _scan(variables[name]):
        if reference.name not in known and reference.name in scope:
            known[reference.name] = scope[reference.name]
    try:
        return interpolate(variables[name], known)
    except UnknownReference as error:
        raise UnknownReference(error.reference, name) from None
