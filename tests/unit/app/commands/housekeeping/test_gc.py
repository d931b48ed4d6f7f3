"""What `gc` does with the old generations of projects."""

import os
import time

import pytest

from devboot.app.commands.housekeeping.gc import gc
from devboot.app.context import Context
from devboot.provision import generations
from devboot.provision.objects.roots import hold_for_project
from devboot.text.modes import OutputOptions, StreamFacts
from tests.fakes.folders import state_folder

COUNT = generations.KEPT + 2


@pytest.fixture
def context(tmp_path):
    environ = {"DEVBOOT_HOME": str(tmp_path / "devboot"), "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    nothing = dict.fromkeys(("stdin", "stdout", "stderr"), StreamFacts())
    others = {"clock": time.monotonic, "wall_clock": time.time, "output": OutputOptions(), "version": "1"}
    return Context(cwd=str(tmp_path), environ=environ, **nothing, **others, uid=os.getuid())


def project(tmp_path, context, name):
    """A project with more generations than are kept; its folder of them."""
    (tmp_path / name).mkdir()
    state = state_folder(tmp_path / name, context.environ["DEVBOOT_HOME"])
    folder = state / generations.FOLDER
    folder.mkdir(parents=True)
    (state / "run").mkdir()
    for number in range(1, COUNT + 1):
        (folder / str(number)).write_text("{}")
    hold_for_project(context.paths().data, str(tmp_path / name), [], {})
    return folder


def names(folder):
    return sorted(map(int, filter(str.isdigit, os.listdir(folder))))


def test_a_project_that_cannot_be_written_is_told_and_the_others_are_pruned(tmp_path, context):
    stuck, free = (project(tmp_path, context, name) for name in ("a-stuck", "b-free"))
    (stuck / "1").unlink()
    (stuck / "1").mkdir()  # no file: it can't be unlinked, by root neither

    done = gc(context, older_than=None, is_dry=False)

    assert [3, 4] == names(free)[:2]
    assert COUNT == len(names(stuck))
    assert [(str(tmp_path / "b-free") + f", generation {number}") for number in (1, 2)] == [
        piece.name for piece in done.removed
    ]
    ((kind, name, size, why),) = done.kept
    assert ("generation", str(tmp_path / "a-stuck"), 0) == (kind, name, size)
    assert why.startswith("its old generations are kept: ")


def test_a_dry_run_says_what_would_go_and_leaves_it(tmp_path, context):
    folder = project(tmp_path, context, "shop")

    assert 2 == len(gc(context, older_than=None, is_dry=True).removed)
    assert COUNT == len(names(folder))
