"""What a command costs after an edit, in a new folder, by another installation, or by the script of an older pip."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from contenders import warm
from measuring import interleave
from table import Budget, Row, Section, at_most, times
from workload import silent
from workshop import DEVBOOT, PYTHON, project, run

import devboot

TITLE = "After an edit, and in a new folder"
_RUN = (*DEVBOOT, "run", "--", "true")
_OLD_SCRIPT = """\
import re
import sys
from devboot.__main__ import main
sys.argv[0] = re.sub(r"(-script\\.pyw|\\.exe)?$", "", sys.argv[0])
sys.exit(main())
"""


def measure(quick: bool) -> Section:
    """Wall time and CPU of each command, beside an interpreter that does nothing."""
    with tempfile.TemporaryDirectory() as place, project({f"p{n}": silent() for n in (1, 2, 3)}) as folder:
        warm(folder)
        program = f"import sys; sys.path.insert(0, {str(_copy(Path(place)))!r}); sys.argv[0] = 'devboot'\n"
        other = [PYTHON, "-P", "-c", f"{program}from devboot.__main__ import main; sys.exit(main())", *_RUN[1:]]
        script = Path(place) / "devboot"
        script.write_text(f"#!{PYTHON}\n{_OLD_SCRIPT}")
        script.chmod(0o755)
        asked: dict[str, tuple[Callable[[], dict[str, float]], Budget]] = {
            "a comment added to devboot.toml, `run -- true`": (partial(_after, _comment, folder), at_most(100)),
            "a command edited in the Procfile, `sync`": (partial(_after_command, folder), times(20, "python")),
            "first `sync` of a folder": (partial(_first, "sync"), times(20, "python")),
            "first `lock` of a folder": (partial(_first, "lock"), times(20, "python")),
            "first `doctor` of a folder": (partial(_first, "doctor"), times(20, "python")),
            "by two installations in turn, `run -- true`": (partial(_in_turn, other, folder), times(1.5, "python")),
            "script of an older pip, `run -- true`": (partial(_by_script, script, folder), times(1.5, "python")),
        }
        contenders = {"python": partial(_timed, [PYTHON, "-c", "pass"], folder)}
        contenders |= {what: command for what, (command, _) in asked.items()}
        results = interleave(contenders, 5 if quick else 15)
    rows = []
    for metric, unit in (("wall", "ms"), ("cpu", "ms of CPU")):
        found = results.of(metric)
        for what, (_, budget) in asked.items():
            if what in found:
                rows.append(Row(what, unit, {"devboot": found[what], "python": found["python"]}, (budget,)))
    return Section(TITLE, tuple(rows), results.skipped)


def _copy(place: Path) -> Path:
    """The same devboot installed at another time."""
    package = place / "other" / "devboot"
    shutil.copytree(os.path.dirname(devboot.__file__), package)
    for file in package.rglob("*.py"):
        os.utime(file, (1, 1))
    run([PYTHON, "-m", "compileall", "-q", str(package)], place)
    return package.parent


def _comment(folder: Path) -> None:
    with (folder / "devboot.toml").open("a") as file:
        file.write("# another comment\n")


def _after(edit: Callable[[Path], None], folder: Path) -> dict[str, float]:
    edit(folder)
    return _timed(list(_RUN), folder)


def _after_command(folder: Path) -> dict[str, float]:
    """Time `sync` after an edit of a command, which stays edited for the next measurement."""
    with (folder / "Procfile").open("r+") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace(silent(), f"{silent()}0", 1))
    return _timed([*DEVBOOT, "sync"], folder)


def _first(command: str) -> dict[str, float]:
    with project({"p1": silent()}) as folder:
        return _timed([*DEVBOOT, command], folder)


def _in_turn(other: list[str], folder: Path) -> dict[str, float]:
    run(list(_RUN), folder)
    return _timed(other, folder)


def _by_script(script: Path, folder: Path) -> dict[str, float]:
    return _timed([str(script), *_RUN[1:]], folder)


def _timed(argv: list[str], folder: Path) -> dict[str, float]:
    done = run(argv, folder)
    return {"wall": done.wall, "cpu": done.cpu}
