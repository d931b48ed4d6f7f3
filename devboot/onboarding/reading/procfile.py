"""Reads the Procfile for development, and checks that its commands can run on a developer's machine."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, replace

from devboot.model.distributions import distributions_table
from devboot.model.project_files import overmind
from devboot.model.project_files.procfile import join_lines
from devboot.onboarding.proposal_values import Evidence, Note
from devboot.onboarding.reading.layout import Application, can_be_imported_from
from devboot.onboarding.reading.tree import Tree

LINE = re.compile(r"^([A-Za-z0-9_.-]+):\s*(.+)$")
LONGEST = 2_000  # characters; longer commands aren't analysed


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the Procfile; its command is "" if it is too long to analyse."""

    name: str
    command: str
    line: int


@dataclass(frozen=True, slots=True)
class Procfile:
    """The Procfile to use: path relative to the tree, lines by name."""

    path: str
    entries: dict[str, Entry]

    @property
    def release(self) -> Entry | None:
        """The `release` line, which becomes a task; None without one."""
        return self.entries.get("release")

    def processes(self) -> list[Entry]:
        """Return the lines that are processes."""
        return [entry for name, entry in self.entries.items() if name != "release"]


_MODULE = re.compile(r"(?:--app=)?([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(:[A-Za-z_][\w.]*(?:\(\))?)?")
# PowerShell expands `$PORT` in a text to nothing; `%PORT%` is for cmd.exe
_PORT_ELSEWHERE = re.compile(r"(?<=[:=\s])(?:\\?\$(?=\s|$)|\\\$PORT\b|%PORT%|\$env:PORT\b)")
_OPTIONS = re.compile(r"(?:^|_)(?:OPTS|OPTIONS|ARGS|ARGUMENTS|FLAGS)$")


def find_procfile(tree: Tree, root: str) -> Procfile | None:
    """Return the Procfile: the one named in `.overmind.env`, else Procfile.dev, else Procfile."""
    settings = overmind.settings_in((tree.text(posixpath.join(root, overmind.FILE)) or "").encode())
    for name in (*overmind.procfile_of(settings), "Procfile.dev", "Procfile"):
        path = posixpath.normpath(posixpath.join(root, name))
        if tree.exists(path):
            entries = parse_procfile(tree.text(path) or "")
            if entries:
                return Procfile(path, entries)
    return None


def with_procfile_above(tree: Tree, app: Application) -> Application:
    """Return the application with the manifest's folder moved up to a Procfile whose commands run the application."""
    place = app.root
    while place != "." and find_procfile(tree, place) is None:
        place = posixpath.dirname(place) or "."
        found = find_procfile(tree, place)
        inner = posixpath.relpath(app.root, place)
        names = rf"(?:^|[\s=/]){re.escape(inner)}(?:[/\s;&]|$)"
        if can_be_imported_from(tree, app.path, place):
            names += rf"|(?:^|\s){re.escape(inner.replace('/', '.'))}\."
        if found is not None and any(re.search(names, entry.command) for entry in found.processes()):
            return replace(app, root=place)
    return app


def parse_procfile(text: str) -> dict[str, Entry]:
    """Parse a Procfile into lines by name; the last line of a name counts."""
    found: dict[str, Entry] = {}
    for number, line in enumerate(join_lines(text).splitlines(), 1):
        match = LINE.match(line)
        if match:
            command = match[2].strip()
            found[match[1]] = Entry(match[1], command if len(command) <= LONGEST else "", number)
    return found


def program(command: str) -> str:
    """Return the program that a command starts, skipping assignments and `exec`."""
    try:
        words = shlex.split(command, posix=True)
    except ValueError:
        words = command.split()
    for word in words:
        if word in ("exec", "env", "nohup") or re.match(r"^[A-Za-z_]\w*=", word):
            continue
        return word
    return ""


def obstacles(tree: Tree, root: str, procfile: Procfile) -> list[tuple[Entry, str]]:
    """Return the processes that can't run or be supervised on a developer's machine, with the reason."""
    found: list[tuple[Entry, str]] = []
    for entry in procfile.processes():
        reason = _obstacle(tree, root, entry.command)
        if reason:
            found.append((entry, reason))
    return found


