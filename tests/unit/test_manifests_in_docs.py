"""Every example of devboot.toml in the pages, and every line of it in advice, is one that devboot reads."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from devboot.model.edge.manifest.manifest import manifest_schema, parse_manifest

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")) if path.name != "adding.md"),
]
EXAMPLES = [
    (page, text)
    for page in PAGES
    for text in re.findall(r"^```toml\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
]


@pytest.mark.parametrize(("page", "text"), EXAMPLES, ids=[f"{page}-{n}" for n, (page, _) in enumerate(EXAMPLES)])
def test_an_example_of_a_manifest_can_be_read(page, text):
    own = re.findall(r"^\[processes\.(\w+)\]\ncommand", text, flags=re.MULTILINE)
    parse_manifest(text, page, procfile=[name for name in ("web", "worker") if name not in own])


def test_the_pages_have_examples():
    assert len(EXAMPLES) > 8


PACKAGE = ROOT / "devboot"
SPAN = re.compile(r"`([^`\n]+ = [^`\n]+)`")
LINE = re.compile(r"^(?:or )?([a-z][\w-]* = .+?)(?:  +#.*)?$", re.MULTILINE)
OTHER_FILES = {"requires", "build-backend"}  # keys of pyproject.toml
NO_MANIFEST = re.compile(r"^(?:ss|export) ")  # commands


def advised_lines(source: str) -> Iterator[str]:
    """Yield the lines of a manifest in a module's advice; values that are filled in are `1`."""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        advice = [node for each in call.keywords if each.arg == "help" for node in ast.walk(each.value)]
        parts = {id(part) for node in advice if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in advice:
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values)
            else:
                text = str(node.value) if isinstance(node, ast.Constant) and id(node) not in parts else ""
            yield from (line for line in (*SPAN.findall(text), *LINE.findall(text)) if not NO_MANIFEST.match(line))


def known_keys(part: object) -> set[str]:
    """Return the keys of all tables in a JSON Schema."""
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    own = part.get("properties") if isinstance(part, dict) else None
    return {key for each in inner for key in known_keys(each)} | (set(own) if isinstance(own, dict) else set())


KEYS = known_keys(manifest_schema()) | {path.name for path in (ROOT / "recipes").iterdir()} | OTHER_FILES


def mistake(line: str) -> str:
    """Return what is wrong with a line for a manifest, "" if nothing is."""
    try:
        (key,) = tomllib.loads(line.replace("…", "x"))
    except (tomllib.TOMLDecodeError, ValueError) as error:
        return f"{line}: {error}"
    is_known = key in KEYS or key.isupper() or key == "1"
    return "" if is_known else f"{line}: no key {key}"


def test_each_line_for_a_manifest_that_a_message_advises_can_be_read():
    found = {
        f"{path.relative_to(PACKAGE)}: {wrong}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in advised_lines(path.read_text(encoding="utf-8"))
        if (wrong := mistake(line))
    }
    assert found == set()


@pytest.mark.parametrize(
    ("source", "is_wrong"),
    [
        ("WorkError(help=['write `ready = { http = 5`'])", True),
        ("WorkError(help=['write `redy = \"5s\"`'])", True),
        ("WorkError(help=[f'version = {version}'])", False),
        ("WorkError(help=[f'vresion = \"{version}\"   # in [services.redis]'])", True),
        ("WorkError(help=['`restart = \"never\"` in `[processes.web]`'])", False),
    ],
)
def test_a_line_that_no_manifest_takes_would_be_noticed(source, is_wrong):
    assert is_wrong == any(map(mistake, advised_lines(source)))
