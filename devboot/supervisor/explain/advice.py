"""Advice for the error of a failed process, from its last output; the command line adds it to the daemon's error.

It reads the project's files and the tables of known errors and packages, which the daemon, which may run for weeks,
should not keep in memory.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shlex
from itertools import pairwise
from typing import Any

from devboot.clone_reader import read_bytes
from devboot.errors import Evidence, WorkError
from devboot.files import list_names
from devboot.model.distributions import distributions
from devboot.model.nearest import nearest
from devboot.record import Record
from devboot.supervisor.explain.append_command import append_command
from devboot.supervisor.explain.file_templates import copying_command
from devboot.supervisor.explain.known_errors import LONGEST, find_advice, last_python_with
from devboot.supervisor.explain.missing_package import adding_command, is_own_by_name
from devboot.supervisor.explain.missing_secrets import certificate_command, secret_key_command
from devboot.text.problems import error_as_json, in_folder, render_problem
from devboot.wire import frames
from devboot.wire.jsontext import to_json

# A missing file below a folder in which container images have their application
_NO_FILE = (
    r"(?:No such file or directory|Permission denied|Read-only file system|does not exist|not found)\b.*?"
    r"(?<![\w.])['\"]?(/(?:app|code|src|workspace|project|data|usr/src/\w+|home/app|opt/app|srv/app|var/www)(?:/[\w.-]+)*)['\"]?\s*$"
)
# An option that a program doesn't have, and the similar one that it names, as click does
_NO_OPTION = r"[Nn]o such option:? [`'\"]?(--?[\w-]+)[`'\"]?[.,;]?\s+(?:\()?Did you mean [`'\"]?(--?[\w-]+)"
_EXISTS = r"(?:[Tt]able|relation) [`'\"]?([\w.]+)[`'\"]? already exists"
_NO_DOTTED = r"No module named '([A-Za-z_]\w*(?:\.\w+)+)'"
# A line of a traceback; code without a file, as in `<frozen importlib._bootstrap>`, is left out
_FRAME = r'^\s*File "([^"<]+)", line (\d+)'
_NO_MODULE = r"No module named '([A-Za-z_]\w*)'"
# An exception of a library that lacks an optional dependency and names the command to install it
_ASKS_FOR = r"^\w*(?:Error|Exception): .*\bpip3? install (?:-\S+ )*['\"]?([A-Za-z][\w.-]*(?:\[[\w,-]+\])?)"
# The same command in a line of its own, at the end
_INSTALLS = r"^(?:\$ )?pip3? install (?:-\S+ )*['\"]?([A-Za-z][\w.-]*(?:\[[\w,-]+\])?)['\"]?$"
# A template of Jinja, then one of Django
_NO_TEMPLATE = r"TemplateNotFound: ([\w-][\w./-]*\.\w+)\s*$|TemplateDoesNotExist: ([\w-][\w./-]*\.\w+)"
_PARTS_OF_APPS = ("admin", "apps", "forms", "models", "serializers", "tasks", "urls", "views")  # in Django
_AFTER_A_FIX = "after a fix: `"


def with_advice(payload: bytes, *, applies_by_key: bool = False) -> tuple[bytes, bytes]:
    """Add advice to a process' error as sent by the daemon (JSON), and return it as a frame: text for stderr, or JSON.

    `applies_by_key`: the live screen shows it, so advice names the key `u` in place of `devboot up -d`.
    """
    said = json.loads(payload)
    evidence = Evidence(**{key: _tuples(value) for key, value in said["evidence"].items()})
    parts = {key: _tuples(said[key]) for key in ("details", "causes", "help", "kept")}
    if applies_by_key:
        parts["help"] = tuple(each.replace(_AFTER_A_FIX, "after a fix: the key u, or `") for each in parts["help"])
    error = in_folder(
        advised(WorkError(said["slug"], said["what"], evidence=evidence, **parts)), str(said.get("folder", ""))
    )
    if said["json"]:
        return frames.OUT, f"{to_json(error_as_json(error))}\n".encode()
    text = render_problem(error, colour=said["colour"], width=said["columns"])
    return frames.ERR, text.encode("utf-8", "replace")


def _tuples(value: str | list[str]) -> Any:
    return tuple(value) if isinstance(value, list) else value


def advised(error: WorkError) -> WorkError:
    """Return the error of a process with advice found in its last output, put before the advice that it has."""
    if error.evidence is None:
        return error
    return WorkError(
        error.slug,
        error.what,
        details=error.details,
        causes=error.causes,
        help=(*_advice(error.evidence), *error.help),
        kept=error.kept,
    )


def _advice(seen: Evidence) -> tuple[str, ...]:
    """Return advice if the output ends with a known error or a missing file, library, host or package."""
    seen = seen._replace(tail=tuple(line[:LONGEST] for line in seen.tail))
    if making := certificate_command(seen.tail, seen.command, seen.cwd, seen.root):
        return (f"{making}   # a certificate for this machine only",)
    if copying := copying_command(seen.tail, seen.cwd, seen.root):
        return (f"{copying}   # the template of the missing file",)
    if filling := secret_key_command(seen.tail, seen.cwd, seen.root):
        return (f"{filling}   # the code has it empty",)
    return (
        find_advice(seen.tail, seen.cwd)
        or _missing_template(seen)
        or _misspelt_option(seen)
        or _tables_that_exist(seen)
        or _misspelt_module(seen)
        or _absent_package(seen)
        or _path_of_image(seen.tail, seen.cwd)
        or _missing_package(seen)
    )


def _missing_template(seen: Evidence) -> tuple[str, ...]:
    """Return advice for a page's template that isn't where the framework looks: Flask in `templates`."""
    found = next((match for line in reversed(seen.tail) if (match := re.search(_NO_TEMPLATE, line))), None)
    if found is None:
        return ()
    name = found[1] or found[2]
    pages, templates = os.path.splitext(name)[1], os.path.join(seen.cwd, "templates")
    if found[1] and "/" not in name and os.path.isfile(os.path.join(seen.cwd, name)) and not os.path.exists(templates):
        inner = os.path.relpath(seen.cwd, seen.root)
        there = "" if inner == "." else f"cd {shlex.quote(inner)} && "
        return (f"{there}mkdir templates && cp *{pages} templates/ && devboot up -d   # where the code looks for them",)
    names = ("", "*/", "*/*/", "*/*/*/")
    places = (place for each in names for place in glob.glob(f"{glob.escape(seen.root)}/{each}{glob.escape(name)}"))
    if place := next(places, ""):
        folder = os.path.dirname(os.path.relpath(place, seen.root)) or "."
        return (f"`{name}` is in `{folder}`, where the code does not look: only a change of the code can fix that",)
    return (f"`{name}` is a file of the project itself that this clone lacks: only its author can add it",)


def _tables_that_exist(seen: Evidence) -> tuple[str, ...]:
    """Return the Alembic command that marks migrations as applied, if they failed because tables already exist."""
    found = next((match for line in reversed(seen.tail) if (match := re.search(_EXISTS, line))), None)
    command = re.match(r"(.*\b(?:alembic\b.*|flask\b.*\bdb) )upgrade(?: heads?)?$", seen.command)
    if found is None or command is None:
        return ()
    inner = os.path.relpath(seen.cwd, seen.root)
    there = "" if inner == "." else f"cd {shlex.quote(inner)} && "
    remark = f"if the tables, as `{found[1]}`, are complete"
    return (f"{there}devboot run -- {command[1]}stamp head && devboot up -d   # {remark}",)


def _misspelt_module(seen: Evidence) -> tuple[str, ...]:
    """Return the command that corrects an import of `package.modul` if the package has one module of a similar name."""
    found = next((match for line in reversed(seen.tail) if (match := re.search(_NO_DOTTED, line))), None)
    line = _last_import(seen) if found is not None else None
    if found is None or line is None or found[1] not in line.text:
        return ()
    package, _, name = found[1].rpartition(".")
    folders = (os.path.join(folder, *package.split(".")) for folder in _site_packages(seen))
    there = next((list_names(folder) for folder in folders if os.path.isdir(folder)), ())
    modules = {each.removesuffix(".py") for each in there if not each.startswith("_")}
    likely = nearest(name, {each for each in modules if each.isidentifier()})
    if not likely:
        return ()
    old, new = found[1].replace(".", r"\."), f"{package}.{likely}"
    return (f"sed -i.bak '{line.number}s/{old}/{new}/' {shlex.quote(line.file)} && devboot up -d   # `{new}` exists",)


def _absent_package(seen: Evidence) -> tuple[str, ...]:
    """Return advice for a failed relative import (`from .x import y`) of a module that the clone lacks."""
    line = _last_import(seen) if any("attempted relative import" in each for each in seen.tail[-3:]) else None
    named = re.match(r"\s*from \.([\w.]+) import", line.text) if line is not None else None
    if line is None or named is None:
        return ()
    inner = named[1].replace(".", "/")
    stem = os.path.join(seen.root, os.path.dirname(line.file), inner)
    if os.path.isdir(stem) or os.path.exists(f"{stem}.py"):
        return ()
    return (f"`{inner}` is a module of the project itself that this clone lacks: only its code can bring it",)


class _Line(Record):
    """A line of the project in a traceback."""

    file: str
    number: str
    text: str


def _last_import(seen: Evidence) -> _Line | None:
    """Return the innermost line in the traceback that is in the project's own code; None if there is none."""
    root = f"{seen.root.rstrip('/')}/"
    for line, text in reversed([*pairwise(seen.tail)]):
        frame = re.match(_FRAME, line)
        path = os.path.join(seen.cwd, frame[1]) if frame else ""
        if frame and path.startswith(root) and "site-packages" not in path:
            return _Line(path.removeprefix(root), frame[2], text.strip())
    return None


