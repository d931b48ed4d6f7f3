"""Applies command-line flags to the loaded project: numbers of instances, Procfile, env files and ports."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from devboot.app.preparation.compose.composition import kinds_of
from devboot.app.preparation.project.loaded import Loaded
from devboot.environment.reloaders import EVERYTHING, left_to_itself
from devboot.errors import ManifestError, UsageError
from devboot.model.edge.manifest.manifest import load_procfile
from devboot.model.nearest import nearest
from devboot.record import Record
from devboot.supervisor.core.name_patterns import expand
from devboot.text.units import whole_number

ALL = "all"
_MOST = 100  # a larger number is a typing error


class Adjustments(Record):
    """The overrides as typed: `formation` like `worker=3`, paths relative to the current folder."""

    formation: tuple[str, ...] = ()
    procfile: str = ""
    env_files: tuple[str, ...] = ()
    base: int = 0
    step: int = 0


def adjustments(values: Mapping[str, object]) -> Adjustments:
    """Return the overrides in the flags of `up`. Raises UsageError `usage/port`."""

    def several(name: str) -> tuple[str, ...]:
        given = values.get(name) or ()
        assert isinstance(given, (list, tuple))
        return tuple(part for each in given for part in str(each).split(",") if part)

    base, step = str(values.get("base-port", "")), str(values.get("port-step", ""))
    return Adjustments(
        several("formation"),
        str(values.get("procfile", "")),
        several("env-file"),
        parse_base(base) if base else 0,
        parse_base(step, "-P", "10") if step else 0,
    )


def adjust(loaded: Loaded, wanted: Adjustments, cwd: str) -> Loaded:
    """Return the project with these overrides applied.

    Raises UsageError `usage/formation`, `usage/env-file` and `usage/unknown-name`, ManifestError `procfile/not-found`,
    Problems for mistakes in the files.
    """
    if wanted.procfile:
        loaded = _with_procfile(loaded, os.path.join(cwd, wanted.procfile))
    if wanted.env_files:
        loaded = _with_env_files(loaded, [os.path.join(cwd, path) for path in wanted.env_files])
    if wanted.formation:
        counts = {**loaded.formation, **parse_formation(wanted.formation, loaded)}
        loaded = loaded._replace(formation=counts, is_adjusted=True)
    if wanted.step:
        loaded = loaded._replace(step=wanted.step, is_adjusted=True)
    return loaded._replace(base=wanted.base, is_adjusted=True) if wanted.base else loaded


def parse_formation(words: Iterable[str], loaded: Loaded) -> dict[str, int]:
    """Parse `worker=3`, `web*=2` and `all=1` (with commas, or one by one) to `{"worker": 3}`.

    Names take precedence over `all`, in any order. Raises UsageError.
    """
    known = [kind.name for kind in kinds_of(loaded)]
    counts: dict[str, int] = {}
    named: dict[str, int] = {}
    for word in (part.strip() for each in words for part in each.split(",") if part.strip()):
        name, equals, number = word.partition("=")
        count = whole_number(number, _MOST + 1)
        if not equals or count is None or count > _MOST:
            shown = name if name in known else nearest(name, known) or next(iter(known), "worker")
            raise UsageError(
                "usage/formation",
                f"`{word}` is not NAME=COUNT",
                causes=[f"a count is a whole number from 0 to {_MOST}"],
                help=[f"{shown}=3", f"{shown}=3,all=1"],
            )
        if name == ALL and ALL not in known:
            counts |= dict.fromkeys(known, count)
        else:
            named |= dict.fromkeys(expand([name], known), count)
    return counts | named


def parse_base(text: str, flag: str = "-p", example: str = "5000") -> int:
    """Parse the first port (`-p`), or the distance between the ports of two processes (`-P`).

    Raises UsageError `usage/port`.
    """
    number = whole_number(text, 65536)
    if number is None or not 0 < number < 65536:
        what = "port" if flag == "-p" else "distance between ports"
        raise UsageError(
            "usage/port",
            f"`{flag} {text}` can't be used as a {what}",
            causes=[f"a {what} is a number from 1 to 65535"],
            help=[f"devboot up {flag} {example}"],
        )
    return number


def self_reloading(loaded: Loaded) -> Iterator[str]:
    """Yield a sentence for each process with `watch` in the manifest that already reloads on its own."""
    for kind in kinds_of(loaded):
        wanted = loaded.manifest.processes.get(kind.name)
        left = left_to_itself(kind.text) if wanted is not None and wanted.watch else ()
        if left == EVERYTHING:
            yield f"`{kind.name}` restarts itself when files change: its `watch` is left out"
        elif left:
            yield f"`{kind.name}` reloads Python files by itself: its `watch` applies to the other files"


def _with_procfile(loaded: Loaded, path: str) -> Loaded:
    if not os.path.lexists(path):
        raise ManifestError("procfile/not-found", f"there is no Procfile `{path}`", help=["devboot up -f Procfile"])
    inner = os.path.relpath(path, loaded.project.root)
    procfile = load_procfile(loaded.project.root, inner)
    names = () if procfile is None else procfile.names
    # Settings of processes that this Procfile doesn't have are ignored.
    kept = {n: p for n, p in loaded.manifest.processes.items() if n in names or p.command is not None}
    table = loaded.manifest.procfile.model_copy(update={"path": inner})
    manifest = loaded.manifest.model_copy(update={"procfile": table, "processes": kept})
    return loaded._replace(procfile=procfile, manifest=manifest, is_adjusted=True)


def _with_env_files(loaded: Loaded, paths: Sequence[str]) -> Loaded:
    for path in paths:
        if not os.path.isfile(path):
            what = f"`{path}` is not a file" if os.path.exists(path) else f"there is no file `{path}`"
            raise UsageError("usage/env-file", what, help=["devboot up -e .env -e .env.local"])
    inner = tuple(os.path.relpath(path, loaded.project.root) for path in paths)
    table = loaded.manifest.env_files.model_copy(update={"read": inner})
    return loaded._replace(manifest=loaded.manifest.model_copy(update={"env_files": table}), is_adjusted=True)


def present_formation(names: Iterable[str], loaded: Loaded) -> dict[str, int]:
    """Return the number of instances of each process among the running `names`."""
    found = tuple(names)
    kinds = [kind.name for kind in kinds_of(loaded)]
    return {name: sum(each == name or _is_instance(each, name) for each in found) for name in kinds}


def _is_instance(name: str, process: str) -> bool:
    stem, dot, number = name.rpartition(".")
    return bool(dot) and stem == process and number.isdigit()
