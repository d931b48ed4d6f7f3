"""Which settings development uses, and what they are worth with a given set of variables."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from devboot.onboarding.alembic import environments
from devboot.onboarding.dotenv import Variable, parse_variables
from devboot.onboarding.evaluation import statements
from devboot.onboarding.evaluation.calls import bind
from devboot.onboarding.evaluation.machine import Findings, Machine
from devboot.onboarding.evaluation.raising import PERHAPS
from devboot.onboarding.evaluation.values import Function, Left, Module, Raised, Scope, Spent, Value, plain
from devboot.onboarding.layout import ASIDE, Application
from devboot.onboarding.libraries import words_of_calls
from devboot.onboarding.proposal import Evidence
from devboot.onboarding.tree import Tree

PRODUCTION = re.compile(r"prod|production|staging|server|heroku|deploy|live", re.IGNORECASE)
NAMES_SETTINGS = re.compile(
    r"""DJANGO_SETTINGS_MODULE["']\s*(?:,|\]\s*=)\s*(?:[\w.]+\(\s*["']\w+["']\s*,\s*(?:default\s*=\s*)?)?["']([\w.]+)["']"""
)
LOCAL = ("local", "dev", "development", "settings_dev", "settings_local", "local_settings", "dev_settings")
TEMPLATES = re.compile(
    r"^\.?(?:env|dev\.env|local\.env|dotenv|envs?)?[._-]?(?:example|sample|template|dist|defaults?)(?:[._-]env)?$"
    r"|^\.?env[._-](?:[\w.-]*[._-])?(?:example|sample|template|dist|default|tpl|tmpl)s?(?:[._-]\w+)?$"
    r"|^(?:example|sample|template)[._-]env$|^[\w-]*\.?env\.(?:example|sample|template|dist|tpl)$|^\.env-(?:dist|example|sample|template)$"
    r"|^(?:dev|development|local)\.env$|template\.env$|^\.env\.(?:dev|development|local)$|^\.flaskenv$",
    re.IGNORECASE,
)
ENV_FOLDERS = (
    ".envs/.local", "env", "envs", "config", "docker", "docker/config", "docker/env", "conf", "deploy",
    ".devcontainer",
)  # fmt: skip
# Code in functions that opens connections; only such functions are worth a look
CONNECTS = (
    "edis(", "redis.", "from_url(", "from_dsn(", "Celery(", "roker(", "Huey(", "RQ(", "create_engine(",
    "create_async_engine(", "sqlite3.connect(", "sqlite.connect(", "RedisSettings(", "RedisStorage", "init_app(",
    "beat_schedule", "broker_url", *words_of_calls(),
)  # fmt: skip
# Where a module has one of those, a function that calls one of these opens a connection
OPENS = (*CONNECTS, "connect(", "create_pool(", "Connection(", "Pool(", "Client(")
WORKERS = (
    "Celery(", "RedisBroker(", "WorkerSettings", "Huey(", "RabbitmqBroker(", "RedisSettings(", "ListQueueBroker(",
    "RedisStreamBroker(", "RQ(",
)  # fmt: skip


_CONNECTS_BY_NAME = re.compile(
    r"[Rr]edis|elery|roker|uey|\.conf|engine|sqlite|connect|[Cc]onnection|[Pp]ool|Client|Database|afka|lasticsearch"
)


@dataclass(slots=True)
class Run:
    """One evaluation of the application."""

    machine: Machine
    names: Mapping[str, Value]  # the settings: Django's module, Flask's configuration

    @property
    def found(self) -> Findings:
        """What was met on the way."""
        return self.machine.found

    def setting(self, name: str) -> object:
        """A setting as plain data; None where there is none."""
        value = self.names.get(name)
        return None if value is None else plain(value)


