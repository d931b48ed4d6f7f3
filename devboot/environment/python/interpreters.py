"""Finds and ranks interpreters: installed ones first (uv's, then those of pyenv, asdf and mise), a download last."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.markers import default_environment

from devboot.environment.locks.markers import applies
from devboot.environment.locks.pins import Pin
from devboot.environment.python.upper_limits import minors_too_new
from devboot.environment.python.versions import VersionRequest
from devboot.environment.python.wheel_tags import has_wheel
from devboot.errors import DevbootError, MachineError, Place, WorkError, reason_of
from devboot.files import list_names
from devboot.model.printable import counted
from devboot.paths import xdg_base
from devboot.uv.child import Finished, TimedOut, run_child
from devboot.uv.client import Uv
from devboot.uv.pythons import Installed, download_python, list_downloadable, list_pythons

Missing = Callable[[Installed], Sequence[str]]
"""Names the locked packages that have no wheel for an interpreter."""


_SHOWN = 8  # interpreters that an error lists
_INSPECTION_SECONDS = 30.0
_OFFLINE = "the network is off, so none was downloaded"
_IS_BINARY = re.compile(r".*\.(?:whl|egg|exe)").fullmatch


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that runs: path, full version, values for markers, and a note for the user."""

    path: str
    version: str
    markers: tuple[tuple[str, str], ...] = ()
    note: str = ""
    note_slug: str = ""

    @property
    def minor(self) -> str:
        """Return the minor version, as `3.12`."""
        return ".".join(self.version.split(".")[:2])

    @property
    def environment(self) -> dict[str, str]:
        """Return the values of environment markers for this interpreter, such as `{"python_version": "3.12", …}`."""
        return dict(self.markers)


_INSPECTION = """
import json, os, platform, sys
version = "{}.{}.{}".format(*sys.implementation.version[:3])
print(json.dumps({"path": sys.executable, "prefix": sys.prefix, "markers": {
    "implementation_name": sys.implementation.name, "implementation_version": version, "os_name": os.name,
    "platform_machine": platform.machine(), "platform_python_implementation": platform.python_implementation(),
    "platform_release": platform.release(), "platform_system": platform.system(),
    "platform_version": platform.version(), "python_full_version": platform.python_version(),
    "python_version": ".".join(platform.python_version_tuple()[:2]), "sys_platform": sys.platform}}))
"""


def inspect(uv: Uv, path: str) -> Interpreter | None:
    """Run the interpreter at `path` and return its facts; None if it doesn't run."""
    try:
        markers = json.loads(_inspected(uv, path).stdout)["markers"]
    except (OSError, TimedOut, ValueError):
        return None
    return Interpreter(path, markers["python_full_version"].rstrip("+"), tuple(sorted(markers.items())))


def why_it_fails(uv: Uv, path: str) -> str:
    """Return why an interpreter that `inspect` rejects doesn't run: the system's message, or its last output line."""
    try:
        finished = _inspected(uv, path)
    except OSError as error:
        return reason_of(error)
    except TimedOut:
        return f"it printed nothing within {_INSPECTION_SECONDS:.0f} s"
    how = f"exit code {finished.code}" if finished.code >= 0 else f"ended by signal {-finished.code}"
    return next((line.strip() for line in reversed(finished.lines) if line.strip()), how)


def _inspected(uv: Uv, path: str) -> Finished:
    words = [path, "-I", "-S", "-c", _INSPECTION]
    return run_child(words, environ=uv.environ, folder="/", timeout=_INSPECTION_SECONDS, lease=uv.lease)


def choose_interpreter(
    uv: Uv,
    request: VersionRequest,
    *,
    environ: Mapping[str, str],
    pins: Sequence[Pin] = (),
    below: str = "",
    preferred: str = "",
    near: str = "",
) -> Interpreter:
    """Find the interpreter for a project; download one only if no installed one suits its packages as well.

    Args:
        uv: the uv to call; an offline one downloads nothing.
        request: the requested version.
        environ: says where pyenv, asdf and mise keep theirs.
        pins: locked packages; if the project leaves the choice, they should run on it and all have a wheel.
        below: only minor versions older than this one (`3.13`), after that one failed.
        preferred: the minor version that a lock was made with; used if it is installed and admitted.
        near: of minor versions that suit the packages equally, the nearest to this one is used; else the newest.

    Raises:
        MachineError: `python/not-found`, none fits and none can be downloaded.

    """
    if request.minor and not below:
        return _of_minor(uv, request, environ)
    return _of_range(uv, request, environ, pins, below, preferred, near or preferred)


