"""Finds the variables, with values, that switch an application to development."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.proposal.variables import DEVELOPS
from devboot.onboarding.proposal_values import Evidence, Variable
from devboot.onboarding.reading.layout import ASIDE, module_name
from devboot.onboarding.services.databases import FILE
from devboot.onboarding.services.drivers import sqlite_address
from devboot.onboarding.symbolic_eval.calls import FROM_OBJECT
from devboot.onboarding.symbolic_eval.evaluate import Code, Run, evaluate
from devboot.onboarding.tables import is_called

_FILES = re.compile(r"(?:^|/)(?:\w*config(?:s|uration)?|\w*settings)(?:/\w+)?\.py$")
_MODULES = ("development.py", "dev.py", "local.py")
_DEVELOPMENT = re.compile(r"Dev|Local")
_PLAIN = re.compile(r"(?:Base|Default)?(?:Config|Configuration|Settings)$")
DATABASE = re.compile(r"(?:^|_)(?:DATABASE|DB|SQLALCHEMY_DATABASE|SQLALCHEMY)_(?:URL|URI|DSN)$")
SERVER_DRIVER = re.compile(
    r"psycopg|^asyncpg$|^aiopg$|^asyncmy$|mysql|mariadb|oracle|pyodbc|pymssql|^pg8000$|cockroach|motor|pymongo|beanie"
)

_DIALECT = re.compile(r"(?:^|_)(?:DB|DATABASE|SQL)_(?:CONNECTION|DRIVER|DIALECT|ENGINE|TYPE|BACKEND)$")
_STAGES = ("development", "dev", "local")


def find_switches(clone: Clone, code: Code, base: Run) -> dict[str, Variable]:
    """Return the variables that switch the application to development, unless they make other variables necessary."""
    found = find_configuration(clone, base)
    if found:
        values = {name: each.value or "" for name, each in found.items()}
        base = evaluate(code, values, thorough=True)  # the configuration may import more modules
    found |= {each.name: each for each in _dialects(clone, base) if each.name not in found}
    for candidate in _candidates(clone, code, base):
        if candidate.name in found:
            continue
        values = {name: v.value or "" for name, v in found.items()}
        before = evaluate(code, values)
        after = evaluate(code, {**values, candidate.name: candidate.value or ""})
        if len(after.found.needs) <= len(before.found.needs) and len(after.found.absent) <= len(before.found.absent):
            found[candidate.name] = candidate
    return found


def _dialects(clone: Clone, base: Run) -> Iterator[Variable]:
    """Yield variables for the beginning of a database's URL, such as `mysql`, with the values in templates.

    Without them no server would be found.
    """
    for name, example in clone.files.examples.items():
        is_word = re.fullmatch(r"[a-z]\w*(?:[.+]\w+)*", example.text) is not None and not example.is_placeholder
        if not is_word or not _DIALECT.search(name) or name in clone.files.committed:
            continue
        read = base.found.reads.get(name)
        if read is None or read.default is None or read.default.data is None:
            yield Variable(name, value=example.text, evidence=Evidence(example.path, example.line))


def _candidates(clone: Clone, code: Code, base: Run) -> list[Variable]:
    composed = clone.compose.variables()
    found: list[Variable] = []
    for name, read in base.found.reads.items():
        if name in clone.files.committed or not (is_called("switch", name) or is_called("mode", name)):
            continue
        where = read.place
        default = read.default.data if read.default else None
        example = clone.files.examples.get(name)
        text = example.text if example is not None and not example.is_placeholder else composed.get(name, "")
        if re.search(r"PRODUCTION$", name):
            if re.match(r"(?:true|1|yes)$", str(default), re.IGNORECASE):
                found.append(Variable(name, value="false", evidence=where))
        elif text and DEVELOPS.search(text) and text != default and "$" not in text:
            found.append(
                Variable(
                    name,
                    value=text,
                    evidence=Evidence(example.path, example.line) if example and example.text == text else where,
                )
            )
        elif stage := not text and _stage_beside(clone, default):
            found.append(Variable(name, value=stage, evidence=where))
    own = clone.framework.switches(clone, code, base)
    return [*found, *own, *_sqlite(clone, base), *_asynchronous(clone, base)]


def _stage_beside(clone: Clone, default: object) -> str:
    """Return the name of the stage for development that has a settings file beside that of `default`; "" if none."""
    if not isinstance(default, str) or not re.fullmatch(r"prod|production", default, re.IGNORECASE):
        return ""
    own = f"{default.lower()}.py"
    for path in clone.tree.python_files():
        folder, _, file = path.rpartition("/")
        stage = next((each for each in _STAGES if file == own and clone.tree.exists(f"{folder}/{each}.py")), "")
        if stage:
            return stage
    return ""


def _sqlite(clone: Clone, base: Run) -> list[Variable]:
    """Return variables with URLs of SQLite files for required database URLs, if no server's driver is installed."""
    if any(SERVER_DRIVER.search(name) for name in clone.packages):
        return []
    found = []
    for need in base.found.needs.values():
        example = clone.files.examples.get(need.name)
        if DATABASE.search(need.name) and (example is None or example.is_placeholder):
            address = sqlite_address(FILE, clone.packages, clone.tree)
            found.append(Variable(need.name, value=address, evidence=need.place))
    return found


def _asynchronous(clone: Clone, base: Run) -> list[Variable]:
    """Return the variable whose SQLite URL needs an async driver, with that driver."""
    for event in base.found.events:
        first = event.argument(0, "url") if event.name.endswith("create_async_engine") else None
        if first is None or not str(first.data).startswith("sqlite://") or len(first.reads) != 1:
            continue
        (name,) = first.reads
        example = clone.files.examples.get(name)
        if name in clone.files.committed:
            continue
        if "asyncpg" in clone.packages and "aiosqlite" not in clone.packages:
            text = (
                example.text if example is not None and "+asyncpg://" in example.text else "postgresql+asyncpg:///app"
            )
            return [Variable(name, value=text, evidence=event.place)]
        address = sqlite_address(FILE, clone.packages, clone.tree)
        return [Variable(name, value=address, evidence=event.place)] if "+" in address else []
    return []


def find_configuration(clone: Clone, base: Run) -> dict[str, Variable]:
    """Return the variable that names the configuration object, set to the clone's object for development.

    Without it no other setting is known.
    """
    for event in base.found.events:
        value = event.argument(0, "obj") if event.name == FROM_OBJECT else None
        if value is None or len(value.reads) != 1:
            continue
        chosen = min(_objects(clone), default=None)
        if chosen is not None:
            _, path, line, text = chosen
            (name,) = value.reads
            return {name: Variable(name, value=text, evidence=Evidence(path, line))}
    return {}


def _objects(clone: Clone) -> Iterator[tuple[int, str, int, str]]:
    """Yield (rank, file, line, dotted name) of each configuration object that suits development."""
    for path in clone.tree.python_files():
        name = module_name(path, clone.app.sources) if _FILES.search(path) and not ASIDE.search(path) else None
        if name is None:
            continue
        parsed = clone.tree.module(path)
        classes = [node for node in (parsed.body if parsed else ()) if isinstance(node, ast.ClassDef)]
        for node in classes:
            if _DEVELOPMENT.match(node.name) or _PLAIN.match(node.name):
                yield int(not _DEVELOPMENT.match(node.name)), path, node.lineno, f"{name}.{node.name}"
        if not classes and posixpath.basename(path) in _MODULES:
            yield 0, path, 1, name
