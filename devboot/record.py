"""A NamedTuple that costs next to nothing to import and to define.

The supervisor, the daemon and the fast commands must not import `typing` or `dataclasses` (9 and 14 ms over a bare
interpreter), yet their values are to be frozen and typed. `collections` costs 2 ms too, and each of its named tuples
0.3 ms, since it compiles a constructor; a daemon defines dozens. Type checkers see the real NamedTuple; at run time
the same class statement builds a tuple with one constructor for all.
"""

from __future__ import annotations

__all__ = ["Record"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple as Record
else:
    try:
        from _collections import _tuplegetter
    except ImportError:  # an interpreter without the accelerator
        from operator import itemgetter

        def _tuplegetter(index: int, doc: str) -> property:
            return property(itemgetter(index), doc=doc)

    class _Values(tuple):
        """Methods that all records share, named as those of named tuples."""

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012  each record has its own, and nobody writes to it

        def __new__(cls, *values: Any, **named: Any) -> _Values:  # noqa: PYI034  typing is what this avoids
            if len(values) != len(cls._fields):
                values += cls._by_name(len(values), named)
            if named:
                raise TypeError(f"{cls.__name__} takes no further {next(iter(named))!r}")
            return tuple.__new__(cls, values)

        @classmethod
        def _by_name(cls, given: int, named: dict[str, Any]) -> tuple[Any, ...]:
            if given > len(cls._fields):
                raise TypeError(f"{cls.__name__} takes {len(cls._fields)} values, not {given}")
            defaults = cls._field_defaults
            try:
                return tuple([named.pop(f) if f in named else defaults[f] for f in cls._fields[given:]])
            except KeyError as error:
                raise TypeError(f"{cls.__name__} needs {error.args[0]!r}") from None

        @classmethod
        def _make(cls, values: Any) -> _Values:
            return cls(*values)

        def _replace(self, **changed: Any) -> _Values:
            values = [changed.pop(field, value) for field, value in zip(self._fields, self, strict=True)]
            if changed:
                raise ValueError(f"{type(self).__name__} has no {next(iter(changed))!r}")
            return tuple.__new__(type(self), values)

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            values = ", ".join(f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
            return f"{type(self).__name__}({values})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

    class _RecordMeta(type):
        def __new__(mcs, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(mcs, name, bases, space)
            fields = tuple(field for field in space.get("__annotations__", {}) if field != "__slots__")
            defaults = {field: space.pop(field) for field in fields if field in space}
            getters = {field: _tuplegetter(index, "") for index, field in enumerate(fields)}
            own = {"__slots__": (), "_fields": fields, "_field_defaults": defaults, "__match_args__": fields}
            return type(name, (_Values,), {**space, **getters, **own})

    class Record(metaclass=_RecordMeta):
        """Base of frozen values: subclass it as you would `typing.NamedTuple`."""