def _of_minor(uv: Uv, request: VersionRequest, environ: Mapping[str, str]) -> Interpreter:
    # The newest patch of the minor: a lock that was made with one may lack what only an older one needs.
    everything = [*list_pythons(uv), *installed_elsewhere(environ)]
    candidates = _newest_first(each for each in everything if _is_release(each) and request.admits(each.version))
    if not request.is_exact and request.patch:
        candidates += _newest_first(each for each in everything if each.version.startswith(f"{request.minor}."))
    for each in candidates:
        if found := inspect(uv, each.path):
            return _noted(found, request)
    try:
        return _downloaded(uv, request, environ)
    except MachineError:
        if found := _stand_in(uv, request, everything):
            return found
        raise


def _stand_in(uv: Uv, request: VersionRequest, everything: Iterable[Installed]) -> Interpreter | None:
    """Return an installed interpreter of the nearest minor version that may replace the requested one.

    Of two the older.
    """
    wanted = _numbers(request.minor)
    admitted = [each for each in everything if _is_release(each) and request.admits_instead(each.version)]
    near = [each for each in _newest_first(admitted) if each.minor[0] == wanted[0]]
    for each in sorted(near, key=lambda each: (abs(each.minor[1] - wanted[1]), each.minor)):
        if found := inspect(uv, each.path):
            note = f"python {found.version} is used instead of {request.written}, which {request.file} names"
            return replace(found, note=f"{note} and which isn't available here", note_slug="python/minor-version")
    return None


def available_interpreters(
    uv: Uv, request: VersionRequest, environ: Mapping[str, str], *, is_offline: bool
) -> list[Installed]:
    """Return the interpreters that fit the request or may replace one: installed ones first, then downloadable ones.

    Raises MachineError `python/not-found` if there are none.
    """
    here = _newest_first(filter(_is_release, (*list_pythons(uv), *installed_elsewhere(environ))))
    found = [each for each in here if request.admits(each.version)]
    if request.patch and not request.is_exact:
        found += [each for each in here if each.version.startswith(f"{request.minor}.")]
    found += [each for each in here if request.admits_instead(each.version)]
    why_none = _why_no_download(environ, is_offline=is_offline)
    if not why_none:
        others = [Installed("", each, "cpython") for each in list_downloadable(uv, request.patch or request.minor)]
        found += [each for each in others if _is_release(each) and (request.minor or request.admits(each.version))]
    if not found:
        raise _not_found(uv, request, environ, filter(None, (why_none,)))
    return found


def _why_no_download(environ: Mapping[str, str], *, is_offline: bool) -> str:
    """Return why uv may not download an interpreter, such as offline mode; "" if it may."""
    if is_offline:
        return _OFFLINE
    never = environ.get("UV_PYTHON_DOWNLOADS", "") == "never"
    return "UV_PYTHON_DOWNLOADS is `never`, so none was downloaded" if never else ""


def _newest_first(several: Iterable[Installed]) -> list[Installed]:
    """Sort interpreters by version, the newest first; equal ones keep uv's order."""
    return sorted(several, key=lambda each: _numbers(each.version), reverse=True)


def _of_range(
    uv: Uv,
    request: VersionRequest,
    environ: Mapping[str, str],
    pins: Sequence[Pin],
    below: str,
    preferred: str,
    near: str,
) -> Interpreter:
    fitting = _fitting(uv, request, environ, below)

    def rank(each: Installed) -> tuple[bool, tuple[int, int, int], tuple[int, ...]]:
        return (each.minor == _numbers(preferred), _rank(each, pins, near), _numbers(each.version))

    ranked = sorted(fitting, key=rank, reverse=True)  # stable: of equal versions uv's own order decides
    better = _better_download(uv, request, ranked[0], pins, near) if ranked and not below else None
    if better is not None:
        with contextlib.suppress(MachineError):
            return _downloaded(uv, better, environ)
    for each in ranked:
        if found := inspect(uv, each.path):
            return found
    if below:
        raise _not_found(uv, request, environ, ())
    return _downloaded(uv, request, environ)


def _rank(each: Installed, pins: Sequence[Pin], near: str) -> tuple[int, int, int]:
    distance = abs(each.minor[1] - _numbers(near)[1]) if near else 0
    return (*suitability(each, pins), -distance)


