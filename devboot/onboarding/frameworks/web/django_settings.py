"""Selects the settings module of a Django project for development."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from devboot.onboarding.frameworks.framework import Settings
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.layout import Application, module_name, own_modules
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import Run

PRODUCTION = re.compile(r"prod|production|staging|server|heroku|deploy|live|(?:^|_)aws(?:_|$)", re.IGNORECASE)
_IN_COMMAND = re.compile(r"(?<![\w-])(DJANGO_SETTINGS_MODULE=|--settings[= ])([A-Za-z_]\w*(?:\.\w+)*)")
NAMES_SETTINGS = re.compile(
    r"""DJANGO_SETTINGS_MODULE["']\s*(?:,|\]\s*=)\s*(?:[\w.]+\(\s*["']\w+["']\s*,\s*(?:default\s*=\s*)?)?["']([\w.]+)["']"""
)
_HOLDS_SETTINGS = re.compile(r"INSTALLED_APPS|DATABASES|from [\w.]*\.(?:base|common|settings)\w* import|ROOT_URLCONF")
LOCAL = ("local", "dev", "development", "settings_dev", "settings_local", "local_settings", "dev_settings")


def django_settings(tree: Tree, app: Application, hints: Mapping[str, str]) -> Settings:
    """Return the settings module for development: that in manage.py or `hints`, else by its name."""
    named, evidence = named_settings(tree, app.path)
    known = [name for name in (named, hints.get("DJANGO_SETTINGS_MODULE")) if name]
    for name in known:
        path = _module_path(tree, app, name)
        stem = name.rpartition(".")[2]
        if path and not PRODUCTION.search(stem) and _defines_settings(tree, path):
            variable = None if name == named and not _may_be_production(tree, app.path) else name
            return Settings(name, variable, evidence, named or "")
    candidate = _by_name(tree, app)
    if candidate:
        return Settings(candidate, candidate if candidate != named else None, evidence, named or "")
    module = known[0] if known and (_module_path(tree, app, known[0]) or _template(tree, app, known[0])) else ""
    return Settings(module, None, evidence, named or "")


def named_settings(tree: Tree, path: str) -> tuple[str | None, Evidence | None]:
    """Return the settings module named in manage.py, and its place; the module may not exist.

    Of several modules, those for tests and production are skipped.
    """
    text = tree.text(path) or ""
    found = list(NAMES_SETTINGS.finditer(text))
    if not found:
        return None, None
    match = next((each for each in found if not _is_for_another_stage(each[1])), found[0])
    return match[1], Evidence.at(path, match)


def with_settings(command: str, module: str) -> str:
    """Return a command with settings for production replaced by the settings `module`."""
    found = _IN_COMMAND.search(command)
    if not module or found is None or not PRODUCTION.search(found[2].rpartition(".")[2]):
        return command
    return f"{command[: found.start(2)]}{module}{command[found.end(2) :]}"


def _may_be_production(tree: Tree, path: str) -> bool:
    """Return whether manage.py uses settings for production under some condition."""
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


def _template(tree: Tree, app: Application, name: str) -> str:
    """Return the template of a settings module that the clone lacks; "" if there is none."""
    inner = f"{name.replace('.', '/')}.py"
    paths = (posixpath.normpath(posixpath.join(source, inner)) for source in app.sources)
    return next(filter(None, map(tree.template_of, paths)), "")


def _defines_settings(tree: Tree, path: str) -> bool:
    text = tree.text(path) or ""
    return bool(re.search(r"^[ \t]*(?:from\s|import\s|[A-Z_]+\s*[:=])", text, re.MULTILINE))


def _by_name(tree: Tree, app: Application) -> str | None:
    """Return a settings module whose name says that it is for development; None if there is none."""
    found: list[tuple[int, int, str]] = []
    for path in own_modules(tree):
        is_named_so = "setting" in path or posixpath.basename(path) in ("local.py", "dev.py", "development.py")
        name = module_name(path, app.sources) if is_named_so and tree.matches(path, _HOLDS_SETTINGS) else None
        stem = posixpath.basename(path.removesuffix("/__init__.py")).removesuffix(".py")
        if name is None or PRODUCTION.search(stem) or "test" in stem or stem == "ci":
            continue
        rank = LOCAL.index(stem) if stem in LOCAL else len(LOCAL) + (stem not in ("settings", "base", "common"))
        found.append((rank, path.count("/"), name))
    return min(found)[2] if found else None


# Applications of libraries that fail at import if one of these settings is None
_TEXTS = {"django_recaptcha": ("RECAPTCHA_PUBLIC_KEY", "RECAPTCHA_PRIVATE_KEY")}


def must_be_texts(run: Run) -> list[str]:
    """Return the names of Django settings that are None although an installed library requires texts."""
    names = [name for app, names in _TEXTS.items() if app in run.apps for name in names]
    return [name for name in names if name in run.names and run.names[name].data is None]
