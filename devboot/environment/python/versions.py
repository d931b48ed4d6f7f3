"""Reads the requested Python version from a project's files, with file and line."""

from __future__ import annotations

import datetime as dt
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from devboot.clone_reader import exists, parse_toml, table_in
from devboot.environment.locks.formats.poetry_versions import alternatives
from devboot.errors import ManifestError, Place
from devboot.paths import upwards_to

ReadText = Callable[[str], str | None]
"""Gives a file's text by its absolute path, None where there is none."""

NamesIn = Callable[[str, str], list[str]]
"""Gives the names in a folder that match a pattern."""

PYTHON_2 = "is written for Python 2"  # what a program is that no Python 3 can parse
_VERSION = re.compile(r"^(?:c?python-?|Python )?(?P<version>\d+(?:\.\d+){0,2})(?P<rest>[a-z*.+-].*)?$", re.IGNORECASE)
_BOUNDS = "pyproject.toml"  # the one file that says which versions the code runs on
_IMAGES = ("Dockerfile", "Dockerfile.dev", "docker/Dockerfile", "docker/local.Dockerfile", ".devcontainer/Dockerfile")
_ROOT_OF_CLONE = 4  # folders above the project in which `.git` is looked for
_FROM = re.compile(r"^FROM\s+(?:--\S+\s+)*(?:\S+/)?python:(\S+)", re.MULTILINE | re.IGNORECASE)
# `python-version: 3.8`, `python: ["3.8", "3.9"]`, a list below it, `image: python:3.8`, conda's `- python=3.8`
_TESTED = re.compile(
    r"^[ \t-]*(?:python(?:[-_]?versions?)?[ \t]*:|image:[ \t]*[\"']?python:|-[ \t]+python[ \t]*={1,2})"
    r"[^\n]*(?:\n[ \t]*-[ \t]*[\"']?3\.\d+[^\n]*)*",
    re.MULTILINE | re.IGNORECASE,
)
_ARGUMENT = re.compile(r"""^ARG\s+(\w+)=["']?([\w.-]+)""", re.MULTILINE | re.IGNORECASE)
_REFERENCE = re.compile(r"\$\{?(\w+)(?::-[^}]*)?\}?")


@dataclass(frozen=True, slots=True)
class VersionRequest:
    """A requested Python version: `specifier` admits versions ("": any), `written` is the text in the file.

    `file` and `line` are its place ("" and 0 without one); `is_exact` requires the patch version. `stand_in` admits
    other minor versions if the requested one is unavailable; None if none may stand in.
    """

    specifier: str = ""
    written: str = ""
    file: str = ""
    line: int = 0
    is_exact: bool = False
    stand_in: str | None = None

    @property
    def minor(self) -> str:
        """Return the requested minor version, as `3.12`; empty for a range."""
        match = re.fullmatch(r"==(\d+\.\d+)(?:\.\d+|\.\*)", self.specifier)
        return match[1] if match else ""

    @property
    def patch(self) -> str:
        """Return the requested patch version, as `3.12.4`; empty without one."""
        match = re.fullmatch(r"==(\d+\.\d+\.\d+)", self.specifier)
        return match[1] if match else ""

    def admits(self, version: str) -> bool:
        """Return whether a version satisfies the request."""
        return SpecifierSet(self.specifier).contains(version, prereleases=True)

    def admits_instead(self, version: str) -> bool:
        """Return whether a version of another minor may be used if the requested one is unavailable."""
        return self.stand_in is not None and SpecifierSet(self.stand_in).contains(version, prereleases=True)

    def __str__(self) -> str:
        return self.written or "any version"


