"""`store` and `gc` as whole commands, in a project whose service comes out of a folder of wheels."""

import json
import os
import shutil

import pytest

from devboot.provision.objects.store import Store
from devboot.provision.objects.tree import remove_tree
from devboot.text.units import size as shown
from tests.fakes.toyproject import ToyProject


@pytest.fixture
def shop(tmp_path):
    yield ToyProject(tmp_path)
    remove_tree(str(tmp_path / "home/data/store"))


def damage(shop, how="flip"):
    """Change a program of the one object; its name."""
    (name,) = shop.objects()
    folder = shop.store / name / "tree/toy"
    os.chmod(folder, 0o755)
    program = folder / "toy-server"
    os.chmod(program, 0o755)
    if how == "delete":
        program.unlink()
    else:
        program.write_bytes(program.read_bytes().replace(b"1.0.0", b"6.6.6"))
        os.chmod(program, 0o555)
    return name


def is_whole(shop, name):
    return Store(str(shop.folder / "home/data")).complaints(name, full=True) == ()


@pytest.mark.faults(24)
def test_gc_keeps_what_a_project_uses_and_removes_it_with_the_project(shop):
    shop.devboot("sync")
    (name,) = shop.objects()
    size = json.loads(shop.devboot("store", "list", "--json").stdout)["objects"][0]["bytes"]

    assert shop.devboot("gc").stdout == f"kept  toy 1.0.0  {shown(size)}  ~/shop\n0 B freed; 1 object kept\n"
    shutil.rmtree(shop.root)
    dry = shop.devboot("gc", "--dry-run", cwd=shop.folder).stdout
    assert shop.objects() == [name]
    done = json.loads(shop.devboot("gc", "--json", cwd=shop.folder).stdout)

    assert dry.splitlines()[-1] == f"{shown(done['freed'])} would be freed; 0 objects kept"
    removed = {piece["kind"]: piece for piece in done["removed"]}
    assert (done["freed"], shop.objects()) == (size + removed["state"]["bytes"], [])
    assert ["the project is gone; `devboot gc --data` removes it"] == [piece["why"] for piece in done["kept"]]
    assert {kind: (piece["name"], piece["why"]) for kind, piece in removed.items() if kind != "state"} == {
        "root": (str(shop.root), "the project is gone"),
        "object": (name, "nothing uses it"),
    }
    assert (removed["object"]["bytes"], removed["state"]["why"]) == (size, "the project is gone")


@pytest.mark.faults(37)
def test_doctor_mends_what_devboot_can_mend_and_looks_again(shop):
    shop.devboot("sync")
    damage(shop)
    refused = shop.devboot("doctor", "--fix", "store", code=2).stderr
    assert "error[usage/argument]: `devboot doctor --fix` asks before each fix, and there is no terminal" in refused
    assert "help: devboot doctor --fix -y\n" in refused

    said = shop.devboot("doctor", "--fix", "-y", "store").stderr.splitlines()

    assert said[0].startswith("1 of 1  store: devboot store repair, fetches it again, ")
    assert said[0].endswith(" B when unpacked")
    assert said[-2:] == ["1 of 1  store: fixed", "1 fixed and checked again"]
    assert "1 object intact\n" == shop.devboot("store", "verify").stdout
    assert "nothing to fix\n" == shop.devboot("doctor", "--fix", "store").stderr


@pytest.mark.faults(37)
def test_a_damaged_object_is_found_and_repaired(shop):
    shop.devboot("sync")
    assert shop.devboot("store", "verify").stdout == "1 object intact\n"
    name = damage(shop)

    found = shop.devboot("-q", "store", "verify", "toy", code=5)
    assert found.stderr == (
        "error[store/modified]: toy 1.0.0 differs from what devboot installed\n"
        "  toy 1.0.0: tree/toy/toy-server has other content\n"
        "help: devboot store repair\n"
    )
    told = json.loads(shop.devboot("store", "verify", "--json", code=5).stdout)
    assert told["damaged"] == [{"name": name, "complaints": ["tree/toy/toy-server has other content"]}]
    assert "fix:  devboot store repair" in shop.devboot("doctor", "store", code=1).stdout

    assert shop.devboot("store", "repair").stdout == "repaired toy 1.0.0\n"
    assert is_whole(shop, name)
    assert shop.devboot("store", "repair").stdout == "nothing to repair: 1 object intact\n"
    shop.devboot("doctor", "store")


@pytest.mark.faults(38)
def test_what_cannot_be_fetched_again_is_not_used_until_it_can(shop):
    shop.devboot("sync")
    name = damage(shop)
    (wheel,) = shop.wheels.iterdir()
    wheel.rename(shop.folder / wheel.name)
    shutil.rmtree(shop.folder / "uv")

    failed = shop.devboot("store", "repair", code=1)
    assert "error[store/unrepairable]: toy 1.0.0 is damaged and can't be repaired now\n" in failed.stderr
    assert f"`{wheel.name}`" in failed.stderr
    assert "network" not in failed.stderr
    assert Store(str(shop.folder / "home/data")).find(name) is None

    (shop.folder / wheel.name).rename(wheel)
    assert shop.devboot("store", "repair").stdout == "repaired toy 1.0.0\n"
    assert is_whole(shop, name)


@pytest.mark.faults(39)
def test_a_repair_that_is_killed_leaves_the_old_or_the_new_object(shop):
    shop.devboot("sync")
    name = damage(shop)

    shop.devboot("store", "repair", code=-9, DEVBOOT_TEST="1", DEVBOOT_FAIL_POINT="store/exchanged=kill")
    assert name in shop.objects()

    shop.devboot("store", "repair")
    assert is_whole(shop, name)
    shop.devboot("gc", "--older-than", "0")  # what the killed one had in hand
    assert shop.objects() == [name]


def test_damage_that_nobody_needs_is_removed(shop):
    shop.devboot("sync")
    damage(shop, "delete")
    shutil.rmtree(shop.root)

    done = shop.devboot("store", "repair", cwd=shop.folder)
    assert done.stdout == "removed toy 1.0.0: damaged, and nothing uses it\n"
    assert shop.objects() == []


def test_a_path_is_that_of_the_projects_object(shop):
    shop.devboot("sync")
    (name,) = shop.objects()

    assert shop.devboot("store", "path", "toy").stdout == f"{shop.store / name}\n"
    told = json.loads(shop.devboot("store", "path", "toy@1", "--json").stdout)
    assert (told["name"], told["bin"]) == (name, f"{shop.store / name}/bin")
    unknown = shop.devboot("store", "path", "toi", code=2).stderr
    assert unknown == (
        "error[usage/unknown-object]: the store has no `toi`\n"
        "help: did you mean `toy`?\n"
        "help: `devboot store list` shows what it has\n"
    )


def test_an_action_that_there_is_not_gets_the_nearest(shop):
    said = shop.devboot("store", "verfy", code=2).stderr

    assert "`devboot store` has no action `verfy`" in said
    assert "did you mean `devboot store verify`?" in said


def test_an_age_that_is_none_is_told(shop):
    assert "`--older-than` needs an age, found `soon`" in shop.devboot("gc", "--older-than=soon", code=2).stderr
