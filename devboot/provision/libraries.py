"""Provides system libraries with headers for builds of Python packages, as store objects, without root."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from glob import glob

from devboot.clone_reader import parse_json
from devboot.files import atomic_write, make_directories
from devboot.model.artifact import Artifact, Layout, Part, Wanted, digest_of_parts
from devboot.provision.objects.store import REGISTERED, StoreObject
from devboot.record import Record
from devboot.sources.debian.records import Find, alternatives, closure, product_version
from devboot.uv.system_libraries import SystemLibrary, known_libraries

_DROPPED = (
    "usr/share/doc/*",
    "usr/share/man/*",
    "usr/share/gdb/*",
    "usr/share/lintian/*",
    "share/doc/*",
    "share/man/*",
)
# Headers include those of other packages; the compiler's own headers are taken from the machine
_FOLLOWED = (r".*-(?:multi)?dev$",)
_OF_THE_COMPILER = r"(?:libc6|linux-libc|libgcc-[\d.]+|libstdc\+\+-[\d.]+|libc\+\+.*)-dev$|.*-(?:doc|data|perl|bin)$"
_PKG_CONFIG = "pkg-config"


class Locator(Record):
    """A source of system libraries: the prefix within its trees, and a function that finds one.

    `find` returns the artifact and the version of a library, None if the source doesn't have it. It raises
    DevbootError if the source can't be reached.
    """

    prefix: str
    find: Callable[[SystemLibrary], tuple[Artifact, str] | None]


def find_in_distribution(library: SystemLibrary, records: Find) -> tuple[Artifact, str] | None:
    """Return (Debian packages for builds with a library, version of the first); None if they are missing."""
    roots = library.debs or library.apt
    left_out = f"(?!(?:{'|'.join(library.also)})$)(?:{_OF_THE_COMPILER})" if library.also else _OF_THE_COMPILER
    try:
        found = closure(roots, records, (*_FOLLOWED, *library.also), left_out=left_out)
    except KeyError:
        return None
    main = next(record for record in found if record.name in alternatives(roots[0]))
    parts = tuple(Part(each.name, each.version, each.file, each.sha256, each.size) for each in found)
    size = sum(part.size for part in parts)
    artifact = Artifact("deb", main.name, main.version, main.file, digest_of_parts(parts), size, files=parts)
    return artifact, product_version(main.version)


class LibraryStore:
    """A `LibrarySupply` that keeps libraries in the store.

    Args:
        locators: where to look, in this order.
        realise: makes sure that a store object exists, and returns it.
        hold: keeps the store object of this name for the project.
        platform: this machine's platform.
        cache: devboot's cache directory; uv's caches for builds with libraries go below it.
        environ: the variables that builds have already.
        has_pkg_config: True if the machine has that program.

    """

    def __init__(
        self,
        locators: Sequence[Locator],
        realise: Callable[[Wanted], StoreObject],
        hold: Callable[[str], None],
        platform: str,
        cache: str,
        environ: Mapping[str, str],
        *,
        has_pkg_config: bool,
    ) -> None:
        self._locators = locators
        self._realise = realise
        self._hold = hold
        self._platform = platform
        self._cache = os.path.join(cache, "libraries")
        self._environ = environ
        self._has_pkg_config = has_pkg_config
        self._places: dict[str, str] = {}  # prefixes of the libraries in the store, by key
        self._objects: dict[str, str] = {}

    @property
    def used(self) -> tuple[str, ...]:
        """Paths of the libraries that builds have used; see `LibrarySupply`."""
        return tuple(self._objects.values())

    def variables(self, libraries: Sequence[SystemLibrary]) -> Mapping[str, str] | None:
        """Return the variables by which builds find these libraries, None without a source; see `LibrarySupply`."""
        places = []
        for library in self._complete(libraries):
            if library.key not in self._places and not self._find(library):
                return None
            places.append((self._places[library.key], library))
        if any(mark in place for place, _ in places for mark in " \t:"):  # build systems split values there
            return None
        key = hashlib.sha256("\n".join(sorted({place for place, _ in places})).encode()).hexdigest()[:16]
        own = {"UV_CACHE_DIR": os.path.join(self._cache, key)}
        return {**build_variables(places, self._environ), **own}

    def recall(self, requirement: str) -> Mapping[str, str] | None:
        """Return the variables with which `requirement` was built before, None if it wasn't; see `LibrarySupply`."""
        try:
            with open(self._note(requirement), encoding="utf-8") as stream:
                places = {str(key): str(place) for key, place in parse_json(stream.read()).items()}
            libraries = [known_libraries()[key] for key in places]
        except (OSError, ValueError, KeyError, AttributeError):
            return None
        for key, place in places.items():
            path = place.rpartition("/tree")[0]
            # The object at hand is good enough: asking the distribution for its newest version takes seconds
            if key not in self._places and os.path.exists(os.path.join(path, REGISTERED)):
                self._take(key, path, place)
        if any(each.key not in self._places for each in self._complete(libraries)):
            return None  # one was removed: the build fails and asks for it again
        return self.variables(libraries)

    def remember(self, requirement: str, libraries: Sequence[SystemLibrary]) -> None:
        """Record that building `requirement` needs these libraries; see `LibrarySupply`."""
        if all(known_libraries()[each.key] == each for each in libraries):  # not for one version of Python alone
            make_directories(os.path.dirname(self._note(requirement)))
            places = {each.key: self._places[each.key] for each in self._complete(libraries)}
            atomic_write(self._note(requirement), json.dumps(places) + "\n")

    def _note(self, requirement: str) -> str:
        return os.path.join(self._cache, "built", f"{requirement.replace('/', '_')}.json")

    def _complete(self, libraries: Sequence[SystemLibrary]) -> list[SystemLibrary]:
        """Return the libraries with pkg-config added if this machine lacks it, since most builds need it."""
        is_there = self._has_pkg_config or any(each.key == _PKG_CONFIG for each in libraries)
        return [*libraries, *([] if is_there else [known_libraries()[_PKG_CONFIG]])]

    def _find(self, library: SystemLibrary) -> bool:
        for locator in self._locators:
            found = locator.find(library)
            if found is not None:
                artifact, version = found
                layout = Layout((), drop=_DROPPED, prefix=locator.prefix)
                here = self._realise(Wanted(artifact.name, version, 0, self._platform, artifact, layout))
                place = os.path.join(here.path, "tree", locator.prefix.lstrip("/")).rstrip("/")
                self._take(library.key, here.path, place)
                return True
        return False

    def _take(self, key: str, path: str, place: str) -> None:
        self._hold(os.path.basename(path))
        self._places[key], self._objects[key] = place, path


