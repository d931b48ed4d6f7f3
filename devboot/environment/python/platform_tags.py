"""Converts platforms of devboot to pip's terms: the tags of wheels, and the values of markers."""

from __future__ import annotations

from devboot.environment.locks.markers import applies
from devboot.model.artifact import LINUX_AARCH64, LINUX_X86_64, MACOS_ARM64, MACOS_X86_64
from devboot.model.edge.lockfile.lock import PythonLock
from devboot.uv.pip.download import Target

_NEWEST_GLIBC = 40  # minor version of the newest that wheels are built for
_MACHINES = {LINUX_X86_64: "x86_64", LINUX_AARCH64: "aarch64", MACOS_ARM64: "arm64", MACOS_X86_64: "x86_64"}
_OLD_MANYLINUX = ("manylinux1", "manylinux2010", "manylinux2014")
_MACOS = {
    MACOS_ARM64: ("11_0", "12_0", "13_0", "14_0", "15_0"),
    MACOS_X86_64: ("10_9", "10_13", "10_16", "11_0", "12_0", "13_0", "14_0", "15_0"),
}
_MUSL = ("1_1", "1_2")


def target_of(platform: str, python: str, *, is_musl: bool = False) -> Target:
    """Return the wheel tags that a platform accepts, for a kit that must also run on older machines than this one.

    `python` is a minor version. `is_musl` means a Linux without glibc.
    """
    machine = _MACHINES[platform]
    if platform in _MACOS:
        tags = [f"macosx_{version}_{machine}" for version in _MACOS[platform]]
    elif is_musl:
        tags = [f"musllinux_{version}_{machine}" for version in _MUSL]
    else:
        old = _OLD_MANYLINUX if platform == LINUX_X86_64 else _OLD_MANYLINUX[2:]
        tags = [f"{name}_{machine}" for name in old]
        tags += [f"manylinux_2_{minor}_{machine}" for minor in range(5, _NEWEST_GLIBC + 1)]
        tags.append(f"linux_{machine}")
    return Target((*tags, "any"), python)


def marker_values(platform: str, version: str) -> dict[str, str]:
    """Return the values of environment markers for CPython of a full version on a platform, by marker name."""
    is_macos = platform in _MACOS
    return {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "posix",
        "platform_machine": _MACHINES[platform],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Darwin" if is_macos else "Linux",
        "platform_version": "",
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": "darwin" if is_macos else "linux",
    }


def packages_here(lock: PythonLock, platform: str) -> int:
    """Return how many packages of a lock are installed on a platform; some are only for other systems."""
    if platform not in _MACHINES:
        return len(lock.package)
    values = marker_values(platform, lock.interpreter or f"{lock.python or '3.13'}.0")
    return sum(applies(each.marker, values) for each in lock.package)
