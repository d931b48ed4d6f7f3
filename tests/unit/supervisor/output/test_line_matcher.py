"""Lines that are dropped."""

from __future__ import annotations

import pytest

from devboot.supervisor.output.line_matcher import without

LOG = b"1:M # WARNING Memory overcommit must be enabled! See\n1:M * Ready\r\n1:C * DB saved on disk\n1:M # Can't save\n"


@pytest.mark.parametrize(
    ("parts", "left"),
    [
        ((), LOG),
        ((b"no such words",), LOG),
        ((b"overcommit", b"DB saved"), b"1:M * Ready\r\n1:M # Can't save\n"),
        ((b"1:",), b""),
    ],
)
def test_a_line_with_one_of_the_parts_is_left_out_and_others_stay_as_they_are(parts, left):
    assert left == without(LOG, parts)
