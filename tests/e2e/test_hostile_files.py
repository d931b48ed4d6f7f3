"""A clone that has a named pipe, a socket or something else without an end where a file is expected."""

from __future__ import annotations

import functools
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.forked_commands import ForkedCommands
from tests.fakes.wheels import write_wheel

pytestmark = pytest.mark.own_ports

LIMIT = 60.0  # seconds after which a command counts as hanging
PYTHON = ".".join(map(str, sys.version_info[:2]))

WRITTEN = {
    "devboot.toml": """\
[databases.default]
path = "db.sqlite3"
migrations = "migrations/*.sql"
seed = "seed.sql"
[tasks.assets]
run = "true"
inputs = ["assets/*.txt"]
before = ["processes"]
[processes.web]
command = "sh start.sh"
[processes.worker]
command = "npm run work"
watch = ["*.py"]
[processes.serve]
command = "uwsgi --ini uwsgi.ini"
[env]
NAME = { required = true }
""",
    "Procfile": "tick: sleep 100\n",
    ".env": "NAME=1\n",
    ".env.local": "B=1\n",
    ".overmind.env": "OVERMIND_FORMATION=tick=1\n",
    ".gitignore": "*.log\n",
    "assets/a.txt": "x",
    "start.sh": "exec sleep 100\n",
    "uwsgi.ini": "[uwsgi]\n",
    "package.json": '{"scripts": {"work": "node work.js"}}',
    "work.js": "",
    ".npmrc": "a=b\n",
    "migrations/0001.sql": "CREATE TABLE a (b);",
    "seed.sql": "INSERT INTO a VALUES (1);",
    "runtime.txt": f"python-{PYTHON}\n",
    ".tool-versions": f"python {PYTHON}\n",
    ".python-version": f"{PYTHON}\n",
    "requirements.txt": "--no-index\n--find-links ./wheels\n-r more.txt\n-c limits.txt\n",
    "more.txt": "greeting\n",
    "limits.txt": "greeting<2\n",
    "pyproject.toml": "[tool.x]\na = 1\n",
    "uv.toml": "",
}
FOUND = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.settings')\n",
    "site_/__init__.py": "",
    "site_/settings.py": "import os\nDATABASES = {}\nREDIS = os.environ.get('REDIS_URL')\nINSTALLED_APPS = ['shop']\n",
    "site_/celery.py": "from celery import Celery\napp = Celery('site_')\n",
    "shop/models.py": "from django.db import models\n",
    "compose.yaml": "services:\n  web:\n    build: .\n    env_file: web.env\n    command: ./manage.py runserver\n",
    "Dockerfile": "FROM python\nCMD ./manage.py runserver\n",
    "web.env": "A=1\n",
    ".env.example": "A=1\n",
    ".envrc": "dotenv\n",
    "alembic.ini": "[alembic]\nscript_location = alembic\n",
    "alembic/env.py": "from alembic import context\n",
    "setup.py": "from setuptools import setup\nsetup(name='shop')\n",
    "setup.cfg": "[metadata]\nname = shop\n",
    "package.json": '{"scripts": {"dev": "vite"}}',
    "Makefile": "run:\n\t./manage.py runserver\n",
    "requirements.txt": "--no-index\n--find-links ./wheels\ngreeting\n",
    "README.md": "Run it.\n",
}
PYPROJECT = f"""\
[project]
name = "shop"
version = "1"
requires-python = ">={PYTHON}"
dependencies = []
"""
MANIFEST = {"devboot.toml": '[processes.web]\ncommand = "sleep 100"\n'}
LOCKED = {
    "uv": {
        "pyproject.toml": PYPROJECT + '[tool.uv.workspace]\nmembers = ["member"]\n[tool.uv]\npackage = false\n',
        "member/pyproject.toml": PYPROJECT.replace("shop", "member"),
        "uv.lock": f"""\
version = 1
revision = 3
requires-python = ">={PYTHON}"
[manifest]
members = ["member", "shop"]
[[package]]
name = "shop"
version = "1"
source = {{ virtual = "." }}
[[package]]
name = "member"
version = "1"
source = {{ virtual = "member" }}
""",
    },
    "pylock": {"pylock.toml": 'lock-version = "1.0"\ncreated-by = "hand"\npackages = []\n'},
    "poetry": {
        "pyproject.toml": '[tool.poetry]\nname = "shop"\npackage-mode = false\n'
        f'[tool.poetry.dependencies]\npython = "^{PYTHON}"\n',
        "poetry.lock": 'package = []\n[metadata]\nlock-version = "2.0"\ncontent-hash = "a"\n'
        f'python-versions = "^{PYTHON}"\n',
    },
    "pipenv": {
        "Pipfile": "[packages]\n",
        "Pipfile.lock": '{"_meta": {"pipfile-spec": 6, "requires": {}, "sources": []}, "default": {}, "develop": {}}',
    },
    "pipfile": {"Pipfile": "[packages]\n"},
    "pdm": {
        "pyproject.toml": PYPROJECT,
        "pdm.lock": '[metadata]\ngroups = ["default"]\nstrategy = ["inherit_metadata"]\nlock_version = "4.5.0"\n',
    },
    "pyproject": {
        "pyproject.toml": PYPROJECT + 'optional-dependencies = { more = ["greeting"] }\n[tool.uv]\nno-index = true\n'
        'find-links = ["wheels"]\n[tool.uv.sources]\ngreeting = { path = "local" }\n',
        "local/pyproject.toml": PYPROJECT.replace("shop", "greeting"),
    },
}
CLONES = {
    "written": WRITTEN,
    "found": FOUND,
    **{name: {**MANIFEST, **files} for name, files in LOCKED.items()},
}