def _site_packages(seen: Evidence) -> list[str]:
    """Return the `site-packages` folders that occur in the traceback."""
    found = (re.search(r'File "(/[^"]*/site-packages)/', line) for line in seen.tail)
    return list(dict.fromkeys(match[1] for match in found if match))


def _misspelt_option(seen: Evidence) -> tuple[str, ...]:
    """Return the command that corrects an option in the Procfile, if the program itself names the right one."""
    found = next((match for line in reversed(seen.tail) if (match := re.search(_NO_OPTION, line))), None)
    if found is None or not seen.command:
        return ()
    for name in ("Procfile.dev", "Procfile"):
        try:
            lines = read_bytes(os.path.join(seen.root, name)).decode(errors="replace").splitlines()
        except OSError:
            continue
        for number, line in enumerate(lines, 1):
            if line.rstrip().endswith(seen.command) and re.search(rf"\s{found[1]}(?=[\s=]|$)", line):
                change = f"{number}s/ {found[1]}\\([ =]\\|$\\)/ {found[2]}\\1/"
                return (f"sed -i.bak '{change}' {name} && devboot up -d",)
    return ()


def _path_of_image(tail: tuple[str, ...], cwd: str) -> tuple[str, ...]:
    """Return advice if a file is missing under a path such as `/app/x.json`, which only exists in a container image."""
    found = next((match for line in reversed(tail) if (match := re.search(_NO_FILE, line))), None)
    if found is None or os.path.exists(found[1]):
        return ()
    path, parts = found[1], found[1].split("/")[2:]
    inner = ["/".join(parts[at:]) for at in range(len(parts))]
    here = next((each for each in inner if each and os.path.exists(os.path.join(cwd, each))), "")
    root = f"{cwd.rstrip('/')}/"
    files = [(match[1].removeprefix(root), match[2]) for line in tail if (match := re.search(_FRAME, line))]
    own = [f"{name}:{number}" for name, number in files if not name.startswith("/") and "site-packages" not in name]
    where = f" in `{own[-1]}`" if own else ""
    text = f"`{path}` is a path in a container image; "
    return (text + (f"here it is `{here}`: change it{where}" if here else f"use a path on this machine{where}"),)


