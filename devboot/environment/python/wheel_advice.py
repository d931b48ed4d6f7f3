"""Advice for a package that can't be built: a version of Python, or of the package, that has a wheel."""

from __future__ import annotations

import os
import re
import shlex

from devboot.environment.locks.pins import normalised
from devboot.environment.python.declared import PythonProject
from devboot.environment.python.interpreters import Interpreter
from devboot.environment.python.wheel_tags import has_wheel
from devboot.errors import DevbootError, WorkError
from devboot.paths import upwards_to
from devboot.uv.client import Uv
from devboot.uv.listing import list_release

_BUILT = re.compile(r"^`(?P<requirement>[\w.-]+==[^`]+)` could not be built$")
# uv's words for a package that has wheels, but none for the Python at hand
_OTHER_WHEELS = re.compile(
    r"[Ww]heels (?:are available )?for `(?P<name>[^`]+)` \(v?(?P<version>[^)]+)\) with .*"
    r"Python (?:ABI|version) tags?: (?P<tags>.+)"
)
_MINORS = range(7, 21)  # of Python 3, whose wheels are looked for
_OF_CODE = ("pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")  # say what the code runs on


def with_version_that_would_do(
    uv: Uv, error: DevbootError, project: PythonProject, interpreter: Interpreter
) -> DevbootError:
    """Return the error of a failed build, with advice if another Python version has a wheel of the package."""
    if other := next(filter(None, map(_OTHER_WHEELS.search, error.causes)), None):
        minors = [f"3.{number}" for number in _MINORS if re.search(rf"\bcp3{number}\b", other["tags"])]
        return _with_help(error, _help(f"{other['name']}=={other['version']}", minors, project))
    built = _BUILT.match(error.what)
    if error.slug != "python/build-failed" or built is None or uv.offline:
        return error
    try:
        listing = list_release(uv, built["requirement"], python=interpreter.path, python_version="3.7")
    except DevbootError:
        return error
    names = [wheel.name for wheel in listing.wheels]
    minors = [f"3.{number}" for number in _MINORS if has_wheel(names, (3, number))]
    others = [minor for minor in minors if minor != interpreter.minor]
    newer = () if minors else _newer_release(uv, built["requirement"], project, interpreter)
    return _with_help(error, newer or _help(built["requirement"], others, project))


def _newer_release(uv: Uv, requirement: str, project: PythonProject, interpreter: Interpreter) -> tuple[str, ...]:
    """Return the command that replaces a pin without wheels by the next release that has one for this Python."""
    name, _, version = requirement.partition("==")
    lines = project.loaded.unlocked.lines if project.loaded.unlocked is not None else ()
    pins = (each for each in lines if each.name == normalised(name) and each.pinned == version)
    line = next((each for each in pins if each.file.endswith((".txt", ".in", ".pip"))), None)
    if line is None:
        return ()
    try:
        newer = list_release(
            uv, f"{name}>{version}", python=interpreter.path, python_version=interpreter.minor, is_oldest=True
        )
    except DevbootError:
        return ()
    minor = int(interpreter.minor.partition(".")[0]), int(interpreter.minor.partition(".")[2])
    if not has_wheel([wheel.name for wheel in newer.wheels], minor):
        return ()
    command = f"{line.line}s/== *{re.escape(version)}/=={newer.version}/"
    return (f"sed -i.bak '{command}' {shlex.quote(line.file)}   # the next version of {name} that has a wheel",)


def _with_help(error: DevbootError, lines: tuple[str, ...]) -> DevbootError:
    return WorkError(error.slug, error.what, details=error.details, causes=error.causes, help=(*lines, *error.help))


def _help(requirement: str, minors: list[str], project: PythonProject) -> tuple[str, ...]:
    if not minors:
        return ()
    request = project.request
    admitted = [minor for minor in minors if request.admits(f"{minor}.99")]
    newest, file = (admitted or minors)[-1], os.path.basename(request.file)
    if file in _OF_CODE and not admitted:
        return (f"`{requirement}` has wheels for python {newest} at most, but {request.file} requires {request}",)
    if file == "devboot.toml":
        return (f'`version = "{newest}"` in `[python]` of devboot.toml: `{requirement}` has a wheel for it',)
    return (f"echo {newest} > {shlex.quote(_version_file(project))}   # {requirement} has a wheel for it",)


def _version_file(project: PythonProject) -> str:
    """Return the path of the .python-version to edit, which takes precedence over the file with the request.

    The project may lie in a subfolder of the clone, where the command isn't typed.
    """
    root = project.wish.root
    folder = os.path.normpath(os.path.dirname(os.path.join(root, project.request.file)))
    is_read = folder in upwards_to(root, project.wish.folder)
    return os.path.join(folder if is_read else root, ".python-version")
