"""Django: manage.py runs the server and migrations, and names the settings module."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from shlex import quote

from devboot.onboarding.frameworks.framework import Candidate, Clone, Framework, Settings
from devboot.onboarding.frameworks.web.django_settings import django_settings, with_settings
from devboot.onboarding.frameworks.web.django_switches import django_switches
from devboot.onboarding.proposal_values import Evidence, Process, Task, Variable
from devboot.onboarding.reading.layout import ASIDE, Application, cwd_of, manifest_folder, sources_of
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Code, Run
from devboot.onboarding.symbolic_eval.machine import Need

_RUNS = re.compile(r"execute_from_command_line|ManagementUtility")
_MODEL = re.compile(r"^class \w+\((?:\w+\.)*(?:Model|AbstractUser|AbstractBaseUser)\b", re.MULTILINE)
_MIGRATION = re.compile(r"(?:^|/)migrations/\d\w*\.py$")
_READS = re.compile(r"""^[^#\n]*\benviron\[["'](\w+)["']\](?!\s*=[^=])""", re.MULTILINE)
_VARIABLE = "DJANGO_SETTINGS_MODULE"
_CELERY = re.compile(r"\bcelery\s+(?:\S+\s+)*?(?:-A|--app)[ =]([\w.]+)")
_NAMES = re.compile(r"""DJANGO_SETTINGS_MODULE["'][^"']+["']([\w.]+)["']""")


class Django(Framework):
    """Recognises Django projects by their manage.py, and proposes runserver, which reloads code, and migrations."""

    name = "django"
    package = "django"
    port = 8000
    requires = (frozenset({"django"}),)
    databases = "DATABASES"
    is_found_by_place = True

    def applications(self, tree: Tree) -> Iterator[Candidate]:
        """Yield an application for each manage.py."""
        for path in tree.python_files():
            match = _RUNS.search(tree.text(path) or "") if posixpath.basename(path) == "manage.py" else None
            if match:
                folder = posixpath.dirname(path) or "."
                where = Evidence.at(path, match)
                root, sources = manifest_folder(tree, folder), sources_of(tree, folder)
                app = Application(self.name, folder, root, sources, "", "", path, where)
                yield Candidate((int(bool(ASIDE.search(path))), path.count("/"), path), app)

    def settings(self, tree: Tree, app: Application, hints: Mapping[str, str]) -> Settings:
        """Return the settings module for development, and the variable that selects it."""
        return django_settings(tree, app, hints)

    def web(self, clone: Clone) -> Process | None:
        """Return the process `web`, which runs `manage.py runserver`."""
        return Process("web", f"{manage(clone)} runserver 127.0.0.1:$PORT", cwd_of(clone.app), None, clone.app.evidence)

    def needs(self, clone: Clone) -> Sequence[Need]:
        """Return the variables that migrations read while they run."""
        paths = (
            path
            for path in clone.tree.python_files()
            if (found := _MIGRATION.search(path)) and not ASIDE.search(path[: found.start()])
        )
        return [need for path in paths for need in _read_by_migration(clone.tree, path)]

    def tasks(self, clone: Clone, run: Run, databases: tuple[str, ...]) -> Sequence[Task]:
        """Return the task `manage.py migrate`, which also creates tables of applications without migrations.

        There is no task without DATABASES, unless its value comes from a variable that isn't set yet, or the settings
        can't be followed.
        """
        value = run.names.get("DATABASES")
        if "INSTALLED_APPS" in run.names and (value is None or (value.data == {} and not value.reads)):
            return ()
        here = cwd_of(clone.app)
        inputs = (posixpath.normpath(posixpath.join(here, "**/migrations/*.py")),)
        lacks_folder, lacks_files = _without_migrations(clone, run)
        before = f"{manage(clone)} makemigrations --noinput && " if lacks_files else ""
        command = f"{before}{manage(clone)} migrate --noinput{' --run-syncdb' if lacks_folder else ''}"
        return [Task("migrate", command, here, inputs, depends_on=databases, evidence=clone.app.evidence)]

    def variables(self, clone: Clone, commands: Iterable[str]) -> Mapping[str, Variable]:
        """Return DJANGO_SETTINGS_MODULE if manage.py, a server or a worker would otherwise use other settings."""
        module, variable, evidence, _ = clone.settings
        lines = clone.procfile.processes() if clone.procfile else ()
        others = _takes_others(clone, (entry.command for entry in lines)) or _lacks_settings(clone, commands)
        if not variable and not others:
            return {}
        return {_VARIABLE: Variable(_VARIABLE, value=variable or module, evidence=evidence)}

    def for_development(self, clone: Clone, command: str) -> str:
        """Return the command with the settings for development, if it names settings for production."""
        return with_settings(command, clone.settings.module)

    def switches(self, clone: Clone, code: Code, base: Run) -> Sequence[Variable]:
        """Return variables such as DEBUG and ALLOWED_HOSTS, with values for development."""
        return django_switches(clone, code, base)


def _without_migrations(clone: Clone, run: Run) -> tuple[list[str], list[str]]:
    """Return folders of installed Django applications that have models but no migrations.

    The first list has those without a migrations package, the second those with an empty one.
    """
    names = {each.partition(".apps.")[0].rpartition(".")[2] for each in run.apps}
    lacks_folder: list[str] = []
    lacks_files: list[str] = []
    for path in clone.tree.python_files():
        folder, file = posixpath.split(path)
        if file != "models.py" or posixpath.basename(folder) not in names or ASIDE.search(path):
            continue
        if _MODEL.search(clone.tree.text(path) or ""):
            inner = clone.tree.in_folder(f"{folder}/migrations")
            numbered = [name for name in inner if name.endswith(".py") and name != "__init__.py"]
            if not numbered:
                (lacks_files if "__init__.py" in inner else lacks_folder).append(folder)
    return lacks_folder, lacks_files


def manage(clone: Clone) -> str:
    """Return the command that runs the clone's manage.py."""
    return f"python {quote(posixpath.basename(clone.app.path))}"


def _takes_others(clone: Clone, commands: Iterable[str]) -> bool:
    """Return whether a server that one of these commands starts loads other settings than manage.py."""
    for command in commands if clone.settings.module else ():
        match = re.search(r"([\w.]+)\.(?:wsgi|asgi)\b", command)
        if match is None or _VARIABLE in command:
            continue
        for kind in ("wsgi", "asgi"):
            inner = posixpath.join(match[1].replace(".", "/"), f"{kind}.py")
            path = posixpath.normpath(posixpath.join(clone.app.folder, inner))
            named = _NAMES.search(clone.tree.text(path) or "" if clone.tree.exists(path) else "")
            if named and named[1] != clone.settings.module:
                return True
    return False


def _lacks_settings(clone: Clone, commands: Iterable[str]) -> bool:
    """Return whether the Celery application in one of these commands doesn't name Django's settings."""
    for command in commands if clone.settings.module else ():
        named = _CELERY.search(command)
        inner = named[1].replace(".", "/") if named else ""
        for path in (f"{inner}/celery.py", f"{inner}.py", f"{inner}/__init__.py") if inner else ():
            text = clone.tree.text(posixpath.normpath(posixpath.join(clone.app.folder, path))) or ""
            if "django.conf" in text and "Celery(" in text:
                return _VARIABLE not in text
    return False


def _read_by_migration(tree: Tree, path: str) -> Iterator[Need]:
    """Yield the variables that a migration requires, without those for which it has a default."""
    text = tree.text(path) or ""
    if "KeyError" not in text:
        for match in _READS.finditer(text):
            if re.search(rf"""["']{match[1]}["']\s+(?:not\s+)?in\s+(?:os\.)?environ""", text):
                continue
            place = Evidence.at(path, match, 1)
            yield Need(match[1], place)