@dataclass(slots=True)
class Evaluator:
    """Evaluates the application again and again, with other variables set."""

    tree: Tree
    app: Application
    settings: str  # Django's settings module
    environ: dict[str, str]
    guesses: dict[str, str]
    focus: dict[str, str] = field(default_factory=dict)
    done: dict[tuple[tuple[str, str], ...], Run] = field(default_factory=dict)

    def run(self, extra: Mapping[str, str]) -> Run:
        """Follow the import of the application with these variables on top of those from env files."""
        return self._run(Machine(self.tree, self.app.sources, {**self.environ, **extra}, self.guesses))

    def again(self, extra: Mapping[str, str]) -> Run:
        """As `run`, but only through the modules that mattered in it."""
        key = tuple(sorted(extra.items()))
        if key not in self.done:
            machine = Machine(
                self.tree, self.app.sources, {**self.environ, **extra}, self.guesses, frozenset(self.focus)
            )
            self.done[key] = self._run(machine)
        return self.done[key]

    def _run(self, machine: Machine) -> Run:
        names: Mapping[str, Value] = machine.config
        try:
            if self.app.framework == "django":
                module = self._django(machine, thorough=machine.focus is None)
                names = module.names if module else {}
            elif self.app.entry:
                self._web(machine)
            for name in self.focus.values() if machine.focus is not None else ():
                machine.module(name)
            self._workers(machine)
            self._migrations(machine)
            make_cached_settings(machine)
            look_into_functions(machine)
        except (Spent, RecursionError):
            pass
        if machine.focus is None:
            self.focus = _focus(machine)
            self.done.clear()
        return Run(machine, names)

    def _django(self, machine: Machine, *, thorough: bool) -> Module | None:
        machine.settings_name = self.settings
        module = machine.django()
        if module is None:
            return None
        for name, value in list(module.names.items()):
            module.names[name] = machine.settle(value)
        if thorough:
            for name in _django_modules(module):
                machine.module(name)
        return module

    def _web(self, machine: Machine) -> None:
        module = machine.module(self.app.entry)
        if module is None:
            return
        machine.load(module)
        name = self.app.target.removesuffix("()")
        value = module.names.get(name)
        if value is not None and isinstance(value.data, Function):
            machine.call(value.data, (), {}, value.place)

    def _workers(self, machine: Machine) -> None:
        """Modules that workers start from are imported by nothing else."""
        for path in self.tree.python_files():
            if ASIDE.search(path) or not self.tree.mentions(path, WORKERS):
                continue
            name = module_name(path, self.app.sources)
            if name:
                machine.module(name)

    def _migrations(self, machine: Machine) -> None:
        """What Alembic runs before any migration."""
        for path in environments(self.tree):
            machine.load(Module(path, path))


def _focus(machine: Machine) -> dict[str, str]:
    """Files of modules that read variables, connect or configure, with the modules' names, in the order of running."""
    found = machine.found
    places = [read.place for read in found.reads.values()] + [need.place for need in found.needs.values()]
    places += [event.place for event in found.events if re.search(_CONNECTS_BY_NAME, event.name)]
    places += [value.place for value in machine.config.values()]
    paths = {place.path for place in places if place}
    if machine.settings is not None:
        paths.add(machine.settings.path)
    return {module.path: name for name, module in machine.modules.items() if module.path in paths}


def module_name(path: str, sources: tuple[str, ...]) -> str | None:
    """The name under which a file is imported; None outside the folders in which imports resolve."""
    for source in sources:
        prefix = "" if source == "." else source + "/"
        if path.startswith(prefix):
            inner = path[len(prefix) : -len(".py")].removesuffix("/__init__")
            if all(part.isidentifier() for part in inner.split("/")):
                return inner.replace("/", ".")
    return None


# Applications of libraries that refuse to be imported where a setting of theirs is there and None
_TEXTS = {"django_recaptcha": ("RECAPTCHA_PUBLIC_KEY", "RECAPTCHA_PRIVATE_KEY")}


def must_be_texts(run: Run) -> list[str]:
    """Django's settings that are None, which the library that reads them refuses."""
    apps = run.setting("INSTALLED_APPS")
    installed = apps if isinstance(apps, list | tuple) else ()
    names = [name for app, names in _TEXTS.items() if app in installed for name in names]
    return [name for name in names if name in run.names and run.names[name].data is None]


