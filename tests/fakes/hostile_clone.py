"""A clone in which every file that something could run, or read settings from, leaves a mark when that happens."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

GIT_SETTINGS = """\
[core]
\trepositoryformatversion = 1
\tbare = false
\tfsmonitor = "{mark} fsmonitor; false"
\thooksPath = .githooks
\tpager = "{mark} pager; cat"
\teditor = "{mark} editor"
\tsshCommand = "{mark} ssh"
\taskPass = {script}
\tgitProxy = {script}
[diff]
\texternal = {script}
[diff "loud"]
\ttextconv = {script}
\tcommand = {script}
[filter "loud"]
\tclean = "{mark} clean; cat"
\tsmudge = "{mark} smudge; cat"
[credential]
\thelper = "!{mark} credential"
[alias]
\trev-parse = "!{mark} alias"
[gpg]
\tprogram = {script}
[log]
\tshowSignature = true
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = "ext::{script} %S"
\tpromisor = true
\tpartialclonefilter = blob:none
[protocol "ext"]
\tallow = always
"""

BACKEND = """\
import os
open(os.path.join({marks!r}, "backend"), "w").close()
def __getattr__(name):
    raise AttributeError(name)
"""

PROCFILE = """\
web: touch {marks}/procfile && sleep 100
worker: python worker.py
release: touch {marks}/release
"""

ENV_FILE = """\
FROM_FILE=$(touch {marks}/env-file)
BACKTICKS=`touch {marks}/env-file-backticks`
LD_PRELOAD={root}/evil.so
PYTHONSTARTUP={root}/sitecustomize.py
"""

MANIFEST = """\
[project]
name = "hostile"

[env]
EDITOR = "touch {marks}/editor"
SECRET_KEY = {{ generate = "token" }}

[databases.default]
path = "db.sqlite3"
migrations = "migrations/*.sql"

[tasks.migrate]
run = "touch {marks}/task"
before = ["processes"]

[processes.web]
ready = {{ exec = "touch {marks}/probe" }}

