"""Collects the report of an import: finds each key's line, and adds a verdict on keys that nothing else has used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from devboot.onboarding.compose_import.fidelity import APPROXIMATED, NATIVE, NO_EQUIVALENT, Fidelity
from devboot.onboarding.reading.containers.compose import Compose
from devboot.onboarding.reading.containers.compose_files import pairs
from devboot.onboarding.reading.containers.compose_keys import (
    LOST,
    NEEDLESS,
    NOTED,
    TOP_WITHOUT_MEANING,
    WITHOUT_MEANING,
)
from devboot.onboarding.reading.containers.container import Container
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.reading.yaml import Path, key_places


class Entries:
    """The entries of the report on compose files, collected one by one."""

    def __init__(self, tree: Tree, compose: Compose) -> None:
        self._documents: dict[str, Mapping[str, Any]] = dict(compose.documents)
        self._places = {path: key_places(tree.text(path) or "") for path in self._documents}
        self._found: list[Fidelity] = []
        self._seen: set[tuple[str, str]] = set()

    def add(self, container: Container, key: str, verdict: str, text: str, *, item: str | int | None = None) -> None:
        """Add the verdict on a key of a container, or on one item of a list or table."""
        self._seen.add((container.name, key))
        shown = f"services.{container.name}.{key}" + (f".{item}" if isinstance(item, str) else "")
        self._found.append(Fidelity(*self._place(container, key, item), shown, verdict, text))

    def add_each(self, container: Container, key: str, verdicts: Iterable[tuple[str, str]]) -> None:
        """Add a verdict on each item of a list."""
        for index, (verdict, text) in enumerate(verdicts):
            self.add(container, key, verdict, text, item=index)

    def add_rest(self, container: Container) -> None:
        """Add verdicts on the keys of a container that nothing else has used, from the tables of compose's keys."""
        for key in container.values:
            if (container.name, key) not in self._seen and not key.startswith("x-"):
                self.add(container, key, *_rest(key, container))

    def add_whole(self, container: Container, verdict: str, text: str) -> None:
        """Add the same verdict on all keys of a container."""
        for key in container.values:
            if not key.startswith("x-"):
                self.add(container, key, verdict, text if key in ("image", "build") else f"with `{container.name}`")

    def add_top(self) -> None:
        """Add verdicts on the top-level keys other than `services`."""
        for path, document in self._documents.items():
            for key, value in document.items():
                if key in ("services", "include") or key.startswith("x-"):
                    continue
                text = TOP_WITHOUT_MEANING.get(key, "")
                names = list(value) if isinstance(value, dict) and key in ("volumes", "networks") else []
                for name in names or [""]:
                    place = self._places[path].get((key, name)) or self._places[path].get((key,), (0, 0))
                    shown = f"{key}.{name}" if name else key
                    self._found.append(Fidelity(path, place[0], shown, NATIVE, text))

    def report(self) -> tuple[Fidelity, ...]:
        """Return all entries in the order of the files and their lines."""
        order = {path: number for number, path in enumerate(self._documents)}
        return tuple(sorted(self._found, key=lambda each: (order.get(each.path, 0), each.line)))

    def _place(self, container: Container, key: str, item: str | int | None) -> tuple[str, int]:
        name = container.name
        for path, way in self._ways(name, key, item):
            if way in self._places[path]:
                return path, self._places[path][way][0]
        for path in self._documents:
            if (line := self._places[path].get(("services", name, key))) is not None:
                return path, line[0]
        return container.path, container.line

    def _ways(self, name: str, key: str, item: str | int | None) -> Iterator[tuple[str, Path]]:
        """Yield (file, path) where an entry may be written, files that override others first."""
        before = 0
        for path, document in (
            reversed(self._documents.items()) if not isinstance(item, int) else self._documents.items()
        ):
            services = document.get("services")
            service = services.get(name) if isinstance(services, dict) else None
            value = service.get(key) if isinstance(service, dict) else None
            top: Path = ("services", name, key)
            if item is None or not isinstance(value, list | dict):
                yield path, top
            elif isinstance(item, int) and isinstance(value, list):
                if item - before < len(value):
                    yield path, (*top, item - before)
                before += len(value)
            elif isinstance(value, dict):
                yield path, (*top, item if isinstance(item, str) else str([*value][min(item, len(value) - 1)]))
            else:
                names = [*(next(iter(pairs([each])), "") for each in value)]
                if item in names:
                    yield path, (*top, names.index(str(item)))


def _rest(key: str, container: Container) -> tuple[str, str]:
    if key in NEEDLESS:
        return NATIVE, NEEDLESS[key]
    if key in NOTED or key == "deploy":
        return NO_EQUIVALENT, "devboot doesn't use it"
    if key == "profiles":
        return APPROXIMATED, f"the import was asked for {container.name}, so it always starts"
    return (NO_EQUIVALENT if key in LOST else NATIVE), WITHOUT_MEANING.get(key, "not used")
