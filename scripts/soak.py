"""Runs a project of crashing and flooding processes under faults for as long as asked, and judges what is left of it.

    python scripts/soak.py [MINUTES]      (default 30; needs Linux, and root or user namespaces for full disks)

Clients come and go all the while: followers that are killed, stopped or just slow, `ps`, restarts. Processes are
killed, the disk that holds the project and devboot's state fills up and is emptied again, random frames and malformed
requests arrive at the daemon's socket. A third of the time is a storm: daemon and guardian are killed, and `up -d` has
to make the project reachable each time.

A service stores numbers and acknowledges them; at the end each acknowledged one has to be there, and it must never
have run twice at once. Memory (private and shared parts), descriptors and zombies are sampled, and compared within
each life of a daemon. The script exits with 1 if anything was lost, left over, unreachable or has grown.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, HERE)

from devboot.daemon.leases import DaemonLease, live_daemons  # noqa: E402
from devboot.paths import runtime_directory  # noqa: E402
from devboot.wire import frames, greeting  # noqa: E402

KINDS = {
    "crash": "echo up; sleep 0.$((($$ % 8) + 1)); echo dying; exit 1",
    "flood": "while :; do seq -f 'a line of output with a number in it %.0f' 1 2000; sleep 0.05; done",
    "family": "sleep 3 & sleep 3 & wait; exit 3",
    "deaf": "trap '' TERM; while :; do sleep 0.5; done",
}
MANIFEST = """[project]
name = "soak"
{processes}
"""
PROCESS = """[processes.{name}]
restart = "always"
max_restarts = 1000000
window = "1s"
stop_timeout = "200ms"
{more}
"""
# Appends each number to a file before it answers. Two at once would mean that devboot has lost sight of one of them.
LEDGER = """import fcntl, os, signal, socket, sys, time
folder = sys.argv[1]
lock = open(f"{folder}/lock", "w")
for _ in range(100):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        break
    except OSError:
        time.sleep(0.02)
else:
    open(f"{folder}/doubles", "a").write(f"{os.getpid()}\\n")
    sys.exit(1)
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), os._exit(0)))
address = f"{folder}/socket"
if os.path.exists(address):
    os.unlink(address)
