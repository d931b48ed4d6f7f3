"""A small healthy project without network, and the ways in which one breaks it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from devboot import snapshot as snapshots
from devboot.app.commands.doctor import doctor
from devboot.app.commands.housekeeping.store import repair as repair_store
from devboot.app.commands.preparing.lock import lock
from devboot.app.commands.repairs import repair
from devboot.app.context import Context
from devboot.app.fast.data_check import is_plausible
from devboot.app.preparation.prepare import PrepareOptions, prepare
from devboot.app.preparation.project.load import load_project
from devboot.doctor.findings import Finding, Report
from devboot.doctor.fixing import steps_of
from devboot.environment.ports.loopback import is_free
from devboot.errors import DevbootError
from devboot.events import SilentReporter
from devboot.model.artifact import PLATFORMS
from devboot.model.process import Plan, plan_from_plain
from devboot.provision.objects.store import STAGING
from devboot.provision.objects.tree import remove_tree
from devboot.state.project import find_project
from devboot.text.modes import OutputOptions, StreamFacts
from tests.fakes.folders import data_folder, state_folder
from tests.fakes.wheels import write_wheel

MANIFEST = """
[project]
name = "shop"

[databases.main]
path = "db.sqlite3"
migrations = "migrations/*.sql"

[processes.web]
command = "python -m http.server"
"""
PYTHON = '\n[python]\npackages = ["shelf"]\n'


_WHEEL = "shelf-1.0-py3-none-any.whl"
_PROJECTS = {
    "Pipfile.lock": '[packages]\nshelf = "*"\n',
    "poetry.lock": '[tool.poetry]\nname = "shop"\nversion = "1"\n[tool.poetry.dependencies]\npython = ">=3.11"\n'
    'shelf = "1.0"\n',
    "uv.lock": '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["shelf"]\n',
}
_LOCKS = {
    "Pipfile.lock": '{"_meta": {"hash": {"sha256": ""}, "pipfile-spec": 6, "requires": {}, "sources": []},\n'
    '"default": {"shelf": {"hashes": ["DIGEST"], "version": "==1.0"}}, "develop": {}}\n',
    "poetry.lock": '[[package]]\nname = "shelf"\nversion = "1.0"\ndescription = ""\noptional = false\n'
    f'python-versions = "*"\ngroups = ["main"]\nfiles = [{{file = "{_WHEEL}", hash = "DIGEST"}}]\n\n'
    '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\ncontent-hash = "x"\n',
    "uv.lock": 'version = 1\nrevision = 2\nrequires-python = ">=3.11"\n\n[[package]]\nname = "shelf"\nversion = "1.0"\n'
    'source = { registry = "https://packages.invalid/simple" }\n'
    f'wheels = [{{ url = "https://packages.invalid/{_WHEEL}", hash = "DIGEST" }}]\n\n'
    '[[package]]\nname = "shop"\nversion = "1"\nsource = { virtual = "." }\n'
    'dependencies = [{ name = "shelf" }]\n',
}


_RECIPE = """
[package]
name = "toy"
description = "a toy"
[[source]]
kind = "wheel"
name = "toy"
bin = { toy = "toy/toy" }
[test]
"""


class Shop:
    """The project at `root`, with a package of a local wheel if `with_python`; devboot's own folders lie beside it.

    `is_there`: it was made before, by another process.
    """

    def __init__(
        self, folder: Path, cache: Path, *, with_python: bool = True, with_tool: bool = False, is_there: bool = False
    ) -> None:
        self.folder = folder
        self.root = folder / "shop"
        self.wheels = folder / "wheels"
        self.manifest = self.root / "devboot.toml"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "DEVBOOT_HOME": str(folder / "devboot"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "UV_CACHE_DIR": str(cache),
            "UV_FIND_LINKS": str(self.wheels),
            "UV_NO_INDEX": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        }
        if not is_there:
            self._make(with_python=with_python)
        if with_tool:
            self._add_tool()

    def _make(self, *, with_python: bool) -> None:
        (self.root / "migrations").mkdir(parents=True)
        self.manifest.write_text(MANIFEST + PYTHON * with_python)
        (self.root / "migrations/1.sql").write_text("create table book (title);")
        modules = {"shelf/__init__.py": "", "shelf/__main__.py": "print(1)\n", "shelf/deep/page.py": ""}
        self.digest = write_wheel(str(self.wheels), "shelf", "1.0", files=modules)
        for each in ("home", "run"):
            (self.folder / each).mkdir(mode=0o700)

    def _add_tool(self) -> None:
        """Declare a program of a recipe of the project's own, whose wheel is a script."""
        files = {"toy/toy": "#!/bin/sh\necho toy 1.0.0\n"}
        self.digest_of_tool = write_wheel(str(self.wheels), "toy", "1.0.0", files=files).removeprefix("sha256:")
        (wheel,) = self.wheels.glob("toy-*")
        row = {"source": "wheel", "name": "toy", "version": "1.0.0", "file": wheel.name, "sha256": self.digest_of_tool}
        lines = [f"{key} = {json.dumps(value)}" for key, value in row.items()] + [f"size = {wheel.stat().st_size}"]
        (self.root / "recipes/toy").mkdir(parents=True)
        (self.root / "recipes/toy/recipe.toml").write_text(_RECIPE)
        (self.root / "recipes/toy/versions.toml").write_text(
            "\n".join(
                ['[[version]]\nversion = "1.0.0"', *(f"[version.{each}]\n" + "\n".join(lines) for each in PLATFORMS)]
            )
        )
        self.add('[packages]\ntoy = "1.0.0"')

    @property
    def state(self) -> Path:
        """Where devboot keeps logs, leases and the like of the project."""
        return state_folder(self.root, self.folder / "devboot")

    @property
    def data(self) -> Path:
        """Where devboot keeps the project's data."""
        return data_folder(self.root, self.folder / "devboot")

    @property
    def packages(self) -> Path:
        """The folder of the virtualenv's packages."""
        return next(self.root.glob(".venv/lib/*/site-packages"))

    @property
    def database(self) -> Path:
        """The project's database."""
        return self.root / "db.sqlite3"

    def context(self, cwd: Path | None = None) -> Context:
        """Return the context of a command in the project."""
        nothing = {name: StreamFacts() for name in ("stdin", "stdout", "stderr")}
        return Context(
            cwd=str(cwd or self.root),
            environ=self.environ,
            **nothing,
            output=OutputOptions(),
            clock=time.monotonic,
            wall_clock=time.time,
            uid=os.getuid(),
            version="0.1.0",
        )

    def edit(self, old: str, new: str) -> None:
        """Replace a text in the manifest."""
        text = self.manifest.read_text()
        assert old in text
        self.manifest.write_text(text.replace(old, new))

    def add(self, text: str) -> None:
        """Append to the manifest."""
        self.manifest.write_text(f"{self.manifest.read_text()}\n{text}\n")

    def pin(self, lock: str) -> None:
        """Let another tool's lock pin the package instead of the manifest."""
        self.manifest.write_text(self.manifest.read_text().replace(PYTHON, ""))
        (self.root / "pyproject.toml").write_text(_PROJECTS[lock])
        if lock == "Pipfile.lock":
            (self.root / "pyproject.toml").rename(self.root / "Pipfile")
        (self.root / lock).write_text(_LOCKS[lock].replace("DIGEST", self.digest))

    def up(self, cwd: Path | None = None) -> str:
        """Do what `up` does before it starts a process; return the slug of its error, "" if it would start."""
        context = self.context(cwd)
        try:
            if not self._is_warm(context):
                prepare(context, PrepareOptions(), SilentReporter())
        except DevbootError as error:
            return error.slug
        return ""

    def _is_warm(self, context: Context) -> bool:
        """Return whether `up` would start at once, as the fast path decides."""
        project = find_project(context.cwd, context.environ)
        known = snapshots.read(f"{project.state}/{snapshots.NAME}")
        if known is None or not snapshots.is_fresh(known, project.root, self.environ):
            return False
        return all(is_free(port) for _, port, _ in known.ports) and is_plausible(
            known.data, snapshots.since(project.state)
        )

    def fix(self) -> list[str]:
        """Carry out what `doctor --fix -y` does, in this process; return the commands."""
        commands = []
        for step in steps_of(self.report()):
            commands.append(step.command)
            context = self.context()
            if step.is_repair:
                repair(step.use_case, step.arguments, time.time())
            elif step.words == ("store", "repair"):
                repair_store(context, (), SilentReporter())
            elif step.words[0] == "sync":
                assert step.words != ("sync",) or not self._is_warm(context)  # it would say that everything is there
                options = PrepareOptions(starts=False, is_forced="--force" in step.words)
                prepare(context, options, SilentReporter())
            else:
                assert step.words == ("lock",)
                lock(load_project(context.cwd, context.environ), context, SilentReporter())
        return commands

    def plan(self) -> Plan:
        """Return the plan of the last preparation."""
        return plan_from_plain(snapshots.read(f"{self.state}/{snapshots.NAME}").plan_plain)

    def report(self, cwd: Path | None = None) -> Report:
        """Return doctor's report."""
        return doctor(self.context(cwd))

    def findings(self, cwd: Path | None = None) -> list[Finding]:
        """Return doctor's findings, the first one first; a check that crashed fails the test."""
        report = self.report(cwd)
        assert [] == [(each.check.name, each.crash) for each in report.crashes]
        return [finding for _, finding in report.findings]


