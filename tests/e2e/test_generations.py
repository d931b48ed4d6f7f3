"""Generations as whole commands: recorded by each sync, compared in words, switched back to without network."""

import json
import os
import shutil
import subprocess

import pytest

from devboot import snapshot as snapshots
from devboot.model.process import plan_from_plain
from devboot.provision import generations as files
from devboot.provision.objects.tree import remove_tree
from tests.fakes.toyproject import ToyProject
from tests.fakes.wheels import write_wheel

pytestmark = pytest.mark.own_ports

MANIFEST = """
[services.toy]
version = "1.0.0"
[env]
COLOUR = "red"
TOKEN = { generate = "token" }
[processes.web]
command = "true"
"""
LOOK = "echo $COLOUR; toy-server; [ ! -e .venv ] || python -c 'import toygreeting; print(toygreeting.VERSION)'"


@pytest.fixture
def shop(tmp_path):
    """After one sync; without packages, which take time."""
    project = ToyProject(tmp_path, versions=("2.0.0", "1.0.0"), manifest=MANIFEST)
    project.devboot("sync")
    yield project
    remove_tree(str(project.store))


@pytest.fixture
def bakery(tmp_path):
    """After one sync, with a package."""
    project = ToyProject(tmp_path, versions=("2.0.0", "1.0.0"), manifest=MANIFEST)
    for version in ("1.0", "2.0"):
        write_wheel(str(project.wheels), "toygreeting", version)
    require(project, "1.0")
    project.devboot("sync")
    yield project
    remove_tree(str(project.store))


def require(shop, version):
    (shop.root / "requirements.txt").write_text(f"--no-index\n--find-links ../wheels\ntoygreeting=={version}\n")


def move_on(shop):
    """Another version of the service and of the package, another value of the variable, another command."""
    manifest = shop.root / "devboot.toml"
    text = manifest.read_text().replace("1.0.0", "2.0.0").replace("red", "blue").replace('"true"', '"sleep 1"')
    manifest.write_text(text)
    if (shop.root / "requirements.txt").exists():
        require(shop, "2.0")
    shop.devboot("sync")


def numbers(shop):
    """The numbers of all generations, the current one first."""
    found = json.loads(shop.devboot("generations", "--json").stdout)["generations"]
    return [each["number"] for each in sorted(found, key=lambda each: not each["is_current"])]


def what_runs(shop):
    return shop.devboot("run", "--", "sh", "-c", LOOK).stdout.split("\n")[:-1]


def in_profile(shop):
    """What a tool runs that knows the path of the program alone."""
    return subprocess.check_output([shop.state / "profile/bin/toy-server"], text=True)


def test_each_sync_that_changes_something_is_a_generation(shop):
    shop.devboot("sync")
    assert numbers(shop) == [1]
    move_on(shop)

    assert numbers(shop) == [2, 1]
    listed = [line.split("  ")[-1] for line in shop.devboot("generations").stdout.splitlines()]
    assert listed == ["toy 2.0.0", "toy 1.0.0"]


def test_what_differs_is_said_in_words_without_secrets(bakery):
    shop = bakery
    move_on(shop)
    (shop.data / "secrets.toml").unlink()
    shop.devboot("sync")

    assert shop.devboot("diff", "1", "2", PYTHONIOENCODING="utf-8").stdout == (
        "toy 1.0.0 → 2.0.0\ntoygreeting 1.0 → 2.0\nvariable COLOUR: red → blue\nprocess web: true → sleep 1\n"
    )
    assert shop.devboot("diff").stdout == "variable TOKEN changed (secret)\n"
    told = json.loads(shop.devboot("diff", "2", "--json").stdout)
    assert told["changes"] == [{"kind": "variable", "name": "TOKEN", "old": "***", "new": "***"}]
    assert shop.devboot("diff", "3", "3").stdout == ""
    assert "there are 1, 2, 3" in shop.devboot("diff", "7", code=2).stderr


