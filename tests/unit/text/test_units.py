"""Numbers as people read them."""

from __future__ import annotations

import pytest

from devboot.text.units import duration, size, uptime, whole_megabytes


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


def test_memory_is_whole_megabytes_and_never_nothing():
    assert (whole_megabytes(12), whole_megabytes(9_437_184)) == ("1 MB", "9 MB")
