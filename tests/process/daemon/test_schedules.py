"""Any order of commands, crashes and kills: the project comes to what the rules say, and no last word is lost."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import struct
import termios

import pytest

from devboot.daemon import leases
from devboot.daemon.client import Client
from devboot.text.loglines import prefix_width
from devboot.wire import frames, greeting, sockets
from tests.fakes.crew import add_processes, check_log
from tests.fakes.processes import wait_until
from tests.fakes.rules import ALIVE, NEEDS, STORE, WEB, WORKER, WRITERS, Rules
from tests.fakes.terminal import Terminal
from tests.process.conftest import marked, searched

LIMIT = 90.0  # seconds until something counts as hanging; nothing is ever asserted about how long it took
BURST, STEPS = 4, 8
WHAT = ["start", "stop", "stop", "restart", "crash", "crash", "flood", "flood", "resize", "follow", "stall", "kill"]


class Conversation:
    """One request over the project's socket, sent when the daemon has greeted: so requests are heard in order."""

    def __init__(self, project, **request):
        sock = sockets.connect(project.lease().socket, LIMIT)
        assert sock is not None
        self.client = Client(sock)
        sock.sendall(frames.frame(frames.HELLO, greeting.greeting("0.1.0")))
        self.client.welcome(LIMIT)
        self.client.tell(**request)
        self.out = b""

    def finish(self):
        """The exit code; None where the daemon has gone."""
        while (arrived := self.client.next(LIMIT)) is not None:
            if arrived[0] == frames.OUT:
                self.out += arrived[1]
            elif arrived[0] == frames.EXIT:
                self.client.close()
                return int(arrived[1])
        self.client.close()
        return None

    def leave(self):
        """Without waiting for an answer."""
        self.client.close()


