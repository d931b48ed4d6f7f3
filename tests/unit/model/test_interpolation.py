"""`${…}`: found, filled in, and resolved among variables that refer to each other."""

import pytest
from hypothesis import given, strategies as st

from devboot.model.interpolation import Reference, UnknownReference, interpolate, references, resolve_variables


def test_references_are_found_in_order():
    assert (Reference("a.b", 1, 7), Reference("C", 8, 12), Reference("open", 13, -1)) == references(
        "x${a.b}-${C}-${open"
    )


@pytest.mark.parametrize("text", ["", "plain", "$NAME", "$", "}", "{a}", "$ {a}", "$$x"])
def test_what_has_no_brace_stays_as_it_is(text):
    assert () == references(text)
    assert text == interpolate(text, {})


def test_a_reference_becomes_its_value_which_is_not_read_again():
    assert "redis://h/0 ${b} $c" == interpolate("${a}/0 ${d} $c", {"a": "redis://h", "d": "${b}"})


def test_what_has_no_value_is_named():
    with pytest.raises(UnknownReference) as raised:
        interpolate("${a}", {})

    assert ("a", "") == (raised.value.reference, raised.value.variable)


@given(st.text("ab${}."))
def test_a_text_is_made_of_its_references_and_what_is_between(text):
    closed = [found for found in references(text) if found.end >= 0]
    scope = {found.name: f"<{found.name}>" for found in closed}
    pieces, done = [], 0
    for found in closed:
        pieces += [text[done : found.start], f"<{found.name}>"]
        done = found.end

    assert "".join([*pieces, text[done:]]) == interpolate(text, scope)


def test_variables_are_resolved_whatever_their_order():
    variables = {"A": "${B}/a", "B": "${C}/b", "C": "${services.redis.url}"}

    assert {"A": "r/b/a", "B": "r/b", "C": "r"} == resolve_variables(variables, {"services.redis.url": "r", "B": "old"})


def test_a_variable_sees_itself_in_the_lower_layer():
    assert {"PATH": "bin:/usr/bin"} == resolve_variables({"PATH": "bin:${PATH}"}, {"PATH": "/usr/bin"})


@pytest.mark.parametrize(
    ("variables", "reference", "variable"),
    [
        ({"A": "${B}", "B": "${NO}"}, "NO", "B"),
        ({"PATH": "bin:${PATH}"}, "PATH", "PATH"),
        ({"A": "${B}", "B": "${A}"}, "A", "B"),
    ],
)
def test_the_variable_that_lacks_a_value_is_named(variables, reference, variable):
    with pytest.raises(UnknownReference) as raised:
        resolve_variables(variables, {})

    assert (reference, variable) == (raised.value.reference, raised.value.variable)


def test_a_long_chain_needs_no_recursion():
    chain = {f"V{n}": f"${{V{n + 1}}}" for n in range(5000)} | {"V5000": "x"}

    assert {"x"} == set(resolve_variables(chain, {}).values())
