"""Damaged append-only files: the server's own program repairs a copy, and the damaged files are kept."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from devboot.errors import BusyError, DevbootError, MachineError
from devboot.locks import hold_folder
from devboot.services.aof_repair import complete, copy_contents, lost_bytes, repair, was_interrupted
from tests.fakes.checkpoints import checkpoints

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
DAMAGED = b"SET a 1\nZZSET b 2\n"
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
        (folder / "appendonly.aof").write_bytes(DAMAGED)
        return folder / "appendonly.aof"
    (folder / "appendonlydir").mkdir()
    (folder / "appendonlydir/appendonly.aof.1.incr.aof").write_bytes(DAMAGED)
    (folder / "appendonlydir/appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
    return folder / "appendonlydir"


def content(place):
    log = place / "appendonly.aof.1.incr.aof" if place.is_dir() else place
    return log.read_bytes()


def others(place):
    return sorted(each for each in place.parent.iterdir() if each != place)


def test_the_lost_bytes_are_counted_and_nothing_is_changed(place, program):
    assert lost_bytes(str(place), program) == 10
    assert content(place) == DAMAGED
    assert others(place) == []


def test_what_can_be_read_stays_and_the_damaged_files_are_kept(place, program):
    kept = repair(str(place), program, 0.0)

    assert content(place) == b"SET a 1\n"
    assert lost_bytes(str(place), program) is None
    assert [str(each) for each in others(place)] == [kept]
    assert content(others(place)[0]) == DAMAGED


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


POINTS = checkpoints("services/aof_repair.py")


def killed_at(point, place, program):
    environ = {**os.environ, "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": f"{point}=kill"}
    assert (
        -9 == subprocess.run([sys.executable, "-c", REPAIR, str(place), program], check=False, env=environ).returncode
    )


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_repair_is_completed_by_the_next_and_loses_nothing(point, place, program):
    killed_at(point, place, program)
    assert content(place) in (b"SET a 1\n", DAMAGED)

    repair(str(place), program, 0.0)

    assert content(place) == b"SET a 1\n"
    assert [content(each) for each in others(place)].count(DAMAGED) == 1
    assert not was_interrupted(str(place))


def test_copies_of_killed_repairs_do_not_pile_up(place, program):
    for _ in range(3):
        killed_at("aof/copied", place, program)
        assert was_interrupted(str(place))
    assert len(others(place)) == 1

    assert repair(str(place), "", 0.0) == ""  # as for a server that runs

    assert not was_interrupted(str(place))
    assert content(place) == DAMAGED
    assert others(place) == []


def test_the_damaged_files_have_their_date_as_soon_as_the_repaired_ones_are_in_place(place, program):
    killed_at("aof/exchanged", place, program)

    assert not was_interrupted(str(place))
    assert content(place) == b"SET a 1\n"
    assert [content(each) for each in others(place)] == [DAMAGED]
    assert repair(str(place), program, 0.0) == ""  # nothing is damaged any more
    assert len(others(place)) == 1


@pytest.mark.parametrize("is_in_place", [False, True])
def test_an_exchange_without_a_system_call_is_completed(is_in_place, place, program):
    kept = place.parent / f"{place.name}.2026-12-01T092909"
    place.rename(f"{kept}.old")
    copy_contents(f"{kept}.old", str(place if is_in_place else kept))
    log = (place if is_in_place else kept) / "appendonly.aof.1.incr.aof"
    (log if log.exists() else log.parent).write_bytes(b"SET a 1\n")
    assert was_interrupted(str(place))

    complete(str(place))

    assert content(place) == b"SET a 1\n"
    assert others(place) == [kept]
    assert content(kept) == DAMAGED


def test_a_file_with_a_name_of_its_own_is_not_put_in_place(place, program):
    own = place.rename(f"{place}.old")

    with pytest.raises(MachineError) as caught:
        repair(str(place), program, 0.0)

    assert caught.value.what == f"can't repair `{place}`"
    assert others(place) == [own]


def test_a_log_that_is_a_link_is_repaired_as_a_copy_and_its_target_stays(place, program, tmp_path):
    log = place / "appendonly.aof.1.incr.aof" if place.is_dir() else place
    log.rename(tmp_path / "big")
    log.symlink_to(tmp_path / "big")

    kept = repair(str(place), program, 0.0)

    assert (tmp_path / "big").read_bytes() == DAMAGED
    assert content(place) == b"SET a 1\n"
    assert [str(each) for each in others(place)] == [kept]
    assert content(others(place)[0]) == DAMAGED


def test_a_folder_that_is_a_link_is_repaired_as_a_copy_and_its_target_stays(place, program, tmp_path):
    place.rename(tmp_path / "big")
    place.symlink_to(tmp_path / "big")

    repair(str(place), program, 0.0)

    assert content(tmp_path / "big") == DAMAGED
    assert content(place) == b"SET a 1\n"


def test_files_under_a_server_are_not_touched(place, program):
    held = hold_folder(str(place.parent))  # as a server does, and whoever starts one
    try:
        with pytest.raises(BusyError) as caught:
            repair(str(place), program, 0.0)
    finally:
        os.close(held)

    assert caught.value.slug == "service/data-in-use"
    assert content(place) == DAMAGED
    assert others(place) == []


def test_no_server_can_start_during_a_repair(place, tmp_path):
    program, witness = tmp_path / "program", tmp_path / "seen"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {os.getcwd()!r})\n"
        "from devboot.locks import is_folder_held\n"
        f"open({str(witness)!r}, 'a').write(str(is_folder_held({str(place.parent)!r})))\nsys.exit(1)\n"
    )
    program.chmod(0o755)

    with pytest.raises(DevbootError, match="could not be repaired"):
        repair(str(place), str(program), 0.0)

    assert witness.read_text() == "True" * 2  # looking for damage, and repairing


@pytest.mark.parametrize(
    ("name", "slug"), [("enospc", "machine/disk-full"), ("eio", "machine/io"), ("erofs", "machine/not-writable")]
)
@pytest.mark.parametrize("point", POINTS)
def test_an_error_of_the_disk_is_named_and_leaves_a_log_that_can_be_repaired(name, slug, point, place, program):
    environ = {**os.environ, "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": f"{point}={name}"}
    failed = subprocess.run([sys.executable, "-c", REPAIR, str(place), program], env=environ, stderr=-1, check=False)
    assert f"MachineError: {slug}: " in failed.stderr.decode()

    repair(str(place), program, 0.0)

    assert content(place) == b"SET a 1\n"
    assert DAMAGED in [content(each) for each in others(place)]


def test_a_limit_of_the_size_of_files_is_named(place, program):
    log = place / "appendonly.aof.1.incr.aof" if place.is_dir() else place
    log.write_bytes(DAMAGED * 1000)
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); {REPAIR}"

    failed = subprocess.run([sys.executable, "-c", limited, str(place), program], stderr=-1, check=False)

    assert "MachineError: machine/too-large: " in failed.stderr.decode()
    assert content(place) == DAMAGED * 1000
    assert others(place) == []
