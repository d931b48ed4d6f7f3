"""Parses records of Debian packages and computes a program's closure of libraries, without I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from devboot.record import Record

Alternatives = tuple[str, ...]
_WALKED = r"lib|zlib1g"
_ON_EACH_MACHINE = r"libc6$|libc-bin|libgcc-s1$|libpam|libselinux1$|libaudit|libcrypt1$"
_NO_LIBRARIES = r".*-perl$|.*-dev$|.*-data$"


class DebRecord(Record):
    """One package in a Debian index.

    `depends` has the alternatives for each dependency, `file` is a name without folder, `size` is in bytes.
    """

    name: str
    version: str
    depends: tuple[Alternatives, ...]
    file: str
    sha256: str
    size: int


Find = Callable[[Sequence[str]], Mapping[str, DebRecord]]
"""Returns the records of those names that exist."""


def parse_records(text: str) -> dict[str, DebRecord]:
    """Parse the output of `apt-cache show` into records by name; of several versions the first, which apt prefers."""
    found: dict[str, DebRecord] = {}
    for block in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z0-9-]+):[ \t]*(.*)$", block, re.MULTILINE))
        if fields.get("SHA256") and fields["Package"] not in found:
            found[fields["Package"]] = DebRecord(
                fields["Package"],
                fields["Version"],
                (*_needs(fields.get("Pre-Depends", "")), *_needs(fields.get("Depends", ""))),
                fields["Filename"].rpartition("/")[2],
                fields["SHA256"],
                int(fields["Size"]),
            )
    return found


def _needs(text: str) -> Iterator[Alternatives]:
    for group in filter(str.strip, text.split(",")):
        yield alternatives(group)


def alternatives(text: str) -> Alternatives:
    """Return the package names in one dependency, such as `a (>= 1) | b`."""
    return tuple(re.sub(r"[\s(:\[].*", "", each.strip()) for each in text.split("|"))


def closure(roots: Sequence[str], find: Find, also: Sequence[str] = (), left_out: str = "") -> tuple[DebRecord, ...]:
    """Return packages with all libraries that they need, sorted by name, without those that every machine has.

    `also` are patterns for the beginnings of further names to follow; of a root `a | b` the one that exists is taken.
    `left_out` is a pattern for names that aren't followed; by default packages that no program loads. Raises KeyError
    with the first root that doesn't exist.
    """
    walked = re.compile("|".join([_WALKED, *also]))
    passed_over = re.compile(f"{_ON_EACH_MACHINE}|{left_out or _NO_LIBRARIES}")
    known: dict[str, DebRecord] = {}
    wanted: list[Alternatives] = [alternatives(root) for root in roots]
    while wanted:
        names = sorted({name for group in wanted for name in group} - known.keys())
        records = find(names) if names else {}
        fresh = [records[name] for group in wanted if (name := _first(group, known, records)) and name not in known]
        if not known and (missing := [group for group in wanted if not set(group) & records.keys()]):
            raise KeyError(missing[0][0])
        known |= {record.name: record for record in fresh}
        groups = (_followed(group, walked, passed_over) for record in fresh for group in record.depends)
        wanted = [group for group in groups if group and not set(group) & known.keys()]
    return tuple(sorted(known.values()))


def _first(group: Alternatives, known: Collection[str], records: Collection[str]) -> str:
    """Return the first existing package among alternatives; "" for a virtual package that none provides."""
    return next((name for name in group if name in known or name in records), "")


def _followed(group: Alternatives, walked: re.Pattern[str], passed_over: re.Pattern[str]) -> Alternatives:
    return tuple(name for name in group if walked.match(name) and not passed_over.match(name))


def product_version(version: str) -> str:
    """Return the upstream version in a Debian version: `8.0.2` for `5:8.0.2-3+deb13u1`."""
    upstream = version.partition(":")[2] or version
    upstream = upstream.rpartition("-")[0] or upstream
    return re.split(r"[+~]", upstream)[0]
