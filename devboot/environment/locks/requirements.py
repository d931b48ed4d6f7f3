"""Parses requirements files as pip does: `-r`, `-c`, `-e`, index options, hashes, URLs, paths."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement

from devboot.clone_reader import exists
from devboot.environment.locks.direct_references import parse_direct
from devboot.environment.locks.pins import Direct, IndexLine, Pin, Pins, normalised
from devboot.errors import ManifestError, Place, reason_of, shell_word
from devboot.model.project_files.encoding import EncodingError, NotUtf8Error, decode

Read = Callable[[str], bytes]
"""Gives a file's bytes by its absolute path; raises OSError."""

_HASH = re.compile(r"\s--hash[= ](sha256:[0-9a-fA-F]{64}|(?!sha256)[a-z0-9]+:[0-9a-fA-F]+)")
_PER_LINE = re.compile(r"\s--(?:config-settings|global-option|install-option)[= ].*$")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_NAME = re.compile(r"^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_INDEX_OPTIONS = {
    "-i": "default",
    "--index-url": "default",
    "--pypi-url": "default",
    "--extra-index-url": "extra",
    "-f": "find-links",
    "--find-links": "find-links",
    "--trusted-host": "trusted-host",
}
# What uv understands as well; the rest of pip's options speak about pip itself.
_PASSED_ON = {"--no-binary": "--no-binary", "--only-binary": "--only-binary"}


# A requirement at an absolute path, and what of such a path comes from conda's builds, or is a package's file
_OF_FILE = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?P<extras>\[[^\]]*\])?\s*@\s*file://(?P<path>/[^\s;#]+)[^\s;]*(?P<rest>.*)$"
)
_OF_CONDA = re.compile(r"/(?:feedstock_root|conda-bld|croot|80754af9)/|_\d{9,}(?:/work)?/?$")
_IN_NAME = re.compile(r"/(?P<file>[^/]+?-(?P<version>\d[^/-]*?)(?:-[^/]+\.whl|\.tar\.gz|\.zip))$")


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """A requirement by name in a file, without its hashes; `pinned` is its exact version, "" if it has none.

    `is_understood` is False for a line outside of the grammar that uv reads.
    """

    text: str
    name: str
    hashes: tuple[str, ...]
    file: str
    line: int
    pinned: str = ""
    marker: str = ""
    extras: tuple[str, ...] = ()
    is_understood: bool = True


@dataclass
class RequirementsFile:
    """Content of a requirements file with its includes; `files` are the absolute paths of all files read."""

    lines: list[RequirementLine] = field(default_factory=list)
    directs: list[Direct] = field(default_factory=list)
    indexes: list[IndexLine] = field(default_factory=list)
    constraints: list[RequirementLine] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def is_locked(self) -> bool:
        """Return whether each requirement is pinned and hashed: then the file is used as a lock."""
        return bool(self.lines) and all(line.pinned and line.hashes for line in self.lines)


def load_requirements(path: str, root: str, read: Read, environ: Mapping[str, str]) -> RequirementsFile:
    """Read a requirements file and its includes.

    Args:
        path: its absolute path.
        root: the project's root; places in errors and relative paths of `-e` count from it.
        read: returns a file's bytes.
        environ: for `${NAME}` in lines, as pip fills it in.

    Raises:
        ManifestError: `python/no-requirements`, the file or an included one doesn't exist; `python/unreadable`;
            `python/requirement`, a bad line.

    """
    found = RequirementsFile()
    _Reader(root, read, environ, found).load(path, None, is_constraint=False)
    return found


def pins_of_locked(found: RequirementsFile, source: str) -> Pins:
    """Return the pins of a requirements file whose lines are all pinned and hashed."""
    return Pins(
        inputs=(source,),
        pins=tuple(Pin(line.name, line.pinned, line.marker, line.extras, line.hashes) for line in found.lines),
        directs=tuple(found.directs),
        indexes=tuple(found.indexes),
        options=tuple(found.options),
    )


def unreadable(file: str, error: OSError, place: Place | None = None) -> ManifestError:
    """Return the error for a requirements file or lock that can't be read; `place` is the line that names it."""
    return ManifestError(
        "python/no-requirements" if isinstance(error, FileNotFoundError) else "python/unreadable",
        f"`{file}` can't be read",
        place=place,
        causes=(reason_of(error),),
        help=(f"ls -lL {shell_word(file)}",),
    )


