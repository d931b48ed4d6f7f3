"""Reads the project's overmind settings from `.overmind.env`, as far as devboot supports them."""

from __future__ import annotations

import os

from devboot.clone_reader import read_bytes
from devboot.errors import Problems
from devboot.model.project_files.dotenv import parse_dotenv, resolve_dotenv
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FILE = ".overmind.env"
PORT, PORT_STEP = "OVERMIND_PORT", "OVERMIND_PORT_STEP"
_PROCFILE, _FORMATION, _IGNORED = "OVERMIND_PROCFILE", "OVERMIND_FORMATION", "OVERMIND_IGNORED_PROCESSES"
# Settings that would make a difference, and their counterpart in devboot.
_ELSEWHERE = {
    "OVERMIND_AUTO_RESTART": '`restart = "always"`',
    "OVERMIND_PROCESSES": "`devboot up NAME…`",
    "OVERMIND_STOP_SIGNALS": "`stop_signal`",
    "OVERMIND_TIMEOUT": "`stop_timeout`",
}
_MOST, _DIGITS = 100, 3


class Formation(Record):
    """Number of instances by process name, with notes on settings that are ignored or differ."""

    counts: Mapping[str, int]
    notes: tuple[str, ...] = ()


def read_settings(root: str) -> dict[str, str]:
    """Return the variables OVERMIND_… in the project's `.overmind.env`; empty if it is missing or malformed."""
    try:
        return settings_in(read_bytes(os.path.join(root, FILE)))
    except OSError:
        return {}


def settings_in(data: bytes) -> dict[str, str]:
    """Return the variables OVERMIND_… in the bytes of an `.overmind.env`."""
    try:
        values = resolve_dotenv(parse_dotenv(data, FILE), {})
    except Problems:
        return {}
    return {each.name: each.value for each in values if each.name.startswith("OVERMIND_") and each.value}


def procfile_of(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return the Procfile's path in overmind's settings, relative to the project, as a tuple; empty for none."""
    named = settings.get(_PROCFILE)
    return () if named is None else (os.path.normpath(named),)


def formation_of(settings: Mapping[str, str], names: Sequence[str]) -> Formation:
    """Return the number of instances of each process `names` in overmind's settings (`worker=2,all=1`).

    An ignored process has 0.
    """
    counts: dict[str, int] = {}
    notes: list[str] = []
    for word in _words(settings.get(_FORMATION, "")):
        name, _, number = word.partition("=")
        count = int(number) if number.isdecimal() and len(number) <= _DIGITS else None
        if name not in (*names, "all") or count is None or count > _MOST:
            notes.append(f"`{FILE}`: `{word}` in {_FORMATION} is not NAME=COUNT of a process, and ignored")
        elif name == "all":
            counts = dict.fromkeys(names, count) | counts
        else:
            counts[name] = count
    ignored = [name for name in _words(settings.get(_IGNORED, "")) if name in names]
    if ignored:
        counts |= dict.fromkeys(ignored, 0)
        notes.append(f"`{FILE}` leaves out {', '.join(ignored)}: `devboot scale {ignored[0]}=1` starts it")
    notes += [
        f"`{FILE}`: {name} is ignored, use {there} instead" for name, there in _ELSEWHERE.items() if name in settings
    ]
    return Formation(counts, tuple(notes))


def _words(text: str) -> Iterator[str]:
    return (word.strip() for word in text.split(",") if word.strip())
