"""Alembic: migrations found by alembic.ini; the task may have to replace the database URL in that file."""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from devboot.onboarding.frameworks.framework import Clone, Framework
from devboot.onboarding.frameworks.migrations.revisions import contradiction
from devboot.onboarding.proposal_values import Evidence, Note, Task
from devboot.onboarding.reading.layout import ASIDE, Application
from devboot.onboarding.reading.pins import held
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.paths import STATE_VARIABLE

_LONGEST = 32 * 1024  # characters of an alembic.ini: the parser is slow with many wrong lines
_URL = re.compile(r"^sqlalchemy\.url\s*=\s*([a-z]+(?:\+\w+)?)://\S", re.MULTILINE)
# A url whose host has a dot in its name, so it is neither this machine nor a container
_AWAY = re.compile(
    r"^sqlalchemy\.url\s*=\s*[a-z]+(?:\+\w+)?://(?:[^\s@/]*@)?([A-Za-z][\w-]*(?:\.[\w-]+)+)[:/]", re.MULTILINE
)
_LOCATION = re.compile(r"^script_location\s*=\s*(\S+)", re.MULTILINE)
_HERE = re.compile(r"^[^#;\n]*%\(here\)", re.MULTILINE)  # a copy of the file would resolve it to another folder
# Code in env.py that overrides the url in alembic.ini
_OVERRIDES = re.compile(
    r"sqlalchemy\.url[\"']\s*(?:,|\]\s*=)|create_(?:async_)?engine\(|get_url\(|DATABASE_UR[LI]", re.IGNORECASE
)
# Not the application's own: tests, examples, project templates
_OF_OTHERS = re.compile(r"(?:^|/)(?:tests?|examples?|docs?|templates)/|\{\{|\{%")
ELSEWHERE = re.compile(r"(?:^|/)tests?/|examples?/|\{\{|\{%")
_UPGRADES = re.compile(r"(?:alembic\.)?command\.upgrade\(|upgrade_database\(|run_migrations_on_start")
_STARTS = re.compile(r"init_db|main|app|startup|lifespan|database|db_")


class Alembic(Framework):
    """Proposes a task for migrations by Alembic."""

    name = "alembic"

    def tasks(self, clone: Clone, run: Run, databases: tuple[str, ...]) -> Sequence[Task]:  # noqa: ARG002 - its file says
        """Return a task for `upgrade head`; none if the application migrates itself or has no `env.py`."""
        tree, app = clone.tree, clone.app
        inis = [
            path for path in tree.files() if posixpath.basename(path) == "alembic.ini" and not ELSEWHERE.search(path)
        ]
        inis = sorted((path for path in inis if _has_scripts(tree, path)), key=lambda path: (path.count("/"), path))
        own = [p for p in inis if app.root == "." or p.startswith((app.root + "/", app.folder + "/"))] or inis
        if not own or _migrates_itself(tree):
            return ()
        ini = own[0]
        location, line = _script_location(tree.text(ini) or "")
        folder = posixpath.dirname(ini) or "."
        command, cwd = _command(tree, app, ini, location)
        version = held(tree, app.root, clone.python.requirements, "alembic")
        if version is not None and not version.is_since((1, 5)):  # older versions have no `alembic.__main__`
            command = command.replace("python -m alembic ", "python -m alembic.config ")
        location = location.replace(":", "/")
        base = folder if cwd == folder or "%(here)" in location else app.folder
        inner = location.replace("%(here)s/", "").replace("%(here)s", ".")
        scripts = posixpath.normpath(posixpath.join(base, inner))
        places = (scripts, *(posixpath.join(place, location) for place in (".", folder, app.folder)))
        if not any(tree.exists(posixpath.normpath(posixpath.join(place, "env.py"))) for place in places):
            return ()
        inputs = (posixpath.relpath(posixpath.join(scripts, "versions/*.py"), app.root),)
        here = posixpath.relpath(cwd, app.root)
        return [Task("migrate", command, here, inputs, depends_on=databases, evidence=Evidence(ini, line))]

    def notes(self, clone: Clone, tasks: Collection[Task], databases: Collection[str]) -> Sequence[Note]:  # noqa: ARG002 - the scripts say it
        """Return notes about migrations that fail on an empty database."""
        folders = [f"{posixpath.dirname(path)}/versions" for path in environments(clone.tree)]
        found = (contradiction(clone.tree, folder) for folder in folders)
        return [Note(f"migrations fail on an empty database: {each.text}", each.place) for each in found if each]


