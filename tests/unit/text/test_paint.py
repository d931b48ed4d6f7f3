"""Colours that can be read."""

from __future__ import annotations

import pytest

from devboot.text.paint import DEALT

STEPS = (0, 95, 135, 175, 215, 255)  # of the cube of colours that begins with number 16


def light(number):
    """The relative luminance of one of the 256 colours, from 0 to 1."""
    red, green, blue = ((number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6)
    parts = [STEPS[part] / 255 for part in (red, green, blue)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("code", DEALT)
def test_a_name_can_be_read_on_white_and_on_black(code):
    shine = light(int(code.removeprefix("38;5;")))

    assert 1.05 / (shine + 0.05) > 3.7
    assert (shine + 0.05) / 0.05 > 3.7
