"""Packages of years ago say by their versions up to which Python they run."""

import pytest

from devboot.environment.locks.pins import Pin
from devboot.environment.python.interpreters import suitability, unsuited
from devboot.environment.python.upper_limits import minors_too_new
from devboot.uv.pythons import Installed

DJANGO = Pin("django", "2.1.5", files=("Django-2.1.5-py3-none-any.whl",))


def rank(minor, *pins):
    return suitability(Installed("/p", f"{minor}.1", "cpython"), pins)


@pytest.mark.parametrize(
    ("name", "version", "minor", "beyond"),
    [
        ("django", "2.1.5", (3, 7), 0),
        ("django", "2.1.5", (3, 13), 6),
        ("django", "4.1.13", (3, 12), 1),
        ("django", "5.2.1", (3, 13), 0),
        ("django", "6.0", (3, 14), 0),
        ("sqlalchemy", "1.4.40", (3, 13), 0),
        ("sqlalchemy", "2.0.25", (3, 13), 1),
        ("sqlalchemy", "2.0.31", (3, 13), 0),
        ("pyyaml", "3.12", (3, 8), 2),
        ("unknown", "0.1", (3, 13), 0),
        ("django", "as released", (3, 13), 0),
    ],
)
def test_a_version_says_how_far_beyond_it_a_python_is(name, version, minor, beyond):
    assert beyond == minors_too_new(minor, [Pin(name, version)])


def test_the_package_with_the_oldest_limit_counts():
    assert minors_too_new((3, 12), [Pin("six", "1.15.0"), DJANGO]) == 5


def test_of_pythons_that_are_all_too_new_the_oldest_suits_best():
    assert ["3.9", "3.11", "3.13"] == sorted(
        ["3.13", "3.9", "3.11"], key=lambda minor: rank(minor, DJANGO), reverse=True
    )


def test_that_the_code_runs_counts_more_than_that_no_package_has_to_be_built():
    speedy = Pin("speedy", "2.0", files=("speedy-2.0-cp313-cp313-any.whl", "speedy-2.0.tar.gz"))
    assert rank("3.7", DJANGO, speedy) == (0, -1)
    assert rank("3.7", DJANGO, speedy) > rank("3.13", DJANGO, speedy)


def test_a_pin_for_other_pythons_says_nothing():
    other = Pin("django", "2.1.5", "python_version < '3.8'")
    assert rank("3.13", other) == (0, 0)


@pytest.mark.parametrize(
    ("pins", "why"),
    [
        ((), ""),
        ((Pin("celery", "4.3.0"),), "celery 4.3.0: not made for 3.13"),
        ((Pin("celery", "4.3.0"), Pin("django", "2.0")), "celery 4.3.0 and 1 more: not made for 3.13"),
        ((Pin("ant", "1", files=("ant-1-cp39-cp39-any.whl",)),), "ant: without a wheel for 3.13"),
        ((Pin("ant", "1", files=("ant-1.tar.gz",)),), ""),
    ],
)
def test_what_is_against_a_python_is_said_in_one_line(pins, why):
    assert why == unsuited(Installed("", "3.13.0", "cpython"), pins)
