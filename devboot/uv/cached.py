"""Checks which packages uv could install without network, by running uv offline, since only uv knows its cache."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from devboot.scratch import scratch_folder
from devboot.uv.client import Uv

_DOING = "look into the cache"
_PARALLEL = 4
NOTHING: Mapping[str, str] = {}


def lacking(
    uv: Uv,
    lines: Sequence[str],
    *,
    python: str,
    options: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> tuple[int, ...]:
    """Return the positions of the requirements that can't be installed offline.

    Args:
        uv: the uv to run.
        lines: requirements, each `name==version` with its hashes.
        python: the interpreter that they are for.
        options: further options of `uv pip install`.
        variables: further variables, for indexes and folders with wheels.

    """
    quiet = replace(uv, offline=True, on_line=None)
    common = ["pip", "install", "--no-deps", "--link-mode", "symlink", "--python", python, *options]
    if all("--hash=" in line for line in lines):
        common.append("--require-hashes")

    def is_there(text: str, *, is_tried: bool, more: Mapping[str, str] = NOTHING) -> bool:
        with scratch_folder() as place:
            path = os.path.join(place, "requirements.txt")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            arguments = [*common, "--target", os.path.join(place, "target"), "--requirements", path]
            done = quiet.attempt(
                [*arguments, *([] if is_tried else ["--dry-run"])],
                doing=_DOING,
                variables={**(variables or {}), **more},
            )
            # A dry run takes 20 ms, but reports files in a folder of wheels as downloads, too.
            return done.code == 0 and (is_tried or not any(line.startswith("Would download") for line in done.lines))

    everything = "\n".join(lines) + "\n"
    if not lines or is_there(everything, is_tried=False) or is_there(everything, is_tried=True):
        return ()

    def is_kept(line: str) -> bool:
        if is_there(line + "\n", is_tried=True):
            return True
        built = uv.libraries.recall(line.partition(" ")[0]) if uv.libraries is not None else None
        return built is not None and is_there(line + "\n", is_tried=True, more=built)

    with ThreadPoolExecutor(_PARALLEL) as pool:
        found = list(pool.map(is_kept, lines))
    return tuple(position for position, each in enumerate(found) if not each)