def _missing_package(seen: Evidence) -> tuple[str, ...]:
    """Return advice if the output ends with a failed import of a module."""
    if any(line.startswith("pydantic.errors.PydanticImportError: ") for line in seen.tail):
        return ("the code is written for pydantic 1: require `pydantic<2`, then `devboot up -d`",)
    found = next((found for line in reversed(seen.tail) if (found := re.search(_NO_MODULE, line))), None)
    if found is None:
        return _package_asked_for(seen)
    if found[1] == "psycopg" and any("sqlalchemy/dialects/postgresql" in line for line in seen.tail):
        return (  # SQLAlchemy 2.1 takes another library than 2.0 for an address that names none
            "to use psycopg2, write the address as `postgresql+psycopg2://…`: SQLAlchemy 2.1 uses psycopg by default",
            "else add `psycopg[binary]` to the packages, then `devboot up -d`",
        )
    if where := _where_it_was(found[1]) or _own_module(found[1], seen):
        return (where,)
    if place := _beside(found[1], seen.tail, seen.cwd):
        return (
            f"`{found[1]}` exists in `{place}/`, where Python 3 does not look: write `from .{found[1]} import …`",
            f'or add that folder to its path: `PYTHONPATH = "{place}"` under `[env]` in devboot.toml',
        )
    return _how_to_add(found[1], seen)


