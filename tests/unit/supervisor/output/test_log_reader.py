"""Log files: times beside the bytes, rotation, and what happens when the disk or a person gets in the way."""

from __future__ import annotations

import bisect
import itertools
import math
import os
import random
import resource
import tracemalloc

import pytest

from devboot.app.logs.printing import as_json
from devboot.supervisor.output.log_reader import ALL, Filter, Lines, Log, is_ended, last_lines, last_text_lines, merged
from devboot.supervisor.output.log_writer import STAMP, LogFile, index_path, log_path


def one_by_one(blocks):
    """Each line by itself, as (time, name, text)."""
    return [(block.at, block.name, line) for block in blocks for line in block.data.removesuffix(b"\n").split(b"\n")]


def tail(path, count, name="", chosen=ALL, end=None):
    log = Log(path, name, chosen, end=end)
    log.keep_last(count)
    found = one_by_one(log.lines())
    log.close()
    return found


def texts(path, count=1000):
    return [text for _, _, text in tail(path, count)]


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

    assert tail(log.path, 10, "web") == [(1000.0, "web", b"one"), (1000.0, "web", b"two"), (1005.0, "web", b"three")]
    assert list(Log(log.path, "web").lines()) == [
        Lines(1000.0, "web", b"one\ntwo\n"),
        Lines(1005.0, "web", b"three\n"),
    ]


def test_the_last_lines_reach_over_a_rotation(log, clock):
    for number in range(30):
        clock.now += 1
        log.write(b"line %d\n" % number)

    assert os.path.getsize(log.path) <= 107
    assert sorted(os.listdir(os.path.dirname(log.path))) == [
        "web.log", "web.log.1", "web.log.1.index", "web.log.index",
    ]  # fmt: skip
    assert texts(log.path, 15) == [b"line %d" % number for number in range(15, 30)]
    assert tail(log.path, 15)[0][0] == 1016.0
    assert texts(log.path)[-15:] == [b"line %d" % number for number in range(15, 30)]


def test_a_later_run_appends(log, clock, tmp_path):
    log.write(b"one\n")
    log.close()
    clock.now = 2000.0
    log.write(b"two\n")

    assert tail(log.path, 5) == [(1000.0, "", b"one"), (2000.0, "", b"two")]


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

    lines = one_by_one(merged(paths, ALL, 100, {}))
    assert b"".join(text for _, _, text in lines) == b"123456"
    assert [(name, text) for _, name, text in lines][2:4] == [("b", b"3"), ("a", b"4")]
    assert [text for _, _, text in one_by_one(merged(paths, ALL, 1, {}))] == [b"4", b"6"]
    assert list(merged(paths, ALL, None, {})) == list(merged(paths, ALL, 100, {}))


def test_a_missing_log_has_no_lines(tmp_path):
    assert tail(str(tmp_path / "none.log"), 5) == []
    assert last_lines(str(tmp_path / "none.log"), 5) == []


def test_a_log_without_its_index_has_lines_without_times(log):
    log.write(b"one\n")
    os.unlink(index_path(log.path))

    assert tail(log.path, 5) == [(0.0, "", b"one")]


def test_zero_lines_are_none_and_a_long_line_is_one(log):
    log.write(b"x" * 300_000 + b"\n")

    assert tail(log.path, 0) == []
    assert [len(text) for text in texts(log.path, 1)] == [300_000]


def test_a_deleted_log_is_made_anew(log, clock):
    log.write(b"one\n")
    os.unlink(log.path)
    clock.now += 2
    log.write(b"two\n")

    assert texts(log.path, 5) == [b"two"]


def test_a_deleted_folder_is_made_anew(log, clock):
    log.write(b"one\n")
    for name in os.listdir(os.path.dirname(log.path)):
        os.unlink(os.path.join(os.path.dirname(log.path), name))
    os.rmdir(os.path.dirname(log.path))
    clock.now += 2
    log.write(b"two\n")

    assert texts(log.path, 5) == [b"two"]