class _Reader:
    """Reads a requirements file and those that it includes, and adds their lines to `found`."""

    def __init__(self, root: str, read: Read, environ: Mapping[str, str], found: RequirementsFile) -> None:
        self._root = root
        self._read = read
        self._environ = environ
        self._found = found

    def load(self, path: str, place: Place | None, *, is_constraint: bool) -> None:
        """Read the file at `path`, named by the line at `place` (None: by nobody), and those that it includes."""
        path = os.path.normpath(path)
        if path in self._found.files and not is_constraint:
            return  # files may include each other
        self._found.files.append(path)
        file = os.path.relpath(path, self._root)
        try:
            text = decoded(self._read(path))
        except EncodingError as error:
            where = Place(file, error.line, error.column)
            raise ManifestError(
                "python/requirement", error.what, place=where, help=("save the file as UTF-8",)
            ) from None
        except OSError as error:
            raise unreadable(file, error, place) from error
        for number, line in logical_lines(text):
            self._take(self._filled(line), path, Place(file, number, source=line), is_constraint=is_constraint)

    def _filled(self, line: str) -> str:
        return _VARIABLE.sub(lambda match: self._environ.get(match[1], match[0]), line)

    def _take(self, line: str, path: str, place: Place, *, is_constraint: bool) -> None:
        option, value = _split_option(line)
        if option in ("-r", "--requirement", "-c", "--constraint"):
            target = os.path.join(os.path.dirname(path), value)
            self.load(target, place, is_constraint=is_constraint or option in ("-c", "--constraint"))
        elif option in _INDEX_OPTIONS:
            url = _local(value, path) if _INDEX_OPTIONS[option] == "find-links" else value
            self._found.indexes.append(IndexLine(_INDEX_OPTIONS[option], url, place.file, place.line))
        elif option == "--no-index":
            self._found.indexes.append(IndexLine("no-index", "", place.file, place.line))
        elif option in _PASSED_ON:
            self._found.options += [word for name in value.split(",") for word in (_PASSED_ON[option], name.strip())]
        elif option == "--pre":
            self._found.options += ["--prerelease", "allow"]
        elif option in ("-e", "--editable"):
            self._found.directs.append(parse_direct(value, self._base(path, value), place, is_editable=True))
        elif not option:
            self._take_requirement(line, path, place, is_constraint=is_constraint)

    def _take_requirement(self, line: str, path: str, place: Place, *, is_constraint: bool) -> None:
        hashes = tuple(match[1].lower() for match in _HASH.finditer(line))
        text = _PER_LINE.sub("", _HASH.sub("", line)).strip()
        text = _by_name(text, place)
        if is_direct(text):
            direct = parse_direct(text, self._base(path, text), place, hashes=hashes)
            if not is_constraint:
                self._found.directs.append(direct)
            return
        target = self._found.constraints if is_constraint else self._found.lines
        target.append(parse_line(text, hashes, place))

    def _base(self, path: str, reference: str) -> str:
        """Return the folder from which a relative path in a requirements file counts.

        It is the root, as in pip; the folder of the requirements file at `path` if `reference` exists only there.
        """
        plain = re.split(r"[\[;]", reference.partition(" @ ")[2] or reference)[0].strip()
        beside = os.path.dirname(path)
        if not exists(os.path.join(self._root, plain)) and exists(os.path.join(beside, plain)):
            return beside
        return self._root


def _by_name(text: str, place: Place) -> str:
    """Return `name` for a requirement `name @ file:…` with a conda build path that no machine has; others unchanged.

    `pip freeze` writes such addresses for each package of conda, and for wheels that were installed from a folder.

    Raises:
        ManifestError: `python/requirement`, the file is a wheel that only the author's machine has.

    """
    found = _OF_FILE.match(text)
    if found is None or "${" in text or exists(unquote(found["path"])):
        return text
    if _OF_CONDA.search(found["path"]):
        return f"{found['name']}{found['extras'] or ''}{found['rest']}"
    named = _IN_NAME.search(found["path"])
    if named is None:
        return text
    command = f"sed -i.bak '{place.line}s/ *@ *file:[^;]*/=={named['version']}/' {shell_word(place.file)}"
    what = f"`{named['file']}` is a file of the machine where this list was written"
    raise ManifestError("python/requirement", what, place=place, help=(f"{command}   # its version, from the index",))


