"""The small JSON writer and reader say the same as the library."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from devboot.wire.jsontext import from_json, to_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_it_reads_back_as_what_was_written(value):
    assert json.loads(to_json(value)) == value
    assert repr(from_json(to_json(value))) == repr(json.loads(to_json(value)))


@pytest.mark.parametrize("text", ["", "[1, 2", "[1] [2]", "nope", '{"a":', "[" * 100_000, "[1,]"])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        from_json(text)


def test_tuples_are_lists():
    assert to_json((1, ("a",))) == '[1,["a"]]'


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="JSON has no bytes"):
        to_json(b"x")
