"""Lists everything that is missing offline at once, before anything is created or started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from devboot.app.preparation.install.artifact_sources import Sources
from devboot.app.preparation.install.provisioning import Machine
from devboot.errors import DevbootError, NetworkError
from devboot.model.artifact import Artifact, Wanted
from devboot.model.printable import counted
from devboot.provision.objects.realise import object_name
from devboot.provision.objects.store import Store
from devboot.record import Record
from devboot.resolve.source import Caching, Source
from devboot.text.columns import table
from devboot.uv.client import Uv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.environment.project_python import PythonLock, PythonProject

_NO_PYTHON = "python/not-found"
_SHOWN = 40  # most lines of a list in a message


class Missing(Record):
    """A package that isn't on this machine: name, version ("" if unknown), and where it would be downloaded from."""

    name: str
    version: str
    origin: str


def refuse_unfetched(
    machine: Machine,
    wanted: Iterable[Wanted],
    python: PythonProject | None,
    pins: PythonLock | None,
    uv: Uv,
    *,
    environ: Mapping[str, str],
) -> None:
    """Raise NetworkError `network/offline` with a list if anything would have to be downloaded."""
    missing = [
        *missing_objects(Store(machine.data), wanted, Sources(uv)),
        *(missing_python(uv, python, pins, environ) if python is not None else ()),
    ]
    if not missing:
        return
    verb = "is" if len(missing) == 1 else "are"
    more = [f"and {len(missing) - _SHOWN} more"] if len(missing) > _SHOWN else []
    raise NetworkError(
        "network/offline",
        f"{counted(len(missing), 'download')} {verb} needed, and the network is switched off",
        details=[*table(missing[:_SHOWN]), *more],
        causes=["because of `--offline`, DEVBOOT_OFFLINE or UV_OFFLINE"],
        help=[
            "devboot sync   # once with the network: without `--offline`, DEVBOOT_OFFLINE and UV_OFFLINE",
            "or `devboot pack` on a machine that has them, then `devboot up --from KIT` here",
        ],
        kept=["nothing was fetched, made or started"],
    )


def missing_objects(store: Store, wanted: Iterable[Wanted], sources: Mapping[str, Source]) -> list[Missing]:
    """Return the packages that would have to be downloaded for the store."""
    lacking = [each for each in wanted if store.find(object_name(each)) is None and not _is_here(each, sources)]
    return [Missing(each.name, each.version, _origin(each.artifact)) for each in lacking]


def _origin(artifact: Artifact) -> str:
    return " ".join(filter(None, (artifact.source, artifact.name, artifact.version)))


def _is_here(wanted: Wanted, sources: Mapping[str, Source]) -> bool:
    source = sources.get(wanted.artifact.source)
    return isinstance(source, Caching) and source.is_here(wanted.artifact, wanted.platform)


def missing_python(uv: Uv, python: PythonProject, pins: PythonLock | None, environ: Mapping[str, str]) -> list[Missing]:
    """Return the packages to download for the virtualenv, or only the interpreter if none fitting is installed."""
    from devboot.environment.project_python import locked_interpreter, pins_of, venv_spec, working_folder
    from devboot.environment.venv.missing_packages import missing_packages

    made = pins if python.needs_lock else None
    try:
        interpreter = locked_interpreter(uv, python, made, environ=environ)
    except DevbootError as error:
        if error.slug != _NO_PYTHON:
            raise
        return [Missing("python", str(python.request).removeprefix("=="), "interpreter, fetched by uv")]
    spec = venv_spec(uv, python, pins_of(python, pins), interpreter, environ)
    return [Missing(*each) for each in missing_packages(uv.inside(working_folder(python)), spec)]
