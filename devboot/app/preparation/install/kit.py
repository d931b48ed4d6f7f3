"""A kit in use: verified as a whole, checked against the project, then unpacked for one preparation."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import PurePath
from typing import BinaryIO

from packaging.specifiers import SpecifierSet

from devboot.app.preparation.install.kit_interpreter import install_python, is_python_name, managed_folder
from devboot.app.this_machine import this_host
from devboot.clone_reader import open_kit
from devboot.clone_writer import refuse_outside, replace_file
from devboot.environment.locks.formats.poetry_versions import release_key
from devboot.environment.locks.markers import applies
from devboot.environment.locks.pins import Pin, normalised
from devboot.environment.project_python import PythonLock, PythonProject, locked_interpreter, pins_of
from devboot.environment.python.interpreters import Interpreter
from devboot.environment.python.versions import VersionRequest
from devboot.errors import LockError, MachineError, UsageError, reason_of
from devboot.events import DONE, NOTE, PROGRESS, START, Event, Reporter
from devboot.files import machine_error, make_directories
from devboot.model.artifact import Wanted
from devboot.model.edge.manifest.tables import Database
from devboot.model.printable import counted
from devboot.paths import Paths
from devboot.provision.host import Host
from devboot.provision.kit import Kit, KitPackage, KitReader
from devboot.provision.objects.realise import object_name
from devboot.provision.objects.store import Store
from devboot.provision.objects.tree import put_where_nothing_is
from devboot.sources.host import HOST
from devboot.text.columns import printable
from devboot.uv.client import Uv

_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_KEPT = "nothing of the kit was used, nothing was started"
_INSTALLED = ("project", "build")
_SHOWN = 12


class OpenKit:
    """A verified kit. `place` is the folder for unpacked files, removed after the preparation."""

    def __init__(self, reader: KitReader, kit: Kit, name: str, place: str, host: Host) -> None:
        self._reader = reader
        self._kit = kit
        self._name = name
        self._place = place
        self._host = host
        self._files = {each.path: each for each in kit.files}

    def refuse_platform(self) -> None:
        """Raise LockError `kit/does-not-fit` if the kit is for other platforms than this machine's."""
        contents = self._kit.contents
        own = self._host.platform
        if own not in contents.platforms:
            raise self._does_not_fit(f"it is for {', '.join(contents.platforms)}, this machine is {own}", ())
        is_musl = own.startswith("linux") and self._host.glibc is None
        if contents.packages and own.startswith("linux") and is_musl != (contents.libc == "musl"):
            libcs = ("glibc", "musl") if is_musl else ("musl", "glibc")
            raise self._does_not_fit(f"its programs are for Linux with {libcs[0]}, this machine has {libcs[1]}", ())

    def write_lock(self, path: str) -> bool:
        """Write the kit's lock to `path` if the project has none; return whether it was written."""
        inside = "lock/devboot.lock"
        if os.path.lexists(path) or inside not in self._files:
            return False
        found = self._extract([inside])
        with open(found[inside], "rb") as file:
            replace_file(path, os.path.dirname(path), file.read())
        return True

    def with_kit_python(self, python: PythonProject | None) -> PythonProject | None:
        """Return the project's Python part with the kit's Python version and the digests of wheels built for the kit.

        Raises LockError `kit/does-not-fit`.
        """
        minor = self._kit.contents.python
        if python is None or not minor:
            return python
        if not python.request.admits(f"{minor}.{_of_minor(python.request, minor)}"):
            wanted = str(python.request).removeprefix("==")
            raise self._does_not_fit(f"its packages are for Python {minor}, the project asks for {wanted}", ())
        request = python.request if python.request.minor else VersionRequest(f"=={minor}.*", minor)
        built = tuple(
            (normalised(each.name), f"sha256:{self._files[each.file].sha256}")
            for each in self._kit.contents.packages
            if each.built_from and self._host.platform in each.platforms
        )
        return replace(python, request=request, built=built)

    def choosing_from_kit(self, choose: Callable[[str], str]) -> Callable[[str], str]:
        """Return a function like `choose`, which returns the Python for an app, but preferring the kit's Pythons."""
        minors = {each.python for each in self._kit.contents.objects if each.platform == self._host.platform}

        def chosen(specifier: str) -> str:
            admitted = sorted(minor for minor in minors if minor and SpecifierSet(specifier).contains(minor))
            return choose(f"=={admitted[-1]}.*" if admitted else specifier)

        return chosen

    def unpack(
        self,
        wanted: Iterable[Wanted],
        python: PythonProject | None,
        pins: PythonLock | None,
        uv: Uv,
        *,
        environ: Mapping[str, str],
        paths: Paths,
    ) -> Uv:
        """Unpack the files that the project needs on this machine; return a uv that installs from them.

        Raises LockError `kit/does-not-fit` with everything that the kit lacks.
        """
        store = Store(paths.data)
        fetched = [each for each in wanted if each.artifact.source != HOST]
        missing_objects = [each for each in fetched if store.find(object_name(each)) is None]
        applying = [] if python is None else self._pins(python, pins, uv, environ)
        lacks = [*self._lacking_objects(missing_objects), *self._lacking_packages(applying)]
        if lacks:
            raise self._does_not_fit("it was packed with another devboot.lock than the project has", lacks)
        own = self._host.platform
        packages = (each for each in self._kit.contents.packages if own in each.platforms)
        self._extract([each.file for each in packages if each.role in _INSTALLED])
        return self.give(missing_objects, uv, paths)

    def give(self, wanted: Iterable[Wanted], uv: Uv, paths: Paths) -> Uv:
        """Unpack the files of these packages, as far as the kit has them; return a uv that finds wheels there."""
        keys = {object_name(each) for each in wanted}
        files = [path for each in self._kit.contents.objects if each.key in keys for path in each.files]
        self._keep_downloads(self._extract(files), os.path.join(paths.cache, "downloads"))
        wheels = os.path.join(self._place, "wheels")
        os.makedirs(wheels, exist_ok=True)
        variables = {name: value for name, value in uv.environ.items() if name not in _INDEXES}
        return replace(
            uv, environ={**variables, "UV_FIND_LINKS": PurePath(wheels).as_uri(), "UV_NO_INDEX": "1"}, offline=True
        )

    def seed(self, root: str, databases: Mapping[str, Database]) -> list[str]:
        """Copy the kit's databases to where the project has no file yet; return their paths."""
        seeded = []
        for name, inside in self._kit.contents.data:
            wanted = databases.get(name)
            target = os.path.join(root, wanted.path) if wanted is not None else ""
            if wanted is None or os.path.lexists(target):
                continue
            refuse_outside(target, root)
            staged = f"{target}.{os.getpid()}.tmp"
            try:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(self._extract([inside])[inside], staged)
                os.chmod(staged, 0o644)
                put_where_nothing_is(staged, target)
            except OSError as error:
                raise machine_error(error, target) from error
            finally:
                with suppress(OSError):
                    os.unlink(staged)
            seeded.append(wanted.path)
        return seeded

    def _extract(self, paths: Iterable[str]) -> dict[str, str]:
        wanted = {path for path in paths if not os.path.exists(os.path.join(self._place, path))}
        try:
            found = self._reader.extract(self._place, wanted) if wanted else {}
        except OSError as error:
            raise machine_error(error, self._place) from error
        return {**{path: os.path.join(self._place, path) for path in paths}, **found}

    def _keep_downloads(self, found: Mapping[str, str], folder: str) -> None:
        """Move unpacked files into the download cache, each under its verified digest."""
        for inside, path in found.items():
            target = os.path.join(folder, os.path.basename(inside))
            if inside.startswith("downloads/") and not os.path.exists(target):
                make_directories(folder)
                os.rename(path, target)

    def _pins(self, python: PythonProject, pins: PythonLock | None, uv: Uv, environ: Mapping[str, str]) -> list[Pin]:
        made = pins if python.needs_lock else None
        quiet = replace(uv, offline=True)
        packed = self._kit.contents.interpreter

        def find() -> Interpreter:
            return locked_interpreter(quiet, python, made, environ=environ)

        try:
            interpreter = find()
        except MachineError as error:
            if error.slug != "python/not-found" or not is_python_name(os.path.basename(packed)):
                raise
            install_python(self._extract([packed])[packed], managed_folder(uv))
            interpreter = find()
        values = interpreter.environment
        return [pin for pin in pins_of(python, pins).pins if applies(pin.marker, values)]

    def _lacking_objects(self, wanted: Iterable[Wanted]) -> Iterator[str]:
        known = {each.key: each for each in self._kit.contents.objects}
        for each in wanted:
            others = [it for it in known.values() if (it.name, it.platform) == (each.name, self._host.platform)]
            if object_name(each) in known:
                continue
            if not others:
                yield f"{each.name} {each.version}: the kit has none"
            elif others[0].version == each.version:
                yield f"{each.name} {each.version}: the kit has it from another source or recipe"
            else:
                yield f"{each.name} {each.version}: the kit has {others[0].version}"

    def _lacking_packages(self, pins: Iterable[Pin]) -> Iterator[str]:
        known: dict[str, list[KitPackage]] = {}
        for each in self._kit.contents.packages:
            if each.role == "project" and self._host.platform in each.platforms:
                known.setdefault(normalised(each.name), []).append(each)
        for pin in pins:
            there = known.get(normalised(pin.name), [])
            if not any(self._is_meant(each, pin) for each in there):
                shown = f"{pin.name} {pin.version}".rstrip()
                if not there:
                    yield f"{shown}: the kit has none"
                elif release_key(there[0].version) == release_key(pin.version):
                    yield f"{shown}: the kit has another file of it"
                else:
                    yield f"{shown}: the kit has {there[0].version}"

    def _is_meant(self, package: KitPackage, pin: Pin) -> bool:
        if pin.version and release_key(package.version) != release_key(pin.version):
            return False
        digest = f"sha256:{self._files[package.file].sha256}"
        return not pin.hashes or digest in pin.hashes or bool(set(package.built_from.split(",")) & set(pin.hashes))

    def _does_not_fit(self, why: str, lacks: Iterable[str]) -> LockError:
        details = [*lacks]
        more = [f"and {len(details) - _SHOWN} more"] if len(details) > _SHOWN else []
        return LockError(
            "kit/does-not-fit",
            f"`{printable(self._name)}` doesn't fit this project on this machine",
            details=[*details[:_SHOWN], *more],
            causes=[why],
            help=["devboot pack   # again, with this devboot.lock, on a machine with network"],
            kept=[_KEPT],
        )


