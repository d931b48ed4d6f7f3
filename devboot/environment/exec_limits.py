"""Refuses commands and variables that are too long to start a program with (E2BIG)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from devboot.errors import DevbootError, ManifestError, Place, Problems
from devboot.model.composed_variable import ComposedVariable
from devboot.model.printable import counted
from devboot.model.process import ProcessSpec
from devboot.record import Record

_POINTER = 8  # bytes that each text takes besides itself
_MARGIN = 4096  # bytes for variables that devboot adds at the start of a process
_AT_LINE = re.compile(r"(.+):(\d+)")


class ExecLimits(Record):
    """Size limits of exec in bytes: `single` for one argument or variable with its final zero, `total` for all."""

    single: int
    total: int


def this_system() -> ExecLimits:
    """Return the exec limits of this machine; a limit of a single text exists on Linux only."""
    said = os.sysconf("SC_ARG_MAX")
    total = said if said > 0 else sys.maxsize  # -1: no limit
    single = 32 * os.sysconf("SC_PAGE_SIZE") if sys.platform == "linux" else total
    return ExecLimits(single, total)


def refuse_too_long(
    variables: Sequence[ComposedVariable],
    specs: Iterable[ProcessSpec],
    caller: Mapping[str, str],
    limits: ExecLimits,
) -> None:
    """Raise Problems for each variable or command beyond the limits, or for an environment that is too large.

    `variables` are added by devboot to the environment `caller`.
    """
    specs = tuple(specs)
    problems = [*_variables(variables, limits), *(each for spec in specs for each in _of_process(spec, limits))]
    if not problems:
        common = {**caller, **{each.name: each.value for each in variables}}
        size = _size(common)
        problems += (each for spec in specs for each in _as_a_whole(spec, common, size, limits))
    if problems:
        raise Problems(problems)


def _variables(variables: Iterable[ComposedVariable], limits: ExecLimits) -> Iterator[DevbootError]:
    for each in variables:
        length = _length(each.name) + _length(each.value) + 2
        if length > limits.single:
            yield _error(f"the value of `{each.name}`", length, limits.single, each.source, _IN_A_FILE)


def _of_process(spec: ProcessSpec, limits: ExecLimits) -> Iterator[DevbootError]:
    commands = [("the command", spec.command), ("the stop command", spec.stop_command)]
    commands += [("a word of the command", word) for word in spec.argv]
    commands += [("the command of a probe", probe.command) for probe in (spec.ready, spec.alive) if probe is not None]
    for what, text in commands:
        if _length(text) + 1 > limits.single:
            yield _error(f"{what} of `{spec.name}`", _length(text) + 1, limits.single, spec.origin, _IN_A_SCRIPT)
    for name, value in spec.env:
        length = _length(name) + _length(value) + 2
        if length > limits.single:
            yield _error(f"the value of `{name}` for `{spec.name}`", length, limits.single, spec.origin, _IN_A_FILE)


def _as_a_whole(spec: ProcessSpec, common: Mapping[str, str], size: int, limits: ExecLimits) -> Iterator[DevbootError]:
    own = dict(spec.env)
    replaced = {name: common[name] for name in own if name in common}
    texts = [spec.command, *spec.argv]
    whole = size - _size(replaced) + _size(own) + sum(_length(text) + 1 + _POINTER for text in texts) + _MARGIN
    if whole > limits.total:
        largest = max({**common, **own}.items(), key=lambda item: len(item[1]), default=("", ""))[0]
        yield ManifestError(
            "process/too-long",
            f"the environment of `{spec.name}` is too large: {whole} bytes",
            place=_place(spec.origin),
            causes=(f"this system starts programs with at most {limits.total} bytes of variables and arguments",),
            help=(f"shorten the largest variable, `{largest}`",),
        )


_IN_A_FILE = "keep it in a file, and put the file's name into the variable"
_IN_A_SCRIPT = "put the command into a script, and name the script here"


def _error(what: str, length: int, limit: int, origin: str, advice: str) -> ManifestError:
    place = _place(origin)
    causes = [f"this system starts no program with a text of more than {limit} bytes"]
    causes += [f"it is set in {origin}"] if place is None and origin else []
    said = f"{what} is too long: {counted(length, 'byte')}"
    return ManifestError("process/too-long", said, place=place, causes=causes, help=(advice,))


def _place(origin: str) -> Place | None:
    found = _AT_LINE.fullmatch(origin)
    return Place(found[1], int(found[2])) if found else None


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def _size(variables: Mapping[str, str]) -> int:
    return sum(_length(name) + _length(value) + 2 + _POINTER for name, value in variables.items())
