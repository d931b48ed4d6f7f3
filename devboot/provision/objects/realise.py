"""Realises one locked package as a store object: download, drop files, clean, check, publish."""

from __future__ import annotations

import hashlib
import os
from base64 import b32encode
from collections.abc import Callable, Iterator, Sequence

from devboot.errors import DevbootError, IntegrityError, MachineError, NetworkError, WorkError
from devboot.events import DONE, FETCH, NOTE, START, UNCHANGED, Event, Reporter
from devboot.files import fail_point, machine_error, refuse_noexec
from devboot.locks import Holder
from devboot.model.artifact import Wanted
from devboot.provision.host import Floor, Host, parse_floor
from devboot.provision.objects.elf import tree_glibc_floor
from devboot.provision.objects.mending import compile_modules, mend
from devboot.provision.objects.programs import write_programs
from devboot.provision.objects.roots import TemporaryRoots
from devboot.provision.objects.store import Store, StoreObject
from devboot.provision.objects.tree import clean_wheel_tree, drop_files, normalise
from devboot.resolve.source import Placing, Source
from devboot.sources.program_version import SECONDS, ask_program

_BUILDER = 1  # raise it whenever the same artifact would give another object
_SHOWN = 5  # lines about one damaged object
_INSTALLED_BY_UV = ("wheel", "app", "memory")


def object_name(wanted: Wanted) -> str:
    """Return the name of a package's store object, `<key>-<name>-<version>`; equal content has equal names."""
    artifact, layout = wanted.artifact, wanted.layout
    parts = (_BUILDER, wanted.name, wanted.version, wanted.revision, wanted.platform, artifact.source, artifact.sha256)
    text = "\0".join(map(str, (*parts, *sorted(layout.bin), *sorted(layout.drop), *_rarer(wanted))))
    key = b32encode(hashlib.sha256(text.encode()).digest()[:10]).decode().lower()
    return f"{key}-{wanted.name}-{wanted.version}"


def _rarer(wanted: Wanted) -> Iterator[object]:
    """Yield the layout's rarely used fields, each after its name, for the store key."""
    layout = wanted.layout
    rarer = {"shims": layout.shims, "links": layout.links, "substitute": layout.substitute, "env": layout.env}
    yield from ((name, sorted(value)) for name, value in rarer.items() if value)
    if layout.modules:
        yield ("modules", layout.modules)
    if layout.prefix:
        yield ("prefix", layout.prefix)
    if wanted.artifact.python:
        yield ("python", wanted.artifact.python)
    if wanted.artifact.building:
        yield ("building", tuple(wanted.artifact.building))


def realise(
    store: Store,
    wanted: Wanted,
    source: Source,
    host: Host,
    *,
    command: str,
    roots: TemporaryRoots,
    reporter: Reporter,
    now: Callable[[], float],
    is_thorough: bool = False,
) -> StoreObject:
    """Return the store object of a locked package; fetch and build it if it is missing or damaged.

    `is_thorough` compares contents, which takes milliseconds per megabyte; otherwise only sizes are compared.
    Raises MachineError (`machine/glibc-too-old`, `machine/noexec`, `store/does-not-run`, disk, permissions),
    BusyError, IntegrityError, NetworkError or WorkError `store/unrepairable`, and the errors of the source.
    """
    step, name = wanted.name, object_name(wanted)
    built: list[str] = []
    damage: list[str] = []

    def build(staging: str) -> None:
        _refuse_misfits(wanted, host, store.directory)
        reporter.emit(Event(FETCH, step, f"{wanted.version}, {_megabytes(wanted.artifact.size)}"))
        _build(staging, wanted, source, host, final=os.path.join(store.directory, name))
        built.append(staging)

    def waiting(holder: Holder) -> None:
        who = holder.describe(now())
        reporter.emit(Event(NOTE, step, f"waiting for {who}", waits_for=who))

    reporter.emit(Event(START, step, wanted.version))
    try:
        found = store.realise(
            name, build, command=command, roots=roots, waiting=waiting, damaged=damage.extend, full=is_thorough
        )
    except (NetworkError, WorkError) as error:
        if damage:
            raise _unrepairable(wanted, damage, error) from error
        raise
    if damage:
        reporter.emit(Event(DONE, step, f"repaired {wanted.version} ({damage[0]})"))
    elif built:
        reporter.emit(Event(DONE, step, f"{wanted.version}, {_megabytes(wanted.artifact.size)}, digest ok"))
    else:
        reporter.emit(Event(UNCHANGED, step, wanted.version))
    return found


