"""Leases are found again, and mean nothing for other processes or another boot."""

from __future__ import annotations

import os

import pytest

from devboot.daemon import leases
from devboot.daemon.leases import ChildLease, ChildrenBook, DaemonLease
from devboot.supervisor.system import proctable


def a_lease(**changed):
    me = proctable.look(os.getpid())
    lease = DaemonLease(
        os.getpid(), me.started, proctable.boot_id(), "/run/x.sock", "M=1:", "0.1.0", "shop", "/p", "1.0", 1, "1", "5.0"
    )
    return lease._replace(**changed)


def test_a_lease_reads_as_it_was_written(tmp_path):
    path = str(tmp_path / "daemon")

    (tmp_path / "daemon").write_text(leases.format_daemon(a_lease()))

    assert leases.read_daemon(path) == a_lease()


@pytest.mark.parametrize("text", ["", "1\n", "2\n" + "x\n" * 20, "1\nnot-a-pid\n" + "x\n" * 20, "\0\xff" * 50])
def test_what_is_no_lease_is_none(tmp_path, text):
    (tmp_path / "daemon").write_text(text)

    assert leases.read_daemon(str(tmp_path / "daemon")) is None


@pytest.mark.parametrize("name", ["pid", "guardian"])
@pytest.mark.parametrize("digits", [10, 20, 5000])
def test_a_lease_whose_process_id_is_too_long_is_damaged(tmp_path, name, digits):
    text = leases.format_daemon(a_lease(**{name: 7})).split("\n")
    text[1 + leases.DaemonLease._fields.index(name)] = "7" * digits
    (tmp_path / "daemon").write_text("\n".join(text))

    assert leases.read_daemon(str(tmp_path / "daemon")) is None


@pytest.mark.faults(35, 81)
@pytest.mark.parametrize(
    ("changed", "alive"), [({}, True), ({"started": "12"}, False), ({"boot": "other"}, False), ({"pid": 2**22}, False)]
)
def test_a_lease_is_alive_only_with_its_start_time_and_boot(changed, alive):
    assert a_lease(**changed).is_alive is alive


def test_children_are_listed_once_each_with_their_start(tmp_path):
    path = str(tmp_path / "children")
    book = ChildrenBook(path)

    book.add(os.getpid(), "web")
    book.add(os.getpid(), "web")
    book.close()

    assert leases.read_children(path) == [ChildLease(os.getpid(), proctable.look(os.getpid()).started, "web")]


def test_a_number_that_came_again_is_written_again(tmp_path):
    path = str(tmp_path / "children")
    book = ChildrenBook(path)

    book.add(os.getpid(), "web")
    book.ended("web")
    book.add(os.getpid(), "worker")
    book.close()

    assert ["web", "worker"] == [child.name for child in leases.read_children(path)]


@pytest.mark.faults(34)
def test_a_crash_loop_does_not_fill_the_book_and_whoever_lives_stays_in_it(tmp_path):
    path = str(tmp_path / "children")
    book = ChildrenBook(path)
    book.add(os.getppid(), "store")
    for _ in range(2500):
        book.add(os.getpid(), "web")
        book.ended("web")
    book.add(os.getpid(), "web")
    book.close()

    children = leases.read_children(path)
    assert len(children) < 1100
    assert {("store", os.getppid()), ("web", os.getpid())} == {(child.name, child.pid) for child in children}
    assert ["children"] == os.listdir(tmp_path)


@pytest.mark.faults(35)
def test_children_of_another_boot_are_none(tmp_path):
    (tmp_path / "children").write_text("boot other\n1 1 web\n")

    assert leases.read_children(str(tmp_path / "children")) == []


@pytest.mark.faults(34)
def test_a_line_that_was_cut_by_the_crash_is_skipped(tmp_path):
    (tmp_path / "children").write_text(f"boot {proctable.boot_id()}\n12 34 web\n56 7")

    assert leases.read_children(str(tmp_path / "children")) == [ChildLease(12, "34", "web")]


@pytest.mark.parametrize("more", [b"", b"\n"])
def test_a_will_reads_as_it_was_written_whether_or_not_anything_was_started_since(more):
    assert leases.parse_handoff(leases.handoff("/p/a b/state", 7.5) + more) == ("/p/a b/state", 7.5)


def test_a_daemon_that_died_before_it_knew_its_project_has_left_no_will():
    assert leases.parse_handoff(b"") is None


@pytest.mark.faults(143)
@pytest.mark.parametrize("action", ["enospc", "eio", "erofs"])
def test_a_child_that_can_t_be_written_down_is_written_with_the_next_one(tmp_path, monkeypatch, action):
    path = str(tmp_path / "children")
    book = ChildrenBook(path)
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", f"children/add={action}")
    book.add(os.getpid(), "web")
    assert leases.read_children(path) == []

    monkeypatch.delenv("DEVBOOT_FAIL_POINT")
    book.add(os.getppid(), "worker")
    book.close()

    assert [child.name for child in leases.read_children(path)] == ["web", "worker"]


@pytest.mark.faults(143)
def test_a_line_that_was_cut_by_a_full_disk_doesn_t_spoil_the_next_one(tmp_path, monkeypatch):
    path = str(tmp_path / "children")
    book = ChildrenBook(path)
    book.add(os.getpid(), "web")
    with open(path, "ab") as file:
        file.write(b"123 45")  # as far as there was room
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", "children/begin=enospc")
    book.is_behind = True
    book.add(os.getppid(), "worker")
    book.close()

    assert [child.name for child in leases.read_children(path)] == ["web", "worker"]


@pytest.mark.faults(143)
@pytest.mark.parametrize("point", ["children/begin", "children/replace"])
@pytest.mark.parametrize("action", ["enospc", "eio", "erofs"])
def test_a_lost_line_is_written_as_soon_as_the_list_can_be_made_anew(tmp_path, monkeypatch, point, action):
    path = str(tmp_path / "children")
    book = ChildrenBook(path)
    before = len(os.listdir("/dev/fd"))
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", f"children/add={action}")
    book.add(os.getpid(), "lost")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", f"{point}={action}")
    book.add(os.getppid(), "worker")  # can't be made anew, but a line can be appended
    assert [child.name for child in leases.read_children(path)] == ["worker"]
    assert (os.listdir(tmp_path), len(os.listdir("/dev/fd"))) == (["children"], before)

    monkeypatch.delenv("DEVBOOT_FAIL_POINT")
    book.add(1, "third")
    book.close()

    assert sorted(child.name for child in leases.read_children(path)) == ["lost", "third", "worker"]
