"""Checks each `${…}` in a manifest: it is closed, its name exists, and variables don't refer in cycles."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from devboot.model.edge.manifest.cycles import cycles, draw
from devboot.model.edge.manifest.names import Names, tables_of
from devboot.model.interpolation import OPENING, Reference, references
from devboot.model.printable import printable
from devboot.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from devboot.errors import DevbootError
    from devboot.model.edge.complaints import Complaints
    from devboot.model.edge.toml.document import Document
    from devboot.model.edge.toml.locator import Path

ATTRIBUTES = {
    "services": ("url", "host", "port", "user", "password", "socket", "data"),
    "databases": ("path", "url"),  # of an SQLite file
    "processes": ("port",),
    "project": ("name", "root"),
}
OF_A_SERVICE = ("url", "name", "user", "password", "host", "port", "socket")  # attributes of a service's database
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMS = (
    "`${services.<name>.url}`, `${databases.<name>.path}`, `${processes.<name>.port}`, `${project.root}`, `${VARIABLE}`"
)


class Template(Record):
    """A text of the manifest that may contain `${…}`, with its path."""

    path: Path
    text: str


def templates(values: dict[str, Any]) -> Iterator[Template]:
    """Yield all texts of the manifest in which `${…}` is replaced: in [env], env, settings, ready, alive."""
    yield from _texts(values.get("env"), ("env",))
    for name, table in tables_of(values, "services").items():
        yield from _texts(table.get("settings"), ("services", name, "settings"))
    for name, table in tables_of(values, "processes").items():
        for key in ("env", "ready", "alive"):
            yield from _texts(table.get(key), ("processes", name, key))


def _texts(value: object, path: Path) -> Iterator[Template]:
    if isinstance(value, str):
        if OPENING in value:
            yield Template(path, value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != "description":
                yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


class References:
    """Checks the `${…}` references of one manifest against its names."""

    def __init__(self, document: Document, complaints: Complaints, names: Names, *, complete: bool) -> None:
        self._document = document
        self._complaints = complaints
        self._names = names
        self._complete = complete  # the names of the Procfile are known

    def problems(self) -> list[DevbootError]:
        """Return an error for each `${…}` that is unclosed, unknown, or part of a cycle."""
        found = [
            problem
            for template in templates(self._document.values)
            for reference in references(template.text)
            if (problem := self._problem(template, reference)) is not None
        ]
        return [*found, *self._circles()]

    def _problem(self, template: Template, reference: Reference) -> DevbootError | None:
        if reference.end < 0:
            return self._error("syntax", "`${` is never closed", template, OPENING, label="expected `}` after it")
        kind, dot, rest = reference.name.partition(".")
        if not dot:
            return None if VARIABLE.fullmatch(kind) else self._malformed(template, reference)
        if kind not in ATTRIBUTES:
            return self._unknown(template, reference, kind, ATTRIBUTES, label="expected " + ", ".join(ATTRIBUTES))
        if kind == "project":
            return self._attribute(template, reference, rest, ATTRIBUTES[kind])
        name, dot, attribute = rest.rpartition(".")
        if not dot:
            return self._malformed(template, reference)
        known = self._attributes(kind, name)
        return self._named(template, reference, kind, name) or self._attribute(template, reference, attribute, known)

    def _attributes(self, kind: str, name: str) -> tuple[str, ...]:
        is_served = kind == "databases" and "service" in self._names.tables[kind].get(name, ())
        return OF_A_SERVICE if is_served else ATTRIBUTES[kind]

    def _named(self, template: Template, reference: Reference, kind: str, name: str) -> DevbootError | None:
        known: Collection[str] = self._names.processes if kind == "processes" else self._names.tables[kind]
        if name in known or (kind == "processes" and not self._complete):
            return None
        singular = {"services": "service", "databases": "database", "processes": "process"}[kind]
        near = self._complaints.nearest(name, known)
        helps = [f"did you mean `{near}`?"] if near else []
        if not near and kind == "services":
            helps = [f"add `[services.{name}]`"]
        what = f"there is no {singular} `{printable(name)}`"
        label = f"not in `[{kind}]`"
        return self._error("unknown-name", what, template, _written(reference), name, label=label, helps=helps)

    def _attribute(
        self, template: Template, reference: Reference, attribute: str, known: tuple[str, ...]
    ) -> DevbootError | None:
        if attribute in known:
            return None
        return self._unknown(template, reference, attribute, known, label="expected " + ", ".join(known))

    def _unknown(
        self, template: Template, reference: Reference, word: str, known: Collection[str], *, label: str
    ) -> DevbootError:
        near = self._complaints.nearest(word, known)
        meant = None if near is None else f"${{{reference.name.replace(word, near, 1)}}}"
        if near is not None and reference.name.endswith(f".{word}"):
            meant = f"${{{reference.name.removesuffix(word)}{near}}}"
        helps = [f"did you mean `{printable(meant)}`?"] if meant else [f"forms: {_FORMS}"]
        what = f"unknown name `{printable(word)}` in {_shown(reference)}"
        return self._error("unknown-name", what, template, _written(reference), word, label=label, helps=helps)

    def _malformed(self, template: Template, reference: Reference) -> DevbootError:
        what = f"{_shown(reference)} is not a reference that devboot knows"
        return self._error("value", what, template, _written(reference), label="found here", helps=[f"forms: {_FORMS}"])

    def _circles(self) -> Iterator[DevbootError]:
        variables = self._document.values.get("env")
        if not isinstance(variables, dict):
            return
        graph = {name: _needed(name, value, variables) for name, value in variables.items()}
        for circle in cycles(graph):
            what = f"{draw(circle)} refer to each other"
            path = min((("env", name) for name in circle), key=self._document.line_of)
            template = Template(path, str(variables[path[1]]))
            following = circle[(circle.index(path[1]) + 1) % len(circle)]
            yield self._error("cycle", what, template, f"${{{following}}}", label="this closes the circle")

    def _error(
        self,
        name: str,
        what: str,
        template: Template,
        token: str,
        part: str = "",
        *,
        label: str,
        helps: Sequence[str] = (),
    ) -> DevbootError:
        error = self._complaints.error(name, what, template.path, label=label, help=helps)
        error.place = self._document.place_within(template.path, token, part, label=label)
        return error


def _needed(name: str, value: object, variables: dict[str, Any]) -> list[str]:
    # A variable's own name means its value in a lower layer: `PATH = "bin:${PATH}"` is no cycle.
    text = value.get("default") if isinstance(value, dict) else value
    if not isinstance(text, str):
        return []
    return [r.name for r in references(text) if r.name in variables and r.name != name]


def _written(reference: Reference) -> str:
    return f"${{{reference.name}}}"


def _shown(reference: Reference) -> str:
    return f"`${{{printable(reference.name)}}}`"