@contextmanager
def _nothing(_shop: Shop) -> Iterator[None]:
    yield


class Break(NamedTuple):
    """One way to break a project.

    `doctor` is the slug that doctor names first ("" for none), `up` that of `up`'s error, "" if `up` repairs it or
    isn't concerned. `held` holds something, a port or a lock, while both look. `fix` is the command of `doctor --fix`,
    after which all is well; "" is one that it doesn't have. `stays`: `up` starts in spite of it, and leaves it.
    """

    name: str
    apply: Callable[[Shop], object]
    doctor: str
    up: str = ""
    held: Callable[[Shop], object] = _nothing
    with_python: bool = False
    with_tool: bool = False
    fix: str = ""
    stays: bool = False


def _conflict(path: Path) -> None:
    text = path.read_text()
    path.write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> branch\n")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _fill(shop: Shop, *, rows: int = 100) -> None:
    with closing(sqlite3.connect(shop.database)) as database:
        database.executemany("insert into book values (?)", [("x" * 300,)] * rows)
        database.commit()


def damage_page(shop: Shop) -> None:
    """Overwrite a page in the middle, as a bad disk or an interrupted copy does; the header stays sound."""
    _fill(shop)
    assert shop.up() == ""
    content = bytearray(shop.database.read_bytes())
    content[8192:12288] = b"\xa5" * 4096
    shop.database.write_bytes(content)