def _unrepairable(wanted: Wanted, damage: Sequence[str], error: DevbootError) -> DevbootError:
    """Return the error for a damaged object that can't be repaired, with causes and advice of the failed attempt."""
    artifact = wanted.artifact
    needed = f"`{artifact.file or artifact.name}`, {_megabytes(artifact.size)}, is needed for the repair"
    return type(error)(
        "store/unrepairable",
        f"{wanted.name} {wanted.version} is damaged and can't be repaired now",
        details=[*damage[:_SHOWN], *error.details],
        causes=[needed, error.what, *error.causes],
        help=[*error.help, f"devboot store repair {wanted.name}   # repeats the repair"],
        kept=["the damaged object stays where it is, but nothing is started from it"],
    )


def _build(staging: str, wanted: Wanted, source: Source, host: Host, *, final: str) -> None:
    tree = os.path.join(staging, "tree")
    os.mkdir(tree)
    if isinstance(source, Placing):
        source.fetch_for(wanted.artifact, wanted.platform, tree, os.path.join(final, "tree"))
    else:
        source.fetch(wanted.artifact, wanted.platform, tree)
    fail_point("store/fetched")
    drop_files(tree, wanted.layout.drop)
    if wanted.artifact.source in _INSTALLED_BY_UV or wanted.artifact.wheels:
        clean_wheel_tree(tree)
    mend(tree, wanted.layout, os.path.join(final, "tree"))
    write_programs(staging, wanted)
    if wanted.platform == host.platform:
        compile_modules(staging, wanted.layout)
    normalise(staging)
    if wanted.platform == host.platform:
        _refuse_glibc(wanted, tree_glibc_floor(tree), host)
        if wanted.layout.programs:  # libraries have none
            _run_program(staging, wanted)


def _run_program(staging: str, wanted: Wanted) -> None:
    program, asks = wanted.layout.programs[0], wanted.layout.asks_version
    path = os.path.join(staging, "bin", program)
    try:
        answer = ask_program(path, asks, staging)
    except OSError as error:
        raise machine_error(error, path, "run") from error
    if answer is None:
        raise _does_not_run(wanted, program, f"it printed nothing within {SECONDS:.0f} s")
    if wanted.version in answer.said:  # the exit code doesn't matter: some programs have only `-h`, which exits with 1
        return
    if answer.code:
        said = (answer.stderr or answer.stdout).strip().splitlines()
        raise _does_not_run(wanted, program, said[-1] if said else f"exit code {answer.code}")
    raise IntegrityError(
        "store/wrong-version",
        f"the program downloaded as {wanted.name} {wanted.version} reports another version",
        causes=[f"`{program} {asks}`: {(answer.stdout or answer.stderr).strip()[:100]}"],
        help=[f"devboot lock --update {wanted.name}"],
    )


def _does_not_run(wanted: Wanted, program: str, cause: str) -> MachineError:
    return MachineError(
        "store/does-not-run",
        f"{wanted.name} {wanted.version} doesn't run on this machine",
        causes=[f"`{program} {wanted.layout.asks_version}`: {cause}"],
        help=["devboot explain store/does-not-run"],
    )


def _refuse_misfits(wanted: Wanted, host: Host, directory: str) -> None:
    """Raise MachineError, before anything is downloaded, for a too old glibc or a store mounted noexec."""
    if wanted.platform != host.platform:
        return
    if wanted.artifact.glibc:
        _refuse_glibc(wanted, parse_floor(wanted.artifact.glibc), host)
    refuse_noexec(directory)


def _refuse_glibc(wanted: Wanted, floor: Floor | None, host: Host) -> None:
    if floor is None or (host.glibc is not None and host.glibc >= floor):
        return
    here = "has none (musl)" if host.glibc is None else f"has {host.glibc[0]}.{host.glibc[1]}"
    raise MachineError(
        "machine/glibc-too-old",
        f"{wanted.name} {wanted.version} needs glibc {floor[0]}.{floor[1]}, this machine {here}",
        help=[f'version = "{version}"  # in [services.{wanted.name}]' for version in _older(wanted, host)],
    )


def _older(wanted: Wanted, host: Host) -> list[str]:
    """Return the newest version of the package that runs with this machine's glibc, in a list; empty for none."""
    fitting = (version for version, floor in wanted.others if host.glibc and floor and parse_floor(floor) <= host.glibc)
    return list(fitting)[:1]


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"
