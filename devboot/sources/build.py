"""Compiles programs from upstream source by the steps of a recipe, if the manifest asks for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from devboot.errors import IntegrityError, LockError, MachineError, WorkError
from devboot.events import NOTE, Event, Reporter
from devboot.model.artifact import Artifact, Building
from devboot.scratch import scratch_folder
from devboot.sources.archive import ArchiveSource
from devboot.unpack import unpack
from devboot.uv.child import TimedOut, run_child
from devboot.uv.system_libraries import what_is_lacking

_SECONDS = 3600.0
_SHOWN = 20  # lines of output that an error has
# Variables that a compiler needs; any other could change the result of the build.
_PASSED = ("PATH", "CC", "CXX", "SDKROOT", "DEVELOPER_DIR", "TMPDIR")


class BuildSource:
    """Source of programs compiled here: unpacks source code and runs the recipe's build steps."""

    kind = "build"

    def __init__(
        self,
        archives: ArchiveSource,
        environ: Mapping[str, str],
        reporter: Reporter,
        step_of: Callable[[Artifact], str],
        *,
        jobs: int = 1,
    ) -> None:
        self._archives = archives
        self._environ = environ
        self._reporter = reporter
        self._step_of = step_of
        self._jobs = jobs

    def is_here(self, artifact: Artifact, platform: str) -> bool:
        """Return whether the archive with the source code is in the cache."""
        return self._archives.is_here(artifact, platform)

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:  # noqa: ARG002  it is built for this machine
        """Build the program and copy the files that the recipe keeps into `into`.

        Raises MachineError `build/no-tools`, WorkError `build/failed`, IntegrityError, and errors of the download.
        """
        step, building = self._step_of(artifact), artifact.building
        if building is None:
            raise LockError(
                "lock/no-artifact",
                f"the recipe of {step} no longer has build steps for {artifact.file}",
                help=[f"devboot lock --update {step}"],
            )
        self._refuse_missing_tools(building, artifact, step)
        path = self._archives.have(artifact)
        with scratch_folder(self._environ.get("TMPDIR") or None) as place:
            source, home = os.path.join(place, "source"), os.path.join(place, "home")
            os.mkdir(source)
            os.mkdir(home)
            unpack(path, source, name=artifact.file)
            top = _top_folder(source, artifact.file)
            for argv in building.steps:
                self._run(argv, top, home, artifact, step)
            _keep(top, building.keep, into, step)

    def _run(self, argv: Sequence[str], folder: str, home: str, artifact: Artifact, step: str) -> None:
        words = [word.replace("{jobs}", str(self._jobs)) for word in argv]
        shown = " ".join(words)
        self._reporter.emit(Event(NOTE, step, f"building {artifact.version}: {shown}"))
        environ = {name: self._environ[name] for name in _PASSED if name in self._environ}
        environ |= {"HOME": home, "LC_ALL": "C", "TZ": "UTC", "SOURCE_DATE_EPOCH": "315532800"}
        try:
            # stdout and stderr as one stream keep their order
            ended = run_child(
                ["/bin/sh", "-c", 'exec "$@" >&2', "sh", *words], environ=environ, folder=folder, timeout=_SECONDS
            )
        except TimedOut as error:
            raise _failed(step, artifact, shown, f"it took over {_SECONDS / 60:.0f} minutes", error.lines) from error
        if ended.code:
            how = f"exit code {ended.code}" if ended.code > 0 else f"ended by signal {-ended.code}"
            raise _failed(step, artifact, shown, how, ended.lines)

    def _refuse_missing_tools(self, building: Building, artifact: Artifact, step: str) -> None:
        path = self._environ.get("PATH", "")
        missing = [tool for tool in building.tools if not shutil.which(tool, path=path)]
        if missing:
            raise MachineError(
                "build/no-tools",
                f"building {step} {artifact.version} requires {', '.join(f'`{tool}`' for tool in missing)}",
                causes=["not on PATH; devboot builds with the machine's own tools"],
                help=["sudo apt-get install build-essential   # Debian, Ubuntu", "xcode-select --install   # macOS"],
            )


def _top_folder(source: str, archive: str) -> str:
    found = sorted(os.listdir(source))
    top = os.path.join(source, found[0]) if found else ""
    if len(found) == 1 and os.path.isdir(top) and not os.path.islink(top):
        return top
    raise IntegrityError(
        "archive/wrong-layout",
        f"expected one folder at the top of {archive}",
        causes=[f"at the top: {', '.join(map(repr, found[:10])) or 'nothing'}"],
        help=["devboot explain archive/wrong-layout"],
    )


def _keep(top: str, patterns: Sequence[str], into: str, step: str) -> None:
    """Copy built files that match the patterns, with paths and executable bits; a link is replaced by its target."""
    kept = 0
    for parent, _, files in os.walk(top):
        for name in files:
            path = os.path.join(parent, name)
            relative = os.path.relpath(path, top)
            if not any(fnmatchcase(relative, pattern) for pattern in patterns) or not os.path.isfile(path):
                continue
            target = os.path.join(into, relative)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)
            kept += 1
    if not kept:
        raise IntegrityError(
            "archive/wrong-layout",
            f"the build of {step} produced none of the files that the recipe keeps",
            causes=[f"it keeps {', '.join(f'`{pattern}`' for pattern in patterns)}"],
            help=[f"devboot lock --update {step}"],
        )


def _failed(step: str, artifact: Artifact, shown: str, how: str, lines: Sequence[str]) -> WorkError:
    lack = what_is_lacking("\n".join(lines))
    return WorkError(
        "build/failed",
        f"{step} {artifact.version} could not be built",
        details=[line for line in lines if line.strip()][-_SHOWN:],
        causes=[f"`{shown}`: {how}", *([f"{lack.title} is missing"] if lack else [])],
        help=lack.commands()
        if lack
        else [f'a version that needs no building: leave `source = "build"` out for {step}'],
    )
