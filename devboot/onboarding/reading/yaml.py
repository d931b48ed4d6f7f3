"""Parses YAML for compose files with PyYAML's safe loader; scalars stay texts, and memory is bounded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

MOST_NODES = 50_000  # in a document with its aliases expanded
_MOST_TRIES = 20  # to parse the part before a line that isn't YAML
_MERGE = ("tag:yaml.org,2002:merge", re.compile(r"^<<$"))
_NULL = ("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"))


def parse_yaml(text: str, wrong: list[int] | None = None) -> object:
    """Return the first document as dictionaries, lists, texts and None; None if it is too large.

    `wrong` gets the line at which the text stops being YAML: the part before it is returned. It gets 0 if the
    document nests or repeats too much; the result is None then.
    """
    import yaml

    lines, found = text.splitlines(keepends=True), wrong if wrong is not None else []
    for _ in range(_MOST_TRIES):
        loader = _loader()("".join(lines))
        try:
            node = loader.get_node() if loader.check_node() else None
            if node is not None and _size(node, {}) > MOST_NODES:
                found.append(0)
                return None
            return None if node is None else loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            line = _line(error)
            if not found:
                found.append(line + 1)
            lines = lines[: min(line, len(lines) - 1)]
        except yaml.reader.ReaderError as error:
            found.append("".join(lines).count("\n", 0, error.position) + 1)
            return None
        except (yaml.YAMLError, RecursionError, ValueError):
            found.append(0)
            return None
        finally:
            loader.dispose()
    return None


def _line(error: yaml.MarkedYAMLError) -> int:
    """Return the line of an error; for an unclosed or unfinished construct the line where it begins."""
    begins = re.search(r"flow|simple key|scalar", error.context or "")
    mark = (error.context_mark if begins else None) or error.problem_mark
    return mark.line if mark is not None else 0


def _loader() -> Any:
    """Return a subclass of PyYAML's safe loader, in C if available, that knows no types but None and no tags."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Keeps scalars as texts: `3.10` and `on` mean what is written."""

        yaml_implicit_resolvers = {"<": [_MERGE], **{first: [_NULL] for first in ("~", "n", "N", "")}}  # noqa: RUF012

        def construct_tagged(self, _tag: str, node: yaml.Node) -> object:
            """Return the value after a tag, such as `!reset`."""
            if isinstance(node, yaml.MappingNode):
                return self.construct_mapping(node, deep=True)
            if isinstance(node, yaml.SequenceNode):
                return self.construct_sequence(node, deep=True)
            return self.construct_scalar(node)

    Loader.add_multi_constructor("!", Loader.construct_tagged)
    Loader.add_multi_constructor("tag:yaml.org,2002:python/", Loader.construct_tagged)
    return Loader


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Return the number of nodes with aliases expanded: few lines can stand for billions, or contain themselves."""
    if id(node) not in known:
        known[id(node)] = MOST_NODES + 1  # the value if the node contains itself
        inner = node.value if isinstance(node.value, list) else ()
        parts = [part for item in inner for part in (item if isinstance(item, tuple) else (item,))]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]
