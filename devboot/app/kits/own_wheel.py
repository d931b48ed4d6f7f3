"""Builds a wheel of devboot itself from the running files, for a kit."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import tomllib
import zipfile
from collections.abc import Iterator

import devboot
from devboot.app.commands.init import example_folder
from devboot.recipes import bundled_folder

_PACKAGE = os.path.dirname(os.path.abspath(devboot.__file__))
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can say
_WHEEL = "Wheel-Version: 1.0\nGenerator: devboot\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_SCRIPTS = "[console_scripts]\ndevboot = devboot.__main__:main\n"
_SKIPPED = ("__pycache__", ".venv")


def write_own_wheel(folder: str) -> str:
    """Write a wheel of devboot into `folder` and return its path; equal files give equal bytes. Raises OSError."""
    version = devboot.__version__
    info = f"devboot-{version}.dist-info"
    content = dict(_files())
    content[f"{info}/METADATA"] = _metadata(version).encode()
    content[f"{info}/WHEEL"] = _WHEEL.encode()
    content[f"{info}/entry_points.txt"] = _SCRIPTS.encode()
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in sorted(content.items()))
    content[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    path = os.path.join(folder, f"devboot-{version}-py3-none-any.whl")
    # stored, not deflated: what another zlib makes of the same bytes differs
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content, key=lambda name: (name.startswith(info), name)):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content[name])
    return path


def own_requirements() -> tuple[str, ...]:
    """Return the packages that devboot requires: from its checkout's pyproject.toml, else from its metadata."""
    project = os.path.join(os.path.dirname(_PACKAGE), "pyproject.toml")
    try:
        with open(project, "rb") as file:
            table = tomllib.load(file)["project"]
        if table["name"] == "devboot":
            return tuple(sorted(table["dependencies"]))
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        pass
    return tuple(sorted(line for line in importlib.metadata.requires("devboot") or () if "extra ==" not in line))


def installed_versions() -> str:
    """Return the text of a constraints file with every package installed beside devboot."""
    found = {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}
    # leftovers of an interrupted uninstallation have no name
    return "".join(f"{name}=={found[name]}\n" for name in sorted(filter(None, found)) if name != "devboot")


def _files() -> Iterator[tuple[str, bytes]]:
    places = ((_PACKAGE, "devboot"), (bundled_folder(), "devboot/_recipes"), (example_folder(), "devboot/_example"))
    for place, prefix in places:
        for parent, folders, names in os.walk(place):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            for name in sorted(names):
                path = os.path.join(parent, name)
                if not name.endswith((".pyc", ".tmp")):
                    with open(path, "rb") as file:
                        yield f"{prefix}/{os.path.relpath(path, place)}", file.read()


def _metadata(version: str) -> str:
    needs = "".join(f"Requires-Dist: {line}\n" for line in own_requirements())
    return f"Metadata-Version: 2.1\nName: devboot\nVersion: {version}\nRequires-Python: >=3.11\n{needs}"


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