def test_rollback_switches_back_without_network_until_a_file_changes(bakery):
    shop = bakery
    move_on(shop)
    assert what_runs(shop) == ["blue", "toy 2.0.0", "2.0"]
    assert in_profile(shop) == "toy 2.0.0\n"

    done = shop.devboot("rollback", "--offline", PYTHONIOENCODING="utf-8")
    assert in_profile(shop) == "toy 1.0.0\n"
    assert f"project {shop.root.name}, " in done.stderr.splitlines()[0]
    assert done.stdout.splitlines()[:3] == ["toy 2.0.0 → 1.0.0", "toygreeting 2.0 → 1.0", "variable COLOUR: blue → red"]
    assert numbers(shop) == [1, 2]
    assert what_runs(shop) == ["red", "toy 1.0.0", "1.0"]
    assert what_runs(shop) == ["red", "toy 1.0.0", "1.0"]
    assert "everything is up to date" in shop.devboot("sync", "--check").stderr

    shop.devboot("sync", "--offline")
    assert numbers(shop) == [2, 1]
    assert what_runs(shop) == ["blue", "toy 2.0.0", "2.0"]
    shop.devboot("rollback", "1")
    (shop.root / "requirements.txt").touch()
    assert what_runs(shop) == ["blue", "toy 2.0.0", "2.0"]


def test_there_is_nothing_before_the_first(shop):
    refused = shop.devboot("rollback", code=2).stderr

    assert "error[usage/no-generation]: there is no generation before this one" in refused
    assert "cause: there is only 1" in shop.devboot("rollback", "9", code=2).stderr
    assert what_runs(shop) == ["red", "toy 1.0.0"]


@pytest.mark.faults(24)
def test_a_generation_holds_its_objects_until_it_is_pruned(shop):
    move_on(shop)
    kept = [line.split("  ")[-1] for line in shop.devboot("gc").stdout.splitlines()[:-1]]
    assert sorted(kept) == ["~/shop", "~/shop, generation 1"]

    folder = shop.state / "generations"
    for number in range(3, files.KEPT + 2):
        shutil.copy(folder / "2", folder / str(number))
    pruned = shop.devboot("gc").stdout.splitlines()

    assert len(numbers(shop)) == files.KEPT
    assert [line.split()[:3] for line in pruned[:2]] == [
        ["removed", "~/shop,", "generation"],
        ["removed", "toy", "1.0.0"],
    ]
    assert [name.partition("-")[2] for name in shop.objects()] == ["toy-2.0.0"]


def test_the_damaged_object_of_a_generation_is_repaired_from_its_lock(shop):
    move_on(shop)
    (old,) = (shop.store / name for name in shop.objects() if name.endswith("1.0.0"))
    os.chmod(old / "tree/toy", 0o755)
    (old / "tree/toy/toy-server").unlink()

    assert shop.devboot("store", "repair").stdout == "repaired toy 1.0.0\n"
    shop.devboot("rollback", "--offline")
    assert what_runs(shop)[1] == "toy 1.0.0"


def test_an_object_that_is_gone_is_told_before_anything_changes(shop):
    move_on(shop)
    (old,) = (shop.store / name for name in shop.objects() if name.endswith("1.0.0"))
    remove_tree(str(old))

    refused = shop.devboot("rollback", code=6).stderr
    assert "error[generation/incomplete]: generation 1 can't be restored: toy 1.0.0 is missing or damaged" in refused
    assert what_runs(shop) == ["blue", "toy 2.0.0"]


@pytest.mark.faults(29)
@pytest.mark.parametrize("point", ["rollback/synced", "venv/marked-incomplete"])
def test_a_rollback_that_is_killed_is_finished_by_the_next(point, bakery):
    shop = bakery
    move_on(shop)
    shop.devboot("rollback", code=-9, DEVBOOT_TEST="1", DEVBOOT_FAIL_POINT=f"{point}=kill")
    shop.devboot("rollback", "1")

    assert (numbers(shop), what_runs(shop)) == ([1, 2], ["red", "toy 1.0.0", "1.0"])


def test_a_sync_that_fails_changes_nothing_that_is_there(bakery):
    shop = bakery
    before = what_runs(shop)
    files_before = sorted(os.listdir(shop.state / "generations"))
    require(shop, "3.0")

    shop.devboot("sync", code=1)

    assert sorted(os.listdir(shop.state / "generations")) == files_before
    shop.devboot("rollback", "1", "--offline")
    assert what_runs(shop) == before


