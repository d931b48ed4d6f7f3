"""Daemon, guardian and `down` of one project against each other, interrupted after each line by the others.

Whatever the order is: who has the project in the end is found, and nobody has taken away what is another's.
"""

from __future__ import annotations

import ast
import itertools
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from devboot.app.commands import down
from devboot.app.fast.call import Call
from devboot.daemon import leases, orphan_cleanup, ownership
from devboot.daemon.leases import DaemonLease
from devboot.daemon.orphan_cleanup import Reclaimed
from devboot.daemon.process import guardian, lifecycle
from devboot.daemon.process.lifecycle import DaemonRun
from devboot.errors import DevbootError
from devboot.model.process import Plan
from devboot.supervisor.system import proctable
from devboot.text.modes import OutputOptions, StreamFacts
from devboot.wire import sockets
from tests.fakes import interleaving

FILES = tuple(module.__file__ for module in (down, guardian, leases, lifecycle, orphan_cleanup, ownership))


class Scene:
    """A project whose daemon was killed: its lease, its socket and the copy beside that are still there."""

    def __init__(self, folder) -> None:
        self.state = f"{folder}/state"
        os.makedirs(leases.run_directory(self.state))
        runtime = f"{folder}/home/run"
        os.makedirs(runtime, 0o700)
        self.environ = {"DEVBOOT_HOME": f"{folder}/home", "HOME": f"{folder}/home", "PATH": os.environ["PATH"]}
        self.data = f"{folder}/data"
        self.plan = Plan(
            "shop", f"{folder}/shop", self.state, tuple(self.environ.items()), (), "0.1.0", "one", (), data=self.data
        )
        self.tenancies = []

    def leave(self, dead) -> None:
        """What a killed daemon with the number `dead` has left."""
        first = self.tenancy()
        first.owned = owned = ownership.take(self.state, "up")
        first.listen(owned)
        self.socket = first.socket
        first.listener.close()
        fields = dict.fromkeys(DaemonLease._fields, "1")
        boot = proctable.boot_id()
        self.dead = DaemonLease(**fields)._replace(pid=dead, guardian=dead, boot=boot, socket=self.socket, marker="")
        owned.publish(self.dead)
        owned.release()

    def tenancy(self):
        made = DaemonRun(self.plan, -1, "", adopts=False)
        made.guardian = None
        self.tenancies.append(made)
        return made

    def start(self) -> None:
        """A daemon that lives from the beginning."""
        assert self.up()

    # The actors

    def tidy(self):
        """The guardian of the killed daemon."""
        guardian.tidy(self.state, self.dead.pid, Reclaimed())

    def up(self):
        """A new daemon, until it can be found; whether it has the project."""
        tenancy = self.tenancy()
        has_run = os.path.lexists(leases.lock_path(self.state))
        owned = tenancy.take_ownership()
        if owned is None:
            return False
        tenancy.reclaim(owned, has_run=has_run)
        tenancy.listen(owned)
        tenancy.write_lease(owned)
        return True

    def end(self):
        """A command line that finds no living daemon."""
        facts = StreamFacts()
        call = Call(
            "down",
            (),
            {},
            root=self.plan.root,
            state=self.state,
            environ=self.environ,
            streams=(facts, facts, facts),
            output=OutputOptions(quiet=True),
            began=0.0,
        )
        return down.end_leftovers(call, leases.read_daemon(leases.daemon_path(self.state)), self.state)

    def depart(self):
        """The daemon that was there from the beginning is down, and asked for its socket meanwhile."""
        self.tenancies[1].release()
        self.tenancies[1].refresh()

    def wipe(self):
        """Somebody who deletes the state folder and the runtime folder."""
        shutil.rmtree(self.state)
        shutil.rmtree(os.path.dirname(self.socket))

    def look_after(self):
        """The daemon that was there from the beginning looks whether its files are still there."""
        if not self.tenancies[1].owned.is_published:
            self.tenancies[1].refresh()

    # What must hold

    def check(self, owners) -> None:
        lease = leases.read_daemon(leases.daemon_path(self.state))
        copy = leases.read_daemon(leases.register_path(self.socket))
        if owners:
            assert lease is not None, "the living daemon has lost its lease"
            assert lease.is_alive
            assert copy == lease
            sock = sockets.connect(self.socket, 1.0)
            assert sock is not None, "nobody listens for the living daemon"
            sock.close()
        elif lease is not None:
            assert lease == self.dead
        else:
            assert copy is None
            assert not os.path.lexists(self.socket)

    def close(self) -> None:
        for tenancy in self.tenancies:
            if tenancy.owned is not None:
                tenancy.owned.release()
            if tenancy.listener is not None:
                tenancy.listener.close()
            if tenancy.book is not None:
                tenancy.book.close()


