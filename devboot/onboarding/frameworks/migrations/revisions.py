"""Simulates Alembic's migrations on an empty database, to find the first step that fails there."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.layout import ASIDE
from devboot.onboarding.reading.tree import Tree

_FILES = re.compile(r"\.(?:db|sqlite3?)$")  # a database in the clone isn't empty
_PLAIN_SQL = re.compile(
    r"\s*(?:UPDATE|INSERT|DELETE|COMMENT|CREATE\s+(?:EXTENSION|TYPE|(?:UNIQUE\s+)?INDEX))\b", re.IGNORECASE
)
# Operations that need a table, and its place among their arguments
_PLACE_OF_TABLE = {
    "add_column": 0,
    "alter_column": 0,
    "create_check_constraint": 1,
    "create_foreign_key": 1,
    "create_index": 1,
    "create_primary_key": 1,
    "create_unique_constraint": 1,
    "drop_column": 0,
    "drop_constraint": 1,
    "drop_table": 0,
}
_HARMLESS = frozenset({"bulk_insert", "create_table_comment", "drop_index", "drop_table_comment", "f"})
_TOLERANT = frozenset({"if_exists", "if_not_exists"})


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A step of a migration that fails on an empty database, and the reason."""

    text: str
    place: Evidence


@dataclass(slots=True)
class _Revision:
    """One migration file: its name, its predecessors, and its upgrade function."""

    path: str
    name: str
    before: tuple[str, ...]
    upgrade: ast.FunctionDef


class _UnknownError(Exception):
    """Raised for a step whose effect can't be read from the code."""


def contradiction(tree: Tree, folder: str) -> Contradiction | None:
    """Return the first step of the migrations in `folder` that fails on an empty database; None if there is none.

    After a step that can't be read, later steps aren't judged.
    """
    if any(_FILES.search(path) and not ASIDE.search(path) for path in tree.files()):
        return None
    paths = [path for path in tree.python_files() if posixpath.dirname(path) == folder]
    revisions = [found for path in paths if (found := _revision(tree, path)) is not None]
    schema = _Schema()
    try:
        for revision in _in_order(revisions):
            for call, table in _calls(revision.upgrade):
                if text := schema.fault(call, table):
                    return Contradiction(text, Evidence(revision.path, call.lineno))
    except _UnknownError:
        pass
    return None


def _revision(tree: Tree, path: str) -> _Revision | None:
    parsed = tree.module(path)
    values: dict[str, object] = {}
    upgrade: ast.FunctionDef | None = None
    for node in parsed.body if parsed is not None else ():
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade":
            upgrade = node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id in ("revision", "down_revision"):
                try:
                    values[target.id] = ast.literal_eval(node.value)
                except ValueError:
                    return None
    name, before = values.get("revision"), values.get("down_revision")
    if upgrade is None or not isinstance(name, str):
        return None
    names = [before] if isinstance(before, str) else before if isinstance(before, list | tuple) else []
    return _Revision(path, name, tuple(str(each) for each in names), upgrade)


def _in_order(revisions: Collection[_Revision]) -> Iterator[_Revision]:
    """Yield each migration after its predecessors. Raises _UnknownError if one is missing."""
    waiting, done = list(revisions), set[str]()
    while waiting:
        ready = next((each for each in waiting if done.issuperset(each.before)), None)
        if ready is None:
            raise _UnknownError
        waiting.remove(ready)
        done.add(ready.name)
        yield ready


def _calls(function: ast.FunctionDef) -> Iterator[tuple[ast.Call, str]]:
    """Yield the operations (`op.…`) of an upgrade function, each with the table of its batch, "" outside of one."""
    for node in function.body:
        if isinstance(node, ast.With) and len(node.items) == 1:
            opened = node.items[0].context_expr
            if not isinstance(opened, ast.Call) or _verb(opened) != "batch_alter_table":
                raise _UnknownError
            table = _word(opened, 0, "table_name")
            yield from ((_operation(inner), table) for inner in node.body if not isinstance(inner, ast.Pass))
        elif not isinstance(node, ast.Pass) and not _is_docstring(node):
            yield _operation(node), ""


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _operation(node: ast.stmt) -> ast.Call:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call) or not _verb(node.value):
        raise _UnknownError
    return node.value


def _verb(call: ast.Call) -> str:
    """Return the operation of a call, as `add_column` for `op.add_column(…)`; "" for any other call."""
    function = call.func
    is_operation = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
    return function.attr if isinstance(function, ast.Attribute) and is_operation else ""


def _word(call: ast.Call, position: int, keyword: str) -> str:
    """Return a literal text argument of a call. Raises _UnknownError if it isn't a literal."""
    given = call.args[position] if position < len(call.args) else None
    given = given or next((each.value for each in call.keywords if each.arg == keyword), None)
    if not isinstance(given, ast.Constant) or not isinstance(given.value, str):
        raise _UnknownError
    return given.value


def _column(node: ast.expr | None) -> str:
    if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("Column"):
        raise _UnknownError
    return _word(node, 0, "name")


@dataclass(slots=True)
class _Schema:
    """The tables created so far by simulated migrations, each with its columns."""

    tables: dict[str, set[str]] = field(default_factory=dict)

    def fault(self, call: ast.Call, batch: str) -> str:
        """Simulate an operation; return why it fails, "" if it works.

        `batch` is the table of the enclosing batch; the operation's arguments then don't include the table.
        """
        verb = _verb(call)
        if any(each.arg in _TOLERANT for each in call.keywords) or verb in _HARMLESS:
            return ""
        if verb == "execute":
            return self._execute(call)
        if verb == "create_table":
            return self._create(call)
        if verb == "rename_table":
            self.tables[_word(call, 1, "new_table_name")] = self.tables.pop(_word(call, 0, "old_table_name"), set())
            return ""
        if verb not in _PLACE_OF_TABLE:
            raise _UnknownError
        table = batch or _word(call, _PLACE_OF_TABLE[verb], "source_table" if "foreign" in verb else "table_name")
        if table not in self.tables:
            return f"`{table}` is changed, but no migration creates it"
        return self._change(verb, table, call, 0 if batch else 1)

    def _execute(self, call: ast.Call) -> str:
        if not _PLAIN_SQL.match(_word(call, 0, "sqltext")):
            raise _UnknownError
        return ""

    def _create(self, call: ast.Call) -> str:
        table = _word(call, 0, "table_name")
        if table in self.tables:
            return f"`{table}` is created twice"
        columns = (each for each in call.args[1:] if isinstance(each, ast.Call))
        self.tables[table] = {_column(each) for each in columns if ast.unparse(each.func).endswith("Column")}
        return ""

    def _change(self, verb: str, table: str, call: ast.Call, place: int) -> str:
        """Simulate a change of an existing table; `place` is the position of the column among the arguments."""
        columns = self.tables[table]
        if verb == "drop_table":
            del self.tables[table]
        elif verb == "add_column":
            column = _column(call.args[place] if len(call.args) > place else None)
            if column in columns:
                return f"`{table}` gets column `{column}` twice"
            columns.add(column)
        elif verb == "drop_column":
            columns.discard(_word(call, place, "column_name"))
        elif verb == "alter_column" and any(each.arg == "new_column_name" for each in call.keywords):
            columns.discard(_word(call, place, "column_name"))
            columns.add(_word(call, len(call.args), "new_column_name"))
        return ""
