"""Tools that no application needs when it runs."""

import pytest

from devboot.environment.locks.development_only import blamed_for_windows, blamed_tools, is_for_development
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


@pytest.mark.parametrize(
    ("platforms", "expected"),
    [
        ("platform: `win_amd64`", {"kernel-intel"}),
        ("platforms: `win32`, `win_amd64`", {"kernel-intel"}),
        ("platforms: `macosx_11_0_arm64`, `win_amd64`", set()),
    ],
)
def test_a_package_that_has_files_for_windows_alone_is_known_by_the_error_of_its_installation(platforms, expected):
    said = f"Wheels are available for `Kernel_Intel` (v2.17.0) on the following {platforms}"
    error = WorkError("python/resolution", "could not install the packages", causes=["No solution", said])

    assert expected == blamed_for_windows(error)
    assert set() == blamed_for_windows(MachineError("machine/disk-full", "the disk is full", causes=[said]))
