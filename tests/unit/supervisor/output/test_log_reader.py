"""Log files: times beside the bytes, rotation, and what happens when the disk or a person gets in the way."""

from __future__ import annotations

import os
import resource

import pytest

from devboot.supervisor.output.log_reader import Line, is_ended, log_path, read, tail, tail_merged
from devboot.supervisor.output.log_writer import LogFile, index_path


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def log(tmp_path, clock, warnings):
    log = LogFile(str(tmp_path / "logs" / "web.log"), clock, warnings.append, limit=100)
    yield log
    log.close()


def test_a_log_is_private_and_lies_below_the_state_directory(log):
    log.write(b"secret\n")

    assert os.stat(log.path).st_mode & 0o777 == 0o600
    assert os.stat(index_path(log.path)).st_mode & 0o777 == 0o600
    assert log_path("/p/state", "web.1") == "/p/state/logs/web.1.log"


def test_each_line_has_the_time_of_its_block(log, clock):
    log.write(b"one\ntwo\n")
    clock.now = 1005.0
    log.write(b"three\n")

    assert tail(log.path, 10, name="web") == [
        Line(1000.0, "web", b"one"), Line(1000.0, "web", b"two"), Line(1005.0, "web", b"three"),
    ]  # fmt: skip
    assert list(read(log.path, name="web")) == tail(log.path, 10, name="web")


def test_the_last_lines_reach_over_a_rotation(log, clock):
    for number in range(30):
        clock.now += 1
        log.write(b"line %d\n" % number)

    assert os.path.getsize(log.path) <= 107
    assert sorted(os.listdir(os.path.dirname(log.path))) == [
        "web.log", "web.log.1", "web.log.1.index", "web.log.index",
    ]  # fmt: skip
    assert [line.data for line in tail(log.path, 15)] == [b"line %d" % number for number in range(15, 30)]
    assert tail(log.path, 15)[0].at == 1016.0
    assert [line.data for line in read(log.path)][-15:] == [b"line %d" % number for number in range(15, 30)]


def test_a_later_run_appends(log, clock, tmp_path):
    log.write(b"one\n")
    log.close()
    clock.now = 2000.0
    log.write(b"two\n")

    assert tail(log.path, 5) == [Line(1000.0, "", b"one"), Line(2000.0, "", b"two")]


def test_several_logs_are_merged_by_time(tmp_path, clock, warnings):
    paths = {}
    for name in ("a", "b"):
        paths[name] = str(tmp_path / f"{name}.log")
    logs = {name: LogFile(path, clock, warnings.append) for name, path in paths.items()}
    for name, text in (("a", b"1\n2\n"), ("b", b"3\n"), ("a", b"4\n"), ("b", b"5\n6")):
        clock.now += 1
        logs[name].write(text)
    for log in logs.values():
        log.close()

    assert b"".join(line.data for line in tail_merged(paths, 100)) == b"123456"
    assert [line.data for line in tail_merged(paths, 1)] == [b"4", b"6"]
    assert [(line.name, line.data) for line in tail_merged(paths, 100)][2:4] == [("b", b"3"), ("a", b"4")]


def test_a_missing_log_has_no_lines(tmp_path):
    assert tail(str(tmp_path / "none.log"), 5) == []
    assert list(read(str(tmp_path / "none.log"))) == []


def test_a_log_without_its_index_has_lines_without_times(log):
    log.write(b"one\n")
    os.unlink(index_path(log.path))

    assert tail(log.path, 5) == [Line(0.0, "", b"one")]


def test_zero_lines_are_none_and_a_long_line_is_one(log):
    log.write(b"x" * 300_000 + b"\n")

    assert tail(log.path, 0) == []
    assert [len(line.data) for line in tail(log.path, 1)] == [300_000]


def test_a_deleted_log_is_made_anew(log, clock):
    log.write(b"one\n")
    os.unlink(log.path)
    clock.now += 2
    log.write(b"two\n")

    assert [line.data for line in tail(log.path, 5)] == [b"two"]


def test_a_deleted_folder_is_made_anew(log, clock):
    log.write(b"one\n")
    for name in os.listdir(os.path.dirname(log.path)):
        os.unlink(os.path.join(os.path.dirname(log.path), name))
    os.rmdir(os.path.dirname(log.path))
    clock.now += 2
    log.write(b"two\n")

    assert [line.data for line in tail(log.path, 5)] == [b"two"]