def parse_line(text: str, hashes: tuple[str, ...], place: Place) -> RequirementLine:
    """Parse a requirement by name. Older grammar of pip is kept as text, since uv understands some of it.

    Raises:
        ManifestError: `python/requirement`, it has not even a name.

    """
    try:
        requirement = Requirement(text)
    except (InvalidRequirement, RecursionError) as error:
        match = _NAME.match(text)
        if match is None:
            raise bad_line(text, place) from error
        return RequirementLine(text, normalised(match[1]), hashes, place.file, place.line, is_understood=False)
    exact = [spec.version for spec in requirement.specifier if spec.operator in ("==", "===")]
    pinned = exact[0] if len(exact) == 1 and not exact[0].endswith(".*") else ""
    return RequirementLine(
        text,
        normalised(requirement.name),
        hashes,
        place.file,
        place.line,
        pinned=pinned,
        marker=str(requirement.marker or ""),
        extras=tuple(sorted(requirement.extras)),
    )


def is_requirement(text: str) -> bool:
    """Return whether a text is exactly one requirement by name, such as `django>=4`."""
    try:
        Requirement(text)
    except InvalidRequirement:
        return False
    return True


def bad_line(text: str, place: Place) -> ManifestError:
    """Return the error for a line of a requirements file that isn't a requirement."""
    return ManifestError(
        "python/requirement",
        f"can't read `{text}` as a requirement",
        place=place,
        help=(
            f"sed -i.bak '{place.line}s/^/# /' {shell_word(place.file)}   # if it is a comment",
            "write a name, or a name with versions as in `django>=5.2`",
        ),
    )


def is_direct(text: str) -> bool:
    """Return whether a requirement is a URL or a path, with or without a name before it."""
    head = text.partition(";")[0].strip()
    if head.startswith("//"):  # a remark as in other languages
        return False
    if re.match(r"^[A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?\s*@\s*\S", head):
        return True
    plain = head.partition("[")[0]
    return (
        "://" in head
        or plain.startswith(("./", "../", "/", "file:"))
        or plain in (".", "..")
        or plain.endswith((".whl", ".zip", ".tar.gz", ".tar.bz2"))
    )


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, text) of a requirements file, continuation lines joined and comments removed."""
    start, parts = 0, list[str]()
    for number, raw in enumerate([*text.splitlines(), ""], 1):
        start = start if parts else number
        is_comment = raw.lstrip().startswith("#")
        if not is_comment and raw.endswith("\\"):
            parts.append(raw[:-1].strip())
            continue
        parts.append("" if is_comment else raw.strip())
        line = _COMMENT.sub("", " ".join(part for part in parts if part)).strip()
        parts = []
        if line:
            yield start, line


def decoded(data: bytes) -> str:
    """Decode a requirements file: UTF-8, UTF-16 (as PowerShell writes it), or else Latin-1.

    Raises EncodingError for UTF-16 that is cut off or has no byte order mark.
    """
    try:
        return decode(data, takes_utf_16=True)
    except NotUtf8Error:
        return data.decode("latin-1")


def _local(value: str, path: str) -> str:
    """Return the value of `--find-links` as a `file:` URL if it is an existing folder; other values unchanged.

    A URL, since paths may contain characters that options of uv and pip don't accept: `#`, blanks.
    """
    beside = os.path.normpath(os.path.join(os.path.dirname(path), value))
    return PurePath(beside).as_uri() if "://" not in value and exists(beside) else value


def _split_option(line: str) -> tuple[str, str]:
    """Split a line into option and value: `-r file`, `-rfile`, `--option=value`; ("", line) if it isn't an option."""
    if not line.startswith("-"):
        return "", line
    if line.startswith("--"):
        match = re.match(r"^(--[a-z-]+)(?:[= ]\s*(.*))?$", line)
        return (match[1], (match[2] or "").strip().strip("'\"")) if match else (line, "")
    return line[:2], line[2:].strip().lstrip("=").strip().strip("'\"")
