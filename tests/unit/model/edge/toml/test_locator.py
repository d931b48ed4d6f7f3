"""Positions of keys and values: whatever tomllib sees has a place whose text says the same."""

import tomllib
from textwrap import dedent

import pytest
from hypothesis import given, settings, strategies as st

from devboot.model.edge.toml.locator import Locator, Unlocatable

NAMES = st.text(st.sampled_from("ab_-7 .é漢\t\"'#]=\\\u0301\x07\U0001f600"), min_size=1, max_size=4)
BLANKS = st.sampled_from(["", " ", "\t", "  \t"])
COMMENTS = st.sampled_from(["", "# note", "  # a = [1, 'x']", "\t#"])
NUMBERS = ["1", "-7", "1_000", "0x1F", "3.10", "6.02e23", "inf", "-nan", "true", "false"]
DATES = ["1979-05-27", "1979-05-27 07:32:00", "1979-05-27T07:32:00Z", "07:32:00.5"]
STRINGS = ['"x"', '""', '"# no comment"', '"\\"\\\\"', '"\\u00e9 漢"', "''", "'a\\'", "'[x] = #'"]
LONG_STRINGS = ['"""a\nb"""', '"""\n""quoted"" \\\n  on"""', '"""""two"""""', "'''it''s\n'''", "''''x'''''"]
SCALARS = st.sampled_from([*NUMBERS, *DATES, *STRINGS, *LONG_STRINGS, '""""""', "''''''"])


@st.composite
def keys(draw):
    """A key of any notation."""
    name = draw(NAMES)
    if name.replace("_", "a").replace("-", "a").isascii() and name.replace("_", "a").replace("-", "a").isalnum():
        return draw(st.sampled_from([name, f'"{name}"', f"'{name}'"]))
    if "'" not in name and "\x07" not in name and draw(st.booleans()):
        return f"'{name}'"
    escaped = "".join(f"\\u{ord(c):04x}" if c in '"\\\x07' else c for c in name)
    return f'"{escaped}"'


@st.composite
def dotted(draw):
    """One to three keys with dots between."""
    parts = draw(st.lists(keys(), min_size=1, max_size=3))
    blank = draw(BLANKS)
    return f"{blank}.{blank}".join(parts)


@st.composite
def arrays(draw, values):
    """A list over one or several lines, comments and a last comma included."""
    items = draw(st.lists(values, max_size=4))
    gap = draw(st.sampled_from(["", " ", "\n  ", " # why ]\n", "\n\n\t"]))
    tail = draw(st.sampled_from(["", ","])) if items else ""
    return "[" + gap + f"{gap},{gap}".join(items) + gap + tail + gap + "]"


@st.composite
def inline_tables(draw, values):
    """A table in braces."""
    pairs = draw(st.lists(st.tuples(dotted(), values), max_size=3))
    blank = draw(BLANKS)
    return "{" + blank + ", ".join(f"{key}{blank}={blank}{value}" for key, value in pairs) + blank + "}"


VALUES = st.recursive(SCALARS, lambda inner: arrays(inner) | inline_tables(inner), max_leaves=6)


@st.composite
def documents(draw):
    """A text that is TOML, or nearly: keys may be given twice."""
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["pair", "pair", "pair", "table", "many", "note"]))
        blank = draw(BLANKS)
        if kind == "pair":
            lines.append(f"{blank}{draw(dotted())}{blank}={blank}{draw(VALUES)}{blank}{draw(COMMENTS)}")
        elif kind == "table":
            lines.append(f"{blank}[{blank}{draw(dotted())}{blank}]{blank}{draw(COMMENTS)}")
        elif kind == "many":
            lines.append(f"[[{blank}{draw(dotted())}{blank}]]{draw(COMMENTS)}")
        else:
            lines.append(draw(COMMENTS))
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def paths(value, path=()):
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def same(one, other):
    return repr(one) == repr(other)  # nan included


@pytest.mark.faults(48)
@settings(max_examples=400, deadline=None)
@given(documents())
def test_every_path_of_tomllib_has_a_place_whose_text_says_the_same(text):
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    locator = Locator(text)
    found = dict(paths(values))

    assert set(found) == set(locator.entries)
    for path, value in found.items():
        key, span = locator.entries[path]
        if isinstance(path[-1], str):
            assert tomllib.loads(f"{text[slice(*key)]} = 1") == {path[-1]: 1}
        written = text[slice(*span)]
        if not isinstance(value, dict) and not isinstance(path[-1], int) and not written.startswith("[["):
            assert same(tomllib.loads(f"x = {written}")["x"], value)


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from("ab.= \n\t[]{},\"'#1\\"), max_size=30))
def test_a_text_that_tomllib_takes_is_always_read(text):
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        try:
            Locator(text)
        except Unlocatable as stopped:
            assert 0 <= stopped.offset <= len(text)  # noqa: PT017  not raising is right as well
        return

    assert set(dict(paths(values))) == set(Locator(text).entries)


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("a = ", 4, "a value"),
        ("a = [1,\nb = 2", 10, "`,` or `]`"),
        ("[a", 2, "`]`"),
        ("[[a]", 3, "`]]`"),
        ('a = "x', 4, "a closing quote"),
        ("a b = 1", 2, "`=`"),
        ("= 1", 0, "a key"),
        ("a = 1 2", 6, "the end of the line"),
        ("a = {b = 1", 10, "`,` or `}`"),
    ],
)
def test_reading_stops_where_something_is_missing(text, offset, expected):
    with pytest.raises(Unlocatable) as raised:
        Locator(text)

    assert (offset, expected) == (raised.value.offset, raised.value.expected)


def test_elements_of_an_array_of_tables_have_a_place_each():
    text = dedent("""\
        [[source]]
        kind = "wheel"
        [[source]]
        kind = "deb"
        [source.env]
        A = "1"
        """)
    entries = Locator(text).entries

    assert ["[[source]]", "[[source]]"] == [text[slice(*entries["source", index].value)] for index in (0, 1)]
    assert '"deb"' == text[slice(*entries["source", 1, "kind"].value)]
    assert '"1"' == text[slice(*entries["source", 1, "env", "A"].value)]


def test_keys_that_are_given_twice_are_listed():
    text = "a = 1\n[t]\nb = 1\n[t]\n"
    text += "b = 2\n"

    assert [("t",), ("t", "b")] == [twice.path for twice in Locator(text).twice]