def test_a_log_that_somebody_has_emptied_goes_on_with_right_times(log, clock):
    log.write(b"one\ntwo\n")
    os.truncate(log.path, 0)
    clock.now += 2
    log.write(b"three\n")

    assert tail(log.path, 5) == [(1002.0, "", b"three")]


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
    assert texts(log.path, 9) == [
        b"one", b"two two two ", b"devboot: 3 lines not written here", b"five",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["web.log", "web.log.index"])
def test_a_pipe_in_place_of_a_log_is_not_waited_for_and_all_is_written_once_it_is_gone(name, log, clock, warnings):
    os.mkdir(os.path.dirname(log.path))
    pipe = os.path.join(os.path.dirname(log.path), name)
    os.mkfifo(pipe)
    log.write(b"one\n")
    assert tail(log.path, 10) == []
    os.unlink(pipe)
    clock.now += 5
    log.write(b"two\n")

    assert len(warnings) == 1
    assert texts(log.path, 10) == [b"devboot: 1 line not written here", b"two"]
    assert {at for at, _, _ in tail(log.path, 10)} == {1005.0}


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
    assert texts(log.path, 9)[-3:] == [b"devboot: 4 lines not written here", b"ve", b"six"]


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

    assert [(at, text) for at, _, text in tail(log.path, 9)] == [
        (1000.0, b"1"), (1010.0, b"devboot: 1 line not written here"), (1010.0, b"3"),
    ]  # fmt: skip


def written(path, blocks, *, older=()):
    """Write a log as its writer would: each of the blocks (time, bytes) with its time; `older` is the rotated part."""
    for name, part in ((f"{path}.1", older), (path, blocks)):
        offset = 0
        with open(name, "wb") as log, open(index_path(name), "wb") as index:
            for at, data in part:
                index.write(STAMP.pack(at, offset))
                log.write(data)
                offset += len(data)
    return str(path)


def lines_of(parts):
    """The same lines with their times, without devboot: a line has the time of the block in which it begins."""
    lines = []
    for part in parts:
        text = b"".join(data for _, data in part)
        starts = [0, *itertools.accumulate(len(data) for _, data in part)]
        place = 0
        for line in text.removesuffix(b"\n").split(b"\n") if text else ():
            lines.append((part[bisect.bisect_right(starts, place) - 1][0], "web", line))
            place += len(line) + 1
    return lines