@pytest.fixture(scope="module")
def dead():
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def play(folder, dead, names, schedule):
    scene = Scene(folder)
    try:
        scene.leave(dead)
        if "depart" in names:
            scene.start()
        actors = interleaving.run([getattr(scene, name) for name in names], schedule, FILES)
        assert [None] * len(names) == [actor.error for actor in actors]
        scene.check([name for name, actor in zip(names, actors, strict=True) if name == "up" and actor.result])
        return [actor.steps for actor in actors]
    finally:
        scene.close()


GROUPS = [
    pair
    for pair in itertools.permutations(("tidy", "up", "end", "depart"), 2)
    if pair not in (("tidy", "depart"), ("depart", "tidy"))
]
GROUPS += [("up", "up"), ("end", "end")]


# Each line, and a few of them for `run test`
STRIDES = pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.slow), 16])


@pytest.mark.faults(131)
@STRIDES
@pytest.mark.parametrize("names", GROUPS, ids="-".join)
def test_each_of_two_may_be_interrupted_by_the_other_after_any_line(tmp_path_factory, dead, names, stride):
    folder = short_folder(tmp_path_factory)
    steps, _ = play(f"{folder}/all", dead, names, [(0, float("inf"))])

    for count in range(0, steps, stride):
        play(f"{folder}/{count}", dead, names, [(0, count), (1, float("inf"))])


@pytest.mark.faults(131)
@pytest.mark.parametrize("stride", [pytest.param(11, marks=pytest.mark.slow), 44])
@pytest.mark.parametrize("names", list(itertools.permutations(("tidy", "up", "end"))), ids="-".join)
def test_each_of_three_may_be_interrupted_by_the_next(tmp_path_factory, dead, names, stride):
    folder = short_folder(tmp_path_factory)
    steps, _, _ = play(f"{folder}/all", dead, names, [(0, float("inf"))])
    _, others, _ = play(f"{folder}/1", dead, names, [(1, float("inf"))])

    for first, second in itertools.product(range(0, steps, stride), range(0, others, stride)):
        schedule = [(0, first), (1, second), (2, float("inf"))]
        play(f"{folder}/{first}-{second}", dead, names, schedule)


def short_folder(tmp_path_factory):
    """A folder whose path leaves room for that of a socket."""
    return tmp_path_factory.mktemp("o")


UP, WIPE, LOOK = range(3)
WHOLE = float("inf")


@pytest.mark.faults(200, 201)
@STRIDES
@pytest.mark.parametrize(
    ("before", "interrupted", "after"),
    [([], UP, [WIPE]), ([], UP, [WIPE, LOOK]), ([WIPE], UP, [LOOK]), ([WIPE], LOOK, [UP])],
    ids=["up-wipe", "up-wipe-look", "wipe-up-look", "wipe-look-up"],
)
def test_who_deletes_the_files_of_a_daemon_at_any_moment_makes_no_room_for_a_second_one(
    tmp_path_factory, dead, before, interrupted, after, stride
):
    folder = short_folder(tmp_path_factory)
    first = [(each, WHOLE) for each in before]
    steps = delete_while(f"{folder}/all", dead, [*first, (interrupted, WHOLE)])[interrupted]

    for count in range(0, steps, stride):
        schedule = [*first, (interrupted, count), *((each, WHOLE) for each in after)]
        delete_while(f"{folder}/{count}", dead, schedule)


