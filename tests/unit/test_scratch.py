"""Temporary folders of killed commands."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import devboot
from devboot.scratch import remove_abandoned, scratch_folder

OWNER = """
import sys
from devboot.scratch import scratch_folder
with scratch_folder(sys.argv[1]) as place:
    open(place + "/file", "w").close()
    print(place, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def owner(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    child.stdout.readline()
    yield child
    child.kill()
    child.communicate()


def test_a_folder_is_empty_and_gone_afterwards(tmp_path):
    with scratch_folder(str(tmp_path)) as place:
        assert os.listdir(place) == []
    assert os.listdir(tmp_path) == []


@pytest.mark.faults(167)
def test_the_folder_of_a_killed_command_goes_and_that_of_a_live_one_stays(tmp_path, owner):
    assert remove_abandoned(str(tmp_path)) == 0
    assert len(os.listdir(tmp_path)) == 1

    owner.send_signal(signal.SIGKILL)
    owner.wait()
    (work,) = tmp_path.glob("*/work")
    work.chmod(0o500)

    assert remove_abandoned(str(tmp_path)) == 1
    assert os.listdir(tmp_path) == []


REMOVER = """
import sys
from devboot.scratch import remove_abandoned
print(flush=True)
while True:
    remove_abandoned(sys.argv[1])
"""


@pytest.mark.faults(167)
def test_a_folder_that_is_just_made_is_never_taken_for_an_abandoned_one(tmp_path):
    command = [sys.executable, "-c", REMOVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as remover:
        remover.stdout.readline()
        try:
            for _ in range(1000):
                with scratch_folder(str(tmp_path)) as place:
                    assert os.path.isdir(place)
        finally:
            remover.kill()


@pytest.mark.parametrize("name", ["devboot-scratch-mine", "tmp-of-others"])
def test_a_folder_without_a_lock_stays_while_it_is_young_and_others_for_ever(tmp_path, name):
    (tmp_path / name).mkdir()

    assert remove_abandoned(str(tmp_path)) == 0
    os.utime(tmp_path / name, (1, 1))
    assert remove_abandoned(str(tmp_path)) == (name == "devboot-scratch-mine")


def test_a_link_is_not_followed(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (tmp_path / "devboot-scratch-x").symlink_to(theirs)
    os.utime(theirs, (1, 1))

    assert remove_abandoned(str(tmp_path)) == 0
    assert theirs.exists()


@pytest.mark.faults(167)
def test_every_temporary_folder_of_the_system_is_one_that_can_be_found_again():
    for path in Path(devboot.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("TemporaryDirectory", "mkdtemp"):
                assert any(word.arg == "dir" for word in node.keywords), f"{path}:{node.lineno}"
