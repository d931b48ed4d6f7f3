"""The wording of every message template in the code: what is said, and how."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import devboot

PACKAGE = Path(devboot.__file__).parent
SLUG = re.compile(r"[a-z]+/[a-z0-9-]+")
ERRORS = re.compile(r"(Work|Usage|Manifest|Lock|Network|Integrity|Machine|Busy|Trust|Devboot)Error")
BLAME = re.compile(r"\b(invalid|illegal|bad input|wrong input|sorry|oops|fatal|abort\w*)\b", re.IGNORECASE)
# Names that are written with a capital wherever they stand.
NAMES = ("Redis", "Valkey", "Python", "SQLite", "Procfile", "TOML", "UTF-8", "DEVBOOT_HOME", "HOME")


def template(node):
    """The text of a literal, with `{}` where values are filled in; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def texts(node):
    """The templates in a list, tuple or conditional of them."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return [text for item in node.elts for text in texts(item)]
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    if isinstance(node, ast.Starred):
        return texts(node.value)
    text = template(node)
    return [] if text is None else [text]


@cache
def messages():
    """(place, what, causes, helps) of every error and finding that is built in the code."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            if ERRORS.fullmatch(name):
                found.append((place, texts(node.args[1]), texts(keywords.get("causes")), texts(keywords.get("help"))))
            elif name == "Finding" and len(node.args) > 3:
                found.append((place, texts(node.args[2]), texts(node.args[3]), []))
    return found


def test_there_are_messages_to_look_at():
    assert len(messages()) > 80


WHATS = [(place, what) for place, whats, _, _ in messages() for what in whats]


@pytest.mark.parametrize(("place", "what"), WHATS, ids=[place for place, _ in WHATS])
def test_the_first_line_is_complete_short_and_lower_case(place, what):
    assert what
    assert not what.endswith((".", "!", ":"))
    assert "\n" not in what
    assert len(what) <= 100
    assert not what[0].isupper() or what.startswith(NAMES)


# Advice that devboot can't have: the slug's error is a recipe author's, or carries the advice of another error.
WITHOUT_HELP = re.compile(r"\b(?:error|problem|each|failure|first)\.slug")


def is_empty(node):
    """Whether the argument `help` is absent, or may be empty by its own form."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return not node.elts
    return node is None or (isinstance(node, ast.IfExp) and (is_empty(node.body) or is_empty(node.orelse)))


def test_every_error_has_advice():
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            is_error = ERRORS.fullmatch(getattr(node.func, "id", getattr(node.func, "attr", "")))
            if not is_error or any(keyword.arg is None for keyword in node.keywords):  # `**` passes on another's
                continue
            helps = {keyword.arg: keyword.value for keyword in node.keywords}.get("help")
            if is_empty(helps) and not WITHOUT_HELP.search(ast.unparse(node.args[0])):
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert found == []


def test_nobody_is_blamed():
    said = [(place, text) for place, *parts in messages() for part in parts for text in part]
    assert [(place, text) for place, text in said if BLAME.search(text)] == []


def test_advice_stands_in_help_only():
    advice = re.compile(r"\b(try|run|use|check|make sure|should|must be set) (the|your|`devboot|again)\b")
    assert [(place, what) for place, what in WHATS if advice.search(what)] == []
