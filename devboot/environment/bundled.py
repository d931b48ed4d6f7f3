"""setuptools as Pythons before 3.12 bring it: packages of then count on it without asking for it."""

from __future__ import annotations

import glob
import os
import re

from devboot.environment.interpreters import Interpreter

SETUPTOOLS = "setuptools"
_LAST_WITH_IT = (3, 11)
_DEBIAN = "/usr/share/python-wheels"  # Debian takes the wheels out of the standard library
_IMPORT = re.compile(rb"^\s*(?:import|from)\s+pkg_resources\b", re.MULTILINE)
_OWN = ("pkg_resources", "setuptools", "_distutils_hack", "pip", "__pycache__")


def bundled_wheel(interpreter: Interpreter, elsewhere: str = _DEBIAN) -> str:
    """Give the path of the setuptools wheel that `python -m venv` would install; empty where there is none."""
    if tuple(map(int, interpreter.minor.split("."))) > _LAST_WITH_IT:
        return ""
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(interpreter.path)))
    library = os.path.join(prefix, "lib", f"python{interpreter.minor}", "ensurepip", "_bundled")
    found = [
        path for folder in (library, elsewhere) for path in sorted(glob.glob(f"{glob.escape(folder)}/setuptools-*.whl"))
    ]
    return found[0] if found else ""


def imports_pkg_resources(site: str) -> bool:
    """Whether a package in this folder imports what only setuptools has."""
    for folder, folders, names in os.walk(site):
        folders[:] = [name for name in folders if name not in _OWN]
        for name in names:
            if name.endswith(".py") and _names_it(os.path.join(folder, name)):
                return True
    return False


def _names_it(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return _IMPORT.search(file.read()) is not None
    except OSError:
        return False