def requested_version(
    root: str,
    folder: str,
    read: ReadText,
    *,
    manifest: str = "",
    is_exact: bool = False,
    may_stand_in: bool = False,
) -> VersionRequest:
    """Return the requested Python version: of the manifest, else of the first file from the app's folder upwards.

    `may_stand_in`: a file with the version that its authors use (.python-version and its like) doesn't forbid others.

    Raises:
        ManifestError: `python/version`, the manifest's own text is no version.

    """
    specifier = as_specifier(manifest) if manifest else ""
    if specifier is None:
        raise ManifestError(
            "python/version",
            f"`{manifest}` isn't a version of Python",
            place=Place("devboot.toml"),
            help=('write it as in `version = "3.12"` or `version = ">=3.12"`',),
        )
    stated = tuple(stated_versions(root, folder, read))
    first = next(iter(stated), VersionRequest())
    if manifest:
        # A detected manifest repeats the version of some file, perhaps one further up
        same = [each for each in stated if each.specifier == specifier] if may_stand_in else []
        first = next(iter(same), VersionRequest(specifier, manifest, "devboot.toml"))
    bounds = [each.specifier for each in stated if os.path.basename(each.file) == _BOUNDS]
    is_habit = may_stand_in and not is_exact and not manifest and os.path.basename(first.file) not in ("", _BOUNDS)
    return replace(first, is_exact=is_exact, stand_in=",".join(bounds) if is_habit else None)


def within_lock(request: VersionRequest, bounds: str, file: str) -> VersionRequest:
    """Return the request, narrowed to the versions (`bounds`) that the lock `file` was made for."""
    if not request.specifier:
        return VersionRequest(bounds, bounds, file)
    both = ",".join(filter(None, (request.stand_in if request.stand_in is not None else request.specifier, bounds)))
    if request.stand_in is not None:
        return replace(request, stand_in=both)
    admitted = [minor for minor in _RELEASED if request.admits(minor)]
    kept = [minor for minor in admitted if SpecifierSet(both).contains(minor, prereleases=True)]
    if request.minor or not kept or kept == admitted:
        return request
    return replace(request, specifier=both, written=bounds, file=file, line=0)


def stated_versions(root: str, folder: str, read: ReadText) -> Iterator[VersionRequest]:
    """Yield all Python versions that the project's files request, the one that counts first.

    In folders of the clone above the project only those files count that pyenv, asdf and mise look for upwards.
    """
    places = [(place, _READERS) for place in upwards_to(root, folder)]
    places += [(place, _READERS_UPWARDS) for place in _folders_above(root)]
    for place, readers in places:
        for name, reader in readers:
            path = os.path.join(place, name)
            text = read(path)
            if text is not None:
                yield from reader(text, os.path.relpath(path, root))


def suggested_minor(root: str, folder: str, read: ReadText, names_in: NamesIn) -> str:
    """Return the Python minor version of the project's container image, else the newest it is tested with; "" for none.

    It is a hint, used if nothing requests a version.
    """
    texts = (read(path) or "" for path in _files_of_images(root, folder))
    of_image = next((minor for text in texts for minor in _minors_of_images(text)), "")
    if of_image:
        return of_image
    for place in (*upwards_to(root, folder), *_folders_above(root)):
        workflows = os.path.join(place, ".github", "workflows")
        paths = [
            os.path.join(workflows, name) for pattern in ("*.yml", "*.yaml") for name in names_in(workflows, pattern)
        ]
        paths += [os.path.join(place, name) for name in (".travis.yml", ".gitlab-ci.yml", "tox.ini", "environment.yml")]
        if minors := [minor for path in paths for minor in _tested_minors(path, read(path) or "")]:
            return max(minors, key=lambda minor: int(minor.partition(".")[2]))
    return ""


def _tested_minors(path: str, text: str) -> Iterator[str]:
    if path.endswith("tox.ini"):
        lists = re.findall(r"^(?:env_?list|basepython)\s*=(.*(?:\n[ \t]+.*)*)", text, re.MULTILINE)
        for braces in re.findall(r"\bpy(?:thon)?\{([\d., -]+)\}", " ".join(lists)):
            lists += [f"py{each.strip()}" for each in braces.split(",")]
        yield from (f"3.{each}" for each in re.findall(r"\bpy(?:thon)?3\.?(\d{1,2})\b", " ".join(lists)))
        return
    for block in _TESTED.findall(text):
        yield from re.findall(r"(?<![\d.])3\.\d{1,2}(?!\d)", block)


_WHEELS_AFTER = dt.timedelta(days=180)  # until most packages have wheels for a new Python
_RELEASED = {
    "3.14": "2025-10-07",
    "3.13": "2024-10-07",
    "3.12": "2023-10-02",
    "3.11": "2022-10-24",
    "3.10": "2021-10-04",
    "3.9": "2020-10-05",
    "3.8": "2019-10-14",
    "3.7": "2018-06-27",
}


