"""Numbers as people read and write them."""

from __future__ import annotations

import pytest

from devboot.model.printable import counted
from devboot.text.units import duration, size, uptime, whole_megabytes, whole_number


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"), (0.038, "38 ms"), (0.0994, "99 ms"), (0.0999, "0.1 s"), (1.24, "1.2 s"), (59.94, "59.9 s"),
        (59.96, "1 min"), (65, "1 min 5 s"), (3600, "1 h"), (7800, "2 h 10 min"), (90000, "1 d 1 h"),
    ],
)  # fmt: skip
def test_a_duration_has_two_figures_or_two_units(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0s"), (8.9, "8s"), (720, "12m"), (7800, "2h10m"), (3660, "1h01m"), (97200, "1d3h")]
)
def test_uptime_fits_a_narrow_column(seconds, text):
    assert uptime(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (28_104_392, "28.1 MB"),
        (999_960_000, "1.0 GB"),
        (3 * 10**12, "3.0 TB"),
    ],
)
def test_sizes_are_decimal(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "process", "1 process"),
        (3, "process", "3 processes"),
        (0, "line", "0 lines"),
        (2, "entry", "2 entries"),
        (2, "key", "2 keys"),
        (2, "further line", "2 further lines"),
    ],
)
def test_a_number_and_a_noun_agree(number, noun, text):
    assert counted(number, noun) == text


def test_memory_is_whole_megabytes_and_never_nothing():
    assert (whole_megabytes(12), whole_megabytes(9_437_184)) == ("1 MB", "9 MB")


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
