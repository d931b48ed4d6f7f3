"""The one writer into clones: a link never leads it out of the project."""

import os

import pytest

from devboot.clone_writer import refuse_outside, replace_file, write_beside_links
from devboot.errors import MachineError
from devboot.files import atomic_write

pytestmark = pytest.mark.faults(152)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "clone/inner").mkdir(parents=True)
    (tmp_path / "victim").write_text("precious")
    return tmp_path / "clone"


@pytest.mark.parametrize(
    ("link", "target", "name"),
    [
        ("devboot.lock", "../victim", "devboot.lock"),
        ("devboot.lock", "../not there", "devboot.lock"),
        ("inner/link", "../..", "inner/link/victim"),
        ("inner/link", "..", "inner/link/chain"),
    ],
)
def test_a_link_out_of_the_project_is_refused_and_what_it_leads_to_stays(root, tmp_path, link, target, name):
    (root / link).symlink_to(target)
    if name.endswith("chain"):
        (root / "chain").symlink_to(tmp_path / "victim")

    with pytest.raises(MachineError) as caught:
        replace_file(str(root / name), str(root), "new")

    blamed = "inner/link/chain" if name.endswith("chain") else link
    aim = os.readlink(root / blamed)
    assert ("machine/leads-outside", f"`{name}` is outside of the project: it is a link, or below one") == (
        caught.value.slug,
        caught.value.what,
    )
    assert (f"`{blamed}` is a link to `{aim}`",) == caught.value.causes
    assert (f"`{os.path.realpath(root / name)}` was not touched",) == caught.value.kept
    assert "precious" == (tmp_path / "victim").read_text()
    assert ["clone", "victim"] == sorted(os.listdir(tmp_path))


def test_a_link_that_stays_in_the_project_is_followed(root):
    (root / "inner/lock").write_text("old")
    (root / "devboot.lock").symlink_to("inner/lock")

    replace_file(str(root / "devboot.lock"), str(root), "new")

    assert ("new", True) == ((root / "inner/lock").read_text(), (root / "devboot.lock").is_symlink())


def test_a_project_that_is_reached_through_a_link_is_written_to(root, tmp_path):
    (tmp_path / "other").symlink_to("clone")

    replace_file(str(tmp_path / "other/devboot.lock"), str(tmp_path / "other"), "new")

    assert "new" == (root / "devboot.lock").read_text()


def test_a_path_that_is_written_as_one_outside_passes(root, tmp_path):
    refuse_outside(str(root / "../data.sqlite3"), str(root))
    refuse_outside(str(tmp_path), str(root))


@pytest.mark.parametrize(
    "write", [lambda path, root: replace_file(path, root, "new"), lambda path, _: atomic_write(path, "")]
)
def test_what_is_no_regular_file_behind_a_link_is_never_replaced(root, write):
    os.mkfifo(root / "pipe")
    (root / "devboot.lock").symlink_to("pipe")

    with pytest.raises(MachineError) as caught:
        write(str(root / "devboot.lock"), str(root))

    assert "machine/in-the-way" == caught.value.slug
    assert (root / "pipe").is_fifo()


def test_a_file_of_devboots_own_replaces_a_link_in_its_place(root, tmp_path):
    (root / "record").symlink_to(tmp_path / "victim")

    write_beside_links(str(root / "record"), "new")

    assert ("new", "precious") == ((root / "record").read_text(), (tmp_path / "victim").read_text())
    assert not (root / "record").is_symlink()
