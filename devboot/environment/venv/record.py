"""The record of a sync, stored in the virtualenv: its inputs, the packages it installed, and that it was completed.

Plain lines, so that a warm command can read it with only `os`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from devboot.clone_reader import read_text

NAME = "devboot-venv.txt"
_HEAD = "devboot-venv 1"


@dataclass(frozen=True, slots=True)
class VenvRecord:
    """The record of the last sync of a virtualenv.

    `is_complete` is written last: without it nothing in the virtualenv can be trusted.

    `location` is where it was made, `python` the path and `version` the version of its interpreter, `base` the stamp of
    that file, `wanted` the digest of what was to be installed, `site` the stamp of the packages' folder after it.
    `installed` maps the packages that syncs have installed to their versions. `is_adopted`: someone else made it.
    `libraries` are store objects with system libraries, which packages that were built here load.
    """

    is_complete: bool
    location: str
    python: str
    version: str
    base: str = ""
    wanted: str = ""
    site: str = ""
    is_adopted: bool = False
    installed: Mapping[str, str] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()


def render_record(record: VenvRecord) -> str:
    """Return the text of a record: one line per field."""
    lines = [
        _HEAD,
        f"complete {int(record.is_complete)}",
        f"location {record.location}",
        f"python {record.python}",
        f"version {record.version}",
        f"base {record.base}",
        f"wanted {record.wanted}",
        f"site {record.site}",
        f"adopted {int(record.is_adopted)}",
        *(f"installed {name} {version}" for name, version in sorted(record.installed.items())),
        *(f"library {path}" for path in record.libraries),
        "end",
    ]
    return "\n".join(lines) + "\n"


def parse_record(text: str) -> VenvRecord | None:
    """Parse the text of a record; None if it is cut off or of another format version."""
    lines = text.split("\n")
    if lines[0] != _HEAD or lines[-2:] != ["end", ""]:
        return None
    pairs = [line.partition(" ")[::2] for line in lines[1:-2]]
    facts = dict(pair for pair in pairs if pair[0] != "installed")
    installed = dict(value.partition(" ")[::2] for key, value in pairs if key == "installed")
    try:
        return VenvRecord(
            facts["complete"] == "1",
            facts["location"],
            facts["python"],
            facts["version"],
            facts["base"],
            facts["wanted"],
            facts["site"],
            facts["adopted"] == "1",
            installed,
            tuple(value for key, value in pairs if key == "library"),
        )
    except KeyError:
        return None


def load_record(venv: str) -> VenvRecord | None:
    """Read the record of a virtualenv; None if there is no readable one."""
    try:
        return parse_record(read_text(os.path.join(venv, NAME), errors="surrogateescape"))
    except OSError:
        return None


def has_record(venv: str) -> bool:
    """Return whether devboot has synced this virtualenv before, even if the record is damaged."""
    return os.path.lexists(os.path.join(venv, NAME))


def stamp(path: str) -> str:
    """Return a text that changes when a file or folder changes; empty if it is missing. Links are followed."""
    try:
        found = os.stat(path)
    except OSError:
        return ""
    return f"{found.st_mtime_ns}.{found.st_size}.{found.st_ino}"


def is_current(venv: str, wanted: str) -> bool:
    """Return whether a virtualenv needs no sync: completed at this path, with the digest `wanted`, unchanged since.

    Costs a few stat calls.
    """
    record = load_record(venv)
    return record is not None and record.wanted == wanted and is_untouched(venv, record)


def is_untouched(venv: str, record: VenvRecord) -> bool:
    """Return whether a virtualenv is unchanged since its last sync, by the stamps in its record."""
    return (
        record.is_complete
        and record.location == os.path.realpath(venv)
        and os.path.exists(os.path.join(venv, "pyvenv.cfg"))
        and record.base != ""
        and record.base == stamp(os.path.join(venv, "bin", "python"))
        and record.site == stamp(_site_of(venv, record.version))
        and all(map(os.path.exists, record.libraries))
    )


def paths_to_stamp(venv: str, version: str) -> tuple[str, ...]:
    """Return the paths whose change makes a snapshot stale: record, pyvenv.cfg, interpreter, the packages' folder."""
    return (
        os.path.join(venv, NAME),
        os.path.join(venv, "pyvenv.cfg"),
        os.path.join(venv, "bin", "python"),
        _site_of(venv, version),
    )


def _site_of(venv: str, version: str) -> str:
    minor = ".".join(version.split(".")[:2])
    return os.path.join(venv, "lib", f"python{minor}", "site-packages")