def listening_socket(path: str) -> None:
    folder, name = os.path.split(path)
    before = os.getcwd()
    os.chdir(folder)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
    os.chdir(before)


def sparse(path: str) -> None:
    Path(path).touch()
    os.truncate(path, 1 << 30)


def unreadable(path: str) -> None:
    Path(path).write_text("x")
    os.chmod(path, 0)


KINDS: dict[str, Callable[[str], None]] = {
    "socket": listening_socket,
    "directory": os.mkdir,
    "endless": lambda path: os.symlink("/dev/zero", path),
    "loop": lambda path: os.symlink(path, path),
    "unreadable": unreadable,
    "large": sparse,
    "bytes": lambda path: Path(path).write_bytes(b"\xff\xfe\x00\xd8\x00"),
    "deep": lambda path: Path(path).write_text("a = " + "[" * 50_000),
    "deep json": lambda path: Path(path).write_text("[" * 50_000),
    "zeros": lambda path: Path(path).write_bytes(bytes(1000)),
}
TEXTS = {"bytes", "deep", "deep json", "unreadable", "zeros"}  # read, by root at least, and wrong in other ways
COMMANDS = (("up", "--dry-run"), ("sync",), ("lock",), ("init",), ("env",), ("doctor",), ("lock", "--check"), ("ps",))


def slugs(text: str) -> list[str]:
    return re.findall(r"error\[([\w/-]+)\]", text)


