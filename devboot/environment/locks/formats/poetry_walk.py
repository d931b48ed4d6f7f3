"""Finds the packages of an older poetry.lock that a project needs, and their markers, by walking the dependencies.

Markers are joined by `and` along a path and by `or` over paths. A node's paths are kept as sets of conditions; one
whose conditions include another's adds nothing, so the walk also ends if packages depend on each other.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from devboot.environment.locks.formats.poetry_project import Edge, table_edges
from devboot.environment.locks.formats.poetry_versions import admits, python_marker, release_key
from devboot.environment.locks.markers import Expression, conjoin, decide, disjoin, membership, negate
from devboot.environment.locks.pins import normalised

_Conditions = frozenset[Expression]
_Node = tuple[int, str]  # position of the package, extra of it or ""


def walk(packages: list[dict[str, Any]], roots: Iterable[Edge]) -> list[Expression]:
    """Return for each package the marker under which the direct dependencies `roots` need it; False if they don't."""
    graph = _Graph(packages)
    paths: dict[_Node, list[_Conditions]] = defaultdict(list)
    queue: deque[tuple[_Node, _Conditions]] = deque()
    for edge in roots:
        queue += graph.follow(edge, frozenset())
    while queue:
        node, conditions = queue.popleft()
        if not _adds(paths[node], conditions):
            continue
        for edge in graph.edges(node):
            queue += graph.follow(edge, conditions)
    return graph.disjoint([_marker(paths, position) for position in range(len(packages))])


def _adds(known: list[_Conditions], conditions: _Conditions) -> bool:
    """Add the conditions of a path to those `known` for a package; return False if a known path already covers them.

    Known paths that the new one covers are dropped.
    """
    if any(other <= conditions for other in known):
        return False
    known[:] = [other for other in known if not conditions <= other]
    known.append(conditions)
    return True


def _marker(paths: Mapping[_Node, list[_Conditions]], position: int) -> Expression:
    sets = [conditions for (at, _), several in paths.items() if at == position for conditions in several]
    ordered = sorted(set(sets), key=lambda conditions: sorted(map(str, conditions)))
    return disjoin(conjoin(sorted(conditions, key=str)) for conditions in ordered)


class _Graph:
    """The packages of a poetry.lock, by name, with their dependencies."""

    def __init__(self, packages: list[dict[str, Any]]) -> None:
        self._packages = packages
        self._by_name: dict[str, list[int]] = defaultdict(list)
        for position, package in enumerate(packages):
            self._by_name[normalised(package["name"])].append(position)

    def follow(self, edge: Edge, conditions: _Conditions) -> Iterator[tuple[_Node, _Conditions]]:
        """Yield each package that a dependency leads to, with the conditions of the path up to there."""
        if edge.marker is False:
            return
        further = conditions if edge.marker is True else conditions | {edge.marker}
        for position, pythons in self._matching(edge):
            there = further if pythons is True else further | {pythons}
            for extra in ("", *edge.extras):
                yield (position, normalised(extra)), there

    def _matching(self, edge: Edge) -> list[tuple[int, Expression]]:
        """Return the locked versions of a package that a dependency selects, as (index, marker).

        That is the newest admitted one, and others if they are for Pythons that the newest one excludes.
        """
        found = self._by_name.get(edge.name, [])
        if len(found) < 2:
            return [(at, True) for at in found]
        fitting = [at for at in found if admits(edge.constraint, self._packages[at]["version"])] or found
        newest, *older = sorted(fitting, key=lambda at: release_key(self._packages[at]["version"]), reverse=True)
        pythons = self._pythons(newest)
        others = [at for at in older if self._pythons(at) != pythons]
        if pythons is True or not others:
            return [(newest, True)]
        matching: list[tuple[int, Expression]] = [(newest, pythons)]
        taken: list[Expression] = [negate(pythons)]
        for at in others:
            own = self._pythons(at)
            matching.append((at, conjoin([own, *taken])))
            taken.append(negate(own))
        return matching

    def _pythons(self, at: int) -> Expression:
        try:
            return python_marker(self._packages[at].get("python-versions", "*"))
        except ValueError:
            return True

    def disjoint(self, markers: list[Expression]) -> list[Expression]:
        """Return the markers changed so that two versions of a package never apply at once.

        The oldest keeps its marker.
        """
        found = list(markers)
        for positions in self._by_name.values():
            taken: list[Expression] = []
            for at in sorted(positions, key=lambda each: release_key(self._packages[each]["version"])):
                found[at] = conjoin([markers[at], *(negate(each) for each in taken)])
                taken.append(markers[at])
        return found

    def edges(self, node: _Node) -> Iterator[Edge]:
        """Yield the dependencies of a package, or those that one of its extras adds."""
        position, extra = node
        package = self._packages[position]
        listed = _names_of_extra(package, extra) if extra else None
        for name, value in package.get("dependencies", {}).items():
            for edge in table_edges(name, value):
                is_meant = edge.name in listed if listed is not None else not edge.is_optional
                if is_meant:
                    given = decide(edge.marker, membership(("extra",), (extra,)))
                    yield Edge(edge.name, edge.constraint, given, edge.extras)


def _names_of_extra(package: Mapping[str, Any], extra: str) -> set[str]:
    by_name = {normalised(name): lines for name, lines in package.get("extras", {}).items()}
    # Lines look like `bcrypt (>=3.1)` or `bcrypt[x] (>=3.1) ; marker`.
    cut = (line.partition("(")[0].partition("[")[0].partition(";")[0].strip() for line in by_name.get(extra, ()))
    return {normalised(line.split("=")[0].split("<")[0].split(">")[0].split("!")[0].split("~")[0]) for line in cut}
