"""Adds devboot, uv and their requirements to a kit as wheels; the other machine then only needs Python."""

from __future__ import annotations

import os
import platform as running
import sys
from collections.abc import Callable, Iterator, Sequence

from devboot.app.kits.own_wheel import installed_versions, own_requirements, write_own_wheel
from devboot.app.kits.wheels import Wheel, Wheelhouse, parse_pins
from devboot.environment.python.interpreters import Interpreter
from devboot.errors import WorkError
from devboot.events import DONE, START, WARNING, Event, Reporter
from devboot.uv.client import Uv
from devboot.uv.packages import IndexSettings, compile_requirements

_LOWEST = (3, 11)


def pack_tools(
    uv: Uv,
    place: str,
    minor: str,
    platforms: Sequence[str],
    *,
    is_musl: Callable[[str], bool],
    hear: Callable[[str], None],
    reporter: Reporter,
) -> Iterator[tuple[str, tuple[Wheel, ...]]]:
    """Yield (platform, wheels of devboot and uv); `minor` is the project's Python, which also runs devboot if it can.

    A wheel that the index lacks is a warning: most teams have devboot installed. Raises NetworkError, IntegrityError.
    """
    own = Interpreter(sys.executable, running.python_version())
    suited = minor if minor and tuple(map(int, minor.split("."))) >= _LOWEST else own.minor
    reporter.emit(Event(START, "devboot", f"for Python {suited}"))
    os.makedirs(place, exist_ok=True)
    house = Wheelhouse(uv, place, own, IndexSettings(), hear)
    try:
        text = compile_requirements(
            uv,
            text="".join(f"{line}\n" for line in own_requirements()),
            python=own.path,
            lowest_python=suited,
            constraints=installed_versions(),
        )
        pins = parse_pins(text)
        found = {
            platform: house.fetch(pins, platform, is_here=False, is_musl=is_musl(platform), minor=suited)
            for platform in platforms
        }
    except WorkError as error:
        reporter.emit(
            Event(WARNING, "devboot", f"devboot itself is not in the kit: {error.what}", slug="kit/without-devboot")
        )
        return
    path = write_own_wheel(place)
    mine = Wheel("devboot", os.path.basename(path).split("-")[1], path)
    for platform, wheels in found.items():
        yield platform, (mine, *wheels)
    reporter.emit(Event(DONE, "devboot", f"{mine.version} for Python {suited}, digests ok"))
