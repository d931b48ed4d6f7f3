"""devboot.lock: read and compared with the manifest, and the command that finds nothing to do."""

from __future__ import annotations

import hashlib
import time
import tomllib
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from measuring import interleave
from table import Row, Section, at_most, times
from workshop import DEVBOOT, PYTHON, project, run

from devboot.model.artifact import PLATFORMS
from devboot.model.edge.artifacts import ArtifactRow
from devboot.model.edge.lockfile.lock import (
    Lock,
    LockedPackage,
    PythonLock,
    PythonPackage,
    Wish,
    lock_to_text,
    parse_lock,
    stale_packages as why_stale,
)

TITLE = "Lock"
_PINS, _TOOLS, _FILES = 300, 20, 12
_MANIFEST = "[services.redis]\n[services.cache]\nrecipe = 'valkey'\n[packages]\njust = '*'\n"


def measure(quick: bool) -> Section:
    """A lock of 300 packages for four platforms; then `lock` warm, beside an interpreter that does nothing."""
    text, wishes = _text(), [Wish(f"tool-{number}") for number in range(_TOOLS)]
    rounds = 15 if quick else 40
    read = interleave({"devboot": partial(_read, text, wishes), "tomllib": partial(_toml, text)}, rounds).of("wall")
    with project({}, _MANIFEST) as folder:
        run([*DEVBOOT, "lock"], folder)
        contenders = {
            "devboot": partial(_timed, [*DEVBOOT, "lock"], folder),
            "python": partial(_timed, [PYTHON, "-c", "pass"], folder),
        }
        warm = interleave(contenders, rounds)
    what = f"read and compare {_PINS} packages"
    rows = (Row(what, "ms", read, (at_most(60), times(1, "tomllib"))), Row("`lock` warm", "ms", warm.of("wall")))
    return Section(TITLE, rows, warm.skipped)


def _text() -> str:
    tools = [
        LockedPackage.model_validate({"name": f"tool-{number}", "version": "1.2.3", **_rows(f"tool-{number}")})
        for number in range(_TOOLS)
    ]
    pins = [
        PythonPackage(name=f"dist-{number}", version="1.2.3", hashes=tuple(_hashes(number))) for number in range(_PINS)
    ]
    python = PythonLock.model_validate({"inputs": {"requirements.txt": f"sha256:{_hex('in')}"}, "package": pins})
    return lock_to_text(Lock(package=tuple(tools), python=python))


def _rows(name: str) -> Mapping[str, ArtifactRow]:
    return {
        platform: ArtifactRow(
            source="wheel",
            name=f"{name}-bin",
            version="1.2.3",
            file=f"{name}-1.2.3-py3-none-{platform}.whl",
            sha256=_hex(name + platform),
            size=1,
        )
        for platform in PLATFORMS
    }


def _hashes(number: int) -> list[str]:
    return [f"sha256:{_hex(f'{number}-{file}')}" for file in range(_FILES)]


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(text: str, wishes: list[Wish]) -> Mapping[str, float]:
    began = time.perf_counter()
    assert not why_stale(parse_lock(text), wishes)
    return {"wall": (time.perf_counter() - began) * 1000}


def _toml(text: str) -> Mapping[str, float]:
    began = time.perf_counter()
    tomllib.loads(text)
    return {"wall": (time.perf_counter() - began) * 1000}


def _timed(argv: list[str], folder: Path) -> dict[str, float]:
    return {"wall": run(argv, folder).wall}
