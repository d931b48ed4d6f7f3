"""Lists the packages installed in a virtualenv, from their dist-info folders, without starting a program."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from devboot.clone_reader import parse_json, read_text
from devboot.environment.locks.pins import normalised
from devboot.files import list_names

GONE, EMPTY = "is gone", "is empty"  # what is wrong with a file

# What virtualenvs have without any package, and what devboot writes into them.
_OF_VENV = (
    *("bin", "lib", "lib64", "include", "share", "etc", "lost+found", "pyvenv.cfg"),
    *(".gitignore", ".lock", "CACHEDIR.TAG", "devboot-venv.txt", "devboot.schema.json"),
)
_OF_TOOLS = ("_virtualenv.py", "_virtualenv.pth", "__pycache__")


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed package: `place` is the folder or URL that it was installed from, "" for an index."""

    name: str
    version: str
    place: str = ""
    is_editable: bool = False

    @property
    def folder(self) -> str:
        """Return the local folder that the package was installed from; "" if from an index or a URL."""
        return unquote(self.place.removeprefix("file://")).rstrip("/") if self.place.startswith("file://") else ""


def site_packages(venv: str) -> str:
    """Return the path of a virtualenv's `site-packages`; "" if there is none."""
    library = os.path.join(venv, "lib")
    for name in list_names(library):
        folder = os.path.join(library, name, "site-packages")
        if name.startswith("python") and os.path.isdir(folder):
            return folder
    return ""


def list_installed(venv: str) -> dict[str, Distribution]:
    """Return installed packages by normalised name; a dist-info folder without METADATA or RECORD doesn't count."""
    return {each.name: each for each in _installed(site_packages(venv))}


def lost_files(venv: str) -> dict[str, tuple[str, str]]:
    """Return packages with a missing or emptied file, as {name: (first such file, what is wrong with it)}.

    Files outside of the virtualenv don't count, nor do files of another size, which somebody may have edited. `venv` is
    a normalised path.
    """
    folder = site_packages(venv)
    names = _Names()
    found = {}
    for name, _, info in _dist_infos(folder):
        for relative, has_content in _recorded(os.path.join(info, "RECORD")):
            path = f"{folder}/{relative}"
            if "../" in relative:
                path = os.path.normpath(path)
            if not path.startswith(f"{venv}/"):
                continue
            is_gone = path not in names
            if is_gone or (has_content and _is_empty(path)):
                found[name] = os.path.relpath(path, venv), GONE if is_gone else EMPTY
                break
    return found


def _is_empty(path: str) -> bool:
    try:
        return os.stat(path).st_size == 0
    except OSError:
        return False


def foreign_files(venv: str) -> list[str]:
    """Return files and folders in a virtualenv, relative to it, that belong to neither a package nor a tool.

    Looked at are the virtualenv's own folder and that of the packages, not what is deeper: programs write there, too.
    """
    folder = site_packages(venv)
    known = {os.path.normpath(os.path.join(folder, name)) for name in _OF_TOOLS}
    known |= {os.path.join(venv, name) for name in _OF_VENV}
    for _, _, info in _dist_infos(folder):
        for relative, _ in _recorded(os.path.join(info, "RECORD")):
            path = os.path.normpath(os.path.join(folder, relative))
            for above in (folder, venv):
                if path.startswith(f"{above}/"):
                    known.add(os.path.join(above, path.removeprefix(f"{above}/").partition("/")[0]))
    entries = [os.path.join(above, name) for above in (venv, folder) if above for name in sorted(list_names(above))]
    return [
        os.path.relpath(path, venv)
        for path in entries
        if path not in known and not path.endswith((".dist-info", ".pyc")) and _has_files(path)
    ]


def _has_files(path: str) -> bool:
    """Return whether a path is a file, or a folder that contains other files than compiled Python."""
    if os.path.islink(path) or not os.path.isdir(path):
        return True
    return any(not name.endswith(".pyc") for _, _, names in os.walk(path) for name in names)


class _Names:
    """Cache of folder listings, to check whether files exist: a package has thousands of files in few folders."""

    def __init__(self) -> None:
        self._known: dict[str, frozenset[str]] = {}

    def __contains__(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        known = self._known.get(folder)
        if known is None:
            known = self._known[folder] = frozenset(list_names(folder))
        return name in known


def _recorded(path: str) -> Iterator[tuple[str, bool]]:
    """Yield (path, whether it has content) of the files that a RECORD lists, without compiled Python.

    They are relative to the folder of the packages.
    """
    try:
        text = read_text(path, errors="surrogateescape")
    except OSError:
        return
    for line in text.splitlines():
        path = line[1 : line.rfind('"')].replace('""', '"') if line[:1] == '"' else line.partition(",")[0]
        if path and not path.endswith(".pyc"):
            yield path, line.rpartition(",")[2].strip() not in ("", "0")


def _dist_infos(folder: str) -> Iterator[tuple[str, str, str]]:
    """Yield (normalised name, version, dist-info folder) of each package in `folder`."""
    for entry in list_names(folder) if folder else ():
        name, _, version = entry.removesuffix(".dist-info").rpartition("-")
        if name and entry.endswith(".dist-info"):
            yield normalised(name), version, os.path.join(folder, entry)


def _installed(folder: str) -> Iterator[Distribution]:
    for name, version, info in _dist_infos(folder):
        if os.path.exists(os.path.join(info, "METADATA")) and os.path.exists(os.path.join(info, "RECORD")):
            place, is_editable = _origin(info)
            yield Distribution(name, version, place, is_editable)


def _origin(path: str) -> tuple[str, bool]:
    """Return where a package was installed from and whether it is editable, from its direct_url.json.

    ("", False) if none.
    """
    try:
        facts = parse_json(read_text(os.path.join(path, "direct_url.json")))
        return str(facts["url"]), bool(facts.get("dir_info", {}).get("editable", False))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "", False
