"""Errors of SQLite, translated."""

import errno
import os
import sqlite3

import pytest

from devboot.environment.databases.connection import translated


def failed(code):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


# SQLITE_IOERR, _WRITE, _SHMSIZE, SQLITE_CANTOPEN
@pytest.mark.parametrize("code", [10, 778, 4874, 14])
@pytest.mark.parametrize(
    ("number", "slug"),
    [(errno.ENOSPC, "machine/disk-full"), (errno.EDQUOT, "machine/disk-full"), (errno.EIO, "machine/io")],
)
def test_an_error_of_input_and_output_is_the_disks_own_if_it_has_one(tmp_path, code, number, slug):
    error = translated(
        failed(code), str(tmp_path / "db"), find_error=lambda _folder: OSError(number, os.strerror(number))
    )

    assert slug == error.slug
    assert "disk I/O error" in error.causes[0]


def test_an_error_of_input_and_output_on_a_disk_that_takes_writes_stays_sqlites(tmp_path):
    assert "sqlite/failed" == translated(failed(10), str(tmp_path / "db")).slug
    assert [] == os.listdir(tmp_path)
