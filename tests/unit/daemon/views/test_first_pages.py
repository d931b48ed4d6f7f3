"""When a server that has not answered yet counts as busy with its first page."""

from __future__ import annotations

import pytest

from devboot.daemon.views.first_pages import busy_share


@pytest.mark.parametrize(
    ("load", "cpus", "share"), [(0.0, 2, 0.2), (2.0, 2, 0.2), (8.0, 2, 0.05), (8.0, 8, 0.2), (16.0, 4, 0.05)]
)
def test_a_server_that_shares_the_processors_with_many_is_busy_with_less(load, cpus, share):
    assert busy_share(load, cpus) == pytest.approx(share)