class Schedule:
    """Does random things to a project, and keeps in `rules` what should come of them."""

    def __init__(self, project, seed, mark):
        self.project = project
        self.mark = mark
        self.choice = random.Random(seed)
        self.has_deaf = seed % 2 == 0
        add_processes(project, deaf=self.has_deaf)
        self.rules = Rules()
        self.owner = None  # the client of a foreground run
        self.pids = dict.fromkeys(NEEDS)
        self.handles = {}  # pidfds: a number may come to mean another process
        self.size = None
        self.asked = []
        self.stalled = []
        self.followers = []  # (child, name, path)
        self.bursts = {}  # writer → how many its present run was asked for
        self.last_words = {name: set() for name in WRITERS}  # pids that must have said theirs
        self.is_up = False

    # What can be done

    def bring_up(self):
        """Start the project, in one of the ways in which that is done."""
        self.rules = Rules()
        self.size = None
        self.pids = dict.fromkeys(NEEDS)
        how = self.choice.choice(["detached", "detached", "foreground", "terminal" if self.has_deaf else "foreground"])
        if how == "detached":
            self.run("up", "-d")
        elif how == "foreground":
            self.owner = self.project.start("up", stdout=self.new_file("owner"))
        else:
            self.owner = self.project.terminal("up", "--no-menu")
            self.size = (24, 80)
        wait_until(self.project.lease, "a daemon", LIMIT)
        self.is_up = True
        self.rules.start(NEEDS)
        self.settle()

    def run(self, *args):
        """One command of the command line, to its end."""
        self.project.devboot(*args, timeout=LIMIT)

    def act(self):
        """One random thing, if what comes of it can be told."""
        what = self.choice.choice(
            [
                "start",
                "stop",
                "stop",
                "restart",
                "crash",
                "crash",
                "flood",
                "flood",
                "resize",
                "follow",
                "stall",
                "kill",
            ]
        )
        names = self.choice.sample(list(NEEDS), 1 if what in ("crash", "flood") else self.choice.randint(1, 3))
        if what in ("start", "stop", "restart", "crash") and not self.rules.can(what, names):
            return
        if self.owner is not None and self.rules.would_end(what, names):
            return
        getattr(self, what)(names)

    def start(self, names):
        """Ask for it, and perhaps not wait for the answer."""
        self.rules.start(names)
        self.ask("start", names)

    def stop(self, names):
        self.expect_last_words(names)
        self.rules.stop(names)
        self.ask("stop", names)

    def restart(self, names):
        self.expect_last_words(names)
        self.rules.restart(names)
        self.ask("restart", names)

    def crash(self, names):
        self.rules.crash(names[0])
        signal.pidfd_send_signal(self.handles[names[0]], signal.SIGKILL)

    def flood(self, names):
        name = names[0]
        if name in self.bursts and name not in self.rules.touched:
            self.bursts[name] += 1
            signal.pidfd_send_signal(self.handles[name], signal.SIGUSR1)
            if self.choice.random() < 0.5:  # else something else may happen meanwhile
                self.wait_for_burst(name)

    def resize(self, _names):
        rows, columns = self.choice.randint(5, 60), self.choice.randint(60, 200)
        if isinstance(self.owner, Terminal):
            fcntl.ioctl(self.owner.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        else:
            Conversation(self.project, command="resize", view={"rows": rows, "columns": columns}).leave()
        self.size = (rows, columns)

    def follow(self, _names):
        """A client that reads at once."""
        if len(self.followers) < 2:
            name = self.choice.choice([STORE, WORKER])
            path = f"{self.project.home}/follower-{len(self.project.children)}"
            with open(path, "wb") as file:
                child = self.project.start("logs", "-f", "--no-prefix", "-n", "1000000", name, stdout=file)
            self.followers.append((child, name, path))

    def stall(self, _names):
        """A client that never reads."""
        self.stalled.append(Conversation(self.project, command="logs"))

    def kill(self, _names):
        """End a client, whatever it is doing."""
        if self.stalled:
            self.stalled.pop(self.choice.randrange(len(self.stalled))).leave()
        elif self.followers:
            child, name, path = self.followers.pop()
            child.kill()
            child.wait()
            self.check_follower(name, path, ended=False)

    def ask(self, command, names):
        conversation = Conversation(self.project, command=command, names=names)
        if self.choice.random() < 0.2:
            conversation.leave()
        else:
            self.asked.append(conversation)

    def expect_last_words(self, names):
        for name in self.bursts.keys() & set(names) - self.rules.crashed:
            self.last_words[name].add(self.pids[name])

    # Where that leads

    def settle(self):
        """Wait until everything is as the rules say."""
        codes = [conversation.finish() for conversation in self.asked]
        assert set(codes) <= {0, 1}
        self.asked.clear()
        try:
            wait_until(lambda: not self.differences(), seconds=LIMIT)
        except AssertionError:
            assert self.differences() == []
        self.rules.settle()
        self.look()

    def differences(self):
        """What isn't as it should be."""
        if isinstance(self.owner, Terminal):
            self.owner.read(0)
        asked = Conversation(self.project, command="ps", view={"json": True})
        assert asked.finish() == 0
        self.found = {each["name"]: each for each in json.loads(asked.out)["processes"]}
        found = {}
        for name, each in self.found.items():
            low, high = self.rules.restarts[name]
            renewed = name in self.rules.renewed
            if each["phase"] != self.rules.phases[name] or not low <= each["restarts"] <= high:
                found[name] = (each["phase"], each["restarts"], "not", self.rules.phases[name], low, high)
            elif each["phase"] == ALIVE and (each["pid"] == self.pids[name]) == renewed:
                found[name] = ("has the same run" if renewed else "has another run",)
        if self.size is not None and self.rules.phases[WEB] == ALIVE and WEB not in found:
            rows, columns = self.size
            wanted = (rows, max(20, columns - prefix_width(NEEDS)))
            if (seen := terminal_size(self.found[WEB]["pid"])) != wanted:
                found["terminal"] = (seen, "not", wanted)
        return found

    def look(self):
        """Remember who is who."""
        self.close_handles()
        for name, each in self.found.items():
            if each["pid"] != self.pids[name]:
                self.bursts.pop(name, None)
            self.pids[name] = each["pid"]
            if each["phase"] == ALIVE:
                self.handles[name] = os.pidfd_open(each["pid"])
                if name in WRITERS:
                    self.bursts.setdefault(name, 0)

    def close_handles(self):
        for handle in self.handles.values():
            os.close(handle)
        self.handles.clear()

    def wait_for_burst(self, name):
        words = f"\n{self.pids[name]} {self.bursts[name]} end\n".encode()
        wait_until(lambda: words in self.log(name), f"a burst of {name}", LIMIT)

    # The ways down

    def come_down(self):
        """End it in one of many ways."""
        ways = ["down", "down", "terminate"] if self.has_deaf else ["kill", "kill", "down", "terminate"]
        if self.owner is not None:
            ways += ["interrupt", "kill-owner", "interrupt", "kill-owner"]
        way = self.choice.choice(ways)
        if way == "kill":
            os.kill(self.project.lease().pid, signal.SIGKILL)
        else:
            self.expect_last_words(NEEDS)
            while self.stalled:  # a daemon waits for two seconds until they have taken its last words
                self.stalled.pop().leave()
            if way == "terminate":
                os.kill(self.project.lease().pid, signal.SIGTERM)
            elif way == "down":
                self.run("down")
            else:
                self.end_owner(way)
        self.be_down(was_told=way != "kill")

    def end_owner(self, way):
        if way == "kill-owner":
            os.kill(self.owner.pid, signal.SIGKILL)
        elif isinstance(self.owner, Terminal):
            self.owner.type("\x03")
        else:
            self.owner.send_signal(signal.SIGINT)

    def be_down(self, *, was_told):
        """Wait until nothing is left, and look at what was written."""
        for conversation in self.asked:
            conversation.finish()
        self.asked.clear()
        while self.stalled:
            self.stalled.pop().leave()
        followers, self.followers = self.followers, []
        for child, name, path in followers:
            wait_until(lambda child=child: child.poll() is not None, "the end of a follower", LIMIT)
            # One that came when the daemon was leaving may have been told to come again.
            self.check_follower(name, path, ended=was_told and child.returncode == 0)
        self.wait_for_owner()
        wait_until(self.project.is_down, "the end of the daemon", LIMIT)
        wait_until(lambda: not marked(self.mark), "the end of all processes", LIMIT)
        assert not os.path.exists(leases.crash_path(self.project.state))
        self.close_handles()
        self.bursts.clear()
        self.is_up = False
        for name in WRITERS:
            check_log(self.log(name).decode(), self.last_words[name])

    def wait_for_owner(self):
        owner, self.owner = self.owner, None
        if isinstance(owner, Terminal):

            def has_ended():
                owner.read(0.01)
                pid, status = os.waitpid(owner.pid, os.WNOHANG)
                owner.status = os.waitstatus_to_exitcode(status) if pid else None
                return pid

            wait_until(has_ended, "the end of the terminal's client", LIMIT)
        elif owner is not None:
            wait_until(lambda: owner.poll() is not None, "the end of the foreground client", LIMIT)

    def new_file(self, name):
        return os.open(f"{self.project.home}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    def log(self, name):
        with open(f"{self.project.state}/logs/{name}.log", "rb") as file:
            return file.read()

    def check_follower(self, name, path, *, ended):
        """It was shown the log from its beginning, every byte once, up to the end or to where it was cut off."""
        with open(path, "rb") as file:
            shown = file.read()
        log = self.log(name)
        assert shown == (log if ended else log[: len(shown)])


def terminal_size(pid):
    """Rows and columns of a process' terminal; None where it has just gone."""
    try:
        fd = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))[:2]
    finally:
        os.close(fd)


@pytest.mark.faults(34, 69, 70, 71, 73, 75, 79, 85)
@pytest.mark.parametrize("seed", searched(range(200), quick=20))
def test_whatever_is_done_in_whatever_order_the_project_comes_to_what_the_rules_say(project, orphan_mark, seed):
    schedule = Schedule(project, seed, orphan_mark)
    for _ in range(STEPS):
        if not schedule.is_up:
            schedule.bring_up()
        elif schedule.choice.random() < 0.1:
            schedule.come_down()
        else:
            for _ in range(schedule.choice.randint(1, BURST)):
                schedule.act()
            schedule.settle()
    if schedule.is_up:
        schedule.come_down()