def _package_asked_for(seen: Evidence) -> tuple[str, ...]:
    """Return the command that adds the package which the exception tells the user to install."""
    lines = [line.strip() for line in reversed(seen.tail) if line.strip()]
    found = re.match(_INSTALLS, lines[0]) if lines else None
    found = found or next((found for line in reversed(seen.tail) if (found := re.search(_ASKS_FOR, line))), None)
    command = adding_command(found[1], seen.packages, is_distribution=True) if found else ""
    return (command, "`devboot up -d` installs new packages") if command else ()


def _how_to_add(module: str, seen: Evidence) -> tuple[str, ...]:
    """Return advice for a missing module: add its package, set PYTHONPATH, or note that it is the project's own."""
    if module == "pkg_resources":
        return _older_setuptools(seen)
    if is_own_by_name(module) or _is_app_of_django(module, seen) or _has_the_settings(module, seen):
        return (f"`{module}` is a module of the project itself that this clone lacks: only its code can bring it",)
    if (inner := _inner_folder(module, seen.root)) and module not in distributions():
        adding = append_command(seen.root, ".env", [f"PYTHONPATH={inner}"])
        return (f"{adding} && devboot up -d   # `{module}` is in that folder",) if adding else ()
    installs = f"`devboot up -d` installs new packages; if none of them provides `{module}`, add the package first"
    command = adding_command(module, seen.packages)
    if command and module not in distributions():  # a stranger's package may have that name
        return (f"`{module}` is neither in this clone nor a package that devboot knows", command)
    return (command, "`devboot up -d` installs new packages") if command else (installs,)


def _inner_folder(module: str, root: str) -> str:
    """Return the folder, one or two levels below the root, that contains a module; "" unless exactly one does."""
    names = ("*", "*/*")
    found = {
        os.path.relpath(os.path.dirname(path), root)
        for name in names
        for ending in (f"{module}.py", f"{module}/__init__.py")
        for path in glob.glob(f"{glob.escape(root)}/{name}/{ending}")
    }
    found = {os.path.dirname(each) if os.path.basename(each) == module else each for each in found}
    return found.pop() if len(found) == 1 else ""


