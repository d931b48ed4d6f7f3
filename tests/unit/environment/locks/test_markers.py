"""Markers as expressions, against the standard's own implementation."""

import pytest
from hypothesis import given, strategies as st
from packaging.markers import Marker

from devboot.environment.locks.markers import (
    MarkerError,
    conjoin,
    decide,
    disjoin,
    membership,
    negate,
    parse_marker,
    render_marker,
)

ATOMS = (
    'python_version >= "3.11"',
    "python_version < '3.13'",
    'sys_platform == "win32"',
    "sys_platform != 'linux'",
    "'linux' in sys_platform",
    "platform_machine not in 'x86_64 aarch64'",
    'python_full_version == "3.12.*"',
)
ENVIRONMENTS = tuple(
    {
        "python_version": minor,
        "python_full_version": f"{minor}.4",
        "sys_platform": system,
        "platform_machine": machine,
        "extra": "",
    }
    for minor in ("3.10", "3.12", "3.13")
    for system in ("linux", "win32", "darwin")
    for machine in ("x86_64", "arm64")
)

atoms = st.sampled_from(ATOMS)
markers = st.recursive(
    atoms,
    lambda inner: st.builds(lambda a, op, b: f"({a}) {op} ({b})", inner, st.sampled_from(["and", "or"]), inner),
    max_leaves=8,
)


def truth(text):
    return [True if not text else Marker(text).evaluate(each) for each in ENVIRONMENTS]


@given(markers)
def test_a_marker_means_the_same_after_it_was_written_back(text):
    expression = parse_marker(text)

    if expression is not False:
        assert truth(text) == truth(render_marker(expression))


@given(markers, markers)
def test_joining_means_and_and_or(one, other):
    both, either = conjoin([parse_marker(one), parse_marker(other)]), disjoin([parse_marker(one), parse_marker(other)])

    assert [a and b for a, b in zip(truth(one), truth(other), strict=True)] == truth(render_marker(both))
    assert [a or b for a, b in zip(truth(one), truth(other), strict=True)] == truth(render_marker(either))


@given(markers)
def test_a_negation_holds_where_the_marker_does_not(text):
    negated = negate(parse_marker(text))

    assert [not each for each in truth(text)] == truth(render_marker(negated))


def test_what_another_part_covers_is_dropped():
    text = 'sys_platform == "linux" or (sys_platform == "linux" and python_version < "3.12")'

    assert 'sys_platform == "linux"' == render_marker(parse_marker(text))


def test_an_either_inside_a_both_keeps_its_parentheses():
    text = 'python_version < "3.12" and (sys_platform == "linux" or sys_platform == "darwin")'

    assert text == render_marker(parse_marker(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('extra == "web"', ""),
        ('python_version < "3.12" and extra == "web"', 'python_version < "3.12"'),
        ('"web" in extras or sys_platform == "win32"', ""),
        ('extra != "other"', ""),
    ],
)
def test_extras_are_decided_and_the_rest_stays(text, expected):
    assert expected == render_marker(decide(parse_marker(text), membership(("extra", "extras"), ("web",))))


def test_what_asks_for_an_extra_that_is_not_wanted_never_applies():
    text = 'python_version < "3.12" and extra == "Other_Extra"'

    assert decide(parse_marker(text), membership(("extra",), ("web",))) is False


@pytest.mark.parametrize("text", ["python_version >=", "(a == 'b'", "a == 'b' nonsense", "a == 'b' ; c"])
def test_what_is_no_marker_is_refused(text):
    with pytest.raises(MarkerError):
        parse_marker(text)