def _command(tree: Tree, app: Application, ini: str, location: str) -> tuple[str, str]:
    """Return Alembic's command, and the folder in which it finds its migrations."""
    folder = posixpath.dirname(ini) or "."
    # The program `alembic` imports the application's modules only with this line in its file; `python -m` always does.
    sees = re.search(r"^[ \t]*prepend_sys_path\s*=", tree.text(ini) or "", re.MULTILINE)
    program = "alembic" if sees else "python -m alembic"
    if folder == app.folder:
        return f"{program} upgrade head", folder
    is_beside = tree.is_folder(posixpath.normpath(posixpath.join(folder, location)))
    is_found = "%(here)" in location or ":" in location
    if is_beside and not is_found and not tree.is_folder(posixpath.normpath(posixpath.join(app.folder, location))):
        return f"{program} upgrade head", folder
    return f"{program} -c {posixpath.relpath(ini, app.folder)} upgrade head", app.folder


def _has_scripts(tree: Tree, ini: str) -> bool:
    """Return whether an alembic.ini names a folder of migrations; Flask-Migrate's file names none."""
    beside = posixpath.join(posixpath.dirname(ini), "pyproject.toml")
    text = tree.text(ini) or ""
    return bool(re.search(r"^[ \t]*script_location\s*[=:]", text, re.MULTILINE)) or "[tool.alembic]" in (
        tree.text(posixpath.normpath(beside)) or ""
    )


def _script_location(text: str) -> tuple[str, int]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text[:_LONGEST])
        location = parser.get("alembic", "script_location", fallback="alembic")
    except configparser.Error:
        location = "alembic"
    match = re.search(r"^[ \t]*script_location", text, re.MULTILINE)
    return location, text.count("\n", 0, match.start()) + 1 if match else 0


def _migrates_itself(tree: Tree) -> bool:
    """Return whether the application runs Alembic's migrations at its own start."""
    named = (
        path for path in tree.python_files() if not ASIDE.search(path) and _STARTS.search(posixpath.basename(path))
    )
    return any(tree.matches(path, _UPGRADES) for path in named)


def environments(tree: Tree) -> list[str]:
    """Return the paths of the env.py files of Alembic migrations, recognised by `script.py.mako` in the same folder."""
    found = [path for path in tree.python_files() if posixpath.basename(path) == "env.py"]
    return [
        path
        for path in found
        if tree.exists(posixpath.join(posixpath.dirname(path), "script.py.mako")) and not _OF_OTHERS.search(path)
    ]


def redirected(tree: Tree, app: Application, task: Task, probes: Mapping[str, str]) -> Task:
    """Return the task with the database URL taken from a variable, if alembic.ini has that of another server.

    Alembic reads the URL only from its file, so it gets a copy. `probes` has the values with which variables were
    tried, and the beginnings of those that recipes set: the one with the same driver as the file's URL is used.
    """
    path = task.evidence.path if task.evidence is not None else ""
    text = tree.text(path) or "" if posixpath.basename(path) == "alembic.ini" else ""
    named = _URL.search(text)
    variable = next((name for name, value in probes.items() if named and value.startswith(f"{named[1]}://")), None)
    if variable is None or _HERE.search(text) or _is_overridden(tree, path, text):
        return task
    folder = posixpath.normpath(posixpath.join(app.root, task.cwd))
    own = posixpath.relpath(path, folder)
    copy = f'"${STATE_VARIABLE}/alembic.ini"'
    # in awk's environment, since other users can see command-line arguments
    changed = f'/^sqlalchemy.url/ {{ $0 = "sqlalchemy.url = " ENVIRON["{variable}"] }} 1'
    makes = f"(umask 077 && awk '{changed}' {own} > {copy})"
    plain = task.run.replace(f" -c {own}", "")
    program = "alembic.config" if "alembic.config" in plain else "alembic"
    return replace(task, run=f"{makes} && {plain.replace(program, f'{program} -c {copy}', 1)}")


def _is_overridden(tree: Tree, path: str, text: str) -> bool:
    location = _LOCATION.search(text)
    scripts = posixpath.normpath(posixpath.join(posixpath.dirname(path), location[1] if location else "alembic"))
    return bool(_OVERRIDES.search(tree.text(posixpath.join(scripts, "env.py")) or "create_engine("))


def leads_elsewhere(tree: Tree, task: Task) -> Note | None:
    """Return a warning if alembic.ini has the URL of a database on another machine, which the task would migrate."""
    path = task.evidence.path if task.evidence is not None else ""
    text = tree.text(path) or "" if posixpath.basename(path) == "alembic.ini" else ""
    named = _AWAY.search(text)
    if named is None or STATE_VARIABLE in task.run or _is_overridden(tree, path, text):
        return None
    place = Evidence(path, text.count("\n", 0, named.start()) + 1)
    text = f"`{task.run}` is left out: it would change the database of {named[1]}"
    return Note(f"{text}; to run it, read the address from a variable", place, warns=True)