class Clone:
    """A clone with files, and the commands that are given in it."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.root = folder / "clone"
        self.aside = folder / "aside"
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        write_wheel(str(self.root / "wheels"), "greeting", "1.0")
        (folder / "run").mkdir(mode=0o700)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DEVBOOT_HOME": str(folder / "devboot"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "UV_CACHE_DIR": str(folder / "uv"),
            "UV_PYTHON": sys.executable,
            "DEVBOOT_OFFLINE": "1",
            "DEVBOOT_TEST": "1",
        }
        self.commands = ForkedCommands(self.environ)
        self.is_written = "devboot.toml" in files
        self.as_it_is: dict[tuple[str, ...], tuple[int, list[str]]] = {}  # each command's code and errors' slugs

    def files(self) -> set[str]:
        """The files of the clone that devboot didn't make."""
        found = {str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir()}
        return {name for name in found if not name.startswith((".venv", "db.sqlite3"))}

    def complaints(self, *words: str, named: str = "") -> Iterator[str]:
        """What is wrong with how a command ended."""
        ended = self.commands.run(self.root, *words, limit=LIMIT)
        self.forget_init(words)
        if ended.code is None:
            yield "hangs"
        elif ended.code == 70 or ended.code < 0 or "Traceback" in ended.err:
            yield f"is a bug: {ended.err[-300:]}"
        elif (ended.code, slugs(ended.err + ended.out)) == self.as_it_is.get(words):
            return
        elif ended.code and os.path.basename(named) not in ended.err + ended.out and words[0] not in ("init", "ps"):
            yield f"ends with {ended.code} and doesn't name the file: {ended.err[-300:]}"

    def forget_init(self, words: tuple[str, ...]) -> None:
        """Remove what `init` has written."""
        if words == ("init",) and not self.is_written and os.path.isfile(self.root / "devboot.toml"):
            os.unlink(self.root / "devboot.toml")

    def with_other(
        self, name: str, make: Callable[[str], None], *commands: tuple[str, ...], is_named: bool = True
    ) -> list[str]:
        """What is wrong with how commands end where `make` has put something else in the place of a file."""
        path = self.root / name
        there = os.path.lexists(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if there:
            os.rename(path, self.aside)
        try:
            make(str(path))
            return [
                f"{' '.join(words)} {complaint}"
                for words in commands
                for complaint in self.complaints(*words, named=name if is_named else "")
            ]
        finally:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            elif os.path.lexists(path):
                os.unlink(path)
            if there:
                os.rename(self.aside, path)

    def looked_for(self) -> set[str]:
        """Files of the clone, and what commands ask for where it isn't there."""
        opened = set()
        for words in COMMANDS:
            ended = self.commands.run(self.root, *words, limit=LIMIT)
            assert ended.code not in (None, 70), ended.err
            self.as_it_is[words] = (ended.code, slugs(ended.err + ended.out))
            opened |= set(ended.opened)
            self.forget_init(words)
        return {name for name in opened if not name.startswith(".venv") and ".tmp" not in name} | self.files()


@pytest.fixture
def clone(request, tmp_path):
    made = Clone(tmp_path, CLONES[request.param])
    yield made
    made.commands.close()


SHARES = {"written": 3, "found": 3}  # of the larger clones, so that no test takes long


@pytest.mark.faults(150, 151)
@pytest.mark.parametrize(
    ("clone", "share", "shares"),
    [(name, share, shares) for name in CLONES for shares in [SHARES.get(name, 1)] for share in range(shares)],
    indirect=["clone"],
)
def test_nothing_in_the_place_of_a_file_of_a_clone_hangs_a_command_or_is_a_bug(clone, share, shares):
    """A pipe stands for every file that commands look for, and one other kind; the kind moves on with each file."""
    names = sorted(clone.looked_for())
    kinds = sorted(KINDS)
    found = {}
    for number, name in [*enumerate(names)][share::shares]:
        is_env_file = name.startswith(".env") or name == ".overmind.env"  # of which a pipe is waited for
        wrong = clone.with_other(name, listening_socket if is_env_file else os.mkfifo, ("up", "--dry-run"), ("sync",))
        kind, command = kinds[number % len(kinds)], COMMANDS[number % len(COMMANDS)]
        wrong += [
            f"({kind}) {each}"
            for each in clone.with_other(name, KINDS[kind], ("sync",), command, is_named=kind not in TEXTS)
        ]
        if wrong:
            found[name] = wrong

    assert {} == found


# Writing


WRITING = (("sync",), ("lock",), ("init",))


def victims(folder: Path) -> dict[str, str]:
    """What lies outside of the clone, and what is in it."""
    return {str(path.relative_to(folder)): path.read_text() if path.is_file() else "" for path in folder.rglob("*")}


@pytest.mark.faults(152)
@pytest.mark.parametrize("clone", ["written", "found"], indirect=True)
def test_no_command_changes_what_a_link_in_the_place_of_a_written_file_leads_to(clone, tmp_path):
    """Every path below the clone that commands write, and each of its folders, is once a link that leads out."""
    written = set()
    for words in (*COMMANDS, ("sync",)):
        ended = clone.commands.run(clone.root, *words, limit=LIMIT)
        written |= {re.sub(r"\.\d+\.[0-9a-f]{8}\.tmp$", "", name) for name in ended.written}
        clone.forget_init(words)
    names = {str(folder) for name in written for folder in (Path(name), *Path(name).parents) if str(folder) != "."}
    assert ".venv" in names
    outside = tmp_path / "outside"
    found = {}
    for name in sorted(names):
        for kind in ("file", "folder") if name.startswith(".venv/") else ("file", "folder", "pipe", "nothing"):
            shutil.rmtree(outside, ignore_errors=True)
            (outside / "folder/bin").mkdir(parents=True)
            (outside / "folder/bin/python").write_text("precious")
            (outside / "file").write_text("precious")
            os.mkfifo(outside / "pipe")
            before = victims(outside)
            link = functools.partial(os.symlink, outside / kind)
            wrong = clone.with_other(name, link, *WRITING, is_named=False)
            wrong += [] if before == victims(outside) else ["what it leads to was changed"]
            if wrong:
                found[f"{name} -> {kind}"] = wrong

    assert {} == found
