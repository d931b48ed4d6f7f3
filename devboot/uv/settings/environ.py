"""Builds uv's environment: the caller's, without variables that would redirect an install out of the virtualenv."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from devboot.paths import xdg_base
from devboot.uv.settings.pip_config import pip_as_uv

# Each of these points Python or uv at another interpreter, environment or project.
_MISLEADING = frozenset(
    {
        "__PYVENV_LAUNCHER__",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONUSERBASE",
        "PYTHONSAFEPATH",
        "VIRTUAL_ENV",
        "VIRTUAL_ENV_PROMPT",
        "PIPENV_ACTIVE",
        "POETRY_ACTIVE",
        "UV_PYTHON",
        "UV_SYSTEM_PYTHON",
        "UV_BREAK_SYSTEM_PACKAGES",
        "UV_PROJECT",
        "UV_PROJECT_ENVIRONMENT",
        "UV_WORKING_DIR",
        "UV_WORKING_DIRECTORY",
        "UV_ENV_FILE",
        "UV_FROZEN",
        "UV_LOCKED",
        "UV_NO_SYNC",
        "UV_VENV_CLEAR",
        "UV_VENV_SEED",
        "UV_CONSTRAINT",
        "UV_OVERRIDE",
        "UV_EXCLUDE_NEWER",
        "UV_REQUIRE_HASHES",
        "UV_NO_VERIFY_HASHES",
        "UV_INTERNAL__PARENT_INTERPRETER",
        "UV_RUN_RECURSION_DEPTH",
    }
)
_ON = frozenset({"1", "y", "yes", "t", "true", "on"})  # as in uv
_MISLEADING_PREFIXES = ("CONDA_", "PYENV_VERSION", "ASDF_PYTHON_VERSION")
# Shims work only for selected versions, and make uv's discovery fail for all others.
_SHIM_FOLDERS = ("/.pyenv/shims", "/.asdf/shims", "/mise/shims", "/.rbenv/shims")


def provisioning_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for uv: scrubbed, with pip's configuration where uv has none, and quiet output."""
    kept = {name: value for name, value in environ.items() if not misleads(name)}
    kept["PATH"] = _without_shims(environ)
    kept.update(pip_as_uv(environ, uv_is_configured=_has_uv_config(environ)))
    kept.update(NO_COLOR="1", UV_NO_PROGRESS="1", UV_NO_ENV_FILE="1", UV_PREVIEW="0", PYTHONNOUSERSITE="1")
    for name in ("FORCE_COLOR", "COLUMNS"):  # uv's output is parsed by line, and a width would wrap it
        kept.pop(name, None)
    return kept


def is_offline(environ: Mapping[str, str]) -> bool:
    """Return whether DEVBOOT_OFFLINE or UV_OFFLINE switches the network off."""
    return any(environ.get(name, "").lower() in _ON for name in ("DEVBOOT_OFFLINE", "UV_OFFLINE"))


def misleads(name: str) -> bool:
    """Return True if the environment variable `name` would mislead uv, so that it is removed before uv runs."""
    return name in _MISLEADING or name.startswith(_MISLEADING_PREFIXES)


def _without_shims(environ: Mapping[str, str]) -> str:
    roots = (environ.get(name, "") for name in ("PYENV_ROOT", "ASDF_DATA_DIR", "MISE_DATA_DIR"))
    shims = {os.path.join(root, "shims") for root in roots if root}
    folders = environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(_usable(folders, shims)) or os.defpath


def _usable(folders: Iterable[str], shims: set[str]) -> Iterable[str]:
    for folder in folders:
        plain = folder.rstrip("/")
        # A relative entry would depend on uv's current folder.
        if os.path.isabs(folder) and plain not in shims and not plain.endswith(_SHIM_FOLDERS):
            yield folder


def _has_uv_config(environ: Mapping[str, str]) -> bool:
    """Return whether a uv.toml of the user or the system configures indexes."""
    config_home = xdg_base("config", environ, lambda: environ.get("HOME", ""))
    files = [environ.get("UV_CONFIG_FILE", ""), os.path.join(config_home, "uv", "uv.toml") if config_home else ""]
    return any(file and _speaks_of_indexes(file) for file in (*files, "/etc/uv/uv.toml"))


def _speaks_of_indexes(file: str) -> bool:
    try:
        with open(file, encoding="utf-8") as opened:
            return "index" in opened.read()
    except (OSError, UnicodeDecodeError):
        return False
