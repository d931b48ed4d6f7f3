"""After any edit a warm command comes to what a fresh copy of the project comes to."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from itertools import pairwise

import pytest

from devboot import snapshot as snapshots
from devboot.app.context import Context
from devboot.app.fast.line_numbers import with_current_lines
from devboot.app.preparation.prepare import prepare_loaded
from devboot.app.preparation.project.load import load_project
from devboot.app.preparation.project.options import PrepareOptions
from devboot.environment.python.installed import list_installed
from devboot.errors import DevbootError
from devboot.events import SilentReporter
from devboot.model.process import plan_from_plain
from devboot.text.modes import OutputOptions, StreamFacts
from tests.fakes.wheels import write_wheel

MANIFEST = """
[env]
COLOUR = "red"
[env-files]
read = [".env", ".env.local"]
[tasks.load]
run = "cat data/*.sql data/*.log run.tmp"
inputs = ["data/*.sql", "data/*.log", "*.tmp", "fixtures/**/*.json", "seed.csv", "data/part-[0-9].txt"]
before = ["processes"]
"""
MINOR = f"3.{sys.version_info.minor}"


class Clone:
    """A project with the changes that people make; each is one method, and may come at any time and again."""

    def __init__(self, root):
        self.root = root
        self.count = 0
        self.write("Procfile", "web: bash start.sh\nworker: sleep 100\n")
        self.write("start.sh", "exec sleep 100\n")
        self.write("data/1.sql", "select 1;\n")

    def write(self, name, text):
        path = self.root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def remove(self, name):
        path = self.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def again(self, name, text):
        """Write another text of the same length, and set the time back."""
        self.count += 1
        self.write(name, text.format("ab"[self.count % 2]))
        os.utime(self.root / name, (1_000_000_000, 1_000_000_000))

    def swapped(self, name):
        """Put a folder in the place of a file."""
        self.remove(name)
        self.write(f"{name}/inside", "")

    def commented(self, name):
        """Put a comment and an empty line in front of a file's lines."""
        path = self.root / name
        if path.is_file():
            self.count += 1
            path.write_text(f"# {self.count}\n\n{path.read_text()}")

    def edited(self, name, text):
        self.count += 1
        self.write(name, text.format(self.count))