listener = socket.socket(socket.AF_UNIX)
listener.bind(address)
listener.listen()
book = os.open(f"{folder}/book", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
print("listening", flush=True)
while True:
    client, _ = listener.accept()
    with client, client.makefile("rwb") as stream:
        try:
            for line in stream:
                os.write(book, line)
                stream.write(line)
                stream.flush()
        except OSError:
            continue
"""
DISK = 320  # MB; the logs of all processes need half of it
SAMPLE_SECONDS = 15.0
WARM = 4  # samples
MOST_GROWTH = 1.3  # of memory in one life, from the first tenth to the last
SHORTEST_LIFE = WARM + 8  # samples of a daemon that say anything about growth
MOST_DESCRIPTORS = 20
CALM = ["follow", "stall", "kill client", "kill client", "ps", "ps", "restart", "edit", "scale", "up",
        "malform", "malform", "malform", "kill process", "kill process", "fill", "empty", "empty"]  # fmt: skip
STORM = ["daemon", "daemon", "daemon and guardian", "guardian", "slow stop", "client of up"]
# Requests that rightly end everything when they arrive.
ENDING = {"down", "stop-all", "force"}
COMMANDS = ["up", "ps", "logs", "start", "have", "stop", "restart", "scale", "compare", "detach", "resize", "attach",
            "show", "pause", "resume", "", "who knows", "launch"]  # fmt: skip


class Soak:
    """The project on a small disk in a temporary folder, the clients that are running, and what went wrong so far."""

    def __init__(self, folder: str, *, has_disk: bool) -> None:
        self.folder = folder
        self.disk = os.path.join(folder, "disk")
        self.root = os.path.join(self.disk, "soak")
        self.book = os.path.join(folder, "book")  # not on the small disk: what it acknowledges has to stay
        os.makedirs(os.path.join(self.root, "code"))
        os.makedirs(self.book)
        self.has_disk = has_disk
        names = [f"{kind}{number}" for kind in KINDS for number in range(5)]
        lines = [f"{name}: {KINDS[name.rstrip('0123456789')]}\n" for name in names]
        lines.append(f"ledger: {sys.executable} {folder}/ledger.py {self.book}\n")
        tables = [
            PROCESS.format(name=name, more="watch = ['code/*.py']" if name == "family0" else "") for name in names
        ]
        tables.append(PROCESS.format(name="ledger", more="").replace("200ms", "5s"))
        self._write(f"{folder}/ledger.py", LEDGER)
        self._write(f"{self.root}/Procfile", "".join(lines))
        self._write(f"{self.root}/devboot.toml", MANIFEST.format(processes="".join(tables)))
        home = os.path.join(self.disk, "home")
        self.env = {**os.environ, "PYTHONPATH": HERE, "DEVBOOT_HOME": home, "HOME": self.disk}
        os.makedirs(home, mode=0o700)
        self.names = names
        self.clients: list[subprocess.Popen[bytes]] = []
        self.choice = random.Random(1)
        self.acknowledged: set[int] = set()
        self.number = 0
        self.counts = dict.fromkeys(("hung commands", "unreachable", "daemons that ended", "kills", "requests"), 0)
        self.storms = dict.fromkeys(STORM, 0)
        self.lease: DaemonLease | None = None
        self.life, self.newest = 0, 0  # how many daemons there were, and the pid of the last one

    def _write(self, path: str, text: str) -> None:
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            return  # the disk is full, as it should be at times

    # -- commands ----------------------------------------------------------------------------------------------

    def start(self, *args: str, output: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "devboot", *args],
            cwd=self.root, env=self.env, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.DEVNULL if output == subprocess.DEVNULL else subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *args: str, patience: float = 60.0) -> tuple[int | None, bytes]:
        """Run a command to its end; exit code None where it has none in time."""
        command = self.start(*args, output=subprocess.PIPE)
        try:
            output = command.communicate(timeout=patience)[0]
        except subprocess.TimeoutExpired:
            command.kill()
            output = command.communicate()[0]
            self.counts["hung commands"] += 1
            print(f"HUNG: devboot {' '.join(args)}: {output[-300:]!r}", flush=True)
            return None, output
        return command.returncode, output

    def bring_up(self, why: str) -> None:
        """Run `up -d` on a disk with room, and see that the project is reachable."""
        self.empty()
        output = b""
        for _ in range(3):
            # processes that crash for ever make the exit code 1; what counts is that the daemon can be reached
            output = self.run("up", "-d", "--wait-timeout", "3", patience=120)[1]
            self.look_for_daemon(is_expected=True)
            code, told = self.run("ps", "--json")
            if self.lease is not None and code == 0:
                return
            output += told
            time.sleep(1)
        self.counts["unreachable"] += 1
        print(f"UNREACHABLE after {why}: {output[-600:].decode('utf-8', 'replace')}", flush=True)
        for pid in (p for p, command in self.processes(everything=True) if b"devboot" in command):
            os.kill(pid, signal.SIGKILL)  # make a new beginning, else one fault would be counted over and over

    def look_for_daemon(self, *, is_expected: bool = False) -> None:
        """Find the daemon; one that has gone although nobody killed it is counted."""
        runtime = runtime_directory(self.env, os.getuid())
        found = next((lease for lease in live_daemons(runtime) if lease.root == self.root), None)
        before = self.lease
        if before is not None and not before.is_alive and not is_expected:
            self.counts["daemons that ended"] += 1
            print(f"ENDED: daemon {before.pid}, which nobody has killed{self.crash()}", flush=True)
        if found is None and before is not None and before.is_alive:
            return  # its lease is gone or not written again yet: `bring_up` judges whether it can be reached
        if found is not None and found.pid != self.newest:
            self.life, self.newest = self.life + 1, found.pid
        self.lease = found

    def crash(self) -> str:
        """The newest crash file below the small disk."""
        found = [f"{top}/{name}" for top, _, names in os.walk(self.disk) for name in names if "crash" in name]
        found = [path for path in found if os.path.basename(os.path.dirname(path)) in ("run", "crashes")]
        if not found:
            return ""
        with open(max(found, key=os.path.getmtime), encoding="utf-8", errors="replace") as file:
            return ":\n" + file.read()[-1500:]

    # -- faults ------------------------------------------------------------------------------------------------

    def bother(self) -> None:
        """Do one random thing that happens to a project."""
        faults = {
            "follow": self.follow,
            "stall": lambda: self.follow(output=subprocess.PIPE),  # nobody reads what it says
            "kill client": self.kill_client,
            "ps": lambda: self.run("ps"),
            "restart": lambda: self.run("restart", self.choice.choice([*self.names, "ledger"])),
            "edit": lambda: self._write(f"{self.root}/code/a.py", f"x = {time.monotonic_ns()}\n"),
            "scale": lambda: self.run("scale", f"{self.choice.choice(self.names)}={self.choice.randrange(4)}"),
            "up": lambda: self.run("up", "-d", "--wait-timeout", "3", patience=120),
            "malform": self.malform,
            "kill process": self.kill_process,
            "fill": self.fill,
            "empty": self.empty,
        }
        faults[self.choice.choice(CALM)]()
        self.append()
        self.look_for_daemon()
        if self.lease is None:
            self.bring_up("its daemon ended")

    def storm(self) -> None:
        """Kill daemon, guardian or a starting client, and make all right again."""
        what = self.choice.choice(STORM)
        self.storms[what] += 1
        lease = self.lease
        if lease is None:
            self.bring_up("a storm")
            return
        if what == "client of up":
            client = self.start("restart", "ledger")
            other = self.start("up", "-d")
            time.sleep(self.choice.random() * 0.3)
            for each in (client, other):
                each.kill()
                each.wait()
        if what == "slow stop":
            client = self.start("down")
            time.sleep(self.choice.random() * 0.6)
            self.kill(lease.pid)
            client.wait()
        if "guardian" in what:
            self.kill(int(lease.guardian))
        if "daemon" in what:
            self.kill(lease.pid)
        if self.choice.random() < 0.5:
            time.sleep(self.choice.random())
        self.bring_up(f"`{what}`")
        self.append()

    def kill(self, pid: int) -> None:
        """SIGKILL to one process."""
        self.counts["kills"] += 1
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def follow(self, output: int = subprocess.DEVNULL) -> None:
        """Start a follower, unless there are enough."""
        if len(self.clients) < 8:
            self.clients.append(self.start("logs", "-f", output=output))

    def kill_client(self) -> None:
        """End one of the followers."""
        if self.clients:
            client = self.clients.pop(self.choice.randrange(len(self.clients)))
            client.kill()
            client.communicate()

    def kill_process(self) -> None:
        """SIGKILL to one process of the project, the shells and their children alike."""
        found = self.processes()
        if found:
            self.kill(self.choice.choice(found)[0])

    def fill(self) -> None:
        """Leave no room on the disk."""
        if not self.has_disk:
            return
        descriptor = os.open(f"{self.disk}/filler", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            while True:
                os.write(descriptor, bytes(1 << 20))
        except OSError:
            os.close(descriptor)

    def empty(self) -> None:
        """Leave room on the disk."""
        if os.path.exists(f"{self.disk}/filler"):
            os.unlink(f"{self.disk}/filler")

    def malform(self) -> None:
        """Send the daemon what no client of this version would."""
        if self.lease is None:
            return
        self.counts["requests"] += 1
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(0.5)
        try:
            sock.connect(self.lease.socket)
            if self.choice.random() < 0.8:
                version = self.choice.choice([greeting.greeting("0"), b"devboot 2 9.9", b"devboot", b"\xff" * 300])
                sock.sendall(frames.frame(frames.HELLO, version))
            for _ in range(self.choice.randrange(1, 5)):
                sock.sendall(self._malformed())
            if self.choice.random() < 0.5:
                sock.recv(1 << 16)
        except OSError:
            pass  # it may hang up, and it may be too busy
        finally:
            sock.close()

    def _malformed(self) -> bytes:
        kind = self.choice.choice(["message"] * 6 + ["input", "bytes", "header"])
        if kind == "bytes":
            return self.choice.randbytes(self.choice.randrange(200))
        if kind == "header":
            return frames.header(self.choice.choice([b"J", b"I", b"L", b"Z"]), self.choice.choice([0, 5, 1 << 31]))
        if kind == "input":
            return frames.frame(frames.INPUT, self.choice.randbytes(50))
        message: object = {key: self._value(3) for key in ("plan", "names", "view", "wait", "lines", "began")}
        assert isinstance(message, dict)
        message |= {"command": self.choice.choice(COMMANDS), "detach": self.choice.random() < 0.5}
        if self.choice.random() < 0.5:
            message["names"] = [self.choice.choice([*self.names, "*", "nobody", "\x1b]52;c;x\x07"])]
        if self.choice.random() < 0.5:
            message["view"] = {"rows": self._value(0), "columns": self._value(0), "live": True, "json": True}
        if self.choice.random() < 0.1:
            message = self._value(4)
            if isinstance(message, dict) and message.get("command") in ENDING:
                message = None
        return frames.frame(frames.MESSAGE, json.dumps(message).encode())

    def _value(self, depth: int) -> object:
        kind = self.choice.randrange(8 if depth else 5)
        if kind == 0:
            return self.choice.choice([0, -1, 1, 65535, 65536, 70000, 10**6, 2**31, 2**63, -(2**63), 10**30, 10**400])
        if kind == 1:
            return self.choice.choice([0.5, -1.0, 1e300, float("inf"), float("-inf"), float("nan")])
        if kind == 2:
            return self.choice.choice(["", "x", "\ud800", "\0", "a" * 5000, "é\x1b[2J"])
        if kind in (3, 4):
            return self.choice.choice([None, True, False])
        if kind == 5:
            return {self.choice.choice(["name", "rows", "x"]): self._value(depth - 1) for _ in range(3)}
        return [self._value(depth - 1) for _ in range(self.choice.randrange(12))]

    # -- acknowledged writes -----------------------------------------------------------------------------------

    def append(self) -> None:
        """Have some numbers stored, as many as the service takes in a moment."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(0.2)
        try:
            sock.connect(f"{self.book}/socket")
            with sock.makefile("rwb") as stream:
                for _ in range(200):
                    self.number += 1
                    stream.write(b"%d\n" % self.number)
                    stream.flush()
                    answer = stream.readline()
                    if not answer.endswith(b"\n"):
                        return
                    self.acknowledged.add(int(answer))
        except OSError:
            return  # it is down or being restarted just now
        finally:
            sock.close()

    def lost(self) -> int:
        """Count the acknowledged numbers that are not stored."""
        try:
            with open(f"{self.book}/book", encoding="ascii") as file:
                stored = {int(line) for line in file if line.endswith("\n")}
        except OSError:
            stored = set()
        return len(self.acknowledged - stored)

    def doubles(self) -> int:
        """Count how often the service was started while it ran."""
        try:
            with open(f"{self.book}/doubles", encoding="ascii") as file:
                return len(file.readlines())
        except OSError:
            return 0

    # -- the end -----------------------------------------------------------------------------------------------

    def processes(self, *, everything: bool = False) -> list[tuple[int, bytes]]:
        """Find what runs in the project's folder as (pid, command); `everything`: and whatever has its environment."""
        found = []
        mark = f"DEVBOOT_HOME={self.env['DEVBOOT_HOME']}".encode()
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    command = file.read()
                if not command:
                    continue  # a zombie
                is_ours = os.readlink(f"/proc/{name}/cwd").startswith(self.root) and b"devboot" not in command
                if everything and not is_ours:
                    with open(f"/proc/{name}/environ", "rb") as file:
                        is_ours = mark in file.read().split(b"\0")
            except OSError:
                continue
            if is_ours:
                found.append((int(name), command))
        return found

    def end(self) -> list[tuple[int, bytes]]:
        """End everything, and return what was left over."""
        while self.clients:
            self.kill_client()
        self.empty()
        self.run("down", patience=120)
        deadline = time.monotonic() + 5  # a guardian may be a moment later than its daemon
        while (left := self.processes(everything=True)) and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid, _ in left:
            self.kill(pid)
        return left


class Sample:
    """What one daemon needed at one moment."""

    def __init__(self, pids: tuple[int, int], life: int) -> None:
        still = [zombies(pids)]
        while still[-1] and len(still) < 20:  # one that has just ended may be reaped in the next moment
            time.sleep(0.02)
            still.append(zombies(pids))
        self.life = life
        self.memory = pss(pids[0])
        self.guardian = pss(pids[1])
        self.descriptors = len(os.listdir(f"/proc/{pids[0]}/fd"))
        self.zombies = min(still)


def pss(pid: int) -> int:
    """Bytes that a process needs: its own, and its share of what it shares; 0 where it has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except OSError:
        return 0


def zombies(parents: tuple[int, ...]) -> int:
    """Children of these that have ended and weren't reaped."""
    found = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b") ")[2].split()[:2]
        except OSError:
            continue
        found += state == b"Z" and int(parent) in parents
    return found


