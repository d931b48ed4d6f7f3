"""Repeats failed builds with an older setuptools, chosen by their error output."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence

from devboot.model.data_tables import known_packages
from devboot.scratch import scratch_folder
from devboot.uv.child import Finished

VARIABLE = "UV_BUILD_CONSTRAINT"
_TRIES = 3  # each build may need an older one than the build before it
# Failures of the older setuptools itself (unavailable, or too old for this Python) don't concern the package
_OF_NO_HELP = re.compile(r"ImpImporter|No module named '?distutils'?|network was disabled|No solution found")


def wanted_setuptools(lines: Sequence[str]) -> str:
    """Return the constraint on setuptools, as `setuptools<58`, under which a build with this output works.

    "" for none.
    """
    text = "\n".join(lines)
    if "uild" not in text:
        return ""
    rows = known_packages("setuptools-without").items()
    return next((constraint for pattern, constraint in rows if re.search(pattern, text)), "")


def with_older_setuptools(
    finished: Finished, again: Callable[[Mapping[str, str]], Finished], environ: Mapping[str, str]
) -> Finished:
    """Repeat a failed run with older versions of setuptools as long as that helps.

    Returns the result of the last run, or the first failure if the older setuptools itself failed.

    Args:
        finished: how the run ended.
        again: runs the command again with further variables.
        environ: the run's variables; the user's own build constraints are kept.

    """
    first, held = finished, list[str]()
    while finished.code != 0 and len(held) < _TRIES:
        constraint = wanted_setuptools(finished.lines)
        if not constraint or constraint in held:
            break
        held.append(constraint)
        with scratch_folder() as place:
            path = os.path.join(place, "build.txt")
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(f"{each}\n" for each in held))
            own = [path, *filter(None, [environ.get(VARIABLE, "")])]
            finished = again({VARIABLE: " ".join(own)})
    is_of_help = finished.code == 0 or not any(map(_OF_NO_HELP.search, finished.lines))
    return finished if is_of_help else first
