"""Validates a plan received from another process: types, ranges and cycles.

An invalid plan, such as one of another version, is refused as a whole before any part of it is used.
"""

from __future__ import annotations

from devboot.model import process as model
from devboot.model.printable import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    Read = Callable[[Any], Any]

LONGEST = 1e9  # seconds: 31 years, far below any overflow
_MOST = 2**31 - 1
_BYTES = frozenset({"send", "expect", "loading"})  # fields of a probe that hold bytes
_BOUNDS = {"port": (0, 65535), "stop_signal": (1, 64)}  # values outside are refused; other numbers are clamped
_KINDS = (model.SERVICE, model.TASK, model.PROCESS)
_UNTIL = (model.UNTIL_STARTED, model.UNTIL_READY, model.UNTIL_SUCCEEDED, model.UNTIL_COMPLETED)
_RESTARTS = ("never", "on-failure", "always")


class PlanError(ValueError):
    """Raised for an invalid plan; the text names the value."""


def checked_plan(plain: object) -> model.Plan:
    """Convert the plain tuples of a received plan to a Plan.

    Raises PlanError for wrong types and values out of range.
    """
    plan: model.Plan = _record(model.Plan, plain)
    for path in (plan.root, plan.state, plan.data or "/", plan.record or "/"):
        if not path.startswith("/"):
            raise PlanError(f"`{path}` is not an absolute path")
    seen: set[str] = set()
    for spec in plan.processes:
        _check_process(spec, seen)
        seen.add(spec.name)
    _refuse_cycles(plan.processes)
    return plan


def _check_process(spec: model.ProcessSpec, seen: set[str]) -> None:
    if not spec.name or "/" in spec.name or spec.name.startswith(".") or not spec.name.isprintable():
        raise PlanError(f"{spec.name!r} can't be the name of a process")
    if spec.name in seen:
        raise PlanError(f"two processes are called {spec.name!r}")
    if not (spec.command or spec.argv):
        raise PlanError(f"{spec.name!r} has no command")
    stamp: tuple[str, ...] = spec.stamp
    if len(stamp) not in (0, 2) or len(spec.record) == 1:
        raise PlanError(f"the stamp of {spec.name!r} is not a file with text")
    _choose(spec.kind, _KINDS, "kind of process")
    _choose(spec.restart, _RESTARTS, "rule for restarts")
    for needed in spec.depends_on:
        _choose(needed.until, _UNTIL, "state of a dependency")
    for probe in (spec.ready, spec.alive):
        if probe is not None:
            _choose(probe.kind, model.PROBES, "kind of probe")
    if spec.schedule:
        from devboot.model.schedule import parse_schedule

        try:
            parse_schedule(spec.schedule)
        except ValueError as error:
            raise PlanError(f"{spec.name!r} has no schedule: {error}") from error


def _choose(value: str, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        raise PlanError(f"{value!r} is no {what}")


def _refuse_cycles(specs: Iterable[model.ProcessSpec]) -> None:
    left = {spec.name: {each.name for each in spec.depends_on} for spec in specs}
    while left:
        free = [name for name, needed in left.items() if not needed & left.keys()]
        if not free:
            raise PlanError(f"processes depend on each other: {', '.join(sorted(left)[:3])}")
        for name in free:
            del left[name]


# Readers of values, by the annotation of their field


def _record(cls: Any, plain: object, before: tuple[Sequence[Any], Sequence[Any]] = ((), ())) -> Any:
    """Convert plain values to a record of `cls`, checking each field.

    `before` is another record of this class that was read already, and its plain form: values that both share are taken
    from it.
    """
    values = _sequence(plain)
    fields = cls._fields
    if len(values) != len(fields):
        raise PlanError(f"{counted(len(values), 'value')} make no {cls.__name__}, which has {len(fields)}")
    kinds: Mapping[str, str] = cls.__annotations__
    read: list[Any] = []
    known, known_plain = before
    for at, (field, value) in enumerate(zip(fields, values, strict=True)):
        if known and value is known_plain[at]:
            read.append(known[at])
            continue
        try:
            reader: Read = _bytes if field in _BYTES else READ[kinds[field]]
            read.append(reader(value))
        except PlanError as error:
            raise PlanError(f"{field}: {error}") from None
        if field in _BOUNDS and not _BOUNDS[field][0] <= read[-1] <= _BOUNDS[field][1]:
            raise PlanError(f"{field}: {read[-1]} is out of range")
    return cls(*read)


def _processes(plain: object) -> tuple[model.ProcessSpec, ...]:
    """Convert the plain form of all process specifications; neighbours in a snapshot share most values."""
    found: list[model.ProcessSpec] = []
    before: tuple[Sequence[Any], Sequence[Any]] = ((), ())
    for row in _sequence(plain):
        found.append(_record(model.ProcessSpec, row, before))
        before = (found[-1], row)
    return tuple(found)


def _sequence(value: object) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise PlanError(f"{_shown(value)} is not a list")
    return tuple(value)


def _bytes(value: object) -> str:
    """Return a probe's bytes, stored as latin-1 text; unlike other texts they may contain NUL."""
    if type(value) is not str:
        raise PlanError(f"{_shown(value)} is not text")
    return value


def _text(value: object) -> str:
    if type(value) is not str or "\0" in value:
        raise PlanError(f"{_shown(value)} is not text")
    return value


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise PlanError(f"{_shown(value)} is neither true nor false")
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise PlanError(f"{_shown(value)} is not a whole number")
    return max(-_MOST, min(value, _MOST))


def _seconds(value: object) -> float:
    if (type(value) is not float and type(value) is not int) or value != value:  # noqa: PLR0124  NaN
        raise PlanError(f"{_shown(value)} is not a number")
    return float(max(0, min(value, LONGEST)))


def _all(read: Read) -> Read:
    return lambda value: tuple([read(item) for item in _sequence(value)])


def _pair(value: object) -> tuple[str, str]:
    items = _sequence(value)
    if len(items) != 2:
        raise PlanError(f"{_shown(value)} is not a pair")
    return _text(items[0]), _text(items[1])


def _shown(value: object) -> str:
    words = {int: "a whole number", list: "a list", tuple: "a list", dict: "a table"}
    return words.get(type(value)) or ascii(value)[:60]


def _of(cls: Any) -> Read:
    return lambda value: _record(cls, value)


READ: dict[str, Read] = {
    "str": _text,
    "bool": _flag,
    "int": _whole,
    "float": _seconds,
    "tuple[str, ...]": _all(_text),
    "tuple[int, ...]": _all(_whole),
    "tuple[str, str]": _all(_text),  # or empty: counted where it is used
    "tuple[tuple[str, str], ...]": _all(_pair),
    "tuple[Dependency, ...]": _all(_of(model.Dependency)),
    "tuple[FailureHint, ...]": _all(_of(model.FailureHint)),
    "tuple[ProcessSpec, ...]": _processes,
    "Probe | None": lambda value: None if value is None else _record(model.Probe, value),
}
