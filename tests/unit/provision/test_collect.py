"""The collector: what it removes, what it keeps and why, and that nothing in use ever goes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devboot.errors import BusyError
from devboot.events import RecordingReporter
from devboot.locks import FileLock
from devboot.model.artifact import platform_of
from devboot.provision import collect as collecting
from devboot.provision.collect import LEFTOVER, LEFTOVER_SECONDS, OBJECT, ROOT, TRASH, Terms, collect, tree_size
from devboot.provision.host import Host
from devboot.provision.live import objects_in_use
from devboot.provision.objects.realise import realise
from devboot.provision.objects.roots import (
    RUNNING,
    TemporaryRoots,
    hold_for_project,
    hold_more_for_project,
    project_roots,
    running_roots,
)
from devboot.provision.objects.store import STAGING, Store
from devboot.provision.objects.tree import remove_tree
from tests.fakes.sources import TOY, toy

HOST = Host(platform_of(sys.platform, os.uname().machine), (2, 36))
NOW = 2_000_000_000.0


@pytest.fixture
def data(tmp_path):
    yield str(tmp_path / "data")
    remove_tree(str(tmp_path / "data/store"))


def publish(data, content=b"data\n"):
    wanted, source = toy({**TOY, "toy/data.txt": content}, platform=HOST.platform)
    with TemporaryRoots(data) as roots:
        found = realise(
            Store(data),
            wanted,
            source,
            HOST,
            command="up",
            roots=roots,
            reporter=RecordingReporter(),
            now=lambda: NOW,
        )
    os.utime(f"{found.path}/.registered", (NOW - 100, NOW - 100))
    return found


def terms(**more):
    return Terms(now=lambda: NOW, patience=0.0, **more)


def told(pieces):
    return [(piece.kind, piece.name, piece.why) for piece in pieces]


@pytest.mark.faults(24)
def test_what_nobody_uses_goes_and_what_a_project_holds_stays(data, tmp_path):
    held, unused = publish(data), publish(data, b"other\n")
    hold_for_project(data, str(tmp_path), [held.name])
    size = tree_size(unused.path)

    done = collect(data, terms())

    assert told(done.removed) == [(OBJECT, unused.name, "nothing uses it")]
    assert told(done.kept) == [(OBJECT, held.name, str(tmp_path))]
    assert (done.freed, size > 0) == (size, True)
    assert os.listdir(f"{data}/store") == [held.name]
    assert Store(data).complaints(held.name, full=True) == ()


def test_what_a_project_holds_further_is_held_beside_the_rest(data, tmp_path):
    first, kept, further = publish(data), publish(data, b"other\n"), publish(data, b"third\n")
    hold_for_project(data, str(tmp_path), [first.name], {kept.name: "generation 3"})

    hold_more_for_project(data, str(tmp_path), [further.name])
    hold_more_for_project(data, str(tmp_path), [further.name])

    (root,) = project_roots(data)
    assert root.objects == {first.name: "", further.name: "", kept.name: "generation 3"}


def test_several_projects_that_hold_an_object_are_counted(data, tmp_path):
    found = publish(data)
    projects = [tmp_path / "shop", tmp_path / "blog", tmp_path / "gone"]
    for project in projects:
        hold_for_project(data, str(project), [found.name])
    for project in projects[:2]:
        project.mkdir()

    (kept,) = [piece.why for piece in collect(data, terms(is_dry=True)).kept]

    assert kept in [f"{project} and 1 other project" for project in projects[:2]]


def test_a_dry_run_says_the_same_and_removes_nothing(data, tmp_path):
    unused = publish(data)
    hold_for_project(data, str(tmp_path / "gone"), [unused.name])
    before = sorted(os.walk(f"{data}/store")), os.listdir(f"{data}/roots")

    done = collect(data, terms(is_dry=True))

    assert told(done.removed) == [
        (ROOT, str(tmp_path / "gone"), "the project is gone"),
        (OBJECT, unused.name, "nothing uses it"),
    ]
    assert (sorted(os.walk(f"{data}/store")), os.listdir(f"{data}/roots")) == before


def test_what_a_project_held_goes_with_the_project(data, tmp_path):
    project = tmp_path / "shop"
    project.mkdir()
    found = publish(data)
    hold_for_project(data, str(project), [found.name])
    project.rmdir()
    collect(data, terms())

    assert Store(data).find(found.name) is None
    assert project_roots(data) == ()


def test_younger_than_asked_stays(data):
    found = publish(data)

    assert told(collect(data, terms(older_than=101.0)).kept) == [
        (OBJECT, found.name, "unused, but younger than `--older-than`")
    ]
    assert told(collect(data, terms(older_than=100.0)).removed) == [(OBJECT, found.name, "nothing uses it")]


@pytest.mark.faults(24)
def test_what_a_running_command_is_about_to_need_stays(data):
    found = publish(data)
    with TemporaryRoots(data) as roots:
        roots.add(found.name)
        done = collect(data, terms())

        ((_, name, who),) = told(done.kept)
        assert (name, who.partition(",")[0]) == (found.name, f"pid {os.getpid()} (provisioning")
    assert told(collect(data, terms()).removed) == [(OBJECT, found.name, "nothing uses it")]


@pytest.mark.faults(24)
def test_what_becomes_needed_after_the_first_look_stays(data, monkeypatch):
    """Between the collector's decision and the removal, a command adds the object to what it needs."""
    found = publish(data)
    with TemporaryRoots(data) as roots:
        monkeypatch.setattr(collecting, "fail_point", lambda name: name == "gc/chosen" and roots.add(found.name))
        done = collect(data, terms())

    assert [piece.name for piece in done.kept] == [found.name]
    assert Store(data).complaints(found.name, full=True) == ()