def _obstacle(tree: Tree, root: str, command: str) -> str | None:
    name = program(command)
    for word in (name, *re.findall(r"(?:^|\s)((?:\./)?(?:bin|scripts?)/[\w./-]+)", command)):
        if "/" in word and not word.startswith(("/", "$")):
            path = posixpath.normpath(posixpath.join(root, word))
            if not tree.exists(path) and not word.startswith((".venv/", "venv/", "node_modules/")):
                return f"`{word}` is not in the clone"
    if re.search(r"gunicorn\b.*\s--?(?:daemon|D)\b", command):
        return "`--daemon` would detach it"
    if name.rpartition("/")[2] in ("honcho", "foreman", "overmind", "supervisord"):
        return f"`{name}` is a process runner itself"
    if name.startswith("/"):
        return f"`{name}` is a path of another machine"
    return None


def missing_folder(tree: Tree, root: str, folder: str, command: str) -> bool:
    """Return whether a command run in the root needs `manage.py`, which is only in the application's folder."""
    match = re.search(r"(?:^|\s)(?:\./)?((?:[\w-]+/)*manage\.py)", command)
    if match is None or re.search(r"\bcd\s|--chdir", command):
        return False
    here = tree.exists(posixpath.normpath(posixpath.join(root, match[1])))
    return not here and tree.exists(posixpath.normpath(posixpath.join(folder, match[1])))


def is_imported_from(tree: Tree, root: str, folder: str, command: str) -> bool:
    """Return whether a server's module is in the application's folder, and not in the root."""
    words = command.split()
    if folder == root or re.search(r"\bcd\s|--chdir|--app-dir|--pythonpath|PYTHONPATH=", command):
        return False
    if program(command).rpartition("/")[2] not in distributions_table()["servers"]:
        return False
    modules = (match for word in words if (match := _MODULE.fullmatch(word)) is not None)
    return any(
        not _is_module(tree, root, each[1]) and _is_module(tree, folder, each[1])
        for each in modules
        if each[2] or "." in each[1]
    )


def _is_module(tree: Tree, folder: str, name: str) -> bool:
    inner = posixpath.normpath(posixpath.join(folder, name.replace(".", "/")))
    return tree.exists(f"{inner}.py") or tree.exists(f"{inner}/__init__.py")


def with_port(command: str) -> str:
    """Return a command with `$PORT` in place of another shell's notation, such as `%PORT%`."""
    return _PORT_ELSEWHERE.sub("$PORT", command)


def variables_in(command: str) -> list[str]:
    """Return the variables that a command needs: without default, not PORT, not set in the command itself.

    Options for a program (`java $JAVA_OPTS`) may be empty, so they don't count.
    """
    names = re.findall(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)(?![\w]*:?[-=?+])", re.sub(r"'[^']*'", "", command))
    own = set(re.findall(r"(?:^|[\s;&])([A-Za-z_]\w*)=", command))
    given = {"PORT", "HOME", "USER", "PWD", "PATH", "SHELL", "TMPDIR", "HOSTNAME", "RANDOM", "UID", "PYTHONPATH"}
    return [name for name in dict.fromkeys(names) if name not in own | given and not _OPTIONS.search(name)]


def env_files_in(command: str) -> list[str]:
    """Return the env files that a command reads: `env $(cat secrets.env)`, `source x.env`, `--env-file`."""
    found = re.findall(
        r"(?:\bcat|\bsource|(?:^|\s)\.|--env-file[= ]|\bdotenv\s+-[ef])\s*([\w./-]*\.?env[\w.-]*)", command
    )
    return [name for name in found if "venv" not in name]


def describe(procfile: Procfile, found: list[tuple[Entry, str]]) -> list[Note]:
    """Return notes about the Procfile's lines that can't run on this machine."""
    return [
        Note(f"Procfile `{entry.name}` can't run here: {reason}", Evidence(procfile.path, entry.line))
        for entry, reason in found
    ]
