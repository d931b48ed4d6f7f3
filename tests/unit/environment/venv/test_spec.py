"""The spec of a virtualenv."""

import pytest

from devboot.environment.locks.pins import EDITABLE, Direct, Pin, Pins
from devboot.environment.python.interpreters import Interpreter
from devboot.environment.venv.spec import VenvSpec, count_packages

PYTHON = Interpreter("/bin/python3", "3.13.1", (("sys_platform", "linux"),))
PINS = (Pin("six", "1", "", (), ()), Pin("colorama", "1", 'sys_platform == "win32"', (), ()))
LIB = Direct(EDITABLE, "./lib", "/p", "lib")
OWN = Direct(EDITABLE, ".", "/p", "shop")


@pytest.mark.parametrize(
    ("directs", "has_project", "text"),
    [
        ((), False, "1 package"),
        ((LIB,), False, "2 packages"),
        ((LIB, OWN), False, "3 packages"),
        ((LIB, OWN), True, "2 packages and the project"),
    ],
)
def test_packages_are_counted_as_the_lock_counts_them(directs, has_project, text):
    spec = VenvSpec("/p/.venv", ".venv", "p", Pins(("a",), PINS, directs), PYTHON, has_project=has_project)

    assert text == count_packages(spec)
