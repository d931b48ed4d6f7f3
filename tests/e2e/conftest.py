"""A machine as fresh as a test can make it, and devboot on it."""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

import pytest

from devboot.provision.objects.tree import remove_tree
from tests.fakes import warm_commands
from tests.fakes.fault_server import FaultServer
from tests.fakes.folders import data_folder, state_folder
from tests.fakes.ports import free_ports
from tests.fakes.processes import wait_until
from tests.fakes.terminal import Terminal
from tests.fakes.wheels import write_wheel

PROJECTS = Path(__file__).parent / "projects"
LIMIT = 240
# This checkout's devboot, without a variable that the project's own programs would inherit.
START = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
    "from devboot.__main__ import main; sys.exit(main())"
)

_STARTS = re.compile(r"""["' ](?:up|start|restart)["' ]""")  # commands of a module that make projects listen


class Machine:
    """An empty home with a copy of a project; everything started here carries a marker in its environment."""

    def __init__(self, folder: Path, cache: Path, project: Path, ignored: tuple[str, ...] = ()):
        self.root = folder / project.name
        shutil.copytree(project, self.root, ignore=shutil.ignore_patterns("__pycache__", "manifest.toml", *ignored))
        self.marker = uuid.uuid4().hex
        self.children: list[subprocess.Popen | Terminal] = []
        home, runtime = folder / "home", folder / "run"
        home.mkdir()
        runtime.mkdir(mode=0o700)
        kept = ("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT", "PIP_INDEX_URL", "PYENV_ROOT")
        self.environ = {name: os.environ[name] for name in kept if name in os.environ}
        self.environ |= {
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(runtime),
            "DEVBOOT_HOME": str(folder / "devboot"),
            "UV_CACHE_DIR": str(cache),
            "DEVBOOT_E2E": self.marker,
            "DEVBOOT_TEST": "1",  # checks the order in which locks are taken
            "NO_COLOR": "1",
        }

    @property
    def state(self) -> Path:
        """Where devboot keeps logs, leases and the like of the project."""
        return state_folder(self.root, self.environ["DEVBOOT_HOME"])

    @property
    def data(self) -> Path:
        """Where devboot keeps the project's data."""
        return data_folder(self.root, self.environ["DEVBOOT_HOME"])

    def devboot(self, *arguments: str, code: int | None = 0, cwd: Path | None = None, **environ: str):
        """Run devboot to its end; its exit code has to be `code` (None: any)."""
        done = warm_commands.run(self.command(), arguments, cwd or self.root, {**self.environ, **environ}, LIMIT)
        assert code is None or code == done.returncode, f"{arguments}:\n{done.stdout}\n{done.stderr}"
        return done

    def command(self, *arguments: str) -> list[str]:
        """The command line of devboot here."""
        return [sys.executable, "-P", "-c", START, *arguments]

    def start(self, *arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.Popen:
        """Start devboot in pipes and a process group of its own."""
        child = subprocess.Popen(
            self.command(*arguments),
            cwd=cwd or self.root,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self.children.append(child)
        return child

    def terminal(self, *arguments: str, **environ: str) -> Terminal:
        """Start devboot on a terminal."""
        window = Terminal(
            self.command(*arguments), {**self.environ, "TERM": "xterm", "LANG": "C.UTF-8", **environ}, self.root
        )
        self.children.append(window)
        return window

    def store(self) -> list[str]:
        """The names of everything in the store, staging included."""
        folder = Path(self.environ["DEVBOOT_HOME"], "data/store")
        return sorted(os.listdir(folder)) if folder.exists() else []

    def close(self) -> None:
        """Let go of what `start` and `terminal` started."""
        for child in self.children:
            if isinstance(child, Terminal):
                child.close()
            else:
                child.stdout.close()
                child.stderr.close()

    def ps(self) -> dict[str, dict]:
        """What runs, by name."""
        return {entry["name"]: entry for entry in json.loads(self.devboot("ps", "--json").stdout)["processes"]}

    def url(self, process: str, path: str = "/") -> str:
        """An address of a process, with what `ps` says of its port."""
        return f"http://{self.ps()[process]['address']}{path}"

    def processes(self) -> list[str]:
        """Command lines of everything that carries the marker and is alive."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                environ = Path(f"/proc/{pid}/environ").read_bytes()
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if self.marker.encode() in environ and state != "Z":
                found.append(f"{pid} {line}")
        return found

    def left(self) -> list[str]:
        """What stays of these: a daemon in waiting, or a guardian, sees the end of its command a moment later."""
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.processes())
        return self.processes()


def fetch(url: str, *, post: dict[str, str] | None = None) -> str:
    """The body at `url`; an error of HTTP fails the test."""
    data = None if post is None else urllib.parse.urlencode(post).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=60) as answer:
        return answer.read().decode()


def eventually(condition, limit: float = 90.0):
    """What `condition` returns as soon as it is true; the test fails after `limit` seconds."""
    return wait_until(condition, seconds=limit)


@pytest.hookimpl(tryfirst=True)  # before xdist writes the groups down
def pytest_collection_modifyitems(items):
    """Let tests take turns (`--dist loadgroup`) whose projects listen on the usual ports: each has an empty home."""
    here = f"{Path(__file__).parent}{os.sep}"
    for item in items:
        if str(item.path).startswith(here) and _has_usual_ports(item):
            item.add_marker(pytest.mark.xdist_group("projects"))


def _has_usual_ports(item) -> bool:
    """Whether a test starts something other than the project `counter`, and isn't marked `own_ports`."""
    if item.get_closest_marker("own_ports"):
        return False
    own = inspect.signature(item.function).parameters
    is_counter = bool({"counter", "cold_counter"} & set(item.fixturenames)) and "machine" not in own
    return not is_counter and _starts_something(item.module)


@functools.cache
def _starts_something(module) -> bool:
    return bool(_STARTS.search(inspect.getsource(module)))


@pytest.fixture(scope="session")
def download_cache(tmp_path_factory) -> Path:
    """What was downloaded once in a run of the suite, by any worker; UV_CACHE_DIR keeps it from run to run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return Path(os.environ.get("UV_CACHE_DIR") or shared / "uv-cache")


@pytest.fixture
def upstream():
    """A server of files, whose answers a test chooses."""
    server = FaultServer()
    yield server
    server.close()


@pytest.fixture
def tmp_path(request, tmp_path_factory):
    """A short path whatever the test is called, so that no project has its sockets where those of others are."""
    failed, folder = request.session.testsfailed, tmp_path_factory.mktemp("t")
    yield folder
    if failed == request.session.testsfailed:
        remove_tree(str(folder))


@pytest.fixture
def machine(tmp_path, download_cache):
    """Make a machine with a copy of one of the projects: `machine("guestbook")`."""
    made: list[Machine] = []

    def make(project: str | Path, *, manifest: bool = False, ignored: tuple[str, ...] = ()) -> Machine:
        source = PROJECTS / project if isinstance(project, str) else project
        fresh = Machine(tmp_path, download_cache, source, ignored)
        if manifest:
            shutil.copy(source / "manifest.toml", fresh.root / "devboot.toml")
        made.append(fresh)
        return fresh

    yield make
    for each in made:
        each.devboot("down", code=None)
        left = each.left()
        for line in left:
            os.kill(int(line.split()[0]), 9)
        each.close()
        subprocess.run(["chmod", "-R", "u+w", str(tmp_path)], check=False)
        assert [] == left


def is_complete(here: Machine) -> Machine:
    """Give the project `counter` the package that it asks for, a later version of that, and ports that nobody has."""
    for version in ("1.0", "2.0"):
        write_wheel(str(here.root / "wheels"), "greeting", version)
    manifest = here.root / "devboot.toml"
    base = free_ports(2)  # the usual ones are everybody's, and each test has an empty home
    text = (PROJECTS / "counter/manifest.toml").read_text()
    text = text.replace("[services.redis]\n", f"[services.redis]\nport = {base + 1}\n")
    manifest.write_text(text.replace("[env]\n", f'[env]\nPORT = "{base}"\n'))
    return here


@pytest.fixture(scope="session")
def redis_store(tmp_path_factory, download_cache) -> Path:
    """A data directory with Redis in its store; the one download of the tests that have it."""
    folder = tmp_path_factory.mktemp("store")
    here = is_complete(Machine(folder, download_cache, PROJECTS / "counter"))
    here.devboot("sync")
    yield folder / "devboot/data/store"
    remove_tree(str(folder / "devboot/data/store"))


@pytest.fixture
def cold_counter(machine) -> Machine:
    """The project `counter` with its manifest, on a machine that has nothing."""
    return is_complete(machine("counter"))


@pytest.fixture
def counter(cold_counter, redis_store) -> Machine:
    """The project `counter` on a machine that has Redis in its store: nothing has to be downloaded any more."""
    shutil.copytree(redis_store, Path(cold_counter.environ["DEVBOOT_HOME"], "data/store"), symlinks=True)
    return cold_counter
