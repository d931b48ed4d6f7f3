"""Stores a project's generations: numbered files, each with the environment that one sync composed.

    <state>/generations/N           one line of facts, then everything needed to switch back; 0600, never changed
    <state>/generations/current     the number of the current one; below it the earlier ones, latest first

Generations hold store objects as long as they are kept.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from typing import Any

from devboot.clone_reader import parse_json
from devboot.files import atomic_write, fail_point, list_names, make_directories, plain
from devboot.record import Record

FOLDER = "generations"
CURRENT = "current"
KEPT = 10  # per project, when the store is collected
FORMAT = 2  # since it holds no secret values
SALT = "salt"  # for the digests of secret values
_REMEMBERED = 100  # switches between generations


class Facts(Record):
    """The first line of a generation's file: `at` is wall-clock seconds, `identity` a digest of the content.

    `objects` has the names of the store objects.
    """

    number: int
    at: float
    identity: str
    objects: tuple[str, ...]


class Generation(Record):
    """A complete generation; `body` is plain JSON."""

    facts: Facts
    body: Mapping[str, Any]


def folder_of(state: str) -> str:
    """Return the folder with a project's generations, in its state folder."""
    return os.path.join(state, FOLDER)


def all_facts(state: str) -> tuple[Facts, ...]:
    """Return the facts of every readable generation, oldest first."""
    found = (_facts(state, number) for number in _numbers(state))
    return tuple(facts for facts in found if facts is not None)


def read(state: str, number: int) -> Generation | None:
    """Return generation `number` of the project with this state folder; None if it is missing or unreadable."""
    try:
        with open(_path(state, number), encoding="utf-8", opener=plain) as stream:
            facts = _parse(number, stream.readline())
            body = parse_json(stream.read())
    except (OSError, ValueError):
        return None
    return Generation(facts, body) if facts is not None and isinstance(body, dict) else None


def current(state: str) -> int:
    """Return the number of the current generation; 0 if there is none."""
    return next(iter(history(state)), 0)


def history(state: str) -> tuple[int, ...]:
    """Return the numbers of the generations that were in use, the latest (current) first."""
    try:
        with open(os.path.join(folder_of(state), CURRENT), encoding="ascii", opener=plain) as stream:
            return tuple(map(int, stream.read().split()))
    except (OSError, ValueError):
        return ()


def before_current(state: str) -> int:
    """Return the number of the latest existing generation that was in use before the current one.

    0 if there is none.
    """
    here, *earlier = history(state) or (0,)
    there = _numbers(state)
    used = [number for number in earlier if number in there and number != here]
    older = [number for number in there if number < here] if not earlier else []  # a file without history
    return next(iter((*used, *older[::-1])), 0)


def append(state: str, at: float, identity: str, objects: tuple[str, ...], body: Mapping[str, Any]) -> int:
    """Write the next generation, make it the current one, and return its number. Raises MachineError."""
    number = max([*_numbers(state), current(state)], default=0) + 1
    make_directories(folder_of(state))
    line = json.dumps({"format": FORMAT, "at": at, "identity": identity, "objects": objects})
    atomic_write(_path(state, number), f"{line}\n{json.dumps(body)}\n", mode=0o600)
    fail_point("generation/written")
    switch(state, number)
    return number


def salt(state: str) -> str:
    """Return the project's salt for digests of secret values; the first call creates it. Raises MachineError."""
    path = os.path.join(folder_of(state), SALT)
    try:
        with open(path, encoding="ascii", opener=plain) as stream:
            if found := stream.read().strip():
                return found
    except (OSError, ValueError):
        pass
    make_directories(folder_of(state))
    made = secrets.token_hex(16)
    atomic_write(path, f"{made}\n".encode(), mode=0o600)
    return made


def switch(state: str, number: int) -> None:
    """Make a generation the current one. Raises MachineError."""
    if current(state) != number:
        _write_history(state, (number, *history(state)))


def step_back(state: str, number: int) -> None:
    """Make an earlier generation the current one and drop the later ones from the history. Raises MachineError."""
    known = history(state)
    _write_history(state, known[known.index(number) :] if number in known else (number,))


def _write_history(state: str, numbers: tuple[int, ...]) -> None:
    text = "".join(f"{number}\n" for number in numbers[:_REMEMBERED])
    atomic_write(os.path.join(folder_of(state), CURRENT), text, mode=0o600)


def prunable(state: str, *, keep: int = KEPT) -> tuple[int, ...]:
    """Return the numbers of all generations except the last `keep` and the current one."""
    numbers, here = _numbers(state), current(state)
    return tuple(number for number in numbers[: max(0, len(numbers) - keep)] if number != here)


def held_objects(state: str) -> dict[str, str]:
    """Return the store objects that generations hold, each with the newest generation: {name: "generation 3"}."""
    return {name: f"generation {facts.number}" for facts in all_facts(state) for name in facts.objects}


def _path(state: str, number: int) -> str:
    return os.path.join(folder_of(state), str(number))


def _numbers(state: str) -> list[int]:
    names = list_names(folder_of(state))
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def _facts(state: str, number: int) -> Facts | None:
    try:
        with open(_path(state, number), encoding="utf-8", opener=plain) as stream:
            return _parse(number, stream.readline())
    except (OSError, ValueError):
        return None


def _parse(number: int, line: str) -> Facts | None:
    try:
        said = parse_json(line)
        if said["format"] != FORMAT:
            return None
        objects = tuple(str(name) for name in said["objects"])
        return Facts(number, float(said["at"]), str(said["identity"]), objects)
    except (ValueError, KeyError, TypeError):
        return None
