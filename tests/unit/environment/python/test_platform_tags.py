"""How many packages of a lock a platform gets, as its virtualenv is told afterwards."""

from __future__ import annotations

import pytest

from devboot.environment.python.platform_tags import packages_here
from devboot.model.artifact import LINUX_X86_64, MACOS_ARM64
from devboot.model.edge.lockfile.lock import PythonLock

PINS = (
    {"name": "click", "version": "8.2"},
    {"name": "colorama", "version": "0.4", "marker": "sys_platform == 'win32'"},
    {"name": "appnope", "version": "0.1", "marker": "sys_platform == 'darwin'"},
    {"name": "exceptiongroup", "version": "1.3", "marker": "python_version < '3.11'"},
    {"name": "odd", "version": "1", "marker": "what is this"},
)


@pytest.mark.parametrize(
    ("platform", "interpreter", "count"),
    [(LINUX_X86_64, "3.12.4", 2), (LINUX_X86_64, "3.10.1", 3), (MACOS_ARM64, "3.12.4", 3), ("", "3.12.4", 5)],
)
def test_packages_of_other_systems_and_versions_do_not_count(platform, interpreter, count):
    lock = PythonLock.model_validate({"interpreter": interpreter, "package": PINS})
    assert packages_here(lock, platform) == count
