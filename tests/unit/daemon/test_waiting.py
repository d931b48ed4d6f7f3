"""What the caller is told when a daemon can't begin."""

from __future__ import annotations

import errno
import os

import pytest

from devboot.daemon.waiting import _told


def told(error, state):
    try:
        raise error
    except OSError as raised:
        return _told(raised, str(state), colour=False)


@pytest.mark.faults(12, 42)
@pytest.mark.parametrize(
    ("number", "name", "slug"),
    [(errno.ENOSPC, None, "disk-full"), (errno.EEXIST, "run", "in-the-way"), (errno.ENXIO, "run", "in-the-way")],
)
def test_what_the_machine_refuses_is_no_bug(number, name, slug, tmp_path):
    path = str(tmp_path / name) if name else None
    text, code = told(OSError(number, os.strerror(number), path), tmp_path)

    assert text.startswith(f"error[machine/{slug}]: ")
    assert code == 6


@pytest.mark.faults(36)
def test_whatever_else_is_one_and_leaves_its_trace(tmp_path):
    (tmp_path / "run").mkdir()
    text, code = told(OSError(errno.EBADF, os.strerror(errno.EBADF)), tmp_path)

    assert text.startswith("error[bug]: the daemon failed in a way it should not (OSError)\n")
    assert code == 70
    assert "in told" in (tmp_path / "run/crash").read_text()