@pytest.mark.parametrize("seed", range(20))
def test_any_log_is_read_by_time_by_number_and_in_part_as_a_plain_reading_of_it_says(tmp_path, seed):
    chance = random.Random(seed)
    clock = 1000.0

    def block():
        nonlocal clock
        clock += chance.choice((0.01, 0.5, 3.0)) if seed % 5 else chance.choice((0.5, -2.0))  # a clock that is set back
        pieces = (
            b"x" * chance.choice((0, 3, 90, *[9_000] * (chance.random() < 0.2))) + chance.choice((b"\n", b"\n", b""))
            for _ in range(4)
        )
        return clock, b"".join(pieces)

    older, newer = ([block() for _ in range(chance.choice((0, 1, 600)))] for _ in range(2))
    older, newer = ([each for each in part if each[1]] for part in (older, newer))
    path = written(tmp_path / "web.log", newer, older=older)
    lines = lines_of((older, newer))
    since, until = sorted(chance.uniform(990.0, clock + 10) for _ in range(2))

    assert tail(path, 10**9, "web") == lines
    for count in (1, 7, len(lines) // 2, len(lines)):
        assert tail(path, count, "web") == (lines[-count:] if count else [])
    for chosen in (Filter(since=since), Filter(until=until), Filter(since, until)):
        expected = [line for line in lines if chosen.takes(line[0])]
        assert tail(path, 10**9, "web", chosen) == expected
        assert tail(path, 5, "web", chosen) == expected[-5:]


@pytest.mark.parametrize("seed", range(10))
def test_a_log_of_any_bytes_with_an_index_of_any_bytes_loses_no_line(tmp_path, seed):
    chance = random.Random(seed)
    path = tmp_path / "web.log"
    for each in (path, tmp_path / "web.log.1"):
        each.write_bytes(bytes(chance.choices(b"a\n\r\x1b\xff\0", k=chance.choice((0, 1, 5000)))))
        size = chance.choice((0, 5, 16 * 300 + 3))
        text = chance.randbytes(size) if seed % 2 else STAMP.pack(1.0, 7) * (size // 16) + b"\0" * (size % 16)
        (tmp_path / f"{each.name}.index").write_bytes(text)

    data = (tmp_path / "web.log.1").read_bytes() + path.read_bytes()
    assert b"".join(lines.data for lines in Log(str(path)).lines(100)) == data
    tail(str(path), 3, chosen=Filter(5.0, 9.0))


@pytest.mark.parametrize("damaged", [math.inf, -math.inf, math.nan, -5.0, 1e15, 1e300])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_damaged_time_is_unknown_and_costs_no_line(tmp_path, damaged, place):
    times = [1001.0, 1002.0, 1003.0]
    blocks = [(time, b"%d\n" % time) for time in times]
    path = written(tmp_path / "web.log", [*blocks[:place], (damaged, b"x\n"), *blocks[place + 1 :]])
    others = [(time, "web", b"%d" % time) for number, time in enumerate(times) if number != place]

    found = tail(path, 9, "web")
    assert found == [*others[:place], (0.0, "web", b"x"), *others[place:]]
    for at, name, text in found:
        assert b"".join(as_json(Lines(at, name, text))).endswith(b"}\n")
    chosen = Filter(since=1001.5, until=1002.5)
    assert tail(path, 9, "web", chosen) == [line for line in others if chosen.takes(line[0])]


@pytest.mark.parametrize(
    "runs",
    [
        [(5, -1000.0), (5, -5000.0)],
        [(300, -3000.0), (5, -100.0), (600, -2700.0)],
        [(256, -3000.0), (255, -5000.0), (1, -100.0), (256, -2900.0)],
        [(1, -100.0), (16_384, -3000.0)],
        [(16_384, -3000.0), (1, -5000.0)],
    ],
)
def test_lines_are_chosen_by_time_although_the_clock_was_set_back(tmp_path, runs):
    """The clock starts each run at its own time, and counts hundredths."""
    now = 1_700_000_000.0
    times = [now + start + number / 100 for count, start in runs for number in range(count)]
    path = written(tmp_path / "web.log", [(time, b"%d\n" % number) for number, time in enumerate(times)])
    lines = [(time, "web", b"%d" % number) for number, time in enumerate(times)]

    for chosen in (Filter(since=now - 180), Filter(until=now - 3600), Filter(now - 2800, now - 150)):
        assert tail(path, 10**9, "web", chosen) == [line for line in lines if chosen.takes(line[0])]


class Reading:
    """Counts the bytes that are read."""

    def __init__(self):
        self.total = 0

    def __call__(self, fd, size, offset):
        data = os.pread(fd, size, offset)
        self.total += len(data)
        return data


@pytest.fixture
def long_log(tmp_path):
    """A log of 4 MB, a block of 80 bytes every second."""
    return written(tmp_path / "web.log", [(1000.0 + number, b"x" * 79 + b"\n") for number in range(50_000)])


def test_a_time_is_sought_instead_of_read_for(long_log):
    reading = Reading()
    log = Log(long_log, chosen=Filter(since=50_900.0, until=50_910.0), read=reading)
    found = one_by_one(log.lines())
    log.close()

    assert [at for at, _, _ in found] == [50_900.0 + number for number in range(10)]
    assert reading.total < 60_000 + os.path.getsize(index_path(long_log))  # the index is checked for a clock set back


def test_the_last_lines_are_read_from_the_end(long_log):
    reading = Reading()
    log = Log(long_log, read=reading)
    log.keep_last(100)

    assert len(one_by_one(log.lines())) == 100
    log.close()
    assert reading.total < 100_000


def test_the_last_matching_lines_are_searched_from_the_end(tmp_path):
    path = written(tmp_path / "web.log", [(1.0, b"%06d\n" % number * 2) for number in range(100_000)])
    reading = Reading()
    log = Log(path, "", Filter(ranges=lambda data: [(at, at + 7) for at in range(0, len(data), 14)]), read=reading)
    log.keep_last(3)

    assert [text for _, _, text in one_by_one(log.lines())] == [b"099997", b"099998", b"099999"]
    log.close()
    assert reading.total < 30_000


def test_many_long_logs_are_merged_in_little_memory(tmp_path):
    paths = {}
    for name in "abcdefgh":
        blocks = [(1000.0 + number + ord(name) / 1000, b"x" * 99 + b"\n") for number in range(5_000)]
        paths[name] = written(tmp_path / f"{name}.log", blocks)
    tracemalloc.start()
    try:
        found = merged(paths, ALL, None, {})
        first = [next(found).name for _ in range(16)]
        size = sum(len(lines.data) for lines in found)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert first == [*"abcdefgh", *"abcdefgh"]
    assert size == 8 * 500_000 - 16 * 100
    assert peak < 1_500_000


def test_a_log_that_is_rotated_while_it_is_read_is_read_to_its_end(log, clock):
    blocks = [b"line %d\n" % number for number in range(60)]
    for block in blocks[:30]:
        clock.now += 1
        log.write(block)
    reader = Log(log.path)
    reading = reader.lines(10)
    before = texts(log.path)
    first = one_by_one([next(reading)])
    for block in blocks[30:]:
        clock.now += 1
        log.write(block)

    assert [text for _, _, text in first + one_by_one(reading)] == before
    reader.close()


def test_a_log_that_is_emptied_while_it_is_read_ends_there(tmp_path):
    path = written(tmp_path / "web.log", [(1.0, b"one\n" * 100)])
    log = Log(path)
    reading = log.lines(8)
    first = next(reading)
    os.truncate(path, 2)

    assert (first.data, list(reading)) == (b"one\none\n", [])
    log.close()


def test_what_the_daemon_shows_from_an_offset_on_is_left_out_also_after_a_rotation(tmp_path):
    path = written(tmp_path / "web.log", [(2.0, b"new\n")], older=[(1.0, b"one\ntwo\nthree\n")])

    assert tail(path, 10, end=2) == [(1.0, "", b"one"), (1.0, "", b"two"), (1.0, "", b"three"), (2.0, "", b"ne")]
    assert tail(path, 10, end=8) == [(1.0, "", b"one"), (1.0, "", b"two")]


def test_lines_before_an_offset_are_chosen_by_time_too(log, clock):
    for number in range(5):
        clock.now = 1000.0 + number
        log.write(b"line\n")
    size = os.stat(log.path).st_size

    for chosen, expected in (
        (Filter(until=1002.0), [1000.0, 1001.0]),
        (Filter(since=1003.0), [1003.0, 1004.0]),
        (Filter(1001.0, 1003.0), [1001.0, 1002.0]),
    ):
        assert expected == [at for at, _, _ in tail(log.path, 10, chosen=chosen, end=size)]
    assert [] == tail(log.path, 10, chosen=Filter(since=1003.0), end=5)


def test_a_folder_in_place_of_a_log_is_an_empty_one(tmp_path):
    (tmp_path / "web.log").mkdir()

    assert texts(str(tmp_path / "web.log")) == []
    assert not is_ended(str(tmp_path / "web.log"))


def test_a_rotation_that_was_killed_half_way_keeps_the_times_and_is_finished_by_the_next_writer(tmp_path, clock):
    path = written(tmp_path / "web.log", [(1000.0, b"one\n"), (1001.0, b"two\n")], older=[(900.0, b"zero\n")])
    os.unlink(f"{path}.1")
    os.rename(index_path(path), index_path(f"{path}.1"))
    expected = [(1000.0, "", b"one"), (1001.0, "", b"two")]
    assert tail(path, 10) == expected

    log = LogFile(path, clock, print, limit=8)
    clock.now = 1002.0
    log.write(b"three\n")
    log.close()

    assert tail(path, 10) == [*expected, (1002.0, "", b"three")]
    assert texts(f"{path}.1") == [b"one", b"two"]


@pytest.mark.parametrize("running", [True, False])
def test_lines_after_a_truncation_have_their_own_times(tmp_path, clock, warnings, running):
    log = LogFile(str(tmp_path / "web.log"), clock, warnings.append)
    for number in range(1, 8):
        clock.now = 1000.0 + number
        log.write(b"%d\n" % number)
    os.truncate(log.path, 4)
    if not running:
        log.close()
    clock.now = 1050.0
    log.write(b"8\n")
    log.close()

    assert tail(log.path, 9) == [(1001.0, "", b"1"), (1002.0, "", b"2"), (1050.0, "", b"8")]
    assert os.path.getsize(index_path(log.path)) == 3 * STAMP.size
    assert tail(log.path, 9, chosen=Filter(since=1003.0)) == [(1050.0, "", b"8")]
    assert warnings == []


@pytest.mark.parametrize(("logs", "limit"), [(60, 100), (40, 64), (1, 10)])
def test_more_logs_than_may_be_open_by_default_are_merged(tmp_path, logs, limit):
    import subprocess
    import sys

    for number in range(logs):
        written(tmp_path / f"p{number}.log", [(1000.0 + number, b"x\n")], older=[(1.0, b"y\n")])
    code = f"""
import resource
from devboot.supervisor.output.log_reader import ALL, merged
resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
paths = {{str(number): f"{tmp_path}/p{{number}}.log" for number in range({logs})}}
print(b"".join(lines.data for lines in merged(paths, ALL, None, {{}})).count(b"x"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == (f"{logs}\n", "")


def test_logs_that_cannot_be_open_at_once_leave_none_open(tmp_path):
    import subprocess
    import sys

    paths = {}
    for number in range(40):
        paths[str(number)] = written(tmp_path / f"{number}.log", [(1000.0, b"x\n")], older=[(1.0, b"y\n")])
    code = f"""
import heapq, os, resource
from devboot.supervisor.output.log_reader import ALL, merged
resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
before = os.listdir("/proc/self/fd")
try:
    next(merged({paths!r}, ALL, None, {{}}))
except OSError as error:
    print(error.strerror, os.listdir("/proc/self/fd") == before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("Too many open files True\n", "")


def test_the_last_lines_as_text_are_none_if_the_log_cannot_be_opened(log):
    import subprocess
    import sys

    log.write(b"\x1b[31mone\x1b[0m\n\xfftwo\n")
    code = f"""
import resource
from devboot.supervisor.output.log_reader import last_text_lines
print(ascii(last_text_lines({log.path!r}, 5)))
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
print(last_text_lines({log.path!r}, 5))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ["one", "\ufffdtwo"] == last_text_lines(log.path, 5)
    assert ("['one', '\\ufffdtwo']\n[]\n", "") == (done.stdout, done.stderr)


@pytest.mark.faults(144)
def test_times_that_cannot_be_dropped_after_a_truncation_are_dropped_later(tmp_path, clock, warnings, monkeypatch):
    log = LogFile(str(tmp_path / "web.log"), clock, warnings.append)
    for number in range(1, 4):
        clock.now = 1000.0 + number
        log.write(b"%d\n" % number)
    os.truncate(log.path, 2)
    clock.now = 1050.0
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", "log/cut-index=eio")
    log.write(b"4\n")
    monkeypatch.delenv("DEVBOOT_FAIL_POINT")
    log.write(b"5\n")
    log.close()

    assert tail(log.path, 9) == [
        (1001.0, "", b"1"),
        (1050.0, "", b"devboot: 1 line not written here"),
        (1050.0, "", b"5"),
    ]
