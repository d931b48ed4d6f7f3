"""Checks whether a wheel's file name fits an interpreter of this machine."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable


def has_wheel(names: Iterable[str], minor: tuple[int, int]) -> bool:
    """Return whether any file name is a wheel for CPython of this minor version (3, 12) on this machine."""
    return any(fits(name, minor, sys.platform, platform.machine(), _libc()) for name in names if name.endswith(".whl"))


def fits(name: str, minor: tuple[int, int], system: str, machine: str, libc: str) -> bool:
    """Return whether a wheel's tags admit a Python version on a system.

    Args:
        name: the file name, `six-1.17.0-py2.py3-none-any.whl`.
        minor: (3, 12).
        system: `linux` or `darwin`.
        machine: as in `os.uname()`.
        libc: `manylinux` or `musllinux`; counts on Linux only.

    """
    parts = name.removesuffix(".whl").split("-")
    if len(parts) < 5:
        return False
    python, abi, platforms = parts[-3], parts[-2], parts[-1]
    return _python_fits(python, abi, minor) and any(
        _platform_fits(each, system, machine, libc) for each in platforms.split(".")
    )


def _python_fits(tags: str, abi: str, minor: tuple[int, int]) -> bool:
    for tag in tags.split("."):
        match = re.fullmatch(r"(py|cp)(\d)(\d*)", tag)
        if match is None:
            continue
        wanted = (int(match[2]), int(match[3] or 0))
        is_open = match[1] == "py" or "abi3" in abi.split(".")
        if wanted[0] == minor[0] and (wanted <= minor if is_open or abi == "none" else wanted == minor):
            return match[1] == "py" or not abi.endswith("t")
    return False


def _platform_fits(tag: str, system: str, machine: str, libc: str) -> bool:
    if tag == "any":
        return True
    arch = {"arm64": "aarch64", "amd64": "x86_64"}.get(machine.lower(), machine.lower())
    if system == "darwin":
        own = "arm64" if arch == "aarch64" else arch
        return tag.startswith("macosx_") and tag.endswith((f"_{own}", "_universal2", "_universal", "_intel"))
    return tag.startswith((libc, "linux_")) and tag.endswith(f"_{arch}")


def _libc() -> str:
    try:
        return "manylinux" if os.confstr("CS_GNU_LIBC_VERSION") else "musllinux"
    except (ValueError, OSError):
        return "musllinux"