CHANGES = {
    "Procfile: command": lambda clone: clone.edited("Procfile", "web: bash start.sh\nworker: sleep {}\n"),
    "Procfile: process": lambda clone: clone.edited("Procfile", "web: bash start.sh\nworker: sleep 1\nmore: echo {}\n"),
    "Procfile: fewer": lambda clone: clone.write("Procfile", "web: bash start.sh\n"),
    "Procfile: comment": lambda clone: clone.commented("Procfile"),
    "Procfile: secret": lambda clone: clone.again("Procfile", "web: bash start.sh\nworker: echo {}\n"),
    "Procfile.dev": lambda clone: clone.edited("Procfile.dev", "web: bash start.sh\ncss: sleep {}\n"),
    "no Procfile.dev": lambda clone: clone.remove("Procfile.dev"),
    ".env": lambda clone: clone.edited(".env", "SIZE={}\n"),
    ".env: comment": lambda clone: clone.commented(".env"),
    ".env: secret": lambda clone: clone.again(".env", "SIZE={}\n"),
    "no .env": lambda clone: clone.remove(".env"),
    ".env.local": lambda clone: clone.edited(".env.local", "SHAPE={}\n"),
    "no .env.local": lambda clone: clone.remove(".env.local"),
    ".overmind.env": lambda clone: clone.write(".overmind.env", "OVERMIND_FORMATION=worker=2\n"),
    "no .overmind.env": lambda clone: clone.remove(".overmind.env"),
    "requirements.txt": lambda clone: clone.write("requirements.txt", "toya==1.0\n"),
    "requirements.txt: more": lambda clone: clone.write("requirements.txt", "toya==1.0\ntoyb==1.0\n"),
    "requirements.txt: secret": lambda clone: clone.again("requirements.txt", "toy{}==1.0\n"),
    "requirements.txt: include": lambda clone: clone.write("requirements.txt", "-r base.in\n"),
    "base.in": lambda clone: clone.again("base.in", "toy{}==1.0\n"),
    "no requirements.txt": lambda clone: clone.remove("requirements.txt"),
    "requirements-dev.txt": lambda clone: clone.again("requirements-dev.txt", "toy{}==1.0\n"),
    "no requirements-dev.txt": lambda clone: clone.remove("requirements-dev.txt"),
    "requirements/local.txt": lambda clone: clone.again("requirements/local.txt", "toy{}==1.0\n"),
    "no requirements/": lambda clone: clone.remove("requirements"),
    "pyproject.toml": lambda clone: clone.again("pyproject.toml", '[project]\nname = "x"\ndependencies = ["toy{}"]\n'),
    "no pyproject.toml": lambda clone: clone.remove("pyproject.toml"),
    ".python-version": lambda clone: clone.write(".python-version", f"{MINOR}\n"),
    "no .python-version": lambda clone: clone.remove(".python-version"),
    "runtime.txt": lambda clone: clone.write("runtime.txt", f"python-{MINOR}\n"),
    "data: sql": lambda clone: clone.edited("data/2.sql", "select {};\n"),
    "data: sql secret": lambda clone: clone.again("data/1.sql", "select '{}';\n"),
    "data: no sql": lambda clone: clone.remove("data/2.sql"),
    "data: log": lambda clone: clone.edited("data/a.log", "{}\n"),
    "data: no log": lambda clone: clone.remove("data/a.log"),
    "run.tmp": lambda clone: clone.edited("run.tmp", "{}\n"),
    "no run.tmp": lambda clone: clone.remove("run.tmp"),
    "deep fixture": lambda clone: clone.edited("fixtures/a/b/x.json", "{}\n"),
    "hidden fixture": lambda clone: clone.edited("fixtures/.c/x.json", "{}\n"),
    "no fixtures": lambda clone: clone.remove("fixtures"),
    "seed.csv": lambda clone: clone.edited("seed.csv", "{}\n"),
    "seed.csv: folder": lambda clone: clone.swapped("seed.csv"),
    "no seed.csv": lambda clone: clone.remove("seed.csv"),
    "part": lambda clone: clone.edited("data/part-7.txt", "{}\n"),
    "start.sh": lambda clone: clone.edited("start.sh", "exec sleep {}\n"),
    "start.sh: port": lambda clone: clone.write("start.sh", "exec python -m http.server $PORT\n"),
    "no start.sh": lambda clone: clone.remove("start.sh"),
    "devboot.toml": lambda clone: clone.edited("devboot.toml", MANIFEST.replace("red", "red-{}")),
    "devboot.toml: comment": lambda clone: clone.commented("devboot.toml"),
    "devboot.toml: secret": lambda clone: clone.again("devboot.toml", MANIFEST.replace("red", "red-{}")),
    "devboot.toml: process": lambda clone: clone.write("devboot.toml", MANIFEST + "[processes.own]\ncommand = 'a'\n"),
    "notes.md": lambda clone: clone.edited("notes.md", "{}\n"),
}  # fmt: skip


@pytest.fixture
def bench(tmp_path):
    """Two homes for devboot, and a project."""
    wheels = tmp_path / "wheels"
    for name in ("toya", "toyb"):
        write_wheel(str(wheels), name, "1.0")
    root = tmp_path / "shop"
    root.mkdir()
    return Bench(tmp_path, root, wheels)


