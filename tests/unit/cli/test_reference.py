"""The pages of the documentation are those that the code would write."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def reference():
    spec = importlib.util.spec_from_file_location("write_reference", ROOT / "scripts/write_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands", "errors", "recipes/reference", "recipes/schema"])
def test_a_page_is_what_scripts_write_reference_writes(name):
    page = f"docs/{name}.md"
    assert (ROOT / page).read_text(encoding="utf-8") == reference().PAGES[page]()
