"""Selects the wheel of a release for each platform, when it contains a program: any Python tag will do."""

from __future__ import annotations

import re
from collections.abc import Iterable

from devboot.model.artifact import LINUX_AARCH64, LINUX_X86_64, MACOS_ARM64, MACOS_X86_64
from devboot.uv.listing import ListedFile

Rank = tuple[int, int]

_OLD_NAMES = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_MANYLINUX = re.compile(r"(manylinux1|manylinux2010|manylinux2014|manylinux_(\d+)_(\d+))_(x86_64|aarch64)")
_MACOSX = re.compile(r"macosx_(\d+)_(\d+)_(arm64|x86_64|universal2|intel)")
_ARCHITECTURES = {
    "x86_64": (LINUX_X86_64,),
    "aarch64": (LINUX_AARCH64,),
    "arm64": (MACOS_ARM64,),
    "mac-x86_64": (MACOS_X86_64,),
    "universal2": (MACOS_ARM64, MACOS_X86_64),
    "intel": (MACOS_X86_64,),
}


def best_wheels(wheels: Iterable[ListedFile]) -> dict[str, ListedFile]:
    """Return for each platform the wheel for the oldest systems; of equal ones that for the newest Python."""
    found: dict[str, tuple[Rank, Rank, ListedFile]] = {}
    for wheel in wheels:
        parts = wheel.name.removesuffix(".whl").split("-")
        if len(parts) < 5:
            continue
        for platform, floor in _floors(parts[-1]).items():
            mine = (floor, _age_of_python(parts[-3]), wheel)
            if platform not in found or mine < found[platform]:
                found[platform] = mine
    return {platform: wheel for platform, (_, _, wheel) in found.items()}


def macos_tag(file: str) -> str:
    """Return the lowest macOS version in a wheel's file name, as `11.0`; "" if it has none."""
    floors = [(int(major), int(minor)) for major, minor, _ in _MACOSX.findall(file)]
    return ".".join(map(str, min(floors))) if floors else ""


def _floors(tag: str) -> dict[str, Rank]:
    """Return the lowest system version of each platform in a compressed platform tag."""
    floors: dict[str, Rank] = {}
    for one in tag.split("."):
        linux, macos = _MANYLINUX.fullmatch(one), _MACOSX.fullmatch(one)
        if linux:
            floor = _OLD_NAMES.get(linux[1]) or (int(linux[2]), int(linux[3]))
            names = _ARCHITECTURES[linux[4]]
        elif macos:
            floor = (int(macos[1]), int(macos[2]))
            names = _ARCHITECTURES["mac-x86_64" if macos[3] == "x86_64" else macos[3]]
        else:
            continue
        for name in names:
            floors[name] = min(floor, floors.get(name, floor))
    return floors


def _age_of_python(tag: str) -> Rank:
    """Return a sort key for a wheel's Python tag: any Python first, then newer before older."""
    found = re.search(r"cp(\d)(\d+)", tag)
    return (-int(found[1]), -int(found[2])) if found else (-9, 0)