def _django_modules(settings: Module) -> list[str]:
    """Modules that Django imports at its start."""
    found: list[str] = []
    for key in ("ROOT_URLCONF", "WSGI_APPLICATION", "ASGI_APPLICATION"):
        value = settings.names.get(key)
        if value is not None and isinstance(value.data, str):
            found.append(value.data if key == "ROOT_URLCONF" else value.data.rpartition(".")[0])
    apps = settings.names.get("INSTALLED_APPS")
    for item in plain(apps) if apps is not None and isinstance(apps.data, list | tuple) else ():  # type: ignore[attr-defined]
        if isinstance(item, str):
            base = re.sub(r"\.apps\.\w+$", "", item)
            found += [
                f"{base}.apps",
                f"{base}.models",
                f"{base}.urls",
                f"{base}.views",
                f"{base}.tasks",
                f"{base}.signals",
            ]
    return found


def make_cached_settings(machine: Machine) -> None:
    """Call what makes the settings once, at the first request if not before: `@lru_cache def get_settings()`."""
    for module in list(machine.modules.values()):
        for value in list(module.names.values()):
            function = value.data
            if (
                not isinstance(function, Function)
                or function.node in machine.called
                or function.scope.module is not module
            ):
                continue
            if any("cache" in name for name in function.decorators) and _makes_settings(function):
                machine.call(function, (), {}, value.place)


