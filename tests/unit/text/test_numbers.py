"""Whole numbers from people and programs."""

import pytest

from devboot.text.numbers import whole_number


@pytest.mark.faults(142)
@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("007", 7), ("0", 0), ("1" * 401, 1000), ("9" * 5000, 1000), ("0" * 5000, 0), ("1001", 1000)],
)
def test_a_number_is_read_up_to_the_limit(text, number):
    assert whole_number(text, 1000) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.5", "²", "\u0661", "1 ", "1_0", "0x1", "nan"])
def test_whatever_else_is_no_number(text):
    assert whole_number(text, 1000) is None
