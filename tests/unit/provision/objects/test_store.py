"""The store: whole or absent, built once, read-only, repaired when damaged."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from devboot.errors import IntegrityError, MachineError, NetworkError, WorkError
from devboot.events import RecordingReporter
from devboot.model.artifact import platform_of
from devboot.provision.host import Host
from devboot.provision.objects.realise import object_name, realise
from devboot.provision.objects.roots import RUNNING, TemporaryRoots, hold_for_project
from devboot.provision.objects.store import STAGING, Store
from devboot.provision.objects.tree import remove_tree
from tests.fakes.sources import TOY, toy

HOST = Host(platform_of(sys.platform, os.uname().machine), (2, 36))


@pytest.fixture
def data(tmp_path):
    yield str(tmp_path / "data")
    remove_tree(str(tmp_path / "data"))


def realise_toy(data, wanted, source, host=HOST, reporter=None, **more):
    with TemporaryRoots(data) as roots:
        return realise(
            Store(data),
            wanted,
            source,
            host,
            command="up",
            roots=roots,
            reporter=reporter or RecordingReporter(),
            now=lambda: 0.0,
            **more,
        )


def test_an_object_shows_its_programs_and_leaves_out_what_the_recipe_drops(data):
    wanted, source = toy(platform=HOST.platform)
    found = realise_toy(data, wanted, source)

    assert os.listdir(found.bin) == ["toy-server"]
    assert subprocess.check_output(found.program("toy-server"), text=True) == "toy 1.0.0\n"
    assert sorted(os.listdir(f"{found.path}/tree/toy")) == ["bin", "data.txt"]
    assert Store(data).complaints(found.name, full=True) == ()


def test_it_is_built_once_and_found_by_one_stat_afterwards(data):
    wanted, source = toy(platform=HOST.platform)
    reporter = RecordingReporter()
    for _ in range(2):
        realise_toy(data, wanted, source, reporter=reporter)

    assert source.fetched == ["toy-1.0.0.whl"]
    assert [event[:3] for event in reporter.events] == [
        ("start", "toy", "1.0.0"),
        ("fetch", "toy", "1.0.0, 1.6 MB"),
        ("done", "toy", "1.0.0, 1.6 MB, digest ok"),
        ("start", "toy", "1.0.0"),
        ("unchanged", "toy", "1.0.0"),
    ]
    assert list(Store(data).names()) == [object_name(wanted)]


def test_nothing_in_it_can_be_written(data):
    wanted, source = toy(platform=HOST.platform)
    found = realise_toy(data, wanted, source)

    modes = {os.stat(path).st_mode & 0o222 for path in Path(found.path).rglob("*")}
    assert modes == {0}
    assert os.stat(found.path).st_mode & 0o222 == 0


@pytest.mark.faults(23)
def test_equal_names_with_other_content_are_two_objects(data):
    first, first_source = toy(platform=HOST.platform)
    second, second_source = toy({**TOY, "toy/data.txt": b"other\n"}, platform=HOST.platform)
    paths = {realise_toy(data, first, first_source).path, realise_toy(data, second, second_source).path}

    assert {Path(f"{path}/tree/toy/data.txt").read_text() for path in paths} == {"data\n", "other\n"}


@pytest.mark.faults(10)
def test_wrong_bytes_leave_the_store_as_it_was(data):
    wanted, source = toy(platform=HOST.platform)
    source.artifacts[wanted.artifact.file] = {**TOY, "toy/data.txt": b"tampered\n"}
    with pytest.raises(IntegrityError):
        realise_toy(data, wanted, source)

    assert os.listdir(f"{data}/store") == []


@pytest.mark.faults(37, 31)
@pytest.mark.parametrize(
    ("damage", "complaint", "is_quick"),
    [
        ("truncate", "tree/toy/data.txt has 0 bytes instead of 5", True),
        ("delete", "tree/toy/data.txt is missing", True),
        ("flip", "tree/toy/data.txt has other content", False),
        ("chmod", "tree/toy/data.txt has mode 0644", False),
        ("add", "tree/toy/new isn't part of the object", False),
        ("listing", "object.json is missing or damaged", True),
    ],
)
def test_damage_is_found(damage, complaint, is_quick, data):
    wanted, source = toy(platform=HOST.platform)
    found = realise_toy(data, wanted, source)
    inflict(damage, found.path)

    assert Store(data).complaints(found.name, full=True) == (complaint,)
    assert bool(Store(data).complaints(found.name, full=False)) == is_quick


@pytest.mark.faults(31)
@pytest.mark.parametrize("damage", ["truncate", "delete", "listing"])
def test_what_a_loss_of_power_truncated_is_fetched_again(damage, data):
    wanted, source = toy(platform=HOST.platform)
    inflict(damage, realise_toy(data, wanted, source).path)
    reporter = RecordingReporter()

    assert Store(data).complaints(realise_toy(data, wanted, source, reporter=reporter).name, full=True) == ()
    assert len(source.fetched) == 2
    assert reporter.events[-1].text.startswith("repaired 1.0.0 (")


@pytest.mark.faults(37)
@pytest.mark.parametrize("damage", ["flip", "chmod", "add"])
def test_a_thorough_look_repairs_what_sizes_do_not_show(damage, data):
    wanted, source = toy(platform=HOST.platform)
    inflict(damage, realise_toy(data, wanted, source).path)

    found = realise_toy(data, wanted, source, is_thorough=True)
    assert Store(data).complaints(found.name, full=True) == ()
    assert len(source.fetched) == 2


@pytest.mark.faults(38)
def test_a_damaged_object_is_not_used_when_it_cannot_be_fetched_again(data):
    wanted, source = toy(platform=HOST.platform)
    inflict("truncate", realise_toy(data, wanted, source).path)
    source.is_reachable = False

    with pytest.raises(NetworkError) as caught:
        realise_toy(data, wanted, source)

    assert caught.value.slug == "store/unrepairable"
    assert caught.value.what == "toy 1.0.0 is damaged and can't be repaired now"
    assert caught.value.details == ("tree/toy/data.txt has 0 bytes instead of 5",)
    assert caught.value.causes == (
        "`toy-1.0.0.whl`, 1.6 MB, is needed for the repair",
        "could not fetch toy",
    )


@pytest.mark.faults(38)
def test_a_repair_whose_build_fails_does_not_blame_the_network(data):
    wanted, source = toy(platform=HOST.platform)
    inflict("truncate", realise_toy(data, wanted, source).path)

    def fails(artifact, platform, into):
        raise WorkError("build/failed", f"{artifact.name} could not be built", help=["sudo apt-get install make"])

    source.fetch = fails
    with pytest.raises(WorkError) as caught:
        realise_toy(data, wanted, source)

    assert (caught.value.slug, caught.value.exit_code) == ("store/unrepairable", 1)
    assert caught.value.help == ("sudo apt-get install make", "devboot store repair toy   # repeats the repair")


def inflict(damage, path):
    for parent, _, _ in os.walk(path):
        os.chmod(parent, 0o755)
    victim = f"{path}/object.json" if damage == "listing" else f"{path}/tree/toy/data.txt"
    mode = os.stat(victim).st_mode
    os.chmod(victim, 0o644)
    if damage == "delete":
        os.unlink(victim)
    elif damage == "add":
        Path(f"{path}/tree/toy/new").touch()
    elif damage == "flip":
        with open(victim, "r+b") as stream:
            stream.write(b"D")
    elif damage != "chmod":
        os.truncate(victim, 0)
    if damage not in ("delete", "chmod"):
        os.chmod(victim, mode)


@pytest.mark.faults(17)
def test_a_store_that_cannot_be_written_serves_what_it_has(data, monkeypatch):
    wanted, source = toy(platform=HOST.platform)
    found = realise_toy(data, wanted, source)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere: this is what others see

    assert realise_toy(data, wanted, source) == found


@pytest.mark.faults(30)
def test_a_whole_object_without_registration_is_adopted(data):
    wanted, source = toy(platform=HOST.platform)
    found = realise_toy(data, wanted, source)
    os.chmod(found.path, 0o755)
    os.unlink(f"{found.path}/.registered")
    assert Store(data).find(found.name) is None

    assert realise_toy(data, wanted, source) == found
    assert len(source.fetched) == 1


@pytest.mark.faults(30)
def test_a_damaged_object_without_registration_is_discarded(data):
    wanted, source = toy(platform=HOST.platform)
    found = realise_toy(data, wanted, source)
    inflict("flip", found.path)
    os.unlink(f"{found.path}/.registered")

    assert Store(data).complaints(realise_toy(data, wanted, source).name, full=True) == ()
    assert len(source.fetched) == 2


def test_a_staging_directory_of_a_killed_build_is_removed_by_the_next(data):
    wanted, source = toy(platform=HOST.platform)
    key = object_name(wanted).partition("-")[0]
    os.makedirs(f"{data}/store/{STAGING}{key}-left/tree")
    realise_toy(data, wanted, source)

    assert os.listdir(f"{data}/store") == [object_name(wanted)]


def test_one_into_which_a_program_of_a_killed_build_still_writes_is_in_nobodys_way(data, monkeypatch):
    wanted, source = toy(platform=HOST.platform)
    left = f"{STAGING}{object_name(wanted).partition('-')[0]}-left"
    os.makedirs(f"{data}/store/{left}/tree")

    def remove(path):
        if path.endswith(left):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), "tree")
        remove_tree(path)

    monkeypatch.setattr("devboot.provision.objects.store.remove_tree", remove)
    realise_toy(data, wanted, source)

    assert sorted(os.listdir(f"{data}/store")) == sorted([left, object_name(wanted)])


@pytest.mark.faults(12, 13)
@pytest.mark.parametrize("point", ["store/staged", "store/fetched", "store/built", "store/synced"])
def test_a_full_disk_leaves_nothing_behind(point, data, monkeypatch):
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", f"{point}=enospc")
    wanted, source = toy(platform=HOST.platform)
    with pytest.raises(MachineError) as caught:
        realise_toy(data, wanted, source)

    assert (caught.value.slug, caught.value.exit_code) == ("machine/disk-full", 6)
    assert os.listdir(f"{data}/store") == []


@pytest.mark.faults(59)
def test_a_wrong_layout_says_what_is_there(data):
    wanted, source = toy({"other/file": b""}, platform=HOST.platform)
    with pytest.raises(IntegrityError) as caught:
        realise_toy(data, wanted, source)

    assert caught.value.what == "expected one file `toy/bin/toy-server` in the downloaded package"
    assert caught.value.causes == ("no file matches; at the top: other",)


def test_a_program_that_does_not_run_is_no_object(data):
    broken = {**TOY, "toy/bin/toy-server": b"#!/bin/sh\necho libfoo.so.3: not found >&2\nexit 127\n"}
    wanted, source = toy(broken, platform=HOST.platform)
    with pytest.raises(MachineError) as caught:
        realise_toy(data, wanted, source)

    assert caught.value.what == "toy 1.0.0 doesn't run on this machine"
    assert caught.value.causes == ("`toy-server --version`: libfoo.so.3: not found",)
    assert os.listdir(f"{data}/store") == []


def test_a_program_of_another_version_is_no_object(data):
    wanted, source = toy({**TOY, "toy/bin/toy-server": b"#!/bin/sh\necho toy 2\n"}, platform=HOST.platform)
    with pytest.raises(IntegrityError) as caught:
        realise_toy(data, wanted, source)

    assert caught.value.slug == "store/wrong-version"


def test_a_glibc_that_is_too_old_is_told_before_anything_is_fetched(data):
    wanted, source = toy(platform=HOST.platform, glibc="2.38")
    wanted = wanted._replace(others=(("0.9", "2.37"), ("0.8", "2.17"), ("0.7", "2.5")))
    with pytest.raises(MachineError) as caught:
        realise_toy(data, wanted, source)

    assert caught.value.what == "toy 1.0.0 needs glibc 2.38, this machine has 2.36"
    assert caught.value.help == ('version = "0.8"  # in [services.toy]',)
    assert source.fetched == []


def test_musl_has_no_glibc_at_all(data):
    wanted, source = toy(platform=HOST.platform, glibc="2.17")
    with pytest.raises(MachineError) as caught:
        realise_toy(data, wanted, source, Host(HOST.platform, None))

    assert caught.value.what == "toy 1.0.0 needs glibc 2.17, this machine has none (musl)"


def test_another_platforms_object_is_built_without_being_run(data):
    wanted, source = toy({**TOY, "toy/bin/toy-server": b"\xcf\xfa\xed\xfe"}, platform="macos-x86_64")
    assert realise_toy(data, wanted, source).name == object_name(wanted)


@pytest.mark.faults(24)
def test_a_running_command_holds_its_objects_until_it_ends(data):
    with TemporaryRoots(data) as roots:
        roots.add("abc-toy-1.0.0")
        held = [name for name in os.listdir(f"{data}/roots") if name.endswith(".names")]
        text = Path(f"{data}/roots/{held[0]}").read_text()

    assert (len(held), held[0].startswith(RUNNING), text) == (1, True, "abc-toy-1.0.0\n")
    assert os.listdir(f"{data}/roots") == []


def test_a_project_holds_what_it_used_last(data):
    for names in (["b", "a"], ["c"], ["c"]):
        hold_for_project(data, "/home/ada/shop", names)
    (record,) = os.listdir(f"{data}/roots")

    assert Path(f"{data}/roots/{record}").read_text() == "/home/ada/shop\nc\n"
