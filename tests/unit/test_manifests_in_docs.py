"""Every example of devboot.toml in the pages is one that devboot reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devboot.model.edge.manifest.manifest import parse_manifest

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