def main() -> int:
    """Soak, and judge."""
    if "--on-own-disk" not in sys.argv:
        return enter_namespace()
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    folder = tempfile.mkdtemp(prefix="devboot-soak-")
    os.mkdir(f"{folder}/disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=700", "soak", f"{folder}/disk"]
    has_disk = not subprocess.run(mount, check=False).returncode
    soak = Soak(folder, has_disk=has_disk)
    if not has_disk:
        print("no disk of its own (not root, no user namespaces): full disks are left out")
    samples: list[Sample] = []
    try:
        soak.bring_up("the start")
        measure(soak, minutes * 60, samples)
    finally:
        left = soak.end()
        lost, doubles = soak.lost(), soak.doubles()
        if has_disk:
            subprocess.run(["umount", "-l", f"{folder}/disk"], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    return judge(soak, samples, left, lost, doubles)


def enter_namespace() -> int:
    """Run again where a disk may be mounted that nobody else sees, and that vanishes with the last process."""
    again = [sys.executable, os.path.abspath(__file__), "--on-own-disk", *sys.argv[1:]]
    for unshare in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        if shutil.which("unshare") and not subprocess.run([*unshare, "true"], check=False).returncode:
            return subprocess.run([*unshare, *again], check=False).returncode
    return subprocess.run(again, check=False).returncode


def measure(soak: Soak, seconds: float, samples: list[Sample]) -> None:
    """Alternate between calm and storms, and sample from time to time."""
    began = upcoming = time.monotonic()
    period = min(900.0, seconds / 2)
    print("   min  life  daemon MB  guardian MB  descriptors  zombies", flush=True)
    while (now := time.monotonic() - began) < seconds:
        if now % period > period * 2 / 3:
            soak.storm()
        else:
            soak.bother()
        time.sleep(soak.choice.random() * 0.5)
        lease = soak.lease
        if time.monotonic() < upcoming or lease is None:
            continue
        upcoming = time.monotonic() + SAMPLE_SECONDS
        try:
            sample = Sample((lease.pid, int(lease.guardian)), soak.life)
        except OSError:
            continue  # it has just ended, which the next look finds
        samples.append(sample)
        print(
            f"{now / 60:6.1f}  {sample.life:4}  {sample.memory / 1e6:9.1f}  {sample.guardian / 1e6:11.1f}  "
            f"{sample.descriptors:11}  {sample.zombies:7}",
            flush=True,
        )


def growth(samples: list[Sample]) -> tuple[float, int]:
    """Return how much memory (as a factor) and how many descriptors one daemon has gained after its first minute."""
    samples = samples[WARM:]  # buffers reach their size in the first minute
    tenth = max(1, len(samples) // 10)
    first, last = samples[:tenth], samples[-tenth:]
    factor = sum(s.memory for s in last) / max(1, sum(s.memory for s in first))
    half = len(samples) // 2
    descriptors = max(s.descriptors for s in samples[half:]) - max(s.descriptors for s in samples[: half + 1])
    return factor, descriptors


def judge(soak: Soak, samples: list[Sample], left: list[tuple[int, bytes]], lost: int, doubles: int) -> int:
    """Print the result; 1 where something was lost, left over, unreachable or has grown."""
    lives = [[s for s in samples if s.life == life] for life in sorted({s.life for s in samples})]
    grown = [growth(life) for life in lives if len(life) >= SHORTEST_LIFE]
    memory = max((factor for factor, _ in grown), default=1.0)
    descriptors = max((count for _, count in grown), default=0)
    worst = max((s.memory for s in samples), default=0)
    dead = max((s.zombies for s in samples), default=0)
    print(f"done: {soak.counts['kills']} kills, {soak.counts['requests']} malformed connections, storms {soak.storms}")
    print(f"acknowledged writes: {len(soak.acknowledged)}, lost: {lost}, started twice: {doubles}")
    print(f"memory: at most {worst / 1e6:.1f} MB, last tenth / first tenth = {memory:.2f} ({len(grown)} long lives)")
    print(f"descriptors: second half's most less first half's most = {descriptors}")
    print(f"zombies: {dead}, left over: {len(left)} {left[:5] if left else ''}")
    for what in ("unreachable", "daemons that ended", "hung commands"):
        print(f"{what}: {soak.counts[what]}")
    failed = (
        memory > MOST_GROWTH or descriptors > MOST_DESCRIPTORS or dead > 0 or bool(left) or lost > 0 or doubles > 0
        or any(soak.counts[what] for what in ("unreachable", "daemons that ended", "hung commands"))
    )  # fmt: skip
    print("FAILED" if failed else "nothing lost, nothing left, nothing unreachable")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
