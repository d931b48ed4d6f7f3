"""Which errors of the daemon are the machine's, and which are mistakes of its own."""

import errno

import pytest

from devboot.daemon.process.crash_report import explain
from devboot.errors import WorkError


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (OSError(errno.ENOSPC, "full"), "machine/disk-full"),
        (OSError(errno.ENOSPC, "full", "/"), "machine/disk-full"),
        (OSError(errno.EDQUOT, "full"), "machine/disk-full"),
        (OSError(errno.EACCES, "no", "/"), "machine/not-writable"),
        (OSError(errno.EMFILE, "many"), "machine/no-descriptors"),
        (OSError(errno.ENFILE, "many", "/"), "machine/no-descriptors"),
    ],
)
def test_what_the_user_can_solve_is_explained(tmp_path, error, slug):
    assert slug == explain(error, str(tmp_path)).slug


@pytest.mark.parametrize(
    "error",
    [OSError(errno.EINVAL, "invalid", "/"), OSError(errno.EBADF, "bad"), OSError(errno.EACCES, "no"), KeyError("x")],
)
def test_what_nobody_but_a_developer_can_solve_is_a_mistake(tmp_path, error):
    assert explain(error, str(tmp_path)) is None


def test_an_error_that_is_explained_already_stays_as_it_is(tmp_path):
    error = WorkError("process/spawn", "x")

    assert error is explain(error, str(tmp_path))
