"""The example, from a fresh copy of the repository to articles in SQLite, with nothing but Python and git."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devboot.provision.objects.tree import remove_tree
from tests.fakes.processes import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
SYSTEM = ("PIP_", "SSL_", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "LANG", "LC_")  # how packages are reached
MARK = "FEEDREADER_TEST"


@dataclass(frozen=True)
class Machine:
    """A copy of the repository without what git ignores, an empty HOME, and a PATH without uv and redis."""

    root: Path
    home: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith(SYSTEM)}
        return kept | {
            "PATH": str(self.home / "programs"),
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home),
            MARK: self.mark,
        }

    def devboot(self, *arguments: str, folder: str = ".", seconds: float = 300) -> str:
        """What the command printed to stdout; it must succeed."""
        done = subprocess.run(
            [self.root / "devbootw", *arguments],
            cwd=self.root / folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, f"devboot {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def processes(self) -> list[str]:
        """Command lines of all that was started from here and still runs."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except (PermissionError, FileNotFoundError, ProcessLookupError):
                continue
        return found

    def is_gone(self) -> bool:
        """Wait until nothing runs any more."""
        return wait_until(lambda: not self.processes(), "the end of all processes")


PROGRAMS = ["sh", "env", "git", "cat", "cmp", "cp", "id", "mkdir", "mv", "readlink", "rm", "touch", "uname"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The machine of this file: what the first test installs is there for the others."""
    folder = tmp_path_factory.mktemp("f")  # short, as sockets need
    root, home = folder / "clone", folder / "home"
    tracked = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    for name in filter(None, tracked.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, root / name)
    (home / "programs").mkdir(parents=True)
    for program in PROGRAMS:
        if found := shutil.which(program):
            (home / "programs" / program).symlink_to(found)
    (home / "programs" / "python3").symlink_to(os.path.realpath(sys.executable))
    yield Machine(root, home)
    remove_tree(str(folder))


@pytest.fixture
def machine(installed: Machine) -> Iterator[Machine]:
    """The machine, on which nothing runs; the example has no database yet."""
    if not sys.platform.startswith("linux"):
        pytest.skip("finds the processes in /proc")
    try:
        yield installed
    finally:
        installed.devboot("down", "--all")
        for path in (installed.root / "examples/feedreader").glob("db.sqlite3*"):
            path.unlink()


class Browser:
    """Cookies and forms, as a person's browser would send them."""

    def __init__(self, address: str) -> None:
        self.address = address
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def get(self, path: str = "/") -> str:
        with self.opener.open(self.address + path, timeout=60) as answer:
            return str(answer.read().decode())

    def press(self, action: str, **fields: str) -> str:
        token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', self.get())
        assert token
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        with self.opener.open(self.address + action, data, timeout=60) as answer:
            return str(answer.read().decode())

    def wait_for(self, text: str, seconds: float = 60) -> None:
        wait_until(lambda: text in self.get(), f"{text!r}", seconds)


def addresses(machine: Machine, folder: str = ".") -> dict[str, str]:
    report = json.loads(machine.devboot("ps", "--json", folder=folder))
    return {process["name"]: process["address"] for process in report["processes"] if process.get("address")}


@pytest.mark.network
@pytest.mark.timeout(600)
@pytest.mark.parametrize("folder", [".", "examples/feedreader"])
def test_a_fresh_copy_comes_up_reads_a_feed_and_goes_down(machine: Machine, folder: str) -> None:
    machine.devboot("up", "-d", folder=folder)
    browser = Browser(f"http://{addresses(machine, folder)['web']}")
    assert json.loads(browser.get("/health")) == {"database": True, "broker": True}
    browser.press("/feeds/demo/")
    browser.wait_for("Hello from the demo feed")

    machine.devboot("down", folder=folder)
    assert machine.is_gone()  # so nothing of it listens
    with closing(sqlite3.connect(machine.root / "examples" / "feedreader" / "db.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM feeds_article").fetchone() == (3,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    machine.devboot("up", "-d", folder=folder)
    assert "Hello from the demo feed" in Browser(f"http://{addresses(machine, folder)['web']}").get()
    machine.devboot("down", folder=folder)


@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_tests_of_the_example_pass(machine: Machine) -> None:
    machine.devboot("run", "test", folder="examples/feedreader")
    assert machine.is_gone()