def minor_at(date: str) -> str:
    """Return the Python minor version that was current at a date such as `2021-05-30`; "" for a span of days."""
    try:
        day = dt.date.fromisoformat(date)
    except ValueError:
        return ""
    usable = [minor for minor, since in _RELEASED.items() if dt.date.fromisoformat(since) + _WHEELS_AFTER <= day]
    return next(iter(usable), next(reversed(_RELEASED)))


def _files_of_images(root: str, folder: str) -> Iterator[str]:
    # A project that lies below the clone's root is often built from there
    for place in (*upwards_to(root, folder), *_folders_above(root)):
        for name in _IMAGES:
            yield os.path.join(place, name)


def _folders_above(root: str) -> tuple[str, ...]:
    """Return the folders above `root` up to the root of the clone; none if `root` isn't in a clone."""
    places: list[str] = []
    place = root
    for _ in range(_ROOT_OF_CLONE):
        if exists(os.path.join(place, ".git")):
            return tuple(places)
        place = os.path.dirname(place)
        places.append(place)
    return ()


def _minors_of_images(text: str) -> Iterator[str]:
    defaults = dict(_ARGUMENT.findall(text))
    for version in _FROM.findall(text):
        reference = _REFERENCE.match(version)
        known = defaults.get(reference[1], "") if reference else version
        if minor := re.match(r"3\.\d+", known):
            yield minor[0]


def as_specifier(text: str) -> str | None:
    """Convert a version or a range to a specifier of PEP 440; None for other text.

    `3.12`, `python-3.12.x` and `3.12-dev` become `==3.12.*`, `3.12.4` becomes `==3.12.4`, `^3.11` becomes `<4,>=3.11`;
    of alternatives (`>=3.9 || ^3.12`) the first is taken.
    """
    text = text.strip()
    match = _VERSION.match(text)
    if match and (match["rest"] or "") in ("", ".x", ".*", "-dev", "t", "+freethreaded"):
        version = match["version"]
        return f"=={version}" if version.count(".") == 2 else f"=={version}.*"
    try:
        found = alternatives(text)
        return str(SpecifierSet(found[0])) if text[:1] in tuple("<>=!~^") else None
    except (InvalidSpecifier, ValueError):
        return None


def _read_version_file(text: str, file: str) -> Iterator[VersionRequest]:
    """Yield the request in a .python-version or runtime.txt: its first line that is a version."""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        word = line.partition("#")[0].strip()
        if specifier := as_specifier(word):
            yield VersionRequest(specifier, word.removeprefix("python-"), file, number)
            return


def _tool_versions(text: str, file: str) -> Iterator[VersionRequest]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[0] == "python" and (specifier := as_specifier(words[1])):
            yield VersionRequest(specifier, words[1], file, number)


def _pipfile(text: str, file: str) -> Iterator[VersionRequest]:
    try:
        requires = table_in(parse_toml(text), "requires")
    except tomllib.TOMLDecodeError:
        return
    for key in ("python_full_version", "python_version"):
        written = str(requires.get(key, ""))
        if specifier := as_specifier(written):
            yield VersionRequest(specifier, written, file, _line_of(text, key))
            return


def _pyproject(text: str, file: str) -> Iterator[VersionRequest]:
    try:
        table = parse_toml(text)
    except tomllib.TOMLDecodeError:
        return
    for key, written in (
        ("requires-python", table_in(table, "project").get("requires-python")),
        ("python", table_in(table, "tool", "poetry", "dependencies").get("python")),
    ):
        if isinstance(written, str) and (specifier := _range(written)):
            yield VersionRequest(specifier, written, file, _line_of(text, key))
            return


def _range(written: str) -> str | None:
    """Convert a constraint of poetry or PEP 440 to a specifier; of alternatives (`||`) the last one counts."""
    try:
        return str(SpecifierSet(alternatives(written)[-1]))
    except (InvalidSpecifier, ValueError):
        return None


def _line_of(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line):
            return number
    return 0


_READERS: tuple[tuple[str, Callable[[str, str], Iterator[VersionRequest]]], ...] = (
    (".python-version", _read_version_file),
    ("runtime.txt", _read_version_file),
    (".tool-versions", _tool_versions),
    ("Pipfile", _pipfile),
    (_BOUNDS, _pyproject),
)
_READERS_UPWARDS = tuple(each for each in _READERS if each[0] in (".python-version", ".tool-versions"))