def test_a_project_that_runs_goes_back_with_the_next_up(tmp_path):
    shop = ToyProject(tmp_path)
    manifest = shop.root / "devboot.toml"
    manifest.write_text('[env]\nCOLOUR = "red"\n[processes.web]\ncommand = "echo $COLOUR >> seen; exec sleep 1000"\n')
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    here = {"XDG_RUNTIME_DIR": str(runtime), "DEVBOOT_HOME": str(tmp_path / "h")}
    try:
        shop.devboot("up", "-d", **here)
        manifest.write_text(manifest.read_text().replace('"red"', '"blue"'))
        shop.devboot("up", "-d", **here)
        shop.devboot("rollback", **here)
        before = shop.devboot("up", "--dry-run", **here)
        shop.devboot("up", "-d", **here)
        after = shop.devboot("up", "--dry-run", **here)
        shop.devboot("up", "-d", **here)
    finally:
        shop.devboot("down", **here)

    assert (shop.root / "seen").read_text().split() == ["red", "blue", "red"]
    assert (before.stdout.splitlines()[1:], after.stdout.splitlines()[1:]) == (
        ["  restart  web"],
        ["  nothing: what runs is up to date"],
    )


@pytest.mark.faults(164)
def test_diff_and_rollback_mean_the_generation_that_was_in_use_before(shop):
    branches = {"main": (shop.root / "devboot.toml").read_text()}
    branches["blue"] = branches["main"].replace("red", "blue")

    def switch(branch):
        (shop.root / "devboot.toml").write_text(branches[branch])
        shop.devboot("sync")

    def differing():
        found = json.loads(shop.devboot("diff", "--json").stdout)
        return found["old"], found["new"]

    switch("blue")
    switch("main")
    assert differing() == (2, 1)
    switch("blue")
    assert differing() == (1, 2)

    shop.devboot("rollback", "--offline")
    assert differing() == (2, 1)
    shop.devboot("rollback", "--offline")
    assert differing() == (1, 2)


@pytest.mark.faults(176)
def test_a_generation_holds_no_secret_value_and_a_rollback_takes_todays(shop):
    manifest = shop.root / "devboot.toml"
    manifest.write_text(manifest.read_text().replace("[env]", '[env]\nBROKER = "amqp://ada:hunter22@queue/x"'))
    (shop.root / ".env").write_text("API_KEY=of-the-first-day\nPIN=7\n")
    shop.devboot("sync")
    first = numbers(shop)[0]
    (shop.root / ".env").write_text("API_KEY=of-the-second-day\nPIN=7\n")
    move_on(shop)

    kept = "".join(path.read_text() for path in (shop.state / "generations").iterdir())
    token = shop.devboot("run", "--", "sh", "-c", "printf %s $TOKEN").stdout
    for secret in ("of-the-first-day", "of-the-second-day", "hunter22", token):
        assert secret not in kept

    said = shop.devboot("rollback", str(first))
    assert "using the current values of API_KEY" in said.stdout + said.stderr
    script = "echo $COLOUR $API_KEY $PIN $BROKER; printf %s $TOKEN"
    there = shop.devboot("run", "--", "sh", "-c", script).stdout
    assert there == f"red of-the-second-day 7 amqp://ada:hunter22@queue/x\n{token}"


def web_of(shop):
    """What a warm `up` would start."""
    plan = plan_from_plain(snapshots.read(str(shop.state / "snapshot")).plan_plain)
    return next(spec for spec in plan.processes if spec.name == "web")


def test_a_command_has_the_password_of_its_address_after_a_rollback(shop):
    with_password = 'command = "curl https://ada:hunter22@pypi.test/"'
    manifest = shop.root / "devboot.toml"
    manifest.write_text(manifest.read_text().replace('command = "true"', with_password))
    shop.devboot("sync")
    manifest.write_text(manifest.read_text().replace("red", "blue"))
    shop.devboot("sync")

    shop.devboot("rollback", "2")
    assert what_runs(shop)[0] == "red"
    assert web_of(shop).command == "curl https://ada:hunter22@pypi.test/"

    shop.devboot("rollback", "1")
    shop.devboot("rollback", "2")
    assert web_of(shop).command == "curl https://ada:hunter22@pypi.test/"
    manifest.write_text(manifest.read_text().replace(with_password, 'command = "true"'))
    shop.devboot("sync")
    refused = shop.devboot("rollback", "2", code=None).stderr
    assert (
        "error[generation/incomplete]: generation 2 can't be restored: there is no value for password of ada@pypi.test"
        in refused
    )
    assert "nothing was changed" in refused
    assert numbers(shop)[0] == 4
