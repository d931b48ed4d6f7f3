"""The pages of the documentation are those that the code would write."""

import importlib.util
import re
from pathlib import Path

import pytest

from devboot.app.command_table import COMMANDS
from devboot.model.edge.manifest.manifest import Manifest, parse_manifest

ROOT = Path(__file__).resolve().parents[3]
TABLES = [field.alias or name for name, field in Manifest.model_fields.items()]


def reference():
    spec = importlib.util.spec_from_file_location("write_reference", ROOT / "scripts/write_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = [
    "commands.md",
    "devboot.1",
    "errors.md",
    "manifest.md",
    "modules.md",
    "recipes/reference.md",
    "recipes/schema.md",
]


@pytest.mark.parametrize("page", [*(f"docs/{name}" for name in PAGES), "devboot/model/edge/devboot.schema.json"])
def test_a_page_is_what_scripts_write_reference_writes(page):
    assert (ROOT / page).read_text(encoding="utf-8") == reference().PAGES[page]()


def test_the_example_of_a_manifest_is_one():
    text = (ROOT / "scripts/manifest_example.toml").read_text(encoding="utf-8")
    manifest = parse_manifest(text, "devboot.toml", procfile=["web", "worker"])
    assert set(manifest.processes) == {"web", "worker", "nightly"}


def test_every_table_of_a_manifest_has_its_keys_in_the_page():
    page = (ROOT / "docs/manifest.md").read_text(encoding="utf-8")
    assert [table for table in TABLES if f"### `[{table}" not in page] == []


def test_the_manual_page_has_every_command_and_flag():
    page = (ROOT / "docs/devboot.1").read_text(encoding="utf-8").replace(r"\-", "-")
    flags = {name for command in COMMANDS for flag in command.flags for name in flag.names}
    assert [command.name for command in COMMANDS if f"\n.SS devboot {command.name} " not in page] == []
    assert [flag for flag in flags if not re.search(rf"^\.B .*{flag}\b", page, re.MULTILINE)] == []


def test_text_that_roff_would_take_for_a_request_is_escaped():
    page = reference().PAGES["docs/devboot.1"]
    requests = {line.split()[0] for line in page().splitlines() if line.startswith((".", "'"))}
    assert requests <= {'.\\"', ".TH", ".nh", ".SH", ".SS", ".TP", ".B", ".P"}