def make_copy(shop: Shop) -> None:
    """A migration, before which `up` copies the database."""
    (shop.root / "migrations/2.sql").write_text("create table page (number);")
    assert shop.up() == ""
    assert list((shop.data / "backup").glob("main-*.sqlite3"))


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipfile(shop: Shop, lock: str) -> None:
    shop.edit(PYTHON, "")
    (shop.root / "Pipfile").write_text('[packages]\nshelf = "*"\n')
    (shop.root / "Pipfile.lock").write_text(lock)


def _poetry(shop: Shop, tag: str) -> None:
    digest = write_wheel(str(shop.wheels), "old", "1.0", tag=tag)
    shop.edit(PYTHON, "")
    (shop.root / "pyproject.toml").write_text(
        '[tool.poetry]\nname = "shop"\nversion = "1"\n[tool.poetry.dependencies]\npython = ">=3.6"\nold = "1.0"\n'
    )
    (shop.root / "poetry.lock").write_text(
        '[[package]]\nname = "old"\nversion = "1.0"\ndescription = ""\noptional = false\npython-versions = "*"\n'
        f'groups = ["main"]\nfiles = [{{file = "old-1.0-{tag}.whl", hash = "{digest}"}}]\n\n'
        '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.6"\ncontent-hash = "x"\n'
    )


def _other_interpreter(shop: Shop) -> None:
    for path in (shop.root / ".venv/bin").glob("python*"):
        path.unlink()
        path.symlink_to("/no/such/python")


def _copied_from_elsewhere(shop: Shop) -> None:
    venv, copy = shop.root / ".venv", shop.folder / "copy"
    shutil.copytree(venv, copy, symlinks=True)
    shutil.rmtree(venv)
    shutil.copytree(copy, venv, symlinks=True)
    record = venv / "devboot-venv.txt"
    record.write_text(record.read_text().replace(f"location {shop.root}", "location /elsewhere"))


