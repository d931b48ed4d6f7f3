"""Refuses compose files with mistakes that compose refuses, too: broken YAML, unknown keys, no services."""

from __future__ import annotations

from collections.abc import Iterator

from devboot.errors import ManifestError, Place, Problems, shell_word
from devboot.model.nearest import nearest
from devboot.model.printable import counted
from devboot.onboarding.reading.containers.compose import Compose
from devboot.onboarding.reading.containers.compose_keys import KEYS, TOP_KEYS, unknown
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.reading.yaml import Fault, Path, key_places, parse_yaml

_KEPT = ("nothing was written",)


def refuse_mistakes(tree: Tree, compose: Compose) -> None:
    """Raise Problems with every mistake in the files of an import, each with its place."""
    errors = [*_faults(tree, compose)] or [*_unknown(tree, compose)]
    if not errors and not compose.containers:
        path = compose.paths[0]
        errors = [
            ManifestError(
                "compose/no-services",
                f"`{path}` has no services",
                place=Place(path),
                help=["devboot init   # looks at the code instead"],
                kept=_KEPT,
            )
        ]
    if errors:
        raise Problems(errors, summary=f"{counted(len(errors), 'problem')}; nothing was written")


def _faults(tree: Tree, compose: Compose) -> Iterator[ManifestError]:
    for path in compose.paths:
        text = tree.text(path)
        if text is None:
            help_ = [f"ls -ld {shell_word(path)}"]
            yield ManifestError(
                "compose/unreadable", f"`{path}` can't be read", place=Place(path), help=help_, kept=_KEPT
            )
            continue
        faults: list[Fault] = []
        parse_yaml(text, faults)
        for fault in faults[:1]:
            line, lines = fault.line or 1, text.splitlines()
            source = lines[line - 1] if line <= len(lines) else ""
            yield ManifestError(
                "compose/not-yaml",
                f"`{path}` isn't YAML from here on",
                place=Place(path, line, fault.column, label=fault.text, source=source),
                help=["devboot explain compose/not-yaml"],
                kept=_KEPT,
            )


def _unknown(tree: Tree, compose: Compose) -> Iterator[ManifestError]:
    for path, document in compose.documents:
        text = tree.text(path) or ""
        places = key_places(text)
        for key in unknown(document, TOP_KEYS):
            yield _of_key(path, text, places, (key,), nearest(key, TOP_KEYS))
        services = document.get("services")
        for name, service in services.items() if isinstance(services, dict) else ():
            for key in unknown(service) if isinstance(service, dict) else ():
                yield _of_key(path, text, places, ("services", str(name), key), nearest(key, KEYS))


def _of_key(
    path: str, text: str, places: dict[Path, tuple[int, int]], way: tuple[str, ...], meant: str | None
) -> ManifestError:
    line, column = places.get(way, (0, 0))
    source = text.splitlines()[line - 1] if line else None
    owner = f"the service `{way[1]}`" if len(way) > 1 else "a compose file"
    label = f"did you mean `{meant}`?" if meant else "not a key of the compose specification"
    return ManifestError(
        "compose/unknown-key",
        f"`{way[-1]}` is not a key of {owner}",
        place=Place(path, line, column, width=len(way[-1]), label=label, source=source),
        help=[f"write `{meant}`" if meant else f"write `x-{way[-1]}`, which every program ignores"],
        kept=_KEPT,
    )
