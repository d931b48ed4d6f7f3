"""Publishing and writing, stopped before every single change to the disk, by a kill and by a loss of power."""

import os
import shutil
import sys
import time

import pytest

from devboot.events import RecordingReporter
from devboot.files import atomic_write
from devboot.model.artifact import platform_of
from devboot.provision.collect import Terms, collect
from devboot.provision.host import Host
from devboot.provision.objects.realise import object_name, realise
from devboot.provision.objects.roots import TemporaryRoots, hold_for_project
from devboot.provision.objects.store import Store
from devboot.provision.objects.tree import remove_tree
from tests.fakes.crashes import crashes, lose_power
from tests.fakes.sources import toy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="reads what a descriptor stands for"),
    pytest.mark.timeout(600),  # hundreds of runs that all wait for the disk
]
HOST = Host(platform_of(sys.platform, os.uname().machine), (2, 36))


def provision(data):
    """What one `sync` does with the store: have the object, and hold it for a project."""
    wanted, source = toy(platform=HOST.platform)
    with TemporaryRoots(data) as roots:
        found = realise(
            Store(data), wanted, source, HOST, command="up", roots=roots, reporter=RecordingReporter(), now=lambda: 0.0
        )
        hold_for_project(data, os.path.dirname(data), [found.name])
    return source.fetched


@pytest.fixture
def data(tmp_path):
    yield str(tmp_path / "data")
    remove_tree(str(tmp_path / "data"))


def is_sound(data):
    """The next one succeeds, and afterwards there is one whole object, held, and nothing else."""
    provision(data)
    (name,) = os.listdir(f"{data}/store")
    assert name == object_name(toy(platform=HOST.platform)[0])
    assert Store(data).complaints(name, full=True) == ()
    assert [entry for entry in os.listdir(f"{data}/roots") if not entry.startswith(".")]
    return True


@pytest.mark.faults(29, 30)
def test_killed_before_any_change_the_next_one_finishes(data):
    seen = 0
    for crash in crashes(data, lambda: provision(data)):
        # visible means whole, at every moment
        assert all(Store(data).complaints(name, full=True) == () for name in Store(data).names()), crash
        assert is_sound(data), crash
        remove_tree(data)
        seen = crash.number
    assert seen > 40


@pytest.mark.faults(31)
@pytest.mark.parametrize("how", ["zeroed", "truncated", "entries"])
def test_after_a_loss_of_power_nothing_is_visible_that_is_not_whole(how, data):
    for crash in crashes(data, lambda: provision(data)):
        lose_power(crash, how)
        assert all(Store(data).complaints(name, full=True) == () for name in Store(data).names()), crash
        assert is_sound(data), crash
        remove_tree(data)


@pytest.mark.faults(39)
def test_an_exchange_that_is_stopped_anywhere_leaves_the_old_or_the_new(data):
    name = object_name(toy(platform=HOST.platform)[0])

    def damage():
        provision(data)
        victim = f"{data}/store/{name}/tree/toy/data.txt"
        os.chmod(os.path.dirname(victim), 0o755)
        os.chmod(victim, 0o600)
        os.truncate(victim, 0)
        os.chmod(victim, 0o444)

    damage()
    for crash in crashes(data, lambda: provision(data)):
        assert os.path.isdir(f"{data}/store/{name}"), crash
        provision(data)
        assert Store(data).complaints(name, full=True) == (), crash
        remove_tree(data)
        damage()


@pytest.mark.faults(24)
def test_a_collector_that_is_stopped_anywhere_is_finished_by_the_next(data):
    def leave_unused():
        provision(data)
        shutil.rmtree(f"{data}/roots")

    terms = Terms(now=time.time)
    leave_unused()
    for crash in crashes(data, lambda: collect(data, terms)):
        assert all(Store(data).complaints(name, full=True) == () for name in Store(data).names()), crash
        collect(data, terms)
        assert os.listdir(f"{data}/store") == [], crash
        leave_unused()


@pytest.mark.faults(14, 31, 32)
@pytest.mark.parametrize("how", ["killed", "zeroed", "truncated", "entries"])
def test_a_file_that_is_replaced_is_the_old_or_the_new_one_whatever_happens(how, tmp_path):
    path = f"{tmp_path}/devboot.lock"
    atomic_write(path, "old\n")
    for crash in crashes(str(tmp_path), lambda: atomic_write(path, "new\n")):
        if how != "killed":
            lose_power(crash, how)
        with open(path) as stream:
            assert stream.read() in ("old\n", "new\n"), crash
        atomic_write(path, "old\n")
        assert os.listdir(tmp_path) == ["devboot.lock"], crash