def _failed_first_install(shop: Shop) -> None:
    """A first `up` that finds no package, in a place where none has ever worked."""
    shutil.rmtree(shop.folder / "devboot")
    shutil.rmtree(shop.root / ".venv")
    aside = shop.wheels.rename(shop.folder / "aside")
    environ, shop.environ = shop.environ, {**shop.environ, "UV_CACHE_DIR": str(shop.folder / "empty")}
    shop.wheels.mkdir()
    assert shop.up() != ""
    shop.environ = environ
    shop.wheels.rmdir()
    aside.rename(shop.wheels)


def _other_branch(shop: Shop) -> None:
    """The code has a migration that has been applied here before, but the database is an older copy."""
    older = shop.database.read_bytes()
    (shop.root / "migrations/2.sql").write_text("create table page (number);")
    assert shop.up() == ""
    shop.database.write_bytes(older)


def _pin_port(shop: Shop) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    shop.edit('server"\n', f'server"\nport = {listener.getsockname()[1]}\n')
    return listener


@contextmanager
def _hold_exclusively(shop: Shop) -> Iterator[None]:
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('begin exclusive')\n"
    code += "print(flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", code, str(shop.database)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()  # it has the lock
        yield
        holder.stdin.close()


def _damage_program(shop: Shop) -> None:
    """Change a byte of a program: as long as before, so that only a comparison of its bytes shows it."""
    program = next((shop.folder / "devboot/data/store").glob("*-toy-*/**/toy/toy"))
    program.chmod(0o700)
    program.write_bytes(program.read_bytes().replace(b"toy", b"tot"))
    program.chmod(0o555)


def _lose_program(shop: Shop) -> None:
    program = next((shop.folder / "devboot/data/store").glob("*-toy-*/**/toy/toy"))
    program.parent.chmod(0o700)
    program.unlink()
    program.parent.chmod(0o555)


def _without_platforms(shop: Shop) -> None:
    """Remove the rows of all platforms from the lock, as if the lock had been made where this one isn't served."""
    path = shop.root / "devboot.lock"
    path.write_text(path.read_text().partition("[package.")[0])


def _edit_lock(shop: Shop, old: str, new: str) -> None:
    path = shop.root / "devboot.lock"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _link_out(shop: Shop) -> None:
    (shop.folder / "outside").mkdir()
    shop.database.unlink()
    shop.database.symlink_to(shop.folder / "outside/db.sqlite3")
    with closing(sqlite3.connect(shop.folder / "outside/db.sqlite3")) as database:
        database.execute("create table book (title)")


def _leave_staging(shop: Shop) -> None:
    left = shop.folder / f"devboot/data/store/{STAGING}abcdefgh-toy-1.0.0"
    left.mkdir()
    (left / "part").write_bytes(b"x" * 2000)
    os.utime(left, (0.0, 0.0))


def _make_clone(shop: Shop, ignored: str) -> None:
    environ = {**shop.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "init", "-q", shop.root], check=True, env=environ)
    (shop.root / ".gitignore").write_text(ignored)


def _closed_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _old_completions(shop: Shop) -> None:
    path = shop.folder / "home/.zfunc/_devboot"
    path.parent.mkdir()
    path.write_text("#compdef devboot\n# Completion of devboot 0.0.9 for zsh\n")


def _set_clock_back(shop: Shop) -> None:
    """Give devboot's last work here a time that is still to come."""
    later = time.time() + 7200
    os.utime(shop.state / snapshots.NAME, (later, later))


