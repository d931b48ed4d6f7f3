"""The line that shows the progress of a start."""

from __future__ import annotations

import pytest

from devboot.daemon.views.progress import progress_line


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (44, "crash (exit 3, in 2 s)"),
        (80, "redis, web ready; crash (exit 3, in 2 s)"),
        (200, "redis, web ready; crash (exit 3, in 2 s)"),
        (0, "redis, web ready; crash (exit 3, in 2 s)"),
    ],
)
def test_the_reason_of_the_wait_is_not_cut_for_what_is_ready(columns, expected):
    assert progress_line("redis, web ready", "crash (exit 3, in 2 s)", columns) == expected


def test_without_anything_ready_there_are_only_reasons():
    assert progress_line("", "web (waits for port 5000)", 80) == "web (waits for port 5000)"