def build_variables(places: Sequence[tuple[str, SystemLibrary]], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that point a build at libraries, each at its prefix, followed by those of `environ`."""
    include, folders, programs, more = list[str](), list[str](), list[str](), dict[str, str]()
    for place, library in places:
        head = os.path.join(place, "include")
        machine = sorted(glob(f"{head}/*-linux-gnu*"))
        if "CC" not in library.variables:  # a compiler's C headers have to come after those of C++
            include += [head, *machine, *(os.path.join(head, each) for each in library.include)]
        own = [*sorted(glob(f"{place}/lib/*-linux-gnu*")), os.path.join(place, "lib")]
        own += sorted(glob(f"{os.path.dirname(place)}/lib/*-linux-gnu*")) if place.endswith("/usr") else []
        folders += own
        programs.append(os.path.join(place, "bin"))
        lib = next((each for each in own if glob(f"{each}/*.so*") or glob(f"{each}/*.dylib")), own[-1])
        values = {"prefix": place, "include": head, "lib": lib, "machine": machine[0] if machine else head}
        more |= {name: value.format(**values) for name, value in library.variables.items()}
    include, folders, programs = (
        list(dict.fromkeys(filter(os.path.isdir, each))) for each in (include, folders, programs)
    )
    modules = [os.path.join(each, "pkgconfig") for each in folders]
    modules += [os.path.join(place, "share", "pkgconfig") for place, _ in places]
    linked = [f"-L{each} -Wl,-rpath,{each}" for each in folders]
    found = {
        **more,
        "CPATH": _joined(":", include, environ.get("CPATH")),
        "LIBRARY_PATH": _joined(":", folders, environ.get("LIBRARY_PATH")),
        "LDFLAGS": _joined(" ", linked, environ.get("LDFLAGS")),
        "PKG_CONFIG_PATH": _joined(":", filter(os.path.isdir, modules), environ.get("PKG_CONFIG_PATH")),
        "CMAKE_PREFIX_PATH": _joined(":", [place for place, _ in places], environ.get("CMAKE_PREFIX_PATH")),
        "PATH": _joined(":", programs, environ.get("PATH")),
    }
    return {name: value for name, value in found.items() if value}  # an empty path is the current folder


def _joined(separator: str, own: Sequence[str] | filter[str], rest: str | None) -> str:
    return separator.join([*own, *filter(None, [rest])])
