"""Runs a project of twenty crashing and flooding processes for as long as asked, and says whether anything grew.

    python scripts/soak.py [MINUTES]      (default 30; needs Linux)

Clients come and go all the while: followers that are killed, stopped or just slow, `ps`, restarts. Once in a while
memory (private and shared parts of daemon and guardian), descriptors and zombies are counted. It ends with 1 where
something grew or was left over.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, HERE)

from devboot.daemon.leases import daemon_path, read_daemon  # noqa: E402

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
SAMPLE_SECONDS = 15.0
_WARM = 4  # samples
MOST_GROWTH = 1.3  # of memory, from the first tenth to the last


class Soak:
    """The project in a temporary folder, and the clients that are running."""

    def __init__(self, folder: str) -> None:
        self.root = os.path.join(folder, "soak")
        os.makedirs(os.path.join(self.root, "code"))
        names = [f"{kind}{number}" for kind in KINDS for number in range(5)]
        lines = [f"{name}: {KINDS[name.rstrip('0123456789')]}\n" for name in names]
        tables = [
            PROCESS.format(name=name, more="watch = ['code/*.py']" if name == "family0" else "") for name in names
        ]
        self._write("Procfile", "".join(lines))
        self._write("devboot.toml", MANIFEST.format(processes="".join(tables)))
        self.env = {**os.environ, "PYTHONPATH": HERE, "DEVBOOT_HOME": os.path.join(folder, "home"), "HOME": folder}
        os.makedirs(self.env["DEVBOOT_HOME"], mode=0o700)
        self.names = names
        self.clients: list[subprocess.Popen[bytes]] = []
        self.choice = random.Random(1)

    def _write(self, name: str, text: str) -> None:
        with open(os.path.join(self.root, name), "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, *args: str, output: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "devboot", *args],
            cwd=self.root, env=self.env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def bother(self) -> None:
        """One random thing that clients do."""
        what = self.choice.choice(["follow", "stall", "kill", "kill", "ps", "restart", "edit"])
        if what == "follow" and len(self.clients) < 8:
            self.clients.append(self.start("logs", "-f"))
        elif what == "stall" and len(self.clients) < 8:
            self.clients.append(self.start("logs", "-f", output=subprocess.PIPE))  # nobody reads it
        elif what == "kill" and self.clients:
            client = self.clients.pop(self.choice.randrange(len(self.clients)))
            client.kill()
            client.communicate()
        elif what == "restart":
            self.start("restart", self.choice.choice(self.names)).wait(60)
        elif what == "edit":
            self._write("code/a.py", f"x = {time.monotonic_ns()}\n")
        else:
            self.start("ps").wait(60)

    def daemon(self) -> tuple[int, int]:
        """Pids of daemon and guardian."""
        lease = read_daemon(daemon_path(os.path.join(self.root, ".devboot")))
        assert lease is not None, "it did not start"
        return int(lease.pid), int(lease.guardian)

    def end(self) -> None:
        """Everything down."""
        for client in self.clients:
            client.kill()
            client.communicate()
        self.start("down").wait(120)


def pss(pid: int) -> int:
    """Bytes that a process needs: its own, and its share of what it shares."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))


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
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    folder = tempfile.mkdtemp(prefix="devboot-soak-")
    soak = Soak(folder)
    try:
        soak.start("up", "-d", "--wait-timeout", "10").wait(120)
        samples = measure(soak, time.monotonic() + minutes * 60)
    finally:
        soak.end()
        left = not_ours(folder)
        shutil.rmtree(folder, ignore_errors=True)
    return judge(samples, left)


def measure(soak: Soak, deadline: float) -> list[tuple[int, int, int]]:
    """(memory of the daemon, its descriptors less what clients hold, zombies) from time to time."""
    pids = soak.daemon()
    samples: list[tuple[int, int, int]] = []
    began = upcoming = time.monotonic()
    print("   min  daemon MB  guardian MB  descriptors  zombies")
    while time.monotonic() < deadline:
        soak.bother()
        time.sleep(soak.choice.random() * 0.5)
        if time.monotonic() < upcoming:
            continue
        upcoming += SAMPLE_SECONDS
        still = [zombies(pids)]
        while still[-1] and len(still) < 20:  # one that has just ended may be reaped in the next moment
            time.sleep(0.02)
            still.append(zombies(pids))
        descriptors = len(os.listdir(f"/proc/{pids[0]}/fd"))
        samples.append((pss(pids[0]), descriptors, min(still)))
        now = (time.monotonic() - began) / 60
        memory = (samples[-1][0] / 1e6, pss(pids[1]) / 1e6)
        print(f"{now:6.1f}  {memory[0]:9.1f}  {memory[1]:11.1f}  {descriptors:11}  {min(still):7}", flush=True)
    return samples


def not_ours(folder: str) -> list[int]:
    """Processes that still stand in the folder."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{name}/cwd").startswith(folder):
                found.append(int(name))
        except OSError:
            continue
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return found


def judge(samples: list[tuple[int, int, int]], left: list[int]) -> int:
    """Say what grew; 1 where something did."""
    samples = samples[_WARM:] or samples  # buffers reach their size in the first minute
    tenth = max(1, len(samples) // 10)
    first, last = samples[:tenth], samples[-tenth:]
    worst = max(sample[0] for sample in samples)
    growth = (sum(s[0] for s in last) / len(last)) / (sum(s[0] for s in first) / len(first))
    descriptors = max(s[1] for s in samples[len(samples) // 2 :]) - max(s[1] for s in samples[: len(samples) // 2 + 1])
    print(f"memory: at most {worst / 1e6:.1f} MB, last tenth / first tenth = {growth:.2f}")
    print(f"descriptors: second half's most less first half's most = {descriptors}")
    print(f"zombies: {max(s[2] for s in samples)}, left over: {len(left)}")
    failed = growth > MOST_GROWTH or descriptors > 20 or any(s[2] for s in samples) or bool(left)
    print("FAILED" if failed else "flat")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
