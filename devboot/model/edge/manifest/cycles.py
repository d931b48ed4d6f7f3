"""Finds cycles in a graph of names, iteratively, for chains of any length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devboot.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


def cycles(graph: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return one cycle per group of mutually dependent names: [a, b] for a -> b -> a; [a] for a -> a."""
    done: set[str] = set()
    reported: set[str] = set()
    found = []
    for start in graph:
        for circle in _walk(graph, start, done):
            if reported.isdisjoint(circle):
                found.append(circle)
                reported.update(circle)
    return found


def _walk(graph: Mapping[str, Sequence[str]], start: str, done: set[str]) -> Iterator[list[str]]:
    """Search depth first from `start`; yield the cycle closed by each edge back to a name on the current path."""
    if start in done:
        return
    way: list[str] = [start]
    position = {start: 0}
    pending = [iter(graph.get(start, ()))]
    while pending:
        target = next(pending[-1], None)
        if target is None:
            pending.pop()
            name = way.pop()
            del position[name]
            done.add(name)
        elif target in position:
            yield way[position[target] :]
        elif target not in done:
            position[target] = len(way)
            way.append(target)
            pending.append(iter(graph.get(target, ())))


def draw(circle: Sequence[str]) -> str:
    """Return `a -> b -> a`, at most 80 characters; long names and long cycles are abbreviated."""
    drawn = " -> ".join(printable(name) for name in [*circle, circle[0]])
    if len(drawn) <= 80:
        return drawn
    names = [printable(name, 11) for name in circle[:3]]
    return f"{' -> '.join(names)} -> … ({len(circle)} in all) -> {names[0]}"
