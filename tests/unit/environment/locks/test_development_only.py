"""Tools that no application needs when it runs."""

import pytest

from devboot.environment.locks.development_only import blamed_tools, is_for_development
from devboot.errors import MachineError, WorkError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("black", True),
        ("pytest-django", True),
        ("types-redis", True),
        ("django", False),
        ("pytest", True),
        ("mypy", True),
    ],
)
def test_tools_are_known_by_their_names(name, expected):
    assert expected == is_for_development(name)


def test_an_error_blames_those_that_it_or_its_causes_name():
    built = WorkError("python/build-failed", "`typed-ast==1.4.1` could not be built")
    causes = [
        "Because black==22.1 depends on click>=8 and you require click==7.1, your requirements are unsatisfiable."
    ]
    torn = WorkError("python/resolution", "the requirements contradict", causes=causes)

    assert {"typed-ast"} == blamed_tools(built)
    assert {"black"} == blamed_tools(torn)
    assert set() == blamed_tools(WorkError("python/build-failed", "`psycopg2==2.8` could not be built"))
    assert set() == blamed_tools(MachineError("machine/disk-full", "could not install black: the disk is full"))
