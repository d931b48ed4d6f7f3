"""Parses YAML for compose files with PyYAML's safe loader; scalars stay texts, and memory is bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import yaml

MOST_NODES = 50_000  # in a document with its aliases expanded
_MOST_TRIES = 20  # to parse the part before a line that isn't YAML
_MERGE = ("tag:yaml.org,2002:merge", re.compile(r"^<<$"))
_NULL = ("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"))

Path = tuple[str | int, ...]  # keys and indexes from the top of a document


class Reset(list[Any]):
    """The value of a key with the tag `!reset`, by which an override file removes it; always empty."""


class OverrideList(list[Any]):
    """A list with compose's tag `!override`, which replaces the list of an earlier file."""


class OverrideTable(dict[str, Any]):
    """A table with compose's tag `!override`, which replaces the table of an earlier file."""


class Fault(NamedTuple):
    """The line and column, counted from 1, where a text stops being YAML, and what is wrong there."""

    line: int
    column: int
    text: str


_NOT_YAML = "this isn't YAML"
_TOO_MUCH = Fault(0, 1, "the document repeats or nests too much")


def parse_yaml(text: str, wrong: list[Fault] | None = None) -> object:
    """Parse the first YAML document into dictionaries, lists, texts and None; None if it is too large.

    `wrong` gets the place at which the text stops being YAML: the part before it is returned. It gets line 0 if the
    document nests or repeats too much; the result is None then.
    """
    import yaml

    lines, found = text.splitlines(keepends=True), wrong if wrong is not None else []
    for _ in range(_MOST_TRIES):
        loader = _loader()("".join(lines))
        try:
            node = loader.get_node() if loader.check_node() else None
            if node is not None and _size(node, {}) > MOST_NODES:
                found.append(_TOO_MUCH)
                return None
            return None if node is None else loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            line, column = _place(error)
            if not found:
                found.append(Fault(line + 1, column + 1, error.problem or _NOT_YAML))
            lines = lines[: min(line, len(lines) - 1)]
        except yaml.reader.ReaderError as error:
            found.append(Fault("".join(lines).count("\n", 0, error.position) + 1, 1, _NOT_YAML))
            return None
        except (yaml.YAMLError, RecursionError, ValueError):
            found.append(_TOO_MUCH)
            return None
        finally:
            loader.dispose()
    return None


def key_places(text: str) -> dict[Path, tuple[int, int]]:
    """Return line and column of each key and list item of the first document, by its path from the top.

    Keys that come from `<<` or an alias have the place where they are written. A text that isn't YAML has no places.
    """
    import yaml

    loader = _loader()(text)
    found: dict[Path, tuple[int, int]] = {}
    try:
        node = loader.get_node() if loader.check_node() else None
        if node is not None and _size(node, {}) <= MOST_NODES:
            _add_places(node, (), found)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    finally:
        loader.dispose()
    return found


def _add_places(node: yaml.Node, path: Path, found: dict[Path, tuple[int, int]]) -> None:
    for key, mark, value in _children(node):
        found.setdefault((*path, key), (mark.line + 1, mark.column + 1))
        _add_places(value, (*path, key), found)


def _children(node: yaml.Node) -> Iterator[tuple[str | int, yaml.Mark, yaml.Node]]:
    """Yield (key, place, value) of each entry of a node; entries merged by `<<` come after its own."""
    import yaml

    if isinstance(node, yaml.SequenceNode):
        yield from ((index, item.start_mark, item) for index, item in enumerate(node.value))
    elif isinstance(node, yaml.MappingNode):
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _MERGE[0]:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif isinstance(key, yaml.ScalarNode):
                yield key.value, key.start_mark, value
        for each in merged:
            yield from _children(each)


def _place(error: yaml.MarkedYAMLError) -> tuple[int, int]:
    """Return (line, column) of a YAML error; for an unclosed or unfinished construct those where it begins."""
    begins = re.search(r"flow|simple key|scalar", error.context or "")
    mark = (error.context_mark if begins else None) or error.problem_mark
    return (mark.line, mark.column) if mark is not None else (0, 0)


def _loader() -> Any:
    """Return PyYAML's safe loader, in C if available, changed to keep scalars as texts and to refuse tags."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Loader that keeps scalars as texts: `3.10` and `on` stay as they are written."""

        yaml_implicit_resolvers = {"<": [_MERGE], **{first: [_NULL] for first in ("~", "n", "N", "")}}  # noqa: RUF012

        def construct_tagged(self, tag: str, node: yaml.Node) -> object:
            """Return the value after a tag; for compose's tags `!reset` and `!override` as their own type."""
            if tag == "reset":
                return Reset()
            if isinstance(node, yaml.MappingNode):
                table = self.construct_mapping(node, deep=True)
                return OverrideTable(table) if tag == "override" else table
            if isinstance(node, yaml.SequenceNode):
                items = self.construct_sequence(node, deep=True)
                return OverrideList(items) if tag == "override" else items
            return self.construct_scalar(node)

    Loader.add_multi_constructor("!", Loader.construct_tagged)
    Loader.add_multi_constructor("tag:yaml.org,2002:python/", Loader.construct_tagged)
    return Loader


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return the number of nodes with aliases expanded, since few lines can stand for billions."""
    if id(node) not in known:
        known[id(node)] = MOST_NODES + 1  # the value if the node contains itself
        inner = node.value if isinstance(node.value, list) else ()
        parts = [part for item in inner for part in (item if isinstance(item, tuple) else (item,))]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]