[processes.extra]
command = "touch {marks}/manifest-command"
"""

# With these names Python, pytest, uv, pip, node, direnv and make run or read what stands in a folder.
PYTHON_FILES = (
    *("setup.py", "sitecustomize.py", "usercustomize.py", "conftest.py", "manage.py", "wsgi.py", "app.py", "worker.py"),
    *("celery.py", "gunicorn.conf.py", "noxfile.py", "site.py", "json.py", "tomllib.py", "selectors.py", "uv.py"),
)
UV_SETTINGS = """\
cache-dir = "{root}/uv-cache"
python-install-mirror = "file://{root}/pythons"
index-url = "file://{root}/index"
"""


class HostileClone:
    """The clone at `root`; whatever of it is run leaves a file in `marks`, which lies outside."""

    def __init__(self, root: Path, marks: Path, *, manifest: bool = True, lock: str = "") -> None:
        self.root, self.marks = root, marks
        marks.mkdir(parents=True)
        root.mkdir(parents=True, exist_ok=True)
        self._write_python(lock)
        self._write_processes(manifest=manifest)
        self._write_git()

    @property
    def ran(self) -> list[str]:
        """What has left a mark."""
        return sorted(path.name for path in self.marks.iterdir())

    def _file(self, name: str, text: str, *, executable: bool = False) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if executable else 0o644)
        return path

    def _script(self, name: str) -> Path:
        mark = self.marks / name.replace("/", "-")
        return self._file(name, f"#!/bin/sh\ntouch '{mark}'\nexit 1\n", executable=True)

    def _write_python(self, lock: str) -> None:
        for name in PYTHON_FILES:
            mark = str(self.marks / name)
            self._file(name, f"open({mark!r}, 'w').close()\n")
        self._file("backend.py", BACKEND.format(marks=str(self.marks)))
        settings = UV_SETTINGS.format(root=self.root)
        self._file("uv.toml", settings)
        project = '[project]\nname = "hostile"\nversion = "1"\nrequires-python = ">=3.11"\ndynamic = ["dependencies"]\n'
        if lock == "uv.lock":
            project = project.replace('dynamic = ["dependencies"]\n', "")
            self._file("uv.lock", UV_LOCK)
        build = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        self._file("pyproject.toml", f"{project}{build}[tool.uv]\n{settings}")
        if lock != "uv.lock":
            self._file("requirements.txt", "-e .\n./packages/inner\n")
        self._file("packages/inner/setup.py", f"open({str(self.marks / 'inner-setup.py')!r}, 'w').close()\n")
        self._file("pip.conf", f"[global]\nfind-links = {self.root}/wheels\n")
        self._file(".python-version", f"{self.root}/bin/python3.12\n")
        for name in (
            "bin/python3.12",
            ".venv/bin/python",
            ".venv/bin/python3",
            ".venv/bin/uv",
            "node_modules/.bin/vite",
        ):
            self._script(name)
        self._file(".venv/pyvenv.cfg", f"home = {self.root}/bin\nversion_info = 3.12.1\nuv = 0.5\n")
        self._file(
            ".venv/lib/python3.12/site-packages/evil.pth", f"import os; open({str(self.marks / 'pth')!r}, 'w')\n"
        )

    def _write_processes(self, *, manifest: bool) -> None:
        values = {"marks": self.marks, "root": self.root}
        self._file("Procfile", PROCFILE.format(**values))
        for name in (".env", ".env.local", ".envrc", ".overmind.env"):
            self._file(name, ENV_FILE.format(**values))
        scripts = {name: f"touch {self.marks}/npm-{name}" for name in ("preinstall", "postinstall", "dev")}
        self._file("package.json", json.dumps({"scripts": scripts}))
        self._file("Makefile", f"all:\n\ttouch {self.marks}/make\n")
        self._file("migrations/1.sql", "CREATE TABLE t (a);\n")
        self._write_database("db.sqlite3")
        if manifest:
            self._file("devboot.toml", MANIFEST.format(**values))

    def _write_database(self, name: str) -> None:
        """A database with a write-ahead log, beside which SQLite would make a third file."""
        with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(f"{folder}/db")) as writer:
            writer.execute("PRAGMA journal_mode = wal")
            writer.execute("CREATE TABLE words (word TEXT)")
            for end in ("", "-wal"):
                shutil.copyfile(f"{folder}/db{end}", f"{self.root}/{name}{end}")

    def _write_git(self) -> None:
        def git(*words: str) -> str:
            identity = ("-c", "user.name=a", "-c", "user.email=a@example.test", "-c", "init.defaultBranch=main")
            environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
            done = subprocess.run(
                ["git", *identity, *words], cwd=self.root, env=environ, check=True, capture_output=True, text=True
            )
            return done.stdout.strip()

        git("init")
        self._file("devboot.lock", "format = 1\n")
        git("add", "-f", "devboot.lock", "Procfile")
        git("commit", "-m", "first")
        self._file("devboot.lock", "# second\nformat = 1\n")
        git("commit", "-a", "-m", "second")
        missing = git("rev-parse", "HEAD~1:devboot.lock")  # git would fetch it from the remote
        (self.root / ".git/objects" / missing[:2] / missing[2:]).unlink()
        script = self._script("git-program")
        for hook in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction", "fsmonitor-watchman"):
            self._script(f".githooks/{hook}")
            self._script(f".git/hooks/{hook}")
        self._file(".gitattributes", "* diff=loud filter=loud\n")
        mark = f"sh {self._marker()}"
        self._file(".git/config", GIT_SETTINGS.format(mark=mark, script=script))

    def _marker(self) -> Path:
        return self._file("git-mark", f'#!/bin/sh\ntouch "{self.marks}/git-$1"\n', executable=True)


UV_LOCK = """\
version = 1
revision = 2
requires-python = ">=3.11"

[[package]]
name = "hostile"
version = "1"
source = { editable = "." }
"""


def listing(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a folder with its kind, size, times, inode and content."""
    found: dict[str, tuple[object, ...]] = {}
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names, "."):
            path = Path(place, name)
            status = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            facts = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, content)
            found[str(path.relative_to(folder))] = facts
    return found