def _better_download(
    uv: Uv, request: VersionRequest, best: Installed, pins: Sequence[Pin], near: str
) -> VersionRequest | None:
    """Return a request for a downloadable minor version that suits the packages better than `best`.

    None if none does.
    """
    here = suitability(best, pins)
    if here == (0, 0) or uv.offline:
        return None
    others = [Installed("", version, "cpython") for version in list_downloadable(uv, "")]
    admitted = [each for each in others if _is_release(each) and request.admits(each.version)]
    found = max(admitted, key=lambda each: (_rank(each, pins, near), each.minor), default=None)
    if found is None or suitability(found, pins) <= here:
        return None
    minor = ".".join(map(str, found.minor))
    return replace(request, specifier=f"=={minor}.*", written=minor)


def _fitting(uv: Uv, request: VersionRequest, environ: Mapping[str, str], below: str) -> list[Installed]:
    everything = [*list_pythons(uv), *installed_elsewhere(environ)]
    fitting = [each for each in everything if _is_release(each) and request.admits(each.version)]
    return [each for each in fitting if not below or each.minor < _numbers(below)]


def installed_minors(uv: Uv, request: VersionRequest, environ: Mapping[str, str], *, below: str) -> list[str]:
    """Return the installed and admitted minor versions older than `below`, the newest first."""
    minors = {each.minor for each in _fitting(uv, request, environ, below)}
    return [".".join(map(str, minor)) for minor in sorted(minors, reverse=True)]


def usable_minors(uv: Uv, request: VersionRequest, environ: Mapping[str, str], *, below: str) -> list[str]:
    """Return the admitted minor versions older than `below`, installed or downloadable, the newest first."""
    others = () if _why_no_download(environ, is_offline=uv.offline) else list_downloadable(uv, "")
    found = [*_fitting(uv, request, environ, below), *(Installed("", each, "cpython") for each in others)]
    minors = {each.minor for each in found if _is_release(each) and request.admits(each.version)}
    return [".".join(map(str, minor)) for minor in sorted(minors, reverse=True) if minor < _numbers(below)]


def _downloaded(uv: Uv, request: VersionRequest, environ: Mapping[str, str]) -> Interpreter:
    """Download the requested Python version, or the newest one of its minor that exists, and return it."""
    spec = request.patch or request.minor or request.specifier or "cpython"
    if request.patch and not request.is_exact and not list_downloadable(uv, request.patch):
        spec = request.minor
    if uv.offline:
        raise _not_found(uv, request, environ, (_OFFLINE,))
    if spec in uv.refused:
        raise _not_found(uv, request, environ, (uv.refused[spec],))
    try:
        found = inspect(uv, download_python(uv, spec))
    except DevbootError as error:
        uv.refused[spec] = error.what
        raise _not_found(uv, request, environ, (error.what,)) from error
    if found is None:
        raise _not_found(uv, request, environ, ("the downloaded one doesn't run on this machine",))
    return _noted(found, request)


def _noted(found: Interpreter, request: VersionRequest) -> Interpreter:
    if request.admits(found.version):
        return found
    note = f"python {found.version} is used instead of {request.patch}, which {request.file} names"
    return Interpreter(found.path, found.version, found.markers, note, "python/patch-version")


def _not_found(uv: Uv, request: VersionRequest, environ: Mapping[str, str], causes: Iterable[str]) -> MachineError:
    everything = [*list_pythons(uv), *installed_elsewhere(environ)]
    there = sorted({(_numbers(each.version), each.version, each.path) for each in everything}, reverse=True)
    wanted = request.minor or (f"'{request.written}'" if request.written else "")
    # The code runs on the version in pyproject.toml
    is_free = os.path.basename(request.file) != "pyproject.toml"
    newest = next((".".join(map(str, each.minor)) for each in everything if _is_release(each) and is_free), "")
    instead = f'use an installed one: `version = "{newest}"` in `[python]` of devboot.toml, which `devboot init` writes'
    # A network that refuses devboot refuses the same command typed by hand.
    by_hand = f"`uv python install {wanted}".rstrip() + "` where there is a network"
    other = "install it another way, such as from the system's packages: devboot finds it on PATH"
    recipe = f'or from a recipe, if one of its sources has it: `python = "{request.minor}"` in `[packages]`'
    return MachineError(
        "python/not-found",
        f"there is no python {str(request).removeprefix('==')} on this machine, and none could be downloaded",
        place=Place(request.file, request.line, label="required here") if request.file else None,
        details=[f"python {version:8} {path}" for _, version, path in there[:_SHOWN]] or ["no Python is installed"],
        causes=tuple(causes),
        help=(*([instead] if newest else []), by_hand if uv.offline else other, *([recipe] if request.minor else [])),
        kept=("no virtualenv was touched",),
    )