class Bench:
    """Prepares the project warm, or as if it had just been cloned to the same place."""

    def __init__(self, folder, root, wheels):
        self.folder, self.root, self.wheels = folder, root, wheels
        self.number = 0

    def context(self, home):
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "DEVBOOT_HOME": str(home),
            "UV_FIND_LINKS": str(self.wheels),
            "UV_NO_INDEX": "1",
            "UV_CACHE_DIR": str(self.folder / "uv"),
            "UV_PYTHON_DOWNLOADS": "never",
        }
        nothing = StreamFacts()
        streams = {"stdin": nothing, "stdout": nothing, "stderr": nothing, "output": OutputOptions()}
        clocks = {"clock": time.monotonic, "wall_clock": time.time}
        return Context(cwd=str(self.root), environ=environ, **streams, **clocks, uid=os.getuid(), version="0")

    def warm(self):
        """What a warm command works with: the snapshot while it is fresh."""
        context = self.context(self.folder / "warm")
        try:
            state = load_project(context.cwd, context.environ).project.state
            known = snapshots.read(os.path.join(state, snapshots.NAME))
            if known is not None and snapshots.is_fresh(known, str(self.root), context.environ):
                return self.seen(with_current_lines(known))
        except DevbootError:
            pass
        return self.prepared(context)

    def cold(self):
        """What a fresh copy comes to."""
        self.number += 1
        aside = self.folder / "aside"
        aside.mkdir()
        mine = [name for name in (".venv", "devboot.lock") if (self.root / name).exists()]
        for name in mine:
            (self.root / name).rename(aside / name)
        try:
            return self.prepared(self.context(self.folder / f"cold-{self.number}"))
        finally:
            for name in (".venv", "devboot.lock"):
                path = self.root / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            for name in mine:
                (aside / name).rename(self.root / name)
            aside.rmdir()

    def prepared(self, context):
        try:
            loaded = load_project(context.cwd, context.environ)
            done = prepare_loaded(loaded, context, PrepareOptions(starts=False), SilentReporter())
        except DevbootError as error:
            return error.slug
        return self.seen(done.snapshot)

    def seen(self, snapshot):
        """What processes and tasks get; ports are chosen once, and stay. Each home has its own state folder."""
        venv = self.root / ".venv"
        has_venv = any(name == "VIRTUAL_ENV" for _, name, _ in snapshot.patch)
        packages = {name: each.version for name, each in list_installed(str(venv)).items()} if has_venv else {}
        plan = plan_from_plain(snapshot.plan_plain)
        keep = ("name", "kind", "command", "cwd", "gates", "depends_on", "script", "origin")
        processes = [
            [
                *(getattr(spec, key) if key != "ready" else spec.ready and spec.ready.kind for key in keep),
                spec.stamp[1:],
            ]
            for spec in plan.processes
        ]
        patch = [(kind, name, value.replace(plan.state, "STATE")) for kind, name, value in snapshot.patch]
        variables = [(name, source) for name, _, source, _ in snapshot.variables]
        return {
            "packages": packages,
            "processes": processes,
            "patch": patch,
            "tasks": snapshot.tasks,
            "variables": variables,
        }


def tree(root):
    """The files of a project with their content, without what devboot makes."""
    made = (".venv", "devboot.lock")
    paths = [path for path in root.rglob("*") if path.relative_to(root).parts[0] not in made]
    return {path: path.read_bytes() if path.is_file() else b"" for path in paths}


@pytest.mark.slow
@pytest.mark.faults(168)
@pytest.mark.parametrize("seed", [1, 2])
def test_after_any_change_in_any_order_warm_equals_cold(bench, seed):
    clone = Clone(bench.root)
    clone.write("devboot.toml", MANIFEST)
    names = sorted(CHANGES)
    random.Random(seed).shuffle(names)
    assert bench.warm() == bench.cold()
    came_to, trees = [], [tree(bench.root)]

    for position, name in enumerate(names):
        CHANGES[name](clone)
        trees.append(tree(bench.root))
        came_to.append(bench.warm())
        assert came_to[-1] == bench.cold(), f"after {names[: position + 1]}"

    # Most changes mean something, and few are mistakes: else this would compare nothing.
    assert sum(isinstance(each, str) for each in came_to) < len(names) / 3
    edits = sum(one != other for one, other in pairwise(trees))  # others take away what isn't there
    assert sum(one != other for one, other in pairwise(came_to)) > edits / 2
