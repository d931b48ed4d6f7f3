"""YAML as compose files use it: by PyYAML's safe loader, scalars left as texts, without what only fills memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

MOST_NODES = 50_000  # that a document may have once its aliases are followed
_MOST_TRIES = 20  # to find what stands before a line that is no YAML
_MERGE = ("tag:yaml.org,2002:merge", re.compile(r"^<<$"))
_NULL = ("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"))


def parse_yaml(text: str, wrong: list[int] | None = None) -> object:
    """Return the first document as dictionaries, lists, texts and None; None where it is nested or repeated too often.

    `wrong` gets the line at which the text ceases to be YAML: what stands before it counts. It gets 0 where the whole
    is too much, and None comes back.
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
    """The line of an error; where something isn't closed or finished, that where it begins."""
    begins = re.search(r"flow|simple key|scalar", error.context or "")
    mark = (error.context_mark if begins else None) or error.problem_mark
    return mark.line if mark is not None else 0


def _loader() -> Any:
    """PyYAML's safe loader, in C where it has that, without types but None, and without tags of anybody's own."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Leaves scalars as texts: `3.10` and `on` mean what stands there."""

        yaml_implicit_resolvers = {"<": [_MERGE], **{first: [_NULL] for first in ("~", "n", "N", "")}}  # noqa: RUF012

        def construct_tagged(self, _tag: str, node: yaml.Node) -> object:
            """Return what stands behind a tag, `!reset` say."""
            if isinstance(node, yaml.MappingNode):
                return self.construct_mapping(node, deep=True)
            if isinstance(node, yaml.SequenceNode):
                return self.construct_sequence(node, deep=True)
            return self.construct_scalar(node)

    Loader.add_multi_constructor("!", Loader.construct_tagged)
    Loader.add_multi_constructor("tag:yaml.org,2002:python/", Loader.construct_tagged)
    return Loader


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes there are once aliases are followed: few lines can stand for billions, or contain themselves."""
    if id(node) not in known:
        known[id(node)] = MOST_NODES + 1  # met again inside of itself
        inner = node.value if isinstance(node.value, list) else ()
        parts = [part for item in inner for part in (item if isinstance(item, tuple) else (item,))]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]
