"""Once-steps that must have run before the processes: migrations."""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Iterable, Mapping

from devboot.onboarding.frameworks.alembic import environments
from devboot.onboarding.frameworks.flask import flask_name
from devboot.onboarding.frameworks.tables import tables_task
from devboot.onboarding.proposal_values import Evidence, Task
from devboot.onboarding.reading.layout import ASIDE, Application, cwd_of
from devboot.onboarding.reading.pins import Held, held
from devboot.onboarding.reading.procfile import Procfile
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.settings import Run

MIGRATES = re.compile(r"migrate|db upgrade|alembic\b.*upgrade|aerich|release-tasks|manage\.py\s+\w*migrat")
_TELLS_ALEMBIC = ("AlembicAsyncConfig(", "AlembicSyncConfig(")
_MIGRATE_COMMAND = re.compile(r"""add_command\(\s*["']db["']\s*,\s*MigrateCommand""")
_MIGRATE = re.compile(r"\bMigrate\(|\bmigrate\.init_app\(")
# What lies here isn't the application's: tests, examples, and what projects are made from
_ELSEWHERE = re.compile(r"(?:^|/)tests?/|examples?/|\{\{|\{%")


def find_tasks(
    tree: Tree,
    app: Application,
    run: Run,
    procfile: Procfile | None,
    databases: tuple[str, ...],
    packages: Mapping[str, str],
    lists: Iterable[str] = (),
) -> list[Task]:
    """The migration, unless the Procfile's `release:` is it; `lists` are the files that hold the packages."""
    if procfile is not None and procfile.release is not None and _release_migrates(tree, app, procfile.release.command):
        return []
    found = _django(app, run, databases) if app.framework == "django" else None
    found = (
        found
        or _flask_migrate(tree, app, packages, databases)
        or _litestar(tree, app, packages, databases)
        or _alembic(tree, app, databases, held(tree, app.root, lists, "alembic"))
        or _aerich(tree, app)
        or tables_task(tree, app, databases)
    )
    return [found] if found else []


def _release_migrates(tree: Tree, app: Application, command: str) -> bool:
    if MIGRATES.search(command):
        return True
    for word in command.split():
        text = (
            tree.text(posixpath.normpath(posixpath.join(app.root, word)))
            if "/" in word or word.endswith((".sh", ".py"))
            else None
        )
        if text and MIGRATES.search(text):
            return True
    return False


def _django(app: Application, run: Run, databases: tuple[str, ...]) -> Task | None:
    value = run.names.get("DATABASES")
    if "INSTALLED_APPS" not in run.names:
        value = None  # settings that can't be followed
    # Without DATABASES migrate itself would fail; where they come from a variable that isn't set yet, it will be
    if ("DATABASES" not in run.names and "INSTALLED_APPS" in run.names) or (
        value is not None and value.data == {} and not value.reads
    ):
        return None
    script = posixpath.basename(app.path)
    inputs = ("**/migrations/*.py",) if cwd_of(app) == "." else (f"{cwd_of(app)}/**/migrations/*.py",)
    return Task(
        "migrate",
        f"python {script} migrate --noinput",
        cwd_of(app),
        inputs,
        depends_on=databases,
        evidence=app.evidence,
    )


def _flask_migrate(
    tree: Tree, app: Application, packages: Mapping[str, str], databases: tuple[str, ...]
) -> Task | None:
    if app.framework != "flask" or not {"flask-migrate", "flask-alembic"} & set(packages):
        return None
    env = next(
        (p for p in tree.files() if p.endswith("migrations/env.py") and not re.search(r"(?:^|/)tests?/", p)), None
    )
    if env is None:
        return None
    folder = posixpath.dirname(env)
    name = flask_name(tree, app)
    option = f"--app {name} " if name else ""
    directory = posixpath.relpath(folder, app.folder)
    where = "" if directory == "migrations" else f" -d {directory}"
    inputs = (posixpath.relpath(folder, app.root) + "/versions/*.py",)
    script = _script_that_migrates(tree)
    program = f"python {posixpath.relpath(script, app.folder)}" if script else f"flask {option}".rstrip()
    return Task(
        "migrate", f"{program} db upgrade{where}", cwd_of(app), inputs, depends_on=databases, evidence=Evidence(env)
    )


def _litestar(tree: Tree, app: Application, packages: Mapping[str, str], databases: tuple[str, ...]) -> Task | None:
    """The command that Litestar's plugin of SQLAlchemy adds to its own."""
    if app.framework != "litestar" or "advanced-alchemy" not in packages:
        return None
    ours = [path for path in tree.python_files() if not _ELSEWHERE.search(path)]
    env = next(iter(environments(tree)), None)
    if env is None or not any(tree.mentions(path, _TELLS_ALEMBIC) for path in ours):
        return None
    target = f"{app.entry}:{app.target.removesuffix('()')}"
    inputs = (posixpath.relpath(posixpath.dirname(env), app.root) + "/versions/*.py",)
    run = f"litestar --app {target} database upgrade --no-prompt"
    return Task("migrate", run, cwd_of(app), inputs, depends_on=databases, evidence=Evidence(env))