def test_a_log_that_somebody_has_emptied_goes_on_with_right_times(log, clock):
    log.write(b"one\ntwo\n")
    os.truncate(log.path, 0)
    clock.now += 2
    log.write(b"three\n")

    assert tail(log.path, 5) == [Line(1002.0, "", b"three")]


@pytest.mark.faults(15)
def test_a_full_disk_costs_one_warning_and_is_told_in_the_log_afterwards(tmp_path, clock, warnings):
    import signal

    log = LogFile(str(tmp_path / "web.log"), clock, warnings.append)
    log.write(b"one\n")
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limits[1]))
    try:
        log.write(b"two " * 10 + b"\n")
        log.write(b"three\nfour\n")
        assert log.trouble == "log not written: file too large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    clock.now += 5
    log.write(b"five\n")
    log.close()

    assert log.trouble == ""

    assert warnings == [f"log not written: File too large ({log.path})"]
    # The first block got in as far as there was room.
    assert [line.data for line in tail(log.path, 9)] == [
        b"one", b"two two two ", b"devboot: 3 lines not written here", b"five",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["web.log", "web.log.index"])
def test_a_pipe_in_place_of_a_log_is_not_waited_for_and_all_is_written_once_it_is_gone(name, log, clock, warnings):
    os.mkdir(os.path.dirname(log.path))
    pipe = os.path.join(os.path.dirname(log.path), name)
    os.mkfifo(pipe)
    log.write(b"one\n")
    assert tail(log.path, 10) == []
    assert list(read(log.path)) == []
    os.unlink(pipe)
    clock.now += 5
    log.write(b"two\n")

    assert len(warnings) == 1
    assert [line.data for line in tail(log.path, 10)] == [b"devboot: 1 line not written here", b"two"]
    assert {line.at for line in tail(log.path, 10)} == {1005.0}


@pytest.mark.parametrize(("data", "ended"), [(b"one\n", True), (b"one\n(Pdb) ", False), (b"", False)])
def test_a_prompt_is_a_line_without_an_end(tmp_path, data, ended):
    (tmp_path / "web.log").write_bytes(data)
    assert is_ended(str(tmp_path / "web.log")) is ended


def test_a_log_that_is_not_there_has_no_line_that_ended(tmp_path):
    assert not is_ended(str(tmp_path / "web.log"))


@pytest.mark.faults(143, 144)
@pytest.mark.parametrize("point", ["log/write", "log/index", "log/open", "log/rotate"])
@pytest.mark.parametrize("action", ["enospc", "eio", "erofs"])
def test_lines_that_no_write_took_are_counted_on_a_line_of_their_own(
    tmp_path, clock, warnings, monkeypatch, point, action
):
    log = LogFile(str(tmp_path / "web.log"), clock, warnings.append, limit=8)
    log.write(b"one\n>>> ")
    clock.now += 5
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", f"{point}={action}")
    for block in (b"two\n", b"three\nfo", b"ur\nfi"):
        log.write(block)
    failed = log.trouble != ""
    monkeypatch.delenv("DEVBOOT_FAIL_POINT")
    clock.now += 5
    log.write(b"ve\nsix\n")
    log.close()

    assert failed
    assert len(warnings) == 1
    assert log.trouble == ""
    assert [line.data for line in tail(log.path, 9)][-3:] == [b"devboot: 4 lines not written here", b"ve", b"six"]


@pytest.mark.faults(144)
def test_an_index_that_was_cut_by_a_full_disk_goes_on_with_whole_entries(tmp_path, clock, warnings):
    import signal

    log = LogFile(str(tmp_path / "web.log"), clock, warnings.append)
    log.write(b"1\n")
    clock.now += 5
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))  # one entry, and a part of the next
    try:
        log.write(b"2\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    clock.now += 5
    log.write(b"3\n")
    log.close()

    assert [(line.at, line.data) for line in tail(log.path, 9)] == [
        (1000.0, b"1"), (1010.0, b"devboot: 1 line not written here"), (1010.0, b"3"),
    ]  # fmt: skip
