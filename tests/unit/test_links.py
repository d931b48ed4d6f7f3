"""Links of all Markdown pages lead to files and headings that are there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from devboot.app.commands.explain import known_slugs

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PLACES = ("*.md", "docs/**/*.md", "examples/*/*.md", ".github/**/*.md")
PAGES = sorted(str(path.relative_to(ROOT)) for place in PLACES for path in ROOT.glob(place))


def links(page: str) -> list[str]:
    """The targets of a page's links, but for addresses of the web."""
    return [each for each in LINK.findall(CODE.sub("", read(page))) if "://" not in each]


@cache
def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def anchors(page: str) -> set[str]:
    """The anchors that a forge gives to the headings of a page."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"(?ms)^```.*?^```$", "", read(page)), flags=re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        count = found.get(anchor, 0)
        found[anchor] = count + 1
        if count:
            found[f"{anchor}-{count}"] = 1
    return set(found)


def broken(page: str) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(str(target.resolve().relative_to(ROOT.resolve())))):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_each_link_of_a_page_leads_somewhere(page):
    assert broken(page) == []


def test_the_pages_are_those_that_people_read():
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/tutorial.md", "docs/errors.md"} <= set(PAGES)


def test_each_error_has_an_anchor():
    assert [slug for slug in known_slugs() if slug.replace("/", "") not in anchors("docs/errors.md")] == []


def test_each_page_of_docs_is_on_the_site():
    listed = re.findall(r"^(?:.* <)?([\w/-]+)>?$", read("docs/index.md"), re.MULTILINE)
    pages = [page.removeprefix("docs/").removesuffix(".md") for page in PAGES if page.startswith("docs/")]
    assert sorted(set(pages) - set(listed)) == ["index"]
