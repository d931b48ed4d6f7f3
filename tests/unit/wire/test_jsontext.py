"""The small JSON writer says the same as the library."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from devboot.wire.jsontext import to_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_it_reads_back_as_what_was_written(value):
    assert json.loads(to_json(value)) == value


def test_tuples_are_lists():
    assert to_json((1, ("a",))) == '[1,["a"]]'


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="JSON has no bytes"):
        to_json(b"x")
