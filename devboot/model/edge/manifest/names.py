"""Checks names in a manifest, even if other parts have errors: duplicates, unknown names and cycles.

It doesn't rely on types: values of a wrong type are reported elsewhere and skipped here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devboot.model.edge.manifest.cycles import cycles, draw
from devboot.model.printable import printable
from devboot.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from devboot.errors import DevbootError
    from devboot.model.edge.complaints import Complaints
    from devboot.model.edge.toml.document import Document
    from devboot.model.edge.toml.locator import Path

KINDS = {"services": "a service", "databases": "a database", "tasks": "a task", "processes": "a process"}
ALL_PROCESSES = "processes"


class Edge(Record):
    """A dependency in the manifest: `name` waits for `target`, according to the text at `path`."""

    name: str
    target: str
    path: Path


def tables_of(values: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the sub-tables of a table such as `[services]`, by name; other values are left out."""
    found = values.get(kind)
    return {k: v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}


class Names:
    """The names in one manifest, with those of its Procfile (None if not read yet)."""

    def __init__(self, document: Document, complaints: Complaints, procfile: Collection[str] | None) -> None:
        self._document = document
        self._complaints = complaints
        self._procfile = procfile
        self.tables = {kind: tables_of(document.values, kind) for kind in KINDS}
        # Dictionaries keep the order, so that the same manifest always has the same messages.
        self.processes = dict.fromkeys([*self.tables["processes"], *(procfile or ())])
        self.known = dict.fromkeys([*(name for tables in self.tables.values() for name in tables), *self.processes])

    def problems(self) -> list[DevbootError]:
        """Return errors for duplicate names, unknown names and cycles."""
        return [*self._duplicates(), *self._unserved(), *self._unknown(), *self._circles()]

    def _duplicates(self) -> Iterator[DevbootError]:
        first: dict[str, str] = {}
        for kind, tables in self.tables.items():
            for name in tables:
                if name == ALL_PROCESSES:
                    what = "`processes` stands for all processes, it can't be a name"
                    yield self._complaints.error("duplicate-name", what, (kind, name), key=True, label="taken")
                elif name in first:
                    yield self._twice(name, (first[name], kind))
                first.setdefault(name, kind)

    def _twice(self, name: str, kinds: tuple[str, str]) -> DevbootError:
        lines = {kind: self._document.line_of((kind, name)) for kind in kinds}
        early, late = sorted(kinds, key=lines.__getitem__)
        return self._complaints.error(
            "duplicate-name",
            f"`{printable(name)}` names {KINDS[early]} and {KINDS[late]}",
            (late, name),
            key=True,
            label=f"{KINDS[early]} in line {lines[early]}",
            help=["services, databases, tasks and processes share their names: rename one"],
        )

    def _unserved(self) -> Iterator[DevbootError]:
        """Yield an error for each database whose `service` isn't in the manifest."""
        for name, table in self.tables["databases"].items():
            service = table.get("service")
            if type(service) is str and service not in self.tables["services"]:
                near = self._complaints.nearest(service, self.tables["services"])
                helps = [f"did you mean `{near}`?"] if near else [f"add `[services.{printable(service)}]`"]
                what = f"there is no service `{printable(service)}`"
                path: Path = ("databases", name, "service")
                yield self._complaints.error("unknown-name", what, path, label="not in `[services]`", help=helps)

    def _unknown(self) -> Iterator[DevbootError]:
        if self._procfile is None:
            return
        for edge in self.edges():
            if edge.target not in self.known:
                yield self._nobody(edge.target, edge.path, self.known)
            elif edge.name not in self.known and edge.name != ALL_PROCESSES:
                yield self._nobody(edge.name, edge.path, {*self.tables["tasks"], *self.processes, ALL_PROCESSES})
            elif edge.name in self.tables["services"] or edge.name in self.tables["databases"]:
                what = f"a task can't come before `{printable(edge.name)}`"
                label = "not a task or process"
                yield self._complaints.error("unknown-name", what, edge.path, label=label)

    def _nobody(self, name: str, path: Path, candidates: Collection[str]) -> DevbootError:
        near = self._complaints.nearest(name, candidates)
        helps = [f"did you mean `{near}`?"] if near else []
        what = f"unknown name `{printable(name)}`"
        label = "no service, database, task or process"
        return self._complaints.error("unknown-name", what, path, label=label, help=helps)

    def edges(self) -> Iterator[Edge]:
        """Yield the manifest's dependencies: `depends_on` of tasks and processes, and `before` of tasks in reverse."""
        for kind in ("tasks", "processes"):
            for name, table in self.tables[kind].items():
                if name != ALL_PROCESSES:  # reported as a duplicate; here it would mean all processes
                    yield from self._dependencies(name, table, (kind, name, "depends_on"))
        for name, table in self.tables["tasks"].items():
            for index, target in enumerate(_list(table.get("before"))):
                if type(target) is str:
                    yield Edge(target, name, ("tasks", name, "before", index))

    def _dependencies(self, name: str, table: dict[str, Any], path: Path) -> Iterator[Edge]:
        for index, item in enumerate(_list(table.get("depends_on"))):
            target = item.get("name") if isinstance(item, dict) else item
            if type(target) is str:
                yield Edge(name, target, (*path, index))

    def _circles(self) -> Iterator[DevbootError]:
        edges = list(self.edges())
        graph: dict[str, list[str]] = {name: [ALL_PROCESSES] for name in self.processes if name != ALL_PROCESSES}
        for edge in edges:
            graph.setdefault(edge.name, []).append(edge.target)
        paths = {(edge.name, edge.target): edge.path for edge in edges}
        for circle in cycles(graph):
            steps = zip(circle, [*circle[1:], circle[0]], strict=True)
            places = [paths[step] for step in steps if step in paths]
            names = [name for name in circle if name != ALL_PROCESSES]
            yield self._circle(names, min(places, key=lambda path: self._document.place(path).line))

    def _circle(self, names: list[str], path: Path) -> DevbootError:
        what = f"{draw(names)} wait for each other"
        return self._complaints.error("cycle", what, path, label="this closes the circle")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