BREAKS = (
    # packages and virtualenv
    Break(
        "a package's folder is gone, its metadata stays",
        lambda shop: shutil.rmtree(shop.packages / "shelf"),
        "python/damaged-package",
        with_python=True,
        fix="devboot sync --force",
    ),
    Break(
        "a file of a package is empty",
        lambda shop: (shop.packages / "shelf/__main__.py").write_text(""),
        "python/damaged-package",
        with_python=True,
        fix="devboot sync --force",
        stays=True,
    ),
    Break(
        "a package's metadata is gone",
        lambda shop: shutil.rmtree(shop.packages / "shelf-1.0.dist-info"),
        "python/drift",
        with_python=True,
        fix="devboot sync",
    ),
    Break(
        "a first install that failed",
        _failed_first_install,
        "python/not-installed",
        with_python=True,
        fix="devboot sync",
    ),
    Break("the virtualenv is gone", lambda shop: shutil.rmtree(shop.root / ".venv"), "", with_python=True),
    Break(
        "the virtualenv's record is damaged",
        lambda shop: (shop.root / ".venv/devboot-venv.txt").write_text("?"),
        "python/broken",
        with_python=True,
        fix="devboot sync",
    ),
    Break(
        "pyvenv.cfg is gone",
        lambda shop: (shop.root / ".venv/pyvenv.cfg").unlink(),
        "python/broken",
        with_python=True,
        fix="devboot sync",
    ),
    Break("the interpreter is gone", _other_interpreter, "python/base-gone", with_python=True, fix="devboot sync"),
    Break(
        "the virtualenv was copied from elsewhere",
        _copied_from_elsewhere,
        "python/broken",
        with_python=True,
        fix="devboot sync",
    ),
    Break(
        "a file in place of the virtualenv",
        lambda shop: (shutil.rmtree(shop.root / ".venv"), (shop.root / ".venv").write_text("")),
        "python/foreign-venv",
        "python/foreign-venv",
        with_python=True,
        fix="devboot sync --force",
    ),
    Break(
        "a folder in place of the virtualenv",
        lambda shop: (shutil.rmtree(shop.root / ".venv"), (shop.root / ".venv/notes").mkdir(parents=True)),
        "python/foreign-venv",
        "python/foreign-venv",
        with_python=True,
        fix="devboot sync --force",
    ),
    Break(
        "a conda environment in place of the virtualenv",
        lambda shop: (shutil.rmtree(shop.root / ".venv"), (shop.root / ".venv/conda-meta").mkdir(parents=True)),
        "python/foreign-venv",
        "python/foreign-venv",
        with_python=True,
        fix="devboot sync --force",
    ),
    Break(
        "a Python that isn't on this machine",
        lambda shop: shop.edit("[python]\n", '[python]\nversion = "3.4"\n'),
        "python/not-found",
        "python/not-found",
        with_python=True,
    ),
    Break(
        "pins that can't be installed on this machine's Python",
        lambda shop: _poetry(shop, "cp36-cp36m-manylinux1_x86_64"),
        "python/resolution",
        "python/resolution",
        with_python=True,
    ),
    # locks and lists
    Break(
        "a conflict in devboot.lock",
        lambda shop: _conflict(shop.root / "devboot.lock"),
        "lock/conflict",
        "lock/conflict",
        with_python=True,
        fix="devboot lock",
    ),
    Break(
        "devboot.lock is cut off",
        lambda shop: _cut(shop.root / "devboot.lock"),
        "lock/syntax",
        "lock/syntax",
        with_python=True,
        fix="devboot lock",
    ),
    Break(
        "devboot.lock of a later devboot",
        lambda shop: (shop.root / "devboot.lock").write_text("format = 99\n"),
        "lock/too-new",
        "lock/too-new",
        with_python=True,
    ),
    Break(
        "devboot.lock is older than the list",
        lambda shop: shop.edit('"shelf"', '"shelf>=1"'),
        "lock/stale",
        with_python=True,
        fix="devboot lock",
    ),
    Break("devboot.lock is gone", lambda shop: (shop.root / "devboot.lock").unlink(), "", with_python=True),
    Break(
        "a conflict in Pipfile.lock",
        lambda shop: _pipfile(shop, '{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> branch\n}'),
        "python/lock-unreadable",
        "python/lock-unreadable",
        with_python=True,
    ),
    Break(
        "a list of packages that isn't there",
        lambda shop: shop.edit('packages = ["shelf"]', 'requirements = ["gone.txt"]'),
        "python/no-requirements",
        "python/no-requirements",
        with_python=True,
    ),
    # manifest, variables, processes
    Break("a mistake in devboot.toml", lambda shop: shop.add("[env"), "manifest/syntax", "manifest/syntax"),
    Break(
        "an unknown recipe",
        lambda shop: shop.add("[services.nosuch]"),
        "manifest/no-such-recipe",
        "manifest/no-such-recipe",
    ),
    Break(
        "a reference to nothing",
        lambda shop: shop.add('[env]\nKEY = "${services.cache.url}"'),
        "manifest/unknown-name",
        "manifest/unknown-name",
    ),
    Break("a circle", lambda shop: shop.edit('server"', 'server"\ndepends_on = ["web"]'), *["manifest/cycle"] * 2),
    Break(
        "a command that doesn't resolve",
        lambda shop: shop.edit("python -m http.server", "flsk run"),
        "process/no-program",
        stays=True,
    ),
    Break(
        "a required variable without a value",
        lambda shop: shop.add("[env]\nKEY = { required = true }"),
        "env/missing",
        "env/missing",
    ),
    Break(
        "`.env` is missing, its template is there",
        lambda shop: (
            shop.add("[env]\nKEY = { required = true }"),
            (shop.root / ".env.example").write_text("KEY=1\n"),
        ),
        "env/missing",
        "env/missing",
        fix="cp .env.example .env",
    ),
    Break(
        "an env-file with a mistake",
        lambda shop: (shop.root / ".env").write_text('KEY="never closed\n'),
        "env/bad-line",
        "env/bad-line",
    ),
    Break(
        "a variable that is set twice",
        lambda shop: (shop.root / ".env").write_text("KEY=1\nKEY=2\n"),
        "env/duplicate",
        stays=True,
    ),
    Break(
        "a variable that is too long for a program",
        lambda shop: (shop.root / ".env").write_text(f"KEY={'x' * 200_000}\n"),
        "process/too-long",
        "process/too-long",
    ),
    Break(
        "a command of the manifest that is too long for a program",
        lambda shop: shop.add("[processes.long]\ncommand = 'true " + "x" * 200_000 + "'"),
        "process/too-long",
        "process/too-long",
    ),
    Break(
        "a line of the Procfile that starts nothing",
        lambda shop: (
            shop.manifest.unlink(),
            (shop.root / "Procfile").write_text("web: python3 -m http.server $PORT\nnothing at all\n"),
        ),
        "procfile/bad-line",
        stays=True,
    ),
    Break("a port pinned a moment ago and taken", lambda shop: None, "port/in-use", "port/in-use", held=_pin_port),
    # databases
    Break(
        "a database that isn't one",
        lambda shop: shop.database.write_bytes(b"garbage" * 1000),
        "sqlite/damaged",
        "sqlite/damaged",
    ),
    Break("a damaged page in a database", damage_page, "sqlite/damaged", "sqlite/damaged"),
    Break(
        "a database of 0 bytes that had content",
        lambda shop: shop.database.write_bytes(b""),
        "sqlite/damaged",
        "sqlite/damaged",
    ),
    Break("a database that is cut off", lambda shop: (_fill(shop), _cut(shop.database)), *["sqlite/damaged"] * 2),
    Break(
        "a folder in place of a database",
        lambda shop: _replace_by_folder(shop.database),
        "sqlite/damaged",
        "sqlite/damaged",
    ),
    Break(
        "a link to nothing in place of a database",
        lambda shop: (shop.database.unlink(), shop.database.symlink_to("gone")),
        "sqlite/damaged",
        "sqlite/damaged",
    ),
    Break("a database outside of the project", _link_out, "machine/leads-outside", "machine/leads-outside"),
    Break("a database that is gone", lambda shop: shop.database.unlink(), ""),
    Break("only the database is behind", _other_branch, "sqlite/pending-migrations", fix="devboot sync"),
    Break(
        "a migration that wasn't applied",
        lambda shop: (shop.root / "migrations/2.sql").write_text("create table page (number);"),
        "sqlite/pending-migrations",
        fix="devboot sync",
    ),
    Break(
        "the migrations are gone",
        lambda shop: shutil.rmtree(shop.root / "migrations"),
        "sqlite/no-migrations",
        "sqlite/no-migrations",
    ),
    Break(
        "a database that isn't one, and there is a copy",
        lambda shop: (make_copy(shop), shop.database.write_bytes(b"garbage" * 1000)),
        "sqlite/damaged",
        "sqlite/damaged",
        fix="devboot doctor --fix sqlite",
    ),
    Break(
        "a damaged page in a database, and there is a copy",
        lambda shop: (make_copy(shop), damage_page(shop)),
        "sqlite/damaged",
        "sqlite/damaged",
        fix="devboot doctor --fix sqlite",
    ),
    Break(
        "a database of 0 bytes that had content, and there is a copy",
        lambda shop: (make_copy(shop), shop.database.write_bytes(b"")),
        "sqlite/damaged",
        "sqlite/damaged",
        fix="devboot doctor --fix sqlite",
    ),
    Break(
        "a folder in place of a database, and there is a copy",
        lambda shop: (make_copy(shop), _replace_by_folder(shop.database)),
        "sqlite/damaged",
        "sqlite/damaged",
        fix="devboot doctor --fix sqlite",
    ),
    Break(
        "another program holds the database",
        lambda shop: (shop.root / "migrations/2.sql").write_text("create table page (number);"),
        "sqlite/locked",
        "sqlite/locked",
        held=_hold_exclusively,
    ),
    # programs of the store
    Break(
        "a program in the store is damaged",
        _damage_program,
        "store/modified",
        with_tool=True,
        fix="devboot store repair",
        stays=True,
    ),
    Break(
        "a program in the store is gone",
        _lose_program,
        "store/modified",
        stays=True,
        with_tool=True,
        fix="devboot store repair",
    ),
    Break("the store is gone", lambda shop: remove_tree(str(shop.folder / "devboot/data/store")), "", with_tool=True),
    Break(
        "a program that isn't there for this machine",
        _without_platforms,
        "lock/no-artifact",
        "lock/no-artifact",
        with_tool=True,
    ),
    Break(
        "another digest in devboot.lock than in the recipe",
        lambda shop: _edit_lock(shop, shop.digest_of_tool, "0" * 64),
        "lock/source-changed",
        "lock/source-changed",
        with_tool=True,
    ),
    Break(
        "a recipe of the project that is gone",
        lambda shop: shutil.rmtree(shop.root / "recipes"),
        "manifest/no-such-recipe",
        "manifest/no-such-recipe",
        with_tool=True,
    ),
    # devboot's own files
    Break("devboot's folders are gone", lambda shop: shutil.rmtree(shop.folder / "devboot"), ""),
    Break(
        "others may write in devboot's data",
        lambda shop: (shop.folder / "devboot/data").chmod(0o777),
        "machine/open-directory",
        stays=True,
        fix="chmod go-w {folder}/devboot/data",
    ),
    Break(
        "leftovers of a killed installation",
        _leave_staging,
        "store/leftovers",
        stays=True,
        with_tool=True,
        fix="devboot doctor --fix store",
    ),
    # what surrounds the project
    Break(
        "git doesn't ignore `.env`",
        lambda shop: (_make_clone(shop, "*.sqlite3\n"), (shop.root / ".env").write_text("KEY=1\n")),
        "git/not-ignored",
        stays=True,
        fix="echo /.env >> .gitignore",
    ),
    Break(
        "git doesn't ignore the database",
        lambda shop: _make_clone(shop, ".env"),
        "git/not-ignored",
        stays=True,
        fix="echo /db.sqlite3 >> .gitignore",
    ),
    Break(
        "a file of certificates that isn't there",
        lambda shop: shop.environ.update(SSL_CERT_FILE=str(shop.folder / "gone.pem")),
        "network/tls",
        stays=True,
    ),
    Break(
        "a proxy on this machine that has ended",
        lambda shop: shop.environ.update(https_proxy=_closed_address()),
        "network/proxy",
        stays=True,
    ),
    Break(
        "a proxy without a host",
        lambda shop: shop.environ.update(https_proxy="http://:3128"),
        "network/proxy",
        stays=True,
    ),
    Break(
        "the virtualenv of another project in the shell",
        lambda shop: shop.environ.update(VIRTUAL_ENV=str(shop.folder / "gone/.venv")),
        "shell/other-virtualenv",
        stays=True,
    ),
    Break(
        "a shell that another project has started",
        lambda shop: shop.environ.update(DEVBOOT_INSIDE=str(shop.folder / "other")),
        "shell/other-project",
        stays=True,
    ),
    Break("completions of another version", _old_completions, "shell/completions", stays=True),
    Break("the clock was set back", _set_clock_back, "machine/clock", stays=True),
    Break("the snapshot is damaged", lambda shop: (shop.state / "snapshot").write_bytes(b"?"), ""),
)
