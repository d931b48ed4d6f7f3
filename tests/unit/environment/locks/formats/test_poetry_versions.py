"""Version constraints of poetry, with poetry's own library as the oracle."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings, strategies as st
from poetry.core.constraints.version import Version, parse_constraint
from poetry.core.constraints.version.exceptions import ParseConstraintError

from devboot.environment.locks.formats.poetry_versions import admits, alternatives

VERSIONS = (
    "0", "0.0.3", "0.1", "0.2.3", "1", "1.0", "1.2", "1.2.3", "1.2.3b1", "1.9.9", "2", "2.0rc1", "2.0.0", "2.1", "3.11",
    "3.11.4", "4.0",
)  # fmt: skip
_FINAL = st.sampled_from([version for version in VERSIONS if version.replace(".", "").isdigit()])
_WILD = st.sampled_from(["0.*", "1.*", "1.2.*", "3.11.*"])
_PART = st.one_of(
    st.tuples(st.sampled_from(["^", "~", "==", "=", "!=", "<=", ">=", "<", ">", ""]), _FINAL).map("".join),
    st.tuples(st.sampled_from(["", "==", "!="]), _WILD).map("".join),
    st.just("*"),
)
_BOTH = st.tuples(_PART, st.sampled_from([",", " , ", " "]), _PART).map("".join)
_EITHER = st.tuples(st.one_of(_PART, _BOTH), st.sampled_from([" || ", "||", " | "]), _PART).map("".join)


@settings(max_examples=200, deadline=None)
@given(st.one_of(_PART, _BOTH, _EITHER))
def test_a_constraint_admits_the_versions_that_poetry_admits(constraint):
    try:
        theirs = parse_constraint(constraint)
    except ParseConstraintError:
        assume(False)

    expected = [version for version in VERSIONS if theirs.allows(Version.parse(version))]
    assert expected == [version for version in VERSIONS if admits(constraint, version)]


def test_what_is_no_constraint_is_refused():
    with pytest.raises(ValueError, match="can't read"):
        alternatives("1.0 §")