def _makes_settings(function: Function) -> bool:
    body = [] if isinstance(function.node, ast.Lambda) else function.node.body
    returned = [node.value for node in body if isinstance(node, ast.Return)]
    return any(isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Settings") for node in returned)


def look_into_functions(machine: Machine) -> None:
    """Follow functions that nothing called yet and that open connections; what they read is never required."""
    for module in list(machine.modules.values()):
        if ASIDE.search(module.path) or not machine.tree.mentions(module.path, CONNECTS):
            continue
        machine.load(module)
        lines = (machine.tree.text(module.path) or "").splitlines()
        parsed = machine.tree.module(module.path)
        for node in ast.walk(parsed) if parsed else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node not in machine.called:
                body = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                if any(word in body for word in OPENS):
                    _try_function(machine, node, module)


def _try_function(machine: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, module: Module) -> None:
    outer = Scope(module, module.names)
    machine.called.add(node)
    machine.maybe += 1
    machine.reads_on = True
    machine.handlers.append(PERHAPS)
    try:
        names = bind(machine, Function(node, outer), (), {})
        statements.perhaps(machine, node.body, Scope(module, names, outer, "function"))
    except (Raised, Left, RecursionError):
        pass
    finally:
        machine.handlers.pop()
        machine.reads_on = False
        machine.maybe -= 1


# -- Django's settings module --------------------------------------------------------------------------------------


def django_settings(tree: Tree, app: Application, hints: Mapping[str, str]) -> tuple[str, str | None, Evidence | None]:
    """The settings module for development, what the variable must be set to (None: nothing), and the evidence."""
    named, evidence = named_settings(tree, app.path)
    known = [name for name in (named, hints.get("DJANGO_SETTINGS_MODULE")) if name]
    for name in known:
        path = _module_path(tree, app, name)
        stem = name.rpartition(".")[2]
        if path and not PRODUCTION.search(stem) and _defines_settings(tree, path):
            return name, None if name == named and not _may_be_production(tree, app.path) else name, evidence
    candidate = _by_name(tree, app)
    if candidate:
        return candidate, candidate if candidate != named else None, evidence
    return (known[0], None, evidence) if known and _module_path(tree, app, known[0]) else ("", None, evidence)


def named_settings(tree: Tree, path: str) -> tuple[str | None, Evidence | None]:
    """The settings module that manage.py names, whether the clone has it or not, and where.

    Of several, those for tests and for production are named for conditions that don't hold here.
    """
    text = tree.text(path) or ""
    found = list(NAMES_SETTINGS.finditer(text))
    if not found:
        return None, None
    match = next((each for each in found if not _is_for_another_stage(each[1])), found[0])
    return match[1], Evidence(path, text.count("\n", 0, match.start()) + 1)


def _may_be_production(tree: Tree, path: str) -> bool:
    """Whether manage.py takes settings for production where something is so or isn't."""
    found = [match[1].rpartition(".")[2] for match in NAMES_SETTINGS.finditer(tree.text(path) or "")]
    return any(map(PRODUCTION.search, found))


def _is_for_another_stage(module: str) -> bool:
    stem = module.rpartition(".")[2]
    return bool(PRODUCTION.search(stem) or re.search(r"(?:^|_)(?:tests?|testing|ci)(?:_|$)", stem))


def _module_path(tree: Tree, app: Application, name: str) -> str | None:
    inner = name.replace(".", "/")
    for source in app.sources:
        for path in (f"{inner}.py", f"{inner}/__init__.py"):
            full = posixpath.normpath(posixpath.join(source, path))
            if tree.exists(full):
                return full
    return None


def _defines_settings(tree: Tree, path: str) -> bool:
    text = tree.text(path) or ""
    return bool(re.search(r"^\s*(?:from\s|import\s|[A-Z_]+\s*[:=])", text, re.MULTILINE))


def _by_name(tree: Tree, app: Application) -> str | None:
    """A settings module for development, by its name."""
    found: list[tuple[int, int, str]] = []
    for path in tree.python_files():
        if ASIDE.search(path) or (
            "setting" not in path and posixpath.basename(path) not in ("local.py", "dev.py", "development.py")
        ):
            continue
        text = tree.text(path) or ""
        if not re.search(
            r"INSTALLED_APPS|DATABASES|from [\w.]*\.(?:base|common|settings)\w* import|ROOT_URLCONF", text
        ):
            continue
        name = module_name(path, app.sources)
        stem = posixpath.basename(path.removesuffix("/__init__.py")).removesuffix(".py")
        if name is None or PRODUCTION.search(stem) or "test" in stem or stem == "ci":
            continue
        rank = LOCAL.index(stem) if stem in LOCAL else len(LOCAL) + (stem not in ("settings", "base", "common"))
        found.append((rank, path.count("/"), name))
    return min(found)[2] if found else None


# -- env files -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EnvFiles:
    """Env files of the clone: those that count as they are, and templates."""

    committed: dict[str, Variable]
    examples: dict[str, Variable]
    committed_paths: tuple[str, ...]
    example_paths: tuple[str, ...]


def read_env_files(tree: Tree, folders: tuple[str, ...], extra: tuple[str, ...] = ()) -> EnvFiles:
    """Read `.env` and `.env.local` where they are committed, and every template beside them."""
    committed: dict[str, Variable] = {}
    examples: dict[str, Variable] = {}
    paths: list[str] = []
    templates: list[str] = []
    for folder in folders:
        for name in (".env", ".env.local"):
            path = posixpath.normpath(posixpath.join(folder, name))
            if path not in paths and tree.exists(path):
                paths.append(path)
                for variable in parse_variables(tree.text(path) or "", path).values():
                    committed.setdefault(variable.name, variable)
    for path in (*_templates(tree, folders), *extra):
        if path in templates or path in paths:
            continue
        templates.append(path)
        for variable in parse_variables(tree.text(path) or "", path).values():
            known = examples.get(variable.name)
            if known is None or (known.is_placeholder and not variable.is_placeholder):
                examples[variable.name] = variable
    return EnvFiles(committed, examples, tuple(paths), tuple(templates))


def _templates(tree: Tree, folders: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for folder in folders:
        inner = [posixpath.join(folder, name) for name in ENV_FOLDERS]
        for place in map(posixpath.normpath, (folder, *inner)):
            for name in tree.in_folder(place):
                local = place.endswith(".envs/.local")
                if TEMPLATES.search(name) or local:
                    found.append(posixpath.normpath(posixpath.join(place, name)))
    return [path for path in dict.fromkeys(found) if not re.search(r"prod|staging|test\b", posixpath.basename(path))]
