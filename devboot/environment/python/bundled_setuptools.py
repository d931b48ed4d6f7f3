"""Adds the setuptools that Pythons before 3.12 came with: packages of that time use it without requiring it.

If the interpreter brings none, the same release is downloaded, by its digest.
"""

from __future__ import annotations

import glob
import os
import re

from devboot.clone_reader import read_bytes
from devboot.environment.python.interpreters import Interpreter

SETUPTOOLS = "setuptools"
_LAST_WITH_IT = (3, 11)
_DEBIAN = "/usr/share/python-wheels"  # Debian takes the wheels out of the standard library
# The last one whose pkg_resources doesn't announce its end on each start
FETCHED = "setuptools==80.8.0 --hash=sha256:95a60484590d24103af13b686121328cc2736bee85de8936383111e421b9edc0"
_IMPORT = re.compile(rb"^[ \t]*(?:import|from)\s+pkg_resources\b", re.MULTILINE)
_IMPORT_AT_ONCE = re.compile(rb"^(?:import|from)\s+pkg_resources\b", re.MULTILINE)
_OWN = ("pkg_resources", "setuptools", "_distutils_hack", "pip", "__pycache__")


def bundled_wheel(interpreter: Interpreter, elsewhere: str = _DEBIAN) -> str:
    """Return the path of the setuptools wheel that `python -m venv` would install; empty without one.

    `elsewhere` is a further folder with such wheels, as Debian has it.
    """
    if tuple(map(int, interpreter.minor.split("."))) > _LAST_WITH_IT:
        return ""
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(interpreter.path)))
    library = os.path.join(prefix, "lib", f"python{interpreter.minor}", "ensurepip", "_bundled")
    found = [
        path for folder in (library, elsewhere) for path in sorted(glob.glob(f"{glob.escape(folder)}/setuptools-*.whl"))
    ]
    return found[0] if found else ""


def wanted_setuptools(interpreter: Interpreter) -> str:
    """Return the setuptools to install: the path of the interpreter's wheel, or a requirement line with a digest."""
    return bundled_wheel(interpreter) or FETCHED


def imports_pkg_resources(site: str, *, at_once: bool = False) -> bool:
    """Return whether any package in the folder `site` imports pkg_resources; `at_once`: outside of any `try`."""
    pattern = _IMPORT_AT_ONCE if at_once else _IMPORT
    for folder, folders, names in os.walk(site):
        folders[:] = [name for name in folders if name not in _OWN]
        for name in names:
            if name.endswith(".py") and _names_it(os.path.join(folder, name), pattern):
                return True
    return False


def _names_it(path: str, pattern: re.Pattern[bytes]) -> bool:
    try:
        return pattern.search(read_bytes(path)) is not None
    except OSError:
        return False