def installed_elsewhere(environ: Mapping[str, str]) -> Iterator[Installed]:
    """Yield the interpreters installed by pyenv, asdf and mise, which uv doesn't find, the newest first."""
    found = []
    for folder in _version_folders(environ):
        for name in list_names(folder):
            path = os.path.join(folder, name, "bin", "python3")
            if re.fullmatch(r"\d+\.\d+\.\d+", name) and os.access(path, os.X_OK):
                found.append(Installed(path, name, "cpython"))
    yield from sorted(found, key=lambda each: _numbers(each.version), reverse=True)


def _version_folders(environ: Mapping[str, str]) -> Iterator[str]:
    home = environ.get("HOME", "")
    data = xdg_base("data", environ, lambda: home)
    for variable, default, below in (
        ("PYENV_ROOT", os.path.join(home, ".pyenv") if home else "", "versions"),
        ("ASDF_DATA_DIR", os.path.join(home, ".asdf") if home else "", "installs/python"),
        ("MISE_DATA_DIR", os.path.join(data, "mise") if data else "", "installs/python"),
    ):
        if place := environ.get(variable) or default:
            yield os.path.join(place, below)


def as_installed(found: Interpreter) -> Installed:
    """Convert an interpreter to an entry of uv's list."""
    return Installed(found.path, found.version, "cpython")


def suitability(python: Installed, pins: Sequence[Pin]) -> tuple[int, int]:
    """Return a sort key for how well an interpreter suits locked packages.

    (0, 0) without any problem, else negative.
    """
    beyond = minors_too_new(python.minor, _applying(python, pins))
    return (-beyond, -len(missing_wheels(python, pins)))


def unsuited(python: Installed, pins: Sequence[Pin]) -> str:
    """Return why an interpreter doesn't suit locked packages; "" if it does."""
    minor = ".".join(map(str, python.minor))
    beyond = sorted(
        {f"{pin.name} {pin.version}" for pin in _applying(python, pins) if minors_too_new(python.minor, [pin])}
    )
    wheels = missing_wheels(python, pins)
    names, verb = (beyond, "not made for") if beyond else (list(wheels), "without a wheel for")
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}: {verb} {minor}" if names else ""


def missing_wheels(python: Installed, pins: Iterable[Pin]) -> tuple[str, ...]:
    """Return the locked packages that have wheels, but none for this interpreter on this machine."""
    return tuple(
        pin.name
        for pin in _applying(python, pins)
        if any(name.endswith(".whl") for name in pin.files) and not has_wheel(pin.files, python.minor)
    )


def uninstallable(python: Installed, pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """Return the pins that this interpreter can't install: the lock lists only wheels of them, and none fits.

    Packages whose files the lock doesn't name count as installable.
    """
    return tuple(
        pin
        for pin in _applying(python, pins)
        if pin.files and all(map(_IS_BINARY, pin.files)) and not has_wheel(pin.files, python.minor)
    )


def refuse_uninstallable(python: Installed, pins: Iterable[Pin]) -> None:
    """Raise WorkError `python/resolution` for the locked packages that `uninstallable` returns."""
    found = uninstallable(python, pins)
    if not found:
        return
    minor = ".".join(map(str, python.minor))
    more = f", nor {'has' if len(found) == 2 else 'have'} {counted(len(found) - 1, 'other')}" if len(found) > 1 else ""
    name, version = found[0].name, found[0].version
    tags = sorted({f"`{file.split('-')[-3]}`" for file in found[0].files if file.count("-") >= 4})
    raise WorkError(
        "python/resolution",
        f"`{name}=={version}` has no file for python {minor} on this machine{more}",
        causes=[f"there are only wheels for `{name}` (v{version}) with the Python version tags: {', '.join(tags)}"],
        help=["lock a version that has one, with the lock's own tool"],
        kept=["nothing was installed"],
    )


def _applying(python: Installed, pins: Iterable[Pin]) -> Iterator[Pin]:
    environment = {
        **{name: str(value) for name, value in default_environment().items()},
        "python_version": ".".join(map(str, python.minor)),
        "python_full_version": python.version,
        "implementation_version": python.version,
    }
    return (pin for pin in pins if applies(pin.marker, environment))


def _is_release(each: Installed) -> bool:
    return each.implementation == "cpython" and re.fullmatch(r"\d+\.\d+\.\d+", each.version) is not None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