@pytest.mark.faults(24)
def test_what_another_command_removes_at_the_same_moment_is_gone_without_an_error(data, monkeypatch):
    found, other = publish(data), publish(data, b"other\n")

    def repair(name):
        if name == "gc/chosen":
            remove_tree(f"{data}/store/{found.name}")
            remove_tree(f"{data}/store/{other.name}")

    monkeypatch.setattr(collecting, "fail_point", repair)
    done = collect(data, terms(older_than=1.0))

    assert os.listdir(f"{data}/store") == []
    assert done.kept == ()


@pytest.mark.faults(24)
def test_who_comes_after_the_removal_finds_nothing_and_builds_it_anew(data, monkeypatch):
    found = publish(data)
    seen = []

    def come(name):
        if name == "gc/renamed":
            seen.append(Store(data).find(found.name))

    monkeypatch.setattr(collecting, "fail_point", come)
    collect(data, terms())

    assert seen == [None]
    assert publish(data) == found


@pytest.mark.faults(24)
@pytest.mark.parametrize("way", ["runs", "variable", "argument", "folder", "open"])
@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="looks into /proc")
def test_what_a_process_uses_stays(way, data, tmp_path):
    found = publish(data)
    ready = tmp_path / "ready"
    script = f"echo > '{ready}'; read line"
    command, environ, more = ["/bin/sh", "-c", script], {"PATH": os.environ["PATH"]}, {}
    held = open(f"{found.path}/tree/toy/data.txt")  # noqa: SIM115  closed below
    if way == "variable":
        environ["SERVER"] = f"x:{found.path}/bin/toy-server"
    elif way == "argument":
        command.append(f"--module={found.path}/tree/toy")
    elif way == "folder":
        more["cwd"] = f"{found.path}/tree"
    elif way == "open":
        more["pass_fds"] = [held.fileno()]
    elif way == "runs":
        program = Path(found.path, "bin/copy")
        os.chmod(program.parent, 0o755)
        shutil.copy("/bin/sh", program)
        command[0] = str(program)
    child = subprocess.Popen(command, stdin=subprocess.PIPE, env=environ, **more)
    held.close()
    try:
        while not ready.exists():
            assert child.poll() is None
        kept = told(collect(data, terms()).kept)
    finally:
        child.communicate()

    name = "copy" if way == "runs" else "sh"
    assert kept == [(OBJECT, found.name, f"pid {child.pid} ({name})")]
    assert told(collect(data, terms()).removed) == [(OBJECT, found.name, "nothing uses it")]


