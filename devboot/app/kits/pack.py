"""`pack`: writes a kit, one file with everything that the lock names, for machines without network."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence

from devboot.app.commands.preparing.lock import Inputs, interpreter_provider, lock_inputs
from devboot.app.kits.objects import BUILD, files_of
from devboot.app.kits.tools import pack_tools
from devboot.app.kits.wheels import Wheel, Wheelhouse, build_requirements
from devboot.app.preparation.install.app_pythons import AppPythons
from devboot.app.preparation.install.interpreter import InterpreterProvider
from devboot.app.preparation.install.kit_interpreter import managed_folder, pack_python
from devboot.app.preparation.install.provisioning import wanted_objects
from devboot.app.preparation.locking.lockfile import LockOptions, ensure_lock, pins_of_lock
from devboot.app.preparation.project.loaded import Loaded
from devboot.app.preparation.project_lock import lock_project
from devboot.app.this_machine import this_host
from devboot.clone_reader import open_kit
from devboot.environment.databases import copy_database
from devboot.environment.project_python import (
    PythonLock,
    PythonProject,
    declared_indexes,
    locked_interpreter,
    pins_of,
)
from devboot.environment.python.interpreters import Interpreter
from devboot.errors import IntegrityError, LockError, NetworkError, UsageError
from devboot.events import DONE, NOTE, PROGRESS, START, WARNING, Event, Reporter, Silenced
from devboot.files import machine_error, make_directories, sweep
from devboot.model.artifact import PLATFORMS, Wanted
from devboot.model.edge.lockfile.lock import Lock
from devboot.model.nearest import nearest
from devboot.model.printable import counted
from devboot.provision.host import Host
from devboot.provision.kit import Contents, Kit, KitObject, KitPackage, KitReader, write_kit
from devboot.provision.objects.realise import object_name
from devboot.record import Record
from devboot.sources.host import HOST
from devboot.uv.client import make_uv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.context import Context

ALL = "all"
ENDING = ".kit.tar"


class PackOptions(Record):
    """Options of `pack`: empty `platforms` mean this machine's.

    An empty `output` means a name made from the project's.
    """

    platforms: tuple[str, ...] = ()
    output: str = ""
    with_data: bool = False
    with_devboot: bool = True
    is_locked: bool = False


class Packed(Record):
    """The written kit: its path, size in bytes, sha256 and contents."""

    path: str
    size: int
    sha256: str
    kit: Kit


def chosen_platforms(named: Sequence[str], own: str) -> tuple[str, ...]:
    """Return the platforms given by flags, else this machine's (`own`). Raises UsageError `usage/platform`."""
    for name in named:
        if name not in (*PLATFORMS, ALL):
            near = nearest(name, PLATFORMS)
            helps = [f"did you mean `--platform {near}`?"] if near else [f"--platform {each}" for each in PLATFORMS]
            raise UsageError("usage/platform", f"there is no platform `{name}`", help=helps)
    wanted = PLATFORMS if ALL in named else tuple(dict.fromkeys(named)) or (own,)
    return tuple(sorted(wanted))


def pack(loaded: Loaded, context: Context, wish: PackOptions, reporter: Reporter) -> Packed:
    """Write a kit of the project.

    Raises:
        LockError: `lock/stale` with `is_locked`.
        WorkError: `kit/not-packable`.
        DevbootError: errors of fetching.

    """
    host = this_host(sys.platform, os.uname().machine)
    platforms = chosen_platforms(wish.platforms, host.platform)
    target = os.path.join(context.cwd, wish.output or _file_name(loaded.name, platforms))
    refuse_overwriting(target)
    inputs = lock_inputs(loaded, context, make_uv(context.environ, loaded.project.root).shown_by(reporter))
    if inputs.uv.offline:
        raise NetworkError(
            "network/offline",
            "packing needs the network, which is switched off",
            help=["unset DEVBOOT_OFFLINE UV_OFFLINE"],
        )
    own = lock_project(loaded.project, "pack", context, reporter)
    cache = os.path.join(context.paths().cache, "kits")
    make_directories(cache)
    quiet = Silenced(reporter, loaded.manifest.project.silence)
    with own, tempfile.TemporaryDirectory(prefix=".packing-", dir=cache) as place:
        packing = _Packing(loaded, context, inputs, host, platforms, place, quiet)
        return packing.write(target, wish)


