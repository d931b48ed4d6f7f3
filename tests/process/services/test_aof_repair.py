"""Damaged append-only files: the server's own program repairs a copy, and the damaged files are kept."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from devboot.errors import DevbootError
from devboot.services.aof_repair import lost_bytes, repair, was_interrupted

# A program that behaves like redis-check-aof: everything after a line `ZZ` can't be read.
PROGRAM = """#!/usr/bin/env python3
import os, sys
target = sys.argv[-1]
if target.endswith(".manifest"):
    target = os.path.join(os.path.dirname(target), "appendonly.aof.1.incr.aof")
data = open(target, "rb").read()
good = data.partition(b"ZZ")[0]
if len(good) == len(data):
    sys.exit(print("All AOF files and manifest are valid"))
lost = len(data) - len(good)
print(f"AOF analyzed: filename=x, size={len(data)}, ok_up_to={len(good)}, ok_up_to_line=3, diff={lost}")
if "--fix" not in sys.argv or sys.stdin.readline() != "y\\n" or b"LOST" in data:
    print("AOF x is not valid. Use the --fix option to try fixing it.")
    sys.exit(1)
open(target, "wb").write(good)
"""
REPAIR = "import sys; from devboot.services.aof_repair import repair; repair(sys.argv[1], sys.argv[2], 0.0)"


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "redis-check-aof"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    return str(path)


@pytest.fixture(params=["parts", "one file"])
def place(request, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    if request.param == "one file":
        (folder / "appendonly.aof").write_bytes(b"SET a 1\nZZSET b 2\n")
        return folder / "appendonly.aof"
    (folder / "appendonlydir").mkdir()
    (folder / "appendonlydir/appendonly.aof.1.incr.aof").write_bytes(b"SET a 1\nZZSET b 2\n")
    (folder / "appendonlydir/appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
    return folder / "appendonlydir"


def content(place):
    log = place / "appendonly.aof.1.incr.aof" if place.is_dir() else place
    return log.read_bytes()


def others(place):
    return sorted(each for each in place.parent.iterdir() if each != place)


def test_the_lost_bytes_are_counted_and_nothing_is_changed(place, program):
    assert lost_bytes(str(place), program) == 10
    assert content(place) == b"SET a 1\nZZSET b 2\n"
    assert others(place) == []


def test_what_can_be_read_stays_and_the_damaged_files_are_kept(place, program):
    kept = repair(str(place), program, 0.0)

    assert content(place) == b"SET a 1\n"
    assert lost_bytes(str(place), program) is None
    assert [str(each) for each in others(place)] == [kept]
    assert content(others(place)[0]) == b"SET a 1\nZZSET b 2\n"


def test_what_the_program_cannot_repair_stays_as_it_is(place, program):
    log = place / "appendonly.aof.1.incr.aof" if place.is_dir() else place
    log.write_bytes(b"ZZLOST")

    with pytest.raises(DevbootError) as caught:
        repair(str(place), program, 0.0)

    assert caught.value.slug == "service/not-repaired"
    assert content(place) == b"ZZLOST"
    assert others(place) == []


def test_without_the_program_nothing_is_known(place, tmp_path):
    assert lost_bytes(str(place), str(tmp_path / "gone")) is None


@pytest.mark.parametrize("point", ["aof/copied", "aof/exchanged"])
def test_a_killed_repair_is_completed_by_the_next_and_loses_nothing(point, place, program):
    environ = {**os.environ, "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": f"{point}=kill"}
    subprocess.run([sys.executable, "-c", REPAIR, str(place), program], check=False, env=environ)
    assert content(place) in (b"SET a 1\n", b"SET a 1\nZZSET b 2\n")

    repair(str(place), program, 0.0)

    assert content(place) == b"SET a 1\n"
    assert b"SET a 1\nZZSET b 2\n" in [content(each) for each in others(place)]


def test_what_a_repair_leaves_that_is_killed_after_the_exchange_gets_its_date_and_the_log_stays(place, program):
    environ = {**os.environ, "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": "aof/exchanged=kill"}
    subprocess.run([sys.executable, "-c", REPAIR, str(place), program], check=False, env=environ)
    assert was_interrupted(str(place))

    kept = repair(str(place), "", 0.0)  # as for a server that runs

    assert not was_interrupted(str(place))
    assert content(place) == b"SET a 1\n"
    assert [str(each) for each in others(place)] == [kept]
    assert content(others(place)[0]) == b"SET a 1\nZZSET b 2\n"
