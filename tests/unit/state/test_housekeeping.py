"""What is removed of projects that are gone: never what has come back, or what another project has meanwhile."""

import os
import time
from pathlib import Path

import pytest

from devboot.app.commands.housekeeping.state import remove_gone
from devboot.app.context import Context
from devboot.locks import is_locked
from devboot.provision.collect import Terms
from devboot.state import housekeeping
from devboot.state.claiming import claim
from devboot.state.records import identity_of
from devboot.text.modes import OutputOptions, StreamFacts
from tests.fakes.interleaving import Actor

needs_birth = pytest.mark.skipif(
    not identity_of(os.path.dirname(__file__)).birth, reason="the filesystem tells no time of birth"
)


def nobody(_state, _path):
    return ""


def _context(place):
    place.mkdir()
    environ = {"DEVBOOT_HOME": str(place / "home"), "HOME": str(place), "XDG_RUNTIME_DIR": str(place)}
    nothing = dict.fromkeys(("stdin", "stdout", "stderr"), StreamFacts())
    others = {"clock": time.monotonic, "wall_clock": time.time, "output": OutputOptions(), "version": "1"}
    return Context(cwd=str(place), environ=environ, **nothing, **others, uid=os.getuid())


def _claim(context, root, text=""):
    root.mkdir(exist_ok=True)
    claim(context.projects(), str(root), nobody, time.time, {})
    dump = Path(context.projects().data_of(str(root)), "dump.rdb")
    if text:
        dump.write_text(text)
    return dump


@needs_birth
def test_a_claim_at_any_moment_of_a_removal_loses_no_data(tmp_path):
    for steps in range(60):
        context = _context(tmp_path / str(steps))
        shop, moved = (Path(context.cwd, name) for name in ("shop", "moved"))
        _claim(context, shop, "of the moved project")
        shop.rename(moved)
        removed = Actor(
            lambda context=context: list(remove_gone(context, Terms(time.time), with_data=True)),
            ("app/commands/housekeeping/state.py",),
        )

        removed.advance(steps)
        of_moved = _claim(context, moved)
        is_taken_over = of_moved.exists()
        of_new = _claim(context, shop, "of the new clone")
        is_over = removed.is_done
        removed.advance(float("inf"))

        assert removed.error is None
        assert of_new.read_text() == "of the new clone"
        assert of_moved.exists() is is_taken_over
        if is_over:
            return
    raise AssertionError("the removal has more lines than that")


@pytest.mark.parametrize("case", ["in use", "back", "unknown"])
def test_what_is_in_use_or_has_come_back_is_not_removed(tmp_path, case):
    context = _context(tmp_path / "user")
    shop = Path(context.cwd, "shop")
    dump = _claim(context, shop, "precious")
    projects, name = context.projects(), dump.parent.name
    if case != "back":
        shop.rename(shop.with_name("elsewhere"))

    def holder(_state, _path):
        assert is_locked(os.path.join(projects.state, ".lock"))
        return "daemon (pid 7)" if case == "in use" else ""

    wanted = "another-0123" if case == "unknown" else name
    assert not housekeeping.remove_kept(projects, wanted, holder, with_data=True)
    assert dump.read_text() == "precious"


def test_a_removal_that_was_killed_is_completed_by_the_next_one(tmp_path):
    context = _context(tmp_path / "user")
    projects = context.projects()
    left = [Path(base, ".removed-7-ab-shop-0123") for base in (projects.state, projects.data)]
    for folder in left:
        (folder / "logs").mkdir(parents=True)
        (folder / "logs").chmod(0o500)

    assert list(remove_gone(context, Terms(time.time, is_dry=True), with_data=False)) == []
    assert all(folder.exists() for folder in left)
    assert list(remove_gone(context, Terms(time.time), with_data=False)) == []
    assert not any(folder.exists() for folder in left)
