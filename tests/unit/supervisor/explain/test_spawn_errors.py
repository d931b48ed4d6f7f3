"""Reasons why a program was not started."""

import fcntl
import os
from errno import ENOENT

import pytest

from devboot.supervisor.explain.spawn_errors import explain
from devboot.supervisor.system.spawn import DataInUseError


@pytest.fixture
def locked(tmp_path):
    """A data folder whose lock this process holds."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield str(tmp_path)
    os.close(descriptor)


def in_use(folder):
    error = DataInUseError(0, "in use", folder)
    return explain(error, name="redis", program="redis-server", cwd="/", env={})


@pytest.mark.skipif(not os.path.exists("/proc/locks"), reason="only Linux tells who holds a lock")
def test_who_holds_the_lock_of_data_is_named_with_the_command_that_ends_it(locked):
    found = in_use(locked)

    assert ("service/data-in-use", (f"kill {os.getpid()}", "devboot start redis")) == (found.slug, found.help)
    assert found.causes[0].startswith(f"pid {os.getpid()} (")


def test_a_holder_that_can_not_be_seen_is_looked_for_by_a_command(tmp_path):
    found = in_use(str(tmp_path))

    assert (f"fuser -v {tmp_path}", "devboot start redis") == found.help
    assert (f"another process holds the lock of `{tmp_path}`",) == found.causes


def test_a_socket_folder_that_can_not_be_made_is_explained_by_its_parent(tmp_path):
    from devboot.paths import SocketFolderError

    error = SocketFolderError(0, "it is a link", str(tmp_path / "none/redis"))
    found = explain(error, name="redis", program="redis-server", cwd="/", env={})

    assert "`redis` could not be started: it is a link" == found.what
    assert f"ls -ld {tmp_path}/none" == found.help[0]
    mine = explain(SocketFolderError(0, "it is a link", str(tmp_path)), name="r", program="x", cwd="/", env={})
    assert (f"mv {tmp_path} {tmp_path}.aside",) == mine.help


def test_a_command_that_is_not_found_is_shown_with_its_place_in_a_file(tmp_path):
    (tmp_path / "sendmail").write_text("")
    asked = {"name": "mailer", "cwd": "/", "env": {"PATH": str(tmp_path)}, "origin": "Procfile:2"}
    missing = FileNotFoundError(ENOENT, "No such file or directory")

    near = explain(missing, program="sendmial", command="sendmial --now", **asked)
    strange = explain(missing, program="xyzzy", command="xyzzy", **asked)

    assert (("sendmial --now     (Procfile:2)",), ("did you mean `sendmail`?",)) == (near.causes, near.help)
    assert ("correct the command in Procfile:2, or install `xyzzy`; then `devboot up -d`",) == strange.help