def _is_app_of_django(module: str, seen: Evidence) -> bool:
    """Return whether a missing module of no known package seems to be an app of the Django project itself.

    It is if Django was loading INSTALLED_APPS, or if the code imports a typical part of an app, such as `x.models`.
    """
    if module in distributions():
        return False
    line = _last_import(seen)
    parts = "|".join(_PARTS_OF_APPS)
    imports = rf"from {module}(?:\.(?:{parts})\b| import (?:{parts})\b)|import {module}\.(?:{parts})\b"
    return any("/django/apps/" in each for each in seen.tail) or bool(line and re.search(imports, line.text))


def _has_the_settings(module: str, seen: Evidence) -> bool:
    """Return whether manage.py names a settings module in the missing package `module`."""
    try:
        text = read_bytes(os.path.join(seen.cwd, "manage.py")).decode(errors="replace")
    except OSError:
        return False
    return re.search(rf"""DJANGO_SETTINGS_MODULE["']\s*[],]\s*=?\s*["']{re.escape(module)}[."']""", text) is not None


def _older_setuptools(seen: Evidence) -> tuple[str, ...]:
    """Return advice for a missing `pkg_resources`, which is no package but a module of older versions of setuptools."""
    if command := adding_command("pkg_resources", seen.packages):
        return (f"{command}   # setuptools 82 no longer has pkg_resources", "`devboot up -d` installs new packages")
    return ("setuptools 82 no longer has it: require `setuptools<82`, then `devboot up -d`",)


def _own_module(name: str, seen: Evidence) -> str:
    """Return advice for a missing module that exists in the process' folder; "" if it doesn't."""
    if not any(os.path.exists(os.path.join(seen.cwd, each)) for each in (f"{name}.py", name)):
        return ""
    if _is_mere_package(seen.tail, seen.cwd):
        file = shlex.quote(os.path.relpath(os.path.join(seen.cwd, "__init__.py"), seen.root))
        return f"mv {file} {file}.unused && devboot up -d   # that file makes the whole folder a package"
    return f'`{name}` exists, but Python does not look there: set `PYTHONPATH = "."` under `[env]` in devboot.toml'


def _is_mere_package(tail: tuple[str, ...], folder: str) -> bool:
    """Return whether a folder is imported as a package only because it has an __init__.py without code.

    Flask's command line does that: it then imports `folder.app` instead of `app`.
    """
    package = re.escape(os.path.basename(os.path.normpath(folder)))
    imported = rf"""[Ii]mport(?:ing)? (?:module )?['"]{package}\.[\w.]+['"]"""
    if not any(re.search(imported, line) for line in tail):
        return False
    try:
        lines = read_bytes(os.path.join(folder, "__init__.py")).splitlines()
    except OSError:
        return False
    return all(not line.strip() or line.lstrip().startswith(b"#") for line in lines)


def _where_it_was(name: str) -> str:
    """Return advice for a missing module of the standard library that newer Pythons lack; "" for other modules."""
    last = last_python_with(name)
    return f'only Python up to {last} has it: set `version = "{last}"` under `[python]` in devboot.toml' if last else ""


def _beside(name: str, tail: tuple[str, ...], cwd: str) -> str:
    """Return the folder of the importing file, relative to `cwd`, if the missing module is there, too; "" otherwise."""
    files = [found[1] for line in tail if (found := re.match(_FRAME, line))]
    folder = os.path.dirname(os.path.join(cwd, files[-1])) if files else cwd
    inner = os.path.relpath(folder, cwd)
    if inner == "." or inner.startswith("..") or "site-packages" in inner:
        return ""
    is_there = os.path.isfile(os.path.join(folder, f"{name}.py")) or os.path.isdir(os.path.join(folder, name))
    return inner if is_there else ""
