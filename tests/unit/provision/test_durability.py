"""The order of writes, syncs and renames, and what a loss of power could leave of them."""

import os
import shutil
import sys

import pytest

from devboot.events import RecordingReporter
from devboot.files import atomic_write
from devboot.model.artifact import platform_of
from devboot.provision.host import Host
from devboot.provision.objects.realise import realise
from devboot.provision.objects.roots import TemporaryRoots
from devboot.provision.objects.store import Store
from devboot.provision.objects.tree import remove_tree
from tests.fakes.sources import toy

HOST = Host(platform_of(sys.platform, os.uname().machine), (2, 36))


class Recording:
    """Stands in front of os.fsync and os.rename, and keeps the path of each call in order."""

    def __init__(self, monkeypatch):
        self.calls = []
        fsync, rename = os.fsync, os.rename

        def recorded_fsync(descriptor):
            self.calls.append(("sync", os.readlink(f"/proc/self/fd/{descriptor}")))
            fsync(descriptor)

        def recorded_rename(source, target):
            self.calls.append(("rename", source, target))
            rename(source, target)

        monkeypatch.setattr(os, "fsync", recorded_fsync)
        monkeypatch.setattr(os, "rename", recorded_rename)


pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="reads what a descriptor stands for")


@pytest.fixture
def data(tmp_path):
    yield str(tmp_path / "data")
    remove_tree(str(tmp_path / "data"))


def realise_toy(data):
    wanted, source = toy(platform=HOST.platform)
    with TemporaryRoots(data) as roots:
        return realise(
            Store(data), wanted, source, HOST, command="up", roots=roots, reporter=RecordingReporter(), now=lambda: 0.0
        )


@pytest.mark.faults(32)
def test_a_file_is_synced_then_renamed_then_its_directory_is_synced(tmp_path, monkeypatch):
    recording = Recording(monkeypatch)
    atomic_write(f"{tmp_path}/lock", "text")

    (kind, staged), (_, source, target), directory = recording.calls
    assert (kind, staged, target) == ("sync", source, f"{tmp_path}/lock")
    assert directory == ("sync", str(tmp_path))


@pytest.mark.faults(32)
def test_an_object_is_synced_whole_before_it_gets_its_name_and_registered_last(data, monkeypatch):
    recording = Recording(monkeypatch)
    found = realise_toy(data)
    calls = recording.calls
    published = next(at for at, call in enumerate(calls) if call[0] == "rename" and call[2] == found.path)
    staging = calls[published][1]

    synced = {os.path.relpath(call[1], staging) for call in calls[:published]}
    written = {
        os.path.relpath(os.path.join(parent, name), found.path)
        for parent, folders, files in os.walk(found.path)
        for name in folders + files
        if not os.path.islink(os.path.join(parent, name))
    }
    assert written - synced == {".registered"}
    assert "." in synced
    assert [call[0] for call in calls[published + 1 :]] == ["sync", "sync", "rename", "sync"]
    assert calls[published + 1][1] == f"{data}/store"
    assert calls[published + 3][2] == f"{found.path}/.registered"


@pytest.mark.faults(31)
def test_whatever_single_file_a_loss_of_power_emptied_is_noticed(data, tmp_path):
    found = realise_toy(data)
    names = [
        os.path.relpath(os.path.join(parent, name), found.path)
        for parent, _, files in os.walk(found.path)
        for name in files
        if not os.path.islink(os.path.join(parent, name)) and os.path.getsize(os.path.join(parent, name))
    ]
    for number, name in enumerate(names):
        copy = f"{tmp_path}/{number}"
        shutil.copytree(found.path, f"{copy}/store/{found.name}", symlinks=True)
        victim = f"{copy}/store/{found.name}/{name}"
        os.chmod(victim, 0o644)
        os.truncate(victim, 0)
        whole = Store(copy).complaints(found.name, full=False) == ()

        assert whole == (name == ".registered"), name  # which is a name, and says nothing
        remove_tree(copy)
