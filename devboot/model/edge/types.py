"""Field types of manifest, recipe and lock, with their validation.

A value is refused by a PydanticCustomError of type `shape` (wrong type) or `value` (right type, but not allowed), whose
context says what was expected; `complaints` turns it into a message with a place.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeGuard

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from devboot.model.interpolation import OPENING
from devboot.model.nearest import nearest
from devboot.model.plan_check import LONGEST

SIGNALS = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGCONT", "SIGWINCH")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NAME_PATTERN = f"^{_NAME.pattern}$"


class Table(BaseModel):
    """Base of all tables; unknown keys are errors.

    `noun` names the table in messages, `main` is its most important key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    noun: ClassVar[str] = "a table"
    main: ClassVar[str] = ""


def branch_of(value: Any, branches: Mapping[str, type[Table]]) -> str | None:
    """Return the tag (`<key>`) of the table type a value belongs to, by the first of the keys it has; None if none.

    A slightly misspelt key counts, too.
    """
    if isinstance(value, Table):
        return next((f"<{key}>" for key, kind in branches.items() if isinstance(value, kind)), None)
    if not isinstance(value, dict):
        return None
    found = next((key for key in branches if key in value), None)
    found = found or next((near for key in value if (near := nearest(key, branches))), None)
    return found and f"<{found}>"


class Number(str):
    """A float as it is written in the TOML text: 3.10 isn't 3.1."""

    __slots__ = ()


def kind_of(value: object) -> str:
    """Return the TOML type of a value with an article, as `a string`."""
    return next(name for kind, name in _KINDS if isinstance(value, kind))


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (Number, "a float"),
    (str, "a string"),
    (int, "an integer"),
    (float, "a float"),
    (list, "a list"),
    (tuple, "a list"),
    (dict, "a table"),
    (dt.date, "a date"),
    (object, "a time"),
)


def shape(expected: str, help: str = "") -> PydanticCustomError:  # noqa: A002  the word of the message
    """Return the error for a value of the wrong type; `expected` is the right type with an article."""
    return PydanticCustomError("shape", "{expected}", {"expected": expected, "help": help})


def refusal(what: str, *, label: str = "", help: str = "") -> PydanticCustomError:  # noqa: A002
    """Return the error for a value that isn't allowed; `what` is the predicate of a sentence about the key."""
    return PydanticCustomError("value", "{what}", {"what": what, "label": label, "help": help})


def _string(value: object) -> object:
    if type(value) is not str:
        raise shape("a string")
    return value


def _filled(value: object) -> object:
    text = _string(value)
    if not str(text).strip():
        raise refusal("must not be empty", label="empty")
    return text


def _text(value: object) -> object:
    if isinstance(value, Number):
        return str(value)
    if _is_integer(value):
        return getattr(value, "written", None) or str(value)
    if type(value) is not str:
        raise shape("a string or a number")
    if "\0" in value:
        raise refusal("must not hold a NUL character", label="no variable can")
    return value


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _list_of(what: str) -> BeforeValidator:
    def check(value: object) -> object:
        if not isinstance(value, (list, tuple)):
            raise shape(f"a list of {what}")
        return value

    return BeforeValidator(check)


def _duration(value: object) -> object:
    if isinstance(value, float) and not isinstance(value, bool):
        return value  # a default or a value set by code; floats of the text are Number
    if type(value) is not str:
        raise shape('a string like "5s"')
    found = _DURATION.fullmatch(value)
    if found is None:
        raise refusal(
            "must be a duration", label="not a number with a unit", help='units are ms, s, m and h: "500ms", "5s"'
        )
    return min(float(found[1]) * _SECONDS[found[2]], LONGEST)


def _signal(value: object) -> object:
    if type(value) is not str:
        raise shape('a string like "SIGTERM"')
    name = value if value.startswith("SIG") else f"SIG{value}"
    if name not in SIGNALS:
        raise PydanticCustomError("literal_error", "{expected}", {"expected": " or ".join(f"'{s}'" for s in SIGNALS)})
    return name


def _port(value: object) -> object:
    if not _is_integer(value):
        raise shape("an integer from 1 to 65535")
    if not 1 <= value <= 65535:
        raise refusal("must be from 1 to 65535", label="not a port")
    return value


def _port_or_auto(value: object) -> object:
    if type(value) is str:
        if value != "auto":
            raise shape('an integer from 1 to 65535, or "auto"')
        return value
    return _port(value)


def _count(value: object) -> object:
    if not _is_integer(value):
        raise shape("an integer")
    if value < 1:
        raise refusal("must be at least 1", label="too small")
    return value


def _exit_code(value: object) -> object:
    if not _is_integer(value):
        raise shape("an integer from 0 to 255")
    if not 0 <= value <= 255:
        raise refusal("must be from 0 to 255", label="no exit code")
    return value


def _name(value: object) -> object:
    text = str(_string(value))
    if not _NAME.fullmatch(text):
        raise refusal(
            "can't be used as a name",
            label="letters, digits, `_`, `-` and `.`, not `-` or `.` first",
        )
    return text


def _variable(value: object) -> object:
    text = str(_string(value))
    if not _VARIABLE.fullmatch(text):
        raise refusal("is not a variable's name", label="letters, digits and `_`, no digit first")
    return text


def _when(value: object) -> object:
    if isinstance(value, dt.date):
        return value.isoformat()
    return _filled(value)


def _true(value: object) -> object:
    if value is not True:
        raise shape("true")
    return value


def has_reference(value: str) -> bool:
    """Return whether a value contains `${…}`, so that it can't be validated yet."""
    return OPENING in value


String = Annotated[str, BeforeValidator(_string)]
Filled = Annotated[str, BeforeValidator(_filled), WithJsonSchema({"type": "string", "pattern": r"\S"})]
Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number"]})]
Strings = Annotated[tuple[Filled, ...], _list_of("strings")]
Texts = Annotated[tuple[Text, ...], _list_of("strings")]
Seconds = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h)$", "examples": ["5s", "500ms", "2m"]}),
]
SignalName = Annotated[
    str, BeforeValidator(_signal), WithJsonSchema({"type": "string", "enum": [*SIGNALS, *(s[3:] for s in SIGNALS)]})
]
Port = Annotated[int, BeforeValidator(_port), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 65535})]
PortOrAuto = Annotated[
    int | str,
    BeforeValidator(_port_or_auto),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"const": "auto"}]}),
]
Count = Annotated[int, BeforeValidator(_count), WithJsonSchema({"type": "integer", "minimum": 1})]
ExitCode = Annotated[
    int, BeforeValidator(_exit_code), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 255})
]
ExitCodes = Annotated[tuple[ExitCode, ...], _list_of("integers")]
EntryName = Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]
Names = Annotated[tuple[EntryName, ...], _list_of("names")]
VariableName = Annotated[
    str, BeforeValidator(_variable), WithJsonSchema({"type": "string", "pattern": f"^{_VARIABLE.pattern}$"})
]
When = Annotated[str, BeforeValidator(_when), WithJsonSchema({"type": "string"})]
Always = Annotated[bool, BeforeValidator(_true), WithJsonSchema({"const": True})]
list_of = _list_of