def test_what_is_no_object_is_left_alone(data):
    os.makedirs(f"{data}/store/notes")
    collect(data, terms())

    assert os.listdir(f"{data}/store") == ["notes"]


@pytest.mark.faults(43)
def test_hundreds_of_leftovers_go_by_age_and_only_without_an_owner(data):
    store = Path(data, "store")
    for number in range(200):
        (store / f"{STAGING}{number:016}-left/tree").mkdir(parents=True)
        os.utime(store / f"{STAGING}{number:016}-left", (NOW - LEFTOVER_SECONDS, NOW - LEFTOVER_SECONDS))
    young, owned = store / f"{STAGING}young0000000000-x", store / f"{STAGING}{0:016}-left"
    young.mkdir()
    os.utime(young, (NOW - 1, NOW - 1))
    with FileLock(f"{data}/locks/{0:016}.lock", "up"):
        done = collect(data, terms())

    assert len(done.removed) == 199
    assert sorted(told(done.kept)) == [
        (LEFTOVER, owned.name, "another command is building it"),
        (LEFTOVER, young.name, "left recently by a killed build"),
    ]
    assert sorted(os.listdir(store)) == sorted([owned.name, young.name])
    assert len(collect(data, terms(older_than=0.0)).removed) == 2


@pytest.mark.faults(43)
def test_what_an_interrupted_collector_and_killed_commands_left_goes(data):
    found = publish(data)
    os.rename(found.path, f"{data}/store/{TRASH}1234-{found.name}")
    Path(f"{data}/roots/{RUNNING}dead.names").write_text(f"{found.name}\n")
    Path(f"{data}/roots/{RUNNING}dead").touch()
    assert [(root.who, root.names) for root in running_roots(data, NOW)] == [("", {found.name})]

    done = collect(data, terms())

    assert [(piece.kind, piece.why) for piece in done.removed] == [(LEFTOVER, "its removal was interrupted")]
    assert (os.listdir(f"{data}/store"), os.listdir(f"{data}/roots")) == ([], [])
    assert sorted(os.listdir(f"{data}/locks")) == ["gc.lock", "roots.lock"]


def test_two_collectors_take_turns(data):
    with FileLock(f"{data}/locks/gc.lock", "gc"), pytest.raises(BusyError) as caught:
        collect(data, terms())

    assert caught.value.slug == "busy/locked"


def test_an_empty_store_is_nothing_to_collect(data):
    assert collect(data, terms()) == ((), (), False)


@pytest.mark.faults(24)
@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="looks into /proc")
def test_a_store_is_recognised_by_other_names_and_not_taken_for_another(data, tmp_path):
    found = publish(data)
    (tmp_path / "linked").symlink_to(data)
    (tmp_path / "other/store" / found.name).mkdir(parents=True)
    for path, is_used in (
        (f"{tmp_path}/linked/store/{found.name}", True),
        (f"{tmp_path}/other/store/{found.name}", False),
    ):
        environ = {"PATH": f"/usr/bin:{path}/bin:/bin"}
        command = ["/bin/sh", "-c", "echo up; read line"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
        try:
            assert child.stdout.readline() == b"up\n"  # in the middle of an exec there is no environment
            users = objects_in_use(f"{data}/store", [found.name.partition("-")[0]])
        finally:
            child.communicate()

        assert list(users.values()) == ([f"pid {child.pid} (sh)"] if is_used else [])


@pytest.mark.faults(24)
@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="looks into /proc")
def test_a_process_of_another_store_that_ends_meanwhile_keeps_nothing(data, tmp_path):
    found = publish(data)
    other = tmp_path / "other/store" / found.name
    other.mkdir(parents=True)
    script = f"while :; do /bin/true {other}/bin/toy-server; done"
    with subprocess.Popen(["/bin/sh", "-c", script]) as child:
        try:
            seen = [objects_in_use(f"{data}/store", [found.name.partition("-")[0]]) for _ in range(60)]
        finally:
            child.kill()

    assert seen == [{}] * 60