def delete_while(folder, dead, schedule):
    """The number of steps of each; the first daemon has the project in the end, whatever happened to its files."""
    scene, names = Scene(folder), ("up", "wipe", "look_after")
    try:
        scene.leave(dead)
        scene.start()
        first = scene.tenancies[1]
        first.server = SimpleNamespace(listen=lambda _listener: None)
        first.book = first.owned.open_book()
        actors = interleaving.run([getattr(scene, name) for name in names], schedule, FILES)
        for name, actor in zip(names, actors, strict=True):
            # what it writes may be deleted under its hands; it looks again
            assert actor.error is None or (name == "look_after" and isinstance(actor.error, (OSError, DevbootError)))
            assert name != "up" or not actor.result, "a second daemon has the project"
        scene.look_after()
        assert leases.read_daemon(leases.data_path(scene.data)) == leases.read_daemon(leases.daemon_path(scene.state))
        scene.check(["up"])
        return [actor.steps for actor in actors]
    finally:
        scene.close()


CHANGING = {"listen", "format_daemon", "ChildrenBook", "reclaimed_path"}


@pytest.mark.faults(131)
def test_nobody_but_the_holder_of_the_lock_changes_what_belongs_to_a_daemon():
    package = os.path.dirname(os.path.dirname(os.path.abspath(leases.__file__)))
    found = set()
    for folder, _, names in os.walk(package):
        for name in (each for each in names if each.endswith(".py")):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                tree = ast.parse(file.read())
            for node in ast.walk(tree):
                if isinstance(node, ast.Call):
                    called = node.func
                    text = getattr(called, "attr", getattr(called, "id", ""))
                    owner = getattr(getattr(called, "value", None), "id", "")
                    if text in CHANGING and (text != "listen" or owner == "sockets"):
                        found.add((name, text))

    assert found == {
        ("ownership.py", "listen"),
        ("ownership.py", "format_daemon"),
        ("ownership.py", "ChildrenBook"),
        ("ownership.py", "reclaimed_path"),
        ("leases.py", "reclaimed_path"),  # reads it
    }


@pytest.mark.faults(131)
def test_nothing_can_be_changed_after_the_lock_was_released(tmp_path):
    owned = ownership.take(str(tmp_path), "up")
    owned.release()

    for change in (owned.forget, owned.open_book, lambda: owned.listen(f"{tmp_path}/s")):
        with pytest.raises(RuntimeError):
            change()


@pytest.mark.faults(26, 131)
def test_a_daemon_whose_lock_file_was_deleted_locks_it_anew_unless_another_was_faster(tmp_path):
    first = ownership.take(str(tmp_path), "up")
    os.unlink(leases.lock_path(str(tmp_path)))

    assert first.renew()
    assert ownership.take(str(tmp_path), "up") is None
    os.unlink(leases.lock_path(str(tmp_path)))
    with ownership.take(str(tmp_path), "up"):
        assert not first.renew()
    first.release()


@pytest.mark.faults(131)
def test_only_a_socket_whose_lease_is_beside_it_is_removed(tmp_path):
    (tmp_path / "key.sock").write_text("mine")
    fields = dict.fromkeys(DaemonLease._fields, "1")
    lease = DaemonLease(**fields)._replace(pid=1, guardian=1, socket=str(tmp_path / "key.sock"))
    with ownership.take(str(tmp_path), "down") as owned:
        owned.forget(lease)
        owned.publish(lease)
        owned.forget()

    assert (tmp_path / "key.sock").read_text() == "mine"
