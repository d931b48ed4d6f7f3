"""`sync` of the example: with nothing to do, with a warm store but no virtualenv, and with nothing at all.

uv does the packages, and in the last case fetches and unpacks the wheel that holds the server, too.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from measuring import interleave
from table import Row, Section, times
from workshop import DEVBOOT, PYTHON, environment, run

from scenarios.example import clone, server_pin

TITLE = "Syncing"
_STAGES = {
    "nothing to do": (times(2.5, "python"),),
    "nothing to do, `--check`": (times(2.5, "python"),),
    "warm store, no virtualenv": (times(2.5, "uv"),),
    "empty caches, locked": (times(1.1, "uv"),),
}


def measure(quick: bool) -> Section:
    """Wall time and CPU of the whole command. Needs the network once, to fill store and caches."""
    with clone() as folder:
        env = environment()
        run([*DEVBOOT, "sync"], folder, env)
        frozen = run([_uv(), "pip", "freeze", "--python", ".venv/bin/python"], folder, env, read=True).output
        (folder / "pins.txt").write_text("".join(f"{line}\n" for line in frozen.splitlines() if "==" in line))
        rounds = 5 if quick else 15
        nothing = interleave(
            {
                "devboot": partial(_timed, [*DEVBOOT, "sync"], folder, env),
                "uv": partial(_timed, [_uv(), "pip", "sync", "--python", ".venv/bin/python", "pins.txt"], folder, env),
                "python": partial(_timed, [PYTHON, "-c", "pass"], folder, env),
            },
            rounds,
        )
        check = interleave(
            {
                "devboot": partial(_timed, [*DEVBOOT, "sync", "--check"], folder, env),
                "python": partial(_timed, [PYTHON, "-c", "pass"], folder, env),
            },
            rounds,
        )
        again = interleave({"devboot": partial(_again, folder, env), "uv": partial(_by_uv, folder, env)}, rounds)
        (folder / "server.txt").write_text(server_pin(folder))
        ways = {"devboot": partial(_cold, folder, _by_devboot), "uv": partial(_cold, folder, _all_by_uv)}
        cold = interleave(ways, 3 if quick else 7)
    rows = []
    for (what, budgets), results in zip(_STAGES.items(), (nothing, check, again, cold), strict=True):
        rows += [
            Row(f"{what}, {metric}", unit, results.of(metric), budgets)
            for metric, unit in (("wall", "ms"), ("cpu", "ms"))
        ]
    return Section(TITLE, tuple(rows), {**nothing.skipped, **check.skipped, **again.skipped, **cold.skipped})


def _again(folder: Path, env: dict[str, str]) -> dict[str, float]:
    shutil.rmtree(folder / ".venv", ignore_errors=True)
    return _timed([*DEVBOOT, "sync"], folder, env)


def _by_uv(folder: Path, env: dict[str, str]) -> dict[str, float]:
    """The same packages into another folder, so that devboot's own stays what it made."""
    shutil.rmtree(folder / "other", ignore_errors=True)
    made = run([_uv(), "venv", "--quiet", "--python", str(folder / ".venv/bin/python"), "other"], folder, env)
    filled = run([_uv(), "pip", "sync", "--quiet", "--python", "other/bin/python", "pins.txt"], folder, env)
    return {"wall": made.wall + filled.wall, "cpu": made.cpu + filled.cpu}


def _cold(folder: Path, work: Callable[[Path, dict[str, str]], dict[str, float]]) -> dict[str, float]:
    """Work with a HOME and caches that nobody has used, and a project of which only the lock was written."""
    for name in (".venv", "other", "server"):
        shutil.rmtree(folder / name, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="bench-home-") as home:
        return work(folder, environment(Path(home), UV_CACHE_DIR=f"{home}/.cache/uv"))


def _by_devboot(folder: Path, env: dict[str, str]) -> dict[str, float]:
    return _timed([*DEVBOOT, "sync", "--locked"], folder, env)


def _all_by_uv(folder: Path, env: dict[str, str]) -> dict[str, float]:
    """Packages and server one after the other, as somebody's script would."""
    run_uv = partial(run, folder=folder, env=env)
    steps = (
        ("venv", "--quiet", "--python", PYTHON, "other"),
        ("pip", "sync", "--quiet", "--python", "other/bin/python", "pins.txt"),
        ("pip", "install", "--quiet", "--python", PYTHON, "--target", "server", "--no-deps", "-r", "server.txt"),
    )
    done = [run_uv([_uv(), *step]) for step in steps]
    return {"wall": sum(each.wall for each in done), "cpu": sum(each.cpu for each in done)}


def _timed(argv: list[str], folder: Path, env: dict[str, str]) -> dict[str, float]:
    done = run(argv, folder, env)
    return {"wall": done.wall, "cpu": done.cpu}


def _uv() -> str:
    from uv import find_uv_bin

    return find_uv_bin()
