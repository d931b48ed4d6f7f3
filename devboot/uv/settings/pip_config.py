"""Converts pip's configuration of indexes to uv's, which doesn't read it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from devboot.paths import xdg_base

# pip's variable, pip's key in a file, uv's variable.
_SETTINGS = (
    ("PIP_INDEX_URL", "index-url", "UV_DEFAULT_INDEX"),
    ("PIP_EXTRA_INDEX_URL", "extra-index-url", "UV_INDEX"),
    ("PIP_FIND_LINKS", "find-links", "UV_FIND_LINKS"),
    ("PIP_CERT", "cert", "SSL_CERT_FILE"),
    ("PIP_PROXY", "proxy", "HTTPS_PROXY"),
)
_INDEX_WORDS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")


def pip_as_uv(environ: Mapping[str, str], *, uv_is_configured: bool) -> dict[str, str]:
    """Return pip's index settings as uv's variables; none overrides a setting of uv itself.

    Args:
        environ: the caller's variables.
        uv_is_configured: True if a uv.toml configures indexes; pip's indexes are ignored then.

    """
    from_files = _from_files(environ)
    found: dict[str, str] = {}
    for variable, key, target in _SETTINGS:
        value = environ.get(variable) or from_files.get(key, "")
        if value and not _is_told(target, environ, uv_is_configured=uv_is_configured):
            found[target] = _in_uvs_form(target, value)
    return found


def _is_told(target: str, environ: Mapping[str, str], *, uv_is_configured: bool) -> bool:
    if target in _INDEX_WORDS:
        return uv_is_configured or any(environ.get(word) for word in _INDEX_WORDS)
    if target == "HTTPS_PROXY":
        return any(environ.get(word) for word in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"))
    return bool(environ.get(target))


def _in_uvs_form(target: str, value: str) -> str:
    parts = value.split()
    if target == "UV_FIND_LINKS":
        return ",".join(parts)  # uv takes commas here, and blanks in UV_INDEX
    return " ".join(parts)


def _from_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Read pip's configuration files, later ones taking precedence, `[global]` before `[install]`."""
    merged: dict[str, str] = {}
    for path in filter(os.path.isfile, pip_files(environ)):
        import configparser

        parser = configparser.RawConfigParser()
        try:
            with open(path, encoding="utf-8") as file:
                parser.read_file(file)
        except (OSError, configparser.Error, UnicodeDecodeError):
            continue  # pip reports it itself; uv works without it
        for section in ("global", "install"):
            if parser.has_section(section):
                merged.update({key.replace("_", "-"): value for key, value in parser.items(section) if value})
    return merged


def pip_files(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the paths of pip's configuration files, later ones taking precedence; they may not exist."""
    override = environ.get("PIP_CONFIG_FILE", "")
    if override == os.devnull:
        return
    yield "/etc/xdg/pip/pip.conf"
    yield "/etc/pip.conf"
    home = environ.get("HOME", "")
    if home:
        yield os.path.join(home, ".pip", "pip.conf")
        yield os.path.join(home, "Library", "Application Support", "pip", "pip.conf")
    config_home = xdg_base("config", environ, lambda: home)
    if config_home:
        yield os.path.join(config_home, "pip", "pip.conf")
    if override:
        yield override