def _script_that_migrates(tree: Tree) -> str:
    """A script of the project's own that alone knows the migrations, in the manner of Flask-Script; empty for none."""
    ours = [path for path in tree.python_files() if not ASIDE.search(path)]
    scripts = [path for path in ours if tree.matches(path, _MIGRATE_COMMAND)]
    elsewhere = any(tree.matches(path, _MIGRATE) for path in ours if path not in scripts)
    return "" if elsewhere or not scripts else min(scripts, key=lambda path: (path.count("/"), path))


def _alembic(tree: Tree, app: Application, databases: tuple[str, ...], version: Held | None) -> Task | None:
    inis = sorted(
        (
            p
            for p in tree.files()
            if posixpath.basename(p) == "alembic.ini" and not _ELSEWHERE.search(p) and _has_scripts(tree, p)
        ),
        key=lambda p: (p.count("/"), p),
    )
    own = [p for p in inis if app.root == "." or p.startswith((app.root + "/", app.folder + "/"))] or inis
    if not own or _migrates_itself(tree):
        return None
    ini = own[0]
    location, line = _script_location(tree.text(ini) or "")
    folder = posixpath.dirname(ini) or "."
    command, cwd = _alembic_command(tree, app, ini, location)
    if version is not None and not version.is_since((1, 5)):  # as a module it can't be run yet, but a part of it can
        command = command.replace("python -m alembic ", "python -m alembic.config ")
    location = location.replace(":", "/")
    scripts = posixpath.normpath(
        posixpath.join(
            folder if cwd == folder or "%(here)" in location else app.folder,
            location.replace("%(here)s/", "").replace("%(here)s", "."),
        )
    )
    places = (scripts, *(posixpath.join(place, location) for place in (".", folder, app.folder)))
    if not any(tree.exists(posixpath.normpath(posixpath.join(place, "env.py"))) for place in places):
        return None  # its scripts aren't in the clone
    inputs = (posixpath.relpath(posixpath.join(scripts, "versions/*.py"), app.root),)
    return Task(
        "migrate", command, posixpath.relpath(cwd, app.root), inputs, depends_on=databases, evidence=Evidence(ini, line)
    )


def _alembic_command(tree: Tree, app: Application, ini: str, location: str) -> tuple[str, str]:
    """The command and the folder from which the scripts are found."""
    folder = posixpath.dirname(ini) or "."
    # The plain program doesn't see the application's modules; only this line of its file, or `-m`, makes it look here.
    sees = re.search(r"^\s*prepend_sys_path\s*=", tree.text(ini) or "", re.MULTILINE)
    program = "alembic" if sees else "python -m alembic"
    if folder == app.folder:
        return f"{program} upgrade head", folder
    named = f"{program} -c {posixpath.relpath(ini, app.folder)} upgrade head"
    if (
        "%(here)" in location
        or ":" in location
        or tree.is_folder(posixpath.normpath(posixpath.join(app.folder, location)))
    ):
        return named, app.folder
    if tree.is_folder(posixpath.normpath(posixpath.join(folder, location))):
        return f"{program} upgrade head", folder
    return named, app.folder


def _has_scripts(tree: Tree, ini: str) -> bool:
    """Whether Alembic would find its scripts by this file: that of Flask-Migrate leaves it to Flask."""
    beside = posixpath.join(posixpath.dirname(ini), "pyproject.toml")
    text = tree.text(ini) or ""
    return bool(re.search(r"^\s*script_location\s*[=:]", text, re.MULTILINE)) or "[tool.alembic]" in (
        tree.text(posixpath.normpath(beside)) or ""
    )


def _script_location(text: str) -> tuple[str, int]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
        location = parser.get("alembic", "script_location", fallback="alembic")
    except configparser.Error:
        location = "alembic"
    match = re.search(r"^\s*script_location", text, re.MULTILINE)
    return location, text.count("\n", 0, match.start()) + 1 if match else 0


def _migrates_itself(tree: Tree) -> bool:
    """Whether the application migrates when it starts."""
    pattern = re.compile(r"(?:alembic\.)?command\.upgrade\(|upgrade_database\(|run_migrations_on_start")
    for path in tree.python_files():
        if (
            not ASIDE.search(path)
            and re.search(r"init_db|main|app|startup|lifespan|database|db_", posixpath.basename(path))
            and pattern.search(tree.text(path) or "")
        ):
            return True
    return False


def _aerich(tree: Tree, app: Application) -> Task | None:
    path = posixpath.normpath(posixpath.join(app.root, "pyproject.toml"))
    text = tree.text(path) or ""
    match = re.search(r"^\[tool\.aerich\]", text, re.MULTILINE)
    if match is None:
        return None
    location = re.search(r'^location\s*=\s*"([^"]+)"', text[match.start() :], re.MULTILINE)
    folder = posixpath.normpath(posixpath.join(app.folder, location[1] if location else "migrations"))
    command = "aerich upgrade" if tree.is_folder(folder) else "aerich init-db"
    return Task(
        "migrate",
        command,
        cwd_of(app),
        (posixpath.relpath(folder, app.root) + "/**/*.py",),
        evidence=Evidence(path, text.count("\n", 0, match.start()) + 1),
    )
