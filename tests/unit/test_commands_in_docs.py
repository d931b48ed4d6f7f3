"""Every command of devboot that a page names has the flags that the page gives it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from devboot.app.command_table import BY_NAME, GLOBAL
from devboot.app.commands.explain import known_slugs

ROOT = Path(__file__).parents[2]
PAGES = [
    str(path.relative_to(ROOT))
    for place in ("*.md", "docs/**/*.md", "examples/*/*.md", ".github/**/*.md")
    for path in sorted(ROOT.glob(place))
]
SOURCES = [
    path
    for place in ("devboot/**/*.py", "devboot/**/*.toml", "recipes/*/recipe.toml")
    for path in sorted(ROOT.glob(place))
    if "devboot " in path.read_text(encoding="utf-8")
]
SPAN = re.compile(r"`((?:\S*/)?devbootw? [^`]+)`")
LINE = re.compile(r"^\s*(?:\$ |- run: |run: )?((?:\S*/)?devbootw? .+)$", re.MULTILINE)
BLOCK = re.compile(r"^(?:```|    ).*?(?:```|$)", re.DOTALL | re.MULTILINE)
GENERAL = {name for flag in GLOBAL for name in flag.names}
WITH_VALUE = {"-C"}
PATHS = {"build/docs", "run/daemon"}  # look like the slug of an error
PLACEHOLDERS = ("COMMAND", "…", "...", "1")  # 1 is the number of the protocol in its greeting


def commands(text: str) -> Iterator[str]:
    """Yield what follows `devboot` in each command of a page, up to the shell's next operator."""
    found = [*SPAN.findall(text), *(line for block in BLOCK.findall(text) for line in LINE.findall(block))]
    for command in found:
        yield re.split(r"\s#|[;|&]|\s>", command)[0].split(maxsplit=1)[1]


def mistakes(command: str) -> str:
    """What is wrong with a command, "" if nothing is."""
    words = command.split()
    while words and words[0].startswith("-"):
        if words[0] not in GENERAL:
            return f"{command}: no flag {words[0]}"
        words = words[2 if words[0] in WITH_VALUE else 1 :]
    if not words:
        return ""
    name = words[0].strip("\"')")
    if name not in BY_NAME:
        return "" if name in PLACEHOLDERS else f"{command}: no command {name}"
    known = {flag for each in BY_NAME[name].flags for flag in each.names} | GENERAL
    for word in words[1:]:
        if word == "--" or (BY_NAME[name].passes_through and not word.startswith("-")):
            break
        flag = word.strip("\"')[],").partition("=")[0]
        if flag.startswith("-") and flag not in known:
            return f"{command}: no flag {flag}"
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_a_page_exists_with_its_flags(page):
    found = {mistakes(command) for command in commands((ROOT / page).read_text(encoding="utf-8"))}
    assert found - {""} == set()


def advised(source: str) -> Iterator[str]:
    """Yield the commands of devboot in a module's advice; values that are filled in are `1`."""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        given = [keyword.value for keyword in call.keywords if keyword.arg == "help"]
        given += call.args[:1] if getattr(call.func, "id", "") == "Fix" else []
        for node in (node for each in given for node in ast.walk(each)):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
                text = re.sub(r"(?<=\w)\0", "", text).replace("\0", "1")
            else:
                text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            yield from SPAN.findall(text)
            yield from [text] if re.match(r"devboot \S", text) and "`" not in text else []


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(ROOT)) for path in SOURCES])
def test_each_command_that_a_message_advises_exists_with_its_flags(path):
    text = path.read_text(encoding="utf-8")
    said = SPAN.findall(text) if path.suffix == ".toml" else advised(text)
    found = {mistakes(re.split(r"\s#|[;|&]|\s>", each)[0].split(maxsplit=1)[1]) for each in said}
    assert found - {""} == set()


@pytest.mark.parametrize("command", ["upp -d", "up --detached", "logs --tail 5", "-X ps"])
def test_a_command_that_does_not_exist_is_noticed(command):
    assert mistakes(command)


@pytest.mark.parametrize("page", PAGES)
def test_each_error_that_a_page_names_has_an_explanation(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    areas = {slug.partition("/")[0] for slug in known_slugs()}
    named = set(re.findall(r"(?:`|error\[|warning\[)([a-z]+/[a-z-]+)[\]`]", text)) - PATHS
    assert {each for each in named if each.partition("/")[0] in areas} - set(known_slugs()) == set()
