"""Every slug that the code raises has a text, and every text a slug."""

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

import devboot
from devboot.app.commands.explain import FAMILIES, explanation, known_slugs

PACKAGE = Path(devboot.__file__).parent
SLUG = re.compile(r"[a-z]+/[a-z0-9-]+")
# Looks like a slug and is none: parts of paths, a kind of content.
OTHER = {"devboot/run", "docker/config", "docker/env", "installs/python", "network/http-", "text/html"}


def trees():
    for path in PACKAGE.rglob("*.py"):
        yield ast.parse(path.read_text(encoding="utf-8"))


@cache
def constants():
    """Every string of the code, but for the names of fail-points."""
    return frozenset(text for tree in trees() for text in strings_of(tree))


def strings_of(tree):
    skipped = {
        id(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "fail_point"
        for argument in node.args
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.value


def raised():
    """Slugs in the code and in the bundled recipes."""
    found = {text for text in constants() if SLUG.fullmatch(text)} - OTHER
    for path in (PACKAGE.parent / "recipes").glob("*/recipe.toml"):
        failures = tomllib.loads(path.read_text(encoding="utf-8")).get("service", {}).get("failure", [])
        found |= {failure["slug"] for failure in failures if "slug" in failure}
    return found


def test_every_slug_that_is_raised_is_explained():
    assert sorted(raised() - set(known_slugs())) == []


def test_every_explanation_belongs_to_a_slug_that_is_raised():
    strings, slugs = set(constants()), raised()
    families = {area for areas in FAMILIES.values() for area in areas}
    unused = [
        slug
        for slug in known_slugs()
        if slug not in slugs
        and slug not in strings
        and not (slug.split("/")[0] in families and any(text.endswith(slug.split("/")[1]) for text in strings))
        and slug != "network/http"
    ]
    assert unused == []


@pytest.mark.parametrize("slug", known_slugs())
def test_explanations_are_short_plain_and_end_in_a_full_stop(slug):
    text = explanation(slug)
    assert text is not None
    assert 1 <= text.count("\n") + 1 <= 8
    assert text.isascii()
    assert text[-1] in ".`"
    assert not re.search(r"\b(invalid|illegal|bad input)\b", text)


# A command, an imperative, or a pointer to the message's own command
ADVICE = re.compile(
    r"`(?:sudo |export )?(?:devboot|uv|chmod|apt-get|apt-cache|ulimit|df|du|git|kill|mount|npm|2to3)\b|"
    r"(?:^|[.:;,] |\bor |\band |\bthen )(?:add|adopt|ask|change|check|choose|close|copy|correct|drop|edit|end|fix|free|"
    r"give|install|let|lock|log|mount|move|name|omit|open|pack|paste|press|put|remove|rename|report|restore|run|save|"
    r"set|start|state|stop|switch|unset|upgrade|use|wait|write)\b|"
    r"\bthe (?:command|lines) (?:in|of) the message\b|message has the (?:command|lines)|do anything|^To [a-z]+ ",
    re.IGNORECASE | re.MULTILINE,
)
INTERNAL = re.compile(r"\b(?:guardian|lease|realise|stamp|store object|plan_\w+)\b", re.IGNORECASE)


@pytest.mark.parametrize("slug", known_slugs())
def test_explanations_say_what_happened_first_and_then_what_to_do(slug):
    text = explanation(slug) or ""
    assert not text.startswith("- ")
    assert ADVICE.search(re.split(r"[.:]\s", text, maxsplit=1)[-1])
    assert not INTERNAL.search(text)


@pytest.mark.parametrize("text", ["Something failed. It may work later.", "It can't be read. It is a directory."])
def test_an_explanation_without_advice_would_be_noticed(text):
    assert not ADVICE.search(text)


def test_http_refusals_share_one_text():
    assert explanation("network/http-404") == explanation("network/http")


def test_every_kind_of_mistake_in_a_file_is_explained():
    kinds = {
        node.args[0].value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") in ("error", "_error")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
    explained = {kind for kind in kinds for area in ("manifest", "lock") if explanation(f"{area}/{kind}")}
    assert kinds - explained == set()
