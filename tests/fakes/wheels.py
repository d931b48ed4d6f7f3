"""Small real wheels, so that uv installs without any index."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence


def write_wheel(
    folder: str,
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    scripts: Mapping[str, str] | None = None,
    tag: str = "py3-none-any",
    requires_python: str = "",
) -> str:
    """Write a wheel with one module (or `files`) and return its digest; the same arguments give the same bytes."""
    os.makedirs(folder, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    content = dict(files or {f"{name}.py": f"VERSION = '{version}'\n"})
    python = f"Requires-Python: {requires_python}\n" if requires_python else ""
    depends = "".join(f"Requires-Dist: {each}\n" for each in requires)
    content[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{python}{depends}"
    content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n"
    if scripts:
        lines = "".join(f"{script} = {target}\n" for script, target in scripts.items())
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}"
    sizes = {path: len(text.encode()) for path, text in content.items()}
    content[f"{info}/RECORD"] = "".join(f"{path},,{sizes.get(path, '')}\n" for path in [*content, f"{info}/RECORD"])
    path = os.path.join(folder, f"{name}-{version}-{tag}.whl")
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in content.items():
            archive.writestr(zipfile.ZipInfo(each, (2020, 1, 1, 0, 0, 0)), text)
    return digest_of(path)


# A build backend that needs nothing: it lies in the source tree that it builds.
_BACKEND = """
import os, zipfile
def _wheel(folder, extra):
    info = f"{NAME}-{VERSION}.dist-info"
    content = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {NAME}\\nVersion: {VERSION}\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        **extra,
    }
    content[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in [*content, f"{info}/RECORD"])
    name = f"{NAME}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in content.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
    return name
def build_wheel(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {f"{NAME}.py": open(f"{NAME}.py").read()})
def build_editable(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {f"{NAME}.pth": os.getcwd() + "\\n"})
"""
_BUILD_SYSTEM = '[build-system]\nrequires = [{requires}]\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def write_source_tree(folder: str, name: str, version: str, *, requires: Sequence[str] = ()) -> None:
    """Write a folder that can be built and installed as an editable; building it takes `requires`."""
    os.makedirs(folder, exist_ok=True)
    needs = ", ".join(f'"{each}"' for each in requires)
    files = {
        "pyproject.toml": _BUILD_SYSTEM.format(requires=needs) + f'[project]\nname = "{name}"\nversion = "{version}"\n',
        "backend.py": f"NAME, VERSION = {name!r}, {version!r}\n{_BACKEND}",
        f"{name}.py": f"VERSION = {version!r}\n",
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }
    for path, text in files.items():
        with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
            file.write(text)


def write_sdist(folder: str, name: str, version: str, *, requires: Sequence[str] = (), backend: str = "") -> str:
    """Write a source distribution of one module and return its digest.

    Building it takes `requires` and first runs the statements of `backend`.
    """
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{name}-{version}.tar.gz")
    with tempfile.TemporaryDirectory() as place, tarfile.open(path, "w:gz") as archive:
        write_source_tree(place, name, version, requires=requires)
        with open(os.path.join(place, "backend.py"), "a", encoding="utf-8") as file:
            file.write(backend)
        archive.add(place, f"{name}-{version}")
    return digest_of(path)


def digest_of(path: str) -> str:
    """Give a file's digest."""
    with open(path, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
