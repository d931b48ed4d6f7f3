"""The fast reader says what the real one says, or nothing."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from devboot.model.edge.toml.plain import read_plain

LOCKS = [path.read_text() for path in sorted((Path(__file__).parents[4] / "golden/lock").glob("*"))]
SMALL = """\
# a comment
format = 1

[[package]]
name = "redis"
sdist = true

[package.linux-x86_64]
size = 12

[package.unavailable]
"macos x" = "none, [really] = 1"

[[package]]
name = "valkey"

[python]
groups = [
    "dev",
    "docs",
]
empty = [
]

[[python.package]]
name = "idna"
"""


def agrees(text):
    """Whether the fast reader took the text; what it took has to be what the real one reads."""
    found = read_plain(text)
    if found is not None:
        assert found == tomllib.loads(text)
    return found is not None


def test_what_devboot_writes_is_read():
    assert agrees(SMALL)
    assert sum(map(agrees, LOCKS)) >= 10


@pytest.mark.parametrize(
    "text",
    [
        'a = "\\u00e9"',
        'a = "é"',
        "a = 'b'",
        'a = """b"""',
        "a = { b = 1 }",
        "a = 1.5",
        "a = 01",
        "a=1",
        "a = 1 # why",
        'a = "1\r\n"',
        "a.b = 1",
        "a = 1\na = 2",
        "[a]\n[a]",
        "[a.b]\n[a]",
        "a = [\n]\n[[a]]",
        "[a]\n[[a]]",
        "a = [1]",
        "a = [\n    [\n]",
        "a = [\n    1,",
        "[[a]",
        "[a]]",
        "[ a ]",
        '["a"]',
        "[]",
        "[",
        "= 1",
        "a = ",
        "nonsense",
    ],
)
def test_everything_else_is_left_to_the_real_reader(text):
    assert read_plain(text) is None


LINES = st.sampled_from(
    [*SMALL.splitlines(), *SMALL.splitlines(), "[a]", "[[a]]", "[a.b]", "[[a.b]]", "[", "]", "a = [", "a = 1"]
)


@settings(derandomize=True, max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(LINES, max_size=25))
def test_lines_in_any_order_are_read_as_the_real_reader_does(lines):
    agrees("\n".join(lines))


@settings(derandomize=True, max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, len(SMALL) - 1), st.integers(0, 4), st.text('[]="\\ \n#,a1.', max_size=3))
def test_a_damaged_text_is_read_as_the_real_reader_does_or_left_to_it(at, cut, put):
    agrees(SMALL[:at] + put + SMALL[at + cut :])
