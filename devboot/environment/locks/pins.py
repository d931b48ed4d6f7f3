"""Values read from a lock: pins, direct references, index lines; and their text for uv."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

EDITABLE, FOLDER, FILE, GIT, URL = "editable", "folder", "file", "git", "url"


@dataclass(frozen=True, slots=True)
class Pin:
    """One package at a locked version: `hashes` are `sha256:…` of all its files; an empty `marker` always applies.

    `version` is empty if a lock leaves it open, as pipenv does for other platforms. `files` are the files' names, if
    the lock has them: they show which interpreters have a wheel.
    """

    name: str
    version: str
    marker: str = ""
    extras: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Direct:
    """A package from a path or an address instead of an index, which uv installs without a hash.

    `reference` is a path relative to `base` (EDITABLE, FOLDER, FILE) or an address (GIT, URL); `commit` is the locked
    commit of a GIT reference; `file` and `line` are where the project declares it.
    """

    kind: str
    reference: str
    base: str = ""
    name: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""
    commit: str = ""
    subdirectory: str = ""
    hashes: tuple[str, ...] = ()
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class IndexLine:
    """A line in a project's file that declares an index, with its place.

    `kind`: default, extra, explicit (only for packages assigned to it), find-links, trusted-host, no-index.
    """

    kind: str
    url: str
    file: str
    line: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Pins:
    """All locked packages of one or several files, in the order of the files.

    `python` is the specifier of versions that the lock was made for; `stale` is a sentence if the lock is older than
    the file that it was made from; `options` are further options for uv (`--no-binary foo`); `notes` are sentences for
    the user.
    """

    inputs: tuple[str, ...]
    pins: tuple[Pin, ...] = ()
    directs: tuple[Direct, ...] = ()
    indexes: tuple[IndexLine, ...] = ()
    python: str = ""
    stale: str = ""
    options: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def join_pins(several: Iterable[Pins]) -> Pins:
    """Join the pins of several inputs; of two pins with the same name, version and marker the first one counts."""
    all_of = tuple(several)
    if len(all_of) == 1:
        return all_of[0]
    pins = {(pin.name, pin.version, pin.marker): pin for each in reversed(all_of) for pin in reversed(each.pins)}
    return Pins(
        inputs=tuple(dict.fromkeys(name for each in all_of for name in each.inputs)),
        pins=tuple(reversed(pins.values())),
        directs=tuple(dict.fromkeys(direct for each in all_of for direct in each.directs)),
        indexes=tuple(dict.fromkeys(index for each in all_of for index in each.indexes)),
        python=",".join(dict.fromkeys(each.python for each in all_of if each.python)),
        stale="; ".join(each.stale for each in all_of if each.stale),
        options=tuple(dict.fromkeys(option for each in all_of for option in each.options)),
        notes=tuple(note for each in all_of for note in each.notes),
    )


def render_pins(pins: Iterable[Pin]) -> str:
    """Return pins as the text of a requirements file: sorted, without URLs, each hash on its own line."""
    blocks = sorted(_block(pin) for pin in pins)
    return "".join(blocks)


def _block(pin: Pin) -> str:
    extras = f"[{','.join(pin.extras)}]" if pin.extras else ""
    marker = f" ; {pin.marker}" if pin.marker else ""
    head = f"{pin.name}{extras}{f'=={pin.version}' if pin.version else ''}{marker}"
    return " \\\n".join([head, *(f"    --hash={digest}" for digest in sorted(pin.hashes))]) + "\n"


def normalised(name: str) -> str:
    """Return a package's name as indexes write it: `Flask_SQLAlchemy` as `flask-sqlalchemy`."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)
