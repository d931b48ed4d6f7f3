"""What failed last is on record until it has succeeded, whatever lies in the folder."""

from __future__ import annotations

import os

from devboot.errors import WorkError
from devboot.supervisor.last_failure import forget_failure, keep_failure, read_failures


def test_failures_are_on_record_until_they_are_forgotten(tmp_path):
    state = str(tmp_path)
    assert read_failures(state) == ()
    keep_failure(state, "web", WorkError("process/crash-loop", "web exited 6 times"))
    keep_failure(state, "migrate", WorkError("process/task-failed", "migrate failed: ValueError: é"))
    keep_failure(state, "web", WorkError("port/in-use", "web can't listen"))

    found = [(each.name, each.slug, each.what) for each in read_failures(state)]
    assert found == [
        ("migrate", "process/task-failed", "migrate failed: ValueError: é"),
        ("web", "port/in-use", "web can't listen"),
    ]
    forget_failure(state, "migrate")
    forget_failure(state, "nobody")
    assert [each.name for each in read_failures(state)] == ["web"]


def test_passwords_of_addresses_are_not_on_record(tmp_path):
    said = "migrate failed: could not connect to postgres://ada:hush-hush@localhost:5432/shop"
    keep_failure(str(tmp_path), "migrate", WorkError("process/task-failed", said))

    (found,) = read_failures(str(tmp_path))
    assert found.what == said.replace("hush-hush", "***")
    assert b"hush" not in (tmp_path / "failed" / "migrate").read_bytes()


def test_what_is_no_record_is_passed_over(tmp_path):
    folder = tmp_path / "failed"
    folder.mkdir()
    (folder / "damaged").write_bytes(b"\xff\0")
    (folder / "folder").mkdir()
    (folder / "empty").touch()
    os.mkfifo(folder / "pipe")

    assert read_failures(str(tmp_path)) == ()
