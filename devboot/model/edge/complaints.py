"""Converts pydantic's errors into errors with a place in the file, the nearest known name, and a suggested fix."""

from __future__ import annotations

import re
import tomllib
import types
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError

from devboot.errors import DevbootError, LockError, ManifestError, Problems
from devboot.model.edge.toml.text import inline
from devboot.model.edge.types import Number, Table, kind_of
from devboot.model.nearest import nearest
from devboot.model.printable import counted, printable
from devboot.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from devboot.model.edge.toml.document import Document
    from devboot.model.edge.toml.locator import Path

# Most comparisons for nearest matches in one run: ten thousand wrong names must not take minutes.
COMPARISONS = 200_000
# Most problems printed in one run; the rest are only counted.
SHOWN = 100
UNCHANGED = "nothing was started, running processes unchanged"

_EXPECTED = {
    "int_type": "an integer",
    "bool_type": "true or false",
    "string_type": "a string",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_WORDS = re.compile(r"'([^']*)'")
_TRUE = ("true", "yes", "on", "1")
# Words of compose, process-compose, just and make for keys of ours; the first that the table has is meant.
_SYNONYMS = {
    **dict.fromkeys(("cmd", "cmds", "command", "entrypoint", "exec", "run", "script", "shell"), ("run", "command")),
    **dict.fromkeys(("dir", "directory", "root", "workdir", "working_dir", "working_directory"), ("cwd",)),
    **dict.fromkeys(("environment", "vars"), ("env",)),
    **dict.fromkeys(("deps", "needs", "requires"), ("depends_on",)),
    **dict.fromkeys(("healthcheck", "health", "probe", "readiness_probe", "ready_when"), ("ready",)),
    **dict.fromkeys(("liveness_probe", "liveness"), ("alive",)),
    **dict.fromkeys(("stop_grace_period", "stop_wait", "grace_period"), ("stop_timeout",)),
    **dict.fromkeys(("restart_policy", "autorestart"), ("restart",)),
    **dict.fromkeys(("sources", "inputs_files"), ("inputs",)),
}


def problems_of(errors: Sequence[DevbootError], unchanged: str = UNCHANGED) -> Problems:
    """Combine errors of one file into one error whose summary has their number and the sentence `unchanged`."""
    problems = Problems(errors)
    count = len(problems.errors)
    files = list(dict.fromkeys(error.place.file for error in problems.errors if error.place is not None))
    where = f" in {' and '.join(files)}" if files else ""
    shown = f", the first {SHOWN} are shown" if count > SHOWN else ""
    summary = f"{counted(count, 'problem')}{where}{shown}; {unchanged}"
    return Problems(problems.errors[:SHOWN], summary=summary)


class Subject(Record):
    """The value that an error is about: its path, the enclosing model, the expected type.

    `is_key`: the error is about the key rather than the value.
    """

    path: Path
    table: type[Table]
    inside: Any
    is_key: bool


_OTHER_NAMES = {"sqlite": "databases", "sqlite3": "databases", "db": "databases"}  # of tables of the manifest


class Complaints:
    """Converts pydantic's errors for one document; `tags` maps the tags of union branches to their models."""

    def __init__(
        self,
        document: Document,
        tags: Mapping[str, type[Table]],
        homes: Mapping[str, str] | None = None,
        kinds: Mapping[str, type[Table]] | None = None,
    ) -> None:
        self._document = document
        self._tags = tags
        self._homes = homes or {}  # table for each key that belongs to only one table
        self._kinds = kinds or {}  # model of the sub-tables of [services] and the like
        self._comparisons = COMPARISONS
        self._model: type[Table] = Table
        self._kind = LockError if document.area == "lock" else ManifestError

    def of(self, error: ValidationError, model: type[Table]) -> list[DevbootError]:
        """Convert pydantic's errors about `model`.

        A missing key isn't reported if an unknown one is its misspelling.
        """
        self._model = model
        items = [(item, self._subject(model, item)) for item in error.errors(include_url=False)]
        misspelt = {
            (*subject.path[:-1], near)
            for item, subject in items
            if item["type"] == "extra_forbidden" and (near := self._meant(str(subject.path[-1]), subject.table))
        }
        self._comparisons = COMPARISONS
        return [
            self._error(item, subject)
            for item, subject in items
            if not (item["type"] == "missing" and subject.path in misspelt)
        ]

    def misnamed(self, model: type[Table]) -> list[tuple[str, Path, DevbootError]]:
        """Return top-level tables with an unknown name whose meaning can be guessed: (name, intended path, error)."""
        found: list[tuple[str, Path, DevbootError]] = []
        for key, value in self._document.values.items():
            if isinstance(value, dict) and key not in _keys(model):
                near = self.nearest(key, _keys(model))
                kind = self._kind_of(value)
                if near or value.keys() <= {*_keys(self._kinds[kind])}:
                    meant: Path = (near,) if near else (kind, key)
                    found.append((key, meant, self._unknown(Subject((key,), model, None, is_key=False))))
        return found

    def nearest(self, word: str, candidates: Collection[str]) -> str | None:
        """Return the candidate most similar to `word`; None if none is similar, or after too many comparisons."""
        self._comparisons -= len(candidates)
        return nearest(word, candidates) if self._comparisons >= 0 else None

    def _meant(self, key: str, table: type[Table]) -> str | None:
        """Return the key of `table` meant by an unknown key: another tool's word for it, or a similar one."""
        keys = _keys(table)
        same = next((word for word in _SYNONYMS.get(key.lower().replace("-", "_"), ()) if word in keys), None)
        return same or self.nearest(key, keys)

    def error(
        self,
        name: str,
        what: str,
        path: Path,
        *,
        key: bool = False,
        label: str = "",
        help: Sequence[str] = (),  # noqa: A002  the word that the message prints
    ) -> DevbootError:
        """Return an error about the value (or, with `key`, the key) at `path` in the document.

        `name` completes the slug, `what` is the message, `label` is shown under the line of the file.
        """
        place = self._document.place(path, key=key, label=label, context=name == "unknown-key")
        return self._kind(f"{self._document.area}/{name}", what, place=place, help=help)

    def _subject(self, model: type[Table], item: ErrorDetails) -> Subject:
        path: list[str | int] = []
        inside: Any = model
        table = model
        for part in item["loc"]:
            if part in self._tags:
                inside = self._tags[str(part)]
            elif part != "[key]":
                table = inside if _is_table(inside) else table
                path.append(part)
                inside = _inside(inside, part)
        return Subject(tuple(path), table, inside, item["loc"][-1:] == ("[key]",))

    def _error(self, item: ErrorDetails, subject: Subject) -> DevbootError:
        if item["type"] == "extra_forbidden":
            return self._unknown(subject)
        if item["type"] == "missing":
            return self._missing(subject)
        return self._about_a_value(item, subject._replace(path=self._existing(subject.path)))

    def _about_a_value(self, item: ErrorDetails, subject: Subject) -> DevbootError:
        kind, context = item["type"], item.get("ctx", {})
        if kind == "value":
            return self._refused(subject, context)
        if kind == "literal_error":
            return self._not_one_of(subject, item)
        if kind == "branch" and isinstance(item["input"], dict):
            what = f"{self._name(subject.path)} needs {item['msg'].rpartition('a table with ')[2]}"
            return self.error("missing-key", what, subject.path, label="found here")
        if kind in _EXPECTED or kind in ("shape", "branch"):
            expected = _EXPECTED.get(kind) or context.get("expected") or item["msg"]
            return self._mistyped(subject, expected, item["input"])
        what = f"{self._name(subject.path)}: {item['msg'][:1].lower()}{item['msg'][1:]}"
        return self.error("value", what[:100], subject.path, label="found here")

    def _unknown(self, subject: Subject) -> DevbootError:
        key = str(subject.path[-1])
        shown = _shown(key)
        near = self._meant(key, subject.table)
        helps = [f"did you mean `{near}`?"] if near else []
        if len(subject.path) == 1:
            what = f"unknown {'table' if isinstance(self._raw(subject.path), dict) else 'key'} {shown}"
            label = f"not a table of {self._document.file.rpartition('/')[2]}"
        else:
            what = f"unknown key {shown} in {self._table_name(subject.path[:-1])}"
            label = f"not a key of {subject.table.noun}"
        if not near:
            helps = self._homes_of(subject)
        return self.error("unknown-key", what, subject.path, key=True, label=label, help=helps)

    def _homes_of(self, subject: Subject) -> list[str]:
        """Return advice for an unknown key that belongs to another table, as ``it is a key of `[python]` ``."""
        key, value = str(subject.path[-1]), self._raw(subject.path)
        home = self._homes.get(key)
        if home is not None and home != ".".join(map(str, subject.path[:-1])):
            return [f"it is a key of `[{home}]`"]
        if len(subject.path) > 1 or not isinstance(value, dict) or not self._kinds:
            return []
        inner = [each for each in value.values() if isinstance(each, dict)]
        is_group = bool(inner) and len(inner) == len(value)  # `[sqlite.main]`, as `[databases.main]`
        name = next(iter(value)) if is_group else key
        kind = _OTHER_NAMES.get(key) or self._kind_of(inner[0] if is_group else value)
        return [f"did you mean `[{kind}.{printable(name)}]`?"]

    def _kind_of(self, value: Mapping[str, Any]) -> str:
        """Return the table to which a misplaced one belongs, judged by its keys: `services` for `[redis]`."""
        known = {
            kind: sum(1 for inner in value if self.nearest(inner, _keys(table))) for kind, table in self._kinds.items()
        }
        return max(known, key=known.__getitem__)

    def _missing(self, subject: Subject) -> DevbootError:
        table, key = subject.path[:-1], subject.path[-1]
        what = f"`{key}` is missing in {self._table_name(table)}"
        helps = [f"add {_form(subject)}"]
        return self.error("missing-key", what, table, label=f"{subject.table.noun} needs `{key}`", help=helps)

    def _refused(self, subject: Subject, context: Mapping[str, Any]) -> DevbootError:
        what = f"{self._name(subject.path)} {context['what']}"
        helps = [context["help"]] if context["help"] else []
        return self.error("value", what, subject.path, key=subject.is_key, label=context["label"], help=helps)

    def _not_one_of(self, subject: Subject, item: ErrorDetails) -> DevbootError:
        words = _WORDS.findall(item.get("ctx", {})["expected"])
        if type(item["input"]) is not str:
            return self._mistyped(subject, "a string", item["input"])
        listed = ", ".join(f"`{word}`" for word in words)
        what = f"{self._name(subject.path)} must be {'one of ' if len(words) > 1 else ''}{listed}"
        near = self.nearest(item["input"], words)
        helps = [f"did you mean `{near}`?"] if near else []
        if len(what) > 100:
            what = f"{self._name(subject.path)} must be one of {len(words)} words"
            helps.append(f"choose one of {listed}")
        label = "not one of them" if len(words) > 1 else f"expected `{words[0]}`"
        return self.error("value", what, subject.path, label=label, help=helps)

    def _mistyped(self, subject: Subject, expected: str, found: object) -> DevbootError:
        what = f"{self._name(subject.path)} must be {expected}, found {kind_of(found)}"
        key = subject.path[-1] if subject.path else 0
        main = subject.inside.main if _is_table(subject.inside) else ""
        helps = rewrites(key, expected, found, main) if isinstance(key, str) else []
        helps = [each for each in helps if self._is_accepted(subject.path, each)]
        return self.error("type", what, subject.path, label="found here", help=helps)

    def _is_accepted(self, path: Path, advice: str) -> bool:
        """Return whether the model accepts each value that the advice (``write `x = 1` ``) suggests for `path`."""
        forms = advice.removeprefix("write `").removesuffix("`").split("` or `")
        return all(self._is_valid(path, *tomllib.loads(form, parse_float=Number).values()) for form in forms)

    def _is_valid(self, path: Path, value: Any) -> bool:
        for depth, part in reversed(list(enumerate(path))):
            around = self._raw(path[:depth])
            if isinstance(around, list):
                value = [value if index == part else each for index, each in enumerate(around)]
            elif isinstance(around, dict):
                value = {**(around if depth > 1 else {}), part: value}  # without other tables: they cost time
        try:
            self._model.model_validate(value)
        except ValidationError as error:
            return all(
                self._subject(self._model, item).path[: len(path)] != path for item in error.errors(include_url=False)
            )
        return True

    def _existing(self, path: Path) -> Path:
        """Return the longest beginning of a path that the document contains."""
        value: Any = self._document.values
        for length, part in enumerate(path):
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return path[:length] or path
        return path

    def _raw(self, path: Path) -> object:
        value: Any = self._document.values
        for part in path:
            value = value[part]
        return value

    def _name(self, path: Path) -> str:
        if path and isinstance(path[-1], int):
            return f"item {path[-1] + 1} of {self._name(path[:-1])}"
        return _shown(str(path[-1])) if path else "the file"

    def _table_name(self, path: Path) -> str:
        if not path:
            return "the file"
        if path in self._document.locator.headers:
            return _shown(self._document.written(path))
        return _shown(".".join(str(part) for part in path))


def rewrites(key: str, expected: str, found: object, main: str = "") -> list[str]:
    """Return the advice `write KEY = VALUE` with the value converted to the expected type; empty if unclear.

    `expected` describes the type, `found` is the value as read, `main` the key that a table needs most.
    """
    if key == "http" and isinstance(found, (int, Number)) and expected.startswith("a string"):
        forms = [f'"http://127.0.0.1:{found}/"' if str(found).isdecimal() and 80 <= int(found) <= 65535 else '"/"']
    else:
        forms = _forms(expected, found, main)
    key = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'
    written = " or ".join(f"`{key} = {form}`" for form in forms)
    return [f"write {written}"] if written and len(written) <= 120 and "\n" not in written else []


def _forms(expected: str, found: object, main: str) -> list[str]:
    """Return TOML texts of values that `found` may stand for, of the type that `expected` describes."""
    forms: list[str] = []
    if isinstance(found, bool) and "string" in expected:
        forms = ['"1"', '"true"'] if found else ['"0"', '"false"']
    elif expected.startswith("a list") and isinstance(found, str) and not isinstance(found, Number):
        forms = [f"[{inline(str(found))}]"]
    elif "like" in expected and isinstance(found, (int, Number)):
        forms = [f'"{found}s"'] if "5s" in expected else []
    elif expected.startswith("a string") and isinstance(found, (int, Number)):
        forms = [f'"{found}"']
    elif expected.startswith("an integer") and isinstance(found, str) and found.isdecimal():
        forms = [found]
    elif expected == "true or false" and isinstance(found, (str, int)):
        forms = ["true" if str(found).lower() in _TRUE else "false"]
    elif expected.startswith("a table with one of http"):
        forms = ['{ http = "/health" }']
    elif expected == "a table":
        if isinstance(found, bool):
            forms = ["{}"] if found and main == "version" else []
        else:
            forms = [f"{{ {main} = {inline(str(found))} }}"] if main and isinstance(found, (str, int)) else []
    return forms


def _form(subject: Subject) -> str:
    """Return a missing key or table as it is written in TOML, with a placeholder as value."""
    if _is_table(subject.inside):
        return f"`[{'.'.join(str(part) for part in subject.path if isinstance(part, str))}]`"
    form = {int: "…", bool: "true", tuple: "[…]", dict: "{ … }"}.get(
        get_origin(subject.inside) or subject.inside, '"…"'
    )
    return f"`{subject.path[-1]} = {form}`"


def _shown(name: str) -> str:
    return f"`{printable(name)}`"


def _is_table(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Table)


def _keys(table: type[Table]) -> list[str]:
    return [field.alias or name for name, field in table.model_fields.items()]


def _inside(annotation: Any, part: str | int) -> Any:
    """Return the type of the value at key or index `part` of a table, dictionary or list type; None if unknown."""
    annotation = _bare(annotation)
    if _is_table(annotation):
        fields = annotation.model_fields.items()
        return next((_bare(field.annotation) for name, field in fields if part in (field.alias or name, name)), None)
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return _bare(arguments[1])
    return _bare(arguments[0]) if get_origin(annotation) is tuple else None


def _bare(annotation: Any) -> Any:
    """Return a type annotation without Annotated and without None."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else annotation
    return annotation