class _Packing:
    """Collects the files of one kit below `place`, and their entries in the kit; each method adds a part."""

    def __init__(
        self,
        loaded: Loaded,
        context: Context,
        inputs: Inputs,
        host: Host,
        platforms: tuple[str, ...],
        place: str,
        reporter: Reporter,
    ) -> None:
        self.loaded = loaded
        self.context = context
        self.inputs = inputs
        self.host = host
        self.platforms = platforms
        self.place = place
        self.reporter = reporter
        self.files: dict[str, str] = {}
        self.packages: dict[tuple[str, str], KitPackage] = {}
        self.unavailable: list[str] = []
        self.interpreter = ""

    def write(self, target: str, wish: PackOptions) -> Packed:
        interpreters = interpreter_provider(self.loaded, self.context, self.inputs, self.reporter)
        lock = self._lock(interpreters, is_locked=wish.is_locked)
        python, minor = self.inputs.python, ""
        if python is not None:
            minor = self._python(interpreters.bring(lock, python), pins_of_lock(lock))
        objects = self._objects(lock)
        if wish.with_devboot:
            self._tools(minor)
        data = self._data() if wish.with_data else ()
        if os.path.exists(self.loaded.project.lock):
            self.files["lock/devboot.lock"] = self.loaded.project.lock
        contents = Contents(
            project=self.loaded.name,
            devboot=self.context.version,
            platforms=self.platforms,
            python=minor,
            libc="musl" if self._is_musl(self.host.platform) else "",
            packages=tuple(sorted(self.packages.values())),
            objects=tuple(sorted(objects)),
            data=data,
            unavailable=tuple(self.unavailable),
            interpreter=self.interpreter,
        )
        return self._finish(target, contents, is_private=wish.with_data)

    def _lock(self, interpreters: InterpreterProvider, *, is_locked: bool) -> Lock:
        return ensure_lock(
            self.loaded.project.lock,
            self.loaded.manifest,
            self.inputs.recipes,
            self.inputs.python,
            self.inputs.uv,
            wish=LockOptions(is_frozen=is_locked, warns=True),
            environ=self.context.environ,
            reporter=self.reporter,
            bring=interpreters.bring,
        ).lock

    def _is_musl(self, platform: str) -> bool:
        return platform == self.host.platform and platform.startswith("linux") and self.host.glibc is None

    # Python packages

    def _python(self, python: PythonProject, lock: PythonLock | None) -> str:
        """Collect the wheels of all pins; return the minor version of Python that they are for."""
        made, uv = lock if python.needs_lock else None, self.inputs.uv
        interpreter = locked_interpreter(uv, python, made, environ=self.context.environ)
        pins = pins_of(python, lock)
        indexes = declared_indexes(uv, pins.indexes, interpreter, self.context.environ)
        house = Wheelhouse(uv, os.path.join(self.place, "packages"), interpreter, indexes, self._hear("packages"))
        self.reporter.emit(Event(START, "packages", f"for Python {interpreter.minor}"))
        own = () if python.own is None else (python.own.direct,)
        needed = build_requirements(house, (*pins.directs, *own))
        for platform in self.platforms:
            is_here, is_musl = platform == self.host.platform, self._is_musl(platform)
            wheels = house.fetch(pins.pins, platform, is_here=is_here, is_musl=is_musl)
            self._take(wheels, platform, "project")
            self._take(house.fetch(needed, platform, is_here=is_here, is_musl=is_musl), platform, "build")
        self._report_packages(interpreter.minor)
        if not python.given:  # a recipe's interpreter is packed as its product
            self._interpreter(interpreter)
        return interpreter.minor

    def _interpreter(self, interpreter: Interpreter) -> None:
        """Add the Python interpreter, if it can be moved and the kit is for this platform."""
        packed = ""
        if self.platforms == (self.host.platform,):
            packed = pack_python(interpreter.path, managed_folder(self.inputs.uv), self.place)
        if packed:
            self.interpreter = f"python/{os.path.basename(packed)}"
            self.files[self.interpreter] = packed
            self.reporter.emit(Event(NOTE, "packages", f"python {interpreter.version} is in the kit, too"))
        else:
            text = f"python {interpreter.minor} is not in the kit: the other machine needs one"
            self.reporter.emit(Event(NOTE, "packages", text))

    def _report_packages(self, minor: str) -> None:
        own = [each for each in self.packages.values() if each.role == "project"]
        count = len({(each.name, each.version) for each in own})
        self.reporter.emit(Event(DONE, "packages", f"{counted(count, 'package')} for Python {minor}, digests ok"))
        if built := sorted({each.name for each in own if each.built_from}):
            text = f"built here, since there is no wheel: {', '.join(built)}"
            self.reporter.emit(Event(NOTE, "packages", text))

    def _hear(self, step: str) -> Callable[[str], None]:
        def hear(name: str) -> None:
            self.reporter.emit(Event(PROGRESS, step, name))

        return hear

    def _take(self, wheels: Iterable[Wheel], platform: str, role: str) -> None:
        """Add wheels for a platform to the kit; a wheel that serves several platforms is added once."""
        for wheel in wheels:
            path = f"wheels/{os.path.basename(wheel.path)}"
            self.files.setdefault(path, wheel.path)
            known = self.packages.get((path, role))
            platforms = tuple(sorted({platform, *(known.platforms if known else ())}))
            self.packages[path, role] = KitPackage(wheel.name, wheel.version, path, platforms, role, wheel.built_from)

    def _tools(self, minor: str) -> None:
        found = pack_tools(
            self.inputs.uv,
            os.path.join(self.place, "devboot"),
            minor,
            self.platforms,
            is_musl=self._is_musl,
            hear=self._hear("devboot"),
            reporter=self.reporter,
        )
        for platform, wheels in found:
            self._take(wheels, platform, "tool")

    # Products of recipes

    def _objects(self, lock: Lock) -> list[KitObject]:
        """Collect the files of every package in the lock, for each platform that has it."""
        objects = []
        pythons = AppPythons(self.inputs.uv, self.context.environ, self.context.paths().data)
        for package in lock.package:
            self.reporter.emit(Event(START, package.name, package.version))
            for platform in self.platforms:
                host = self.host if platform == self.host.platform else Host(platform, None)
                try:
                    wanted = wanted_objects(Lock(package=(package,)), self.inputs.recipes, host, pythons.choose)
                except LockError as error:
                    self._go_without(error, package.name, platform)
                    continue
                objects += [self._object(each, platform) for each in wanted.values() if self._is_handed_on(each)]
            self.reporter.emit(Event(DONE, package.name, f"{package.version}, digest ok"))
        return objects

    def _is_handed_on(self, wanted: Wanted) -> bool:
        if wanted.artifact.source == BUILD:
            text = f"{wanted.name} is compiled on the other machine, which needs a C compiler for that"
            self.reporter.emit(Event(NOTE, wanted.name, text))
        if wanted.artifact.source != HOST:
            return True
        text = f"{wanted.name} comes from this machine: the other one must have it, too"
        self.unavailable.append(text)
        self.reporter.emit(Event(WARNING, wanted.name, text, slug="kit/needs-host"))
        return False

    def _go_without(self, error: LockError, name: str, platform: str) -> None:
        """Record that a platform lacks a package; raise `error` if it is the kit's only platform."""
        if error.slug != "lock/no-artifact" or self.platforms == (platform,):
            raise error
        self.unavailable.append(f"{name} on {platform}: {error.what}")
        self.reporter.emit(Event(WARNING, name, f"not in the kit for {platform}: {error.what}", slug=error.slug))

    def _object(self, wanted: Wanted, platform: str) -> KitObject:
        found = files_of(
            wanted,
            self.inputs.uv,
            self.place,
            cache=self.context.paths().cache,
            is_musl=self._is_musl(platform),
            hear=self._hear(wanted.name),
            reporter=self.reporter,
        )
        self._take(found.wheels, platform, "service")
        self.files |= {f"downloads/{digest}": path for digest, path in found.downloads}
        paths = {f"wheels/{os.path.basename(each.path)}" for each in found.wheels}
        paths |= {f"downloads/{digest}" for digest, _ in found.downloads}
        key, python = object_name(wanted), wanted.artifact.python
        return KitObject(wanted.name, wanted.version, platform, key, tuple(sorted(paths)), python)

    # Data

    def _data(self) -> tuple[tuple[str, str], ...]:
        """Add consistent copies of the project's SQLite databases, even while programs write them."""
        found = []
        for name, database in sorted(self.loaded.manifest.sqlite.items()):
            source = os.path.join(self.loaded.project.root, database.path)
            if os.path.isfile(source) and os.path.getsize(source):
                copy = os.path.join(self.place, f"{name}.sqlite3")
                copy_database(source, copy)
                self.files[f"data/{name}.sqlite3"] = copy
                found.append((name, f"data/{name}.sqlite3"))
                text = f"{database.path} with its content, {_megabytes(os.path.getsize(copy))}"
                self.reporter.emit(Event(NOTE, "data", text))
        return tuple(found)

    # The file

    def _finish(self, target: str, contents: Contents, *, is_private: bool) -> Packed:
        """Write the kit to a temporary name, verify it by reading it back, and rename it to `target`."""
        total = sum(os.path.getsize(path) for path in self.files.values())
        self.reporter.emit(Event(START, "kit", os.path.basename(target)))

        def tell(done: int) -> None:
            self.reporter.emit(Event(PROGRESS, "kit", done=done, total=total, unit="bytes"))

        staged = f"{target}.{os.getpid()}.tmp"
        try:
            sweep(target)
            with open(os.open(staged, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w+b") as file:
                write_kit(file, contents, self.files, tell=tell)
                kit = KitReader(file, os.path.basename(target)).verify()
                size = file.seek(0, os.SEEK_END)
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                file.flush()
                os.fsync(file.fileno())
            if not is_private:
                os.chmod(staged, 0o644)
            os.rename(staged, target)
        except OSError as error:
            raise machine_error(error, target) from error
        finally:
            if os.path.exists(staged):
                os.unlink(staged)
        self.reporter.emit(Event(DONE, "kit", f"{counted(len(kit.files), 'file')}, {_megabytes(size)}"))
        return Packed(target, size, digest, kit)


def refuse_overwriting(target: str) -> None:
    """Raise UsageError `kit/in-the-way` if `target` is a folder, or a file that isn't a kit."""
    try:
        with open_kit(target) as file:
            KitReader(file, target).kit()
    except FileNotFoundError:
        return
    except IsADirectoryError as error:
        raise _in_the_way(target, "is a directory") from error
    except IntegrityError as error:
        raise _in_the_way(target, "exists and isn't a kit, so it is not replaced") from error
    except OSError as error:
        raise machine_error(error, target) from error


def _in_the_way(target: str, why: str) -> UsageError:
    return UsageError(
        "kit/in-the-way", f"`{target}` {why}", help=["devboot pack -o ANOTHER.kit.tar"], kept=["it was not touched"]
    )


def _file_name(project: str, platforms: Sequence[str]) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", project).strip("-.") or "project"
    return f"{name}-{platforms[0]}{ENDING}" if len(platforms) == 1 else f"{name}{ENDING}"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"