def _of_minor(request: VersionRequest, minor: str) -> str:
    """Return a patch number for a version of this minor that satisfies the request; `99` if it leaves it open."""
    return request.patch.rpartition(".")[2] if request.patch.startswith(f"{minor}.") else "99"


@contextmanager
def kit_in_use(path: str, cwd: str, cache: str, reporter: Reporter) -> Iterator[OpenKit | None]:
    """Open and verify the kit at `path` (None without one); delete the files unpacked from it at the end.

    Raises UsageError `kit/not-found`, IntegrityError `kit/not-a-kit`, `kit/damaged`, `kit/too-new`, LockError
    `kit/does-not-fit`: then nothing has been written.
    """
    if not path:
        yield None
        return
    name = os.path.basename(path)
    with _opened(os.path.join(cwd, path)) as file:
        reporter.emit(Event(START, "kit", printable(name)))
        reader = KitReader(file, printable(name))
        total = os.fstat(file.fileno()).st_size

        def tell(done: int) -> None:
            reporter.emit(Event(PROGRESS, "kit", done=done, total=total, unit="bytes"))

        kit = reader.verify(tell=tell)
        where = os.path.join(cache, "kits")
        make_directories(where)
        with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=where) as place:
            opened = OpenKit(reader, kit, name, place, this_host(sys.platform, os.uname().machine))
            opened.refuse_platform()
            reporter.emit(
                Event(DONE, "kit", f"{counted(len(kit.files), 'file')}, {kit.size / 1_000_000:.1f} MB, digests ok")
            )
            yield opened


def verify_kit(path: str, cwd: str) -> None:
    """Read and verify a kit completely; change nothing. Raises the errors of `kit_in_use`."""
    with _opened(os.path.join(cwd, path)) as file:
        KitReader(file, printable(os.path.basename(path))).verify()


def _opened(path: str) -> BinaryIO:
    try:
        return open_kit(path)
    except OSError as error:
        what = f"`{printable(path)}` can't be opened: {reason_of(error)}"
        raise UsageError("kit/not-found", what, help=["devboot up --from KIT"]) from error


def report_seeds(reporter: Reporter, paths: Iterable[str]) -> None:
    """Report the databases at `paths` that were restored from a kit."""
    for path in paths:
        reporter.emit(Event(NOTE, "sqlite", f"{path} was restored from the kit"))
