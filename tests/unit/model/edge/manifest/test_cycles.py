"""Cycles: each is found once, and only cycles are."""

from graphlib import CycleError, TopologicalSorter

import pytest
from hypothesis import given, strategies as st

from devboot.model.edge.manifest.cycles import cycles

NAMES = st.sampled_from("abcdef")


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({}, []),
        ({"a": ["b"], "b": []}, []),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"]}, []),
        ({"a": ["a"]}, [["a"]]),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, [["a", "b", "c"]]),
        ({"x": ["a"], "a": ["b"], "b": ["a"]}, [["a", "b"]]),
        ({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}, [["a", "b"], ["c", "d"]]),
    ],
)
def test_each_cycle_is_found_once(graph, expected):
    assert expected == cycles(graph)


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=3)))
def test_there_are_cycles_where_no_order_is_possible(graph):
    try:
        TopologicalSorter(graph).prepare()
        is_ordered = True
    except CycleError:
        is_ordered = False
    found = cycles(graph)

    assert is_ordered == (not found)
    for circle in found:
        assert all(after in graph[name] for name, after in zip(circle, [*circle[1:], circle[0]], strict=True))
