"""What the pages for contributors send a reader to is there, and they name each table of programs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "devboot"
PAGES = ("docs/architecture.md", "docs/adding.md", "docs/recipes/adding.md", "CONTRIBUTING.md")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = re.compile(r"`([\w.-]+/[\w./-]*|\w+\.(?:py|toml))`")
# Folders below which a page names others, once it has named them; what readers make; what a lock names
BELOW = ("", "devboot", "devboot/onboarding", "devboot/onboarding/frameworks", "devboot/doctor")
MADE = {"build/docs", "recipes/typos", "devboot.toml", "memcached/bookworm", "versions.toml"}
PLACEHOLDER = re.compile(r"[A-Z]{3,}|<")
SERVERS = re.compile(
    r"\b(?:arq|celery|chainlit|daphne|dramatiq|granian|gunicorn|huey_consumer|hypercorn|litestar|quart|sanic|streamlit|"
    r"taskiq|uvicorn|waitress-serve)\b"
)
OF_FRAMEWORKS = ("onboarding/frameworks/", "onboarding/symbolic_eval/")  # one module for each, or calls in code


def rows(heading: str) -> list[list[str]]:
    """The cells of each row of the tables below a heading."""
    section = re.split(r"^## ", ARCHITECTURE, flags=re.MULTILINE)
    text = next(each for each in section if each.startswith(heading))
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def is_there(path: str, folders: set[str]) -> bool:
    return any((ROOT / folder / path).exists() for folder in folders)


@pytest.mark.parametrize("page", PAGES)
def test_each_path_that_a_page_names_is_there(page):
    named = PATHS.findall((ROOT / page).read_text(encoding="utf-8"))
    named = [path for path in named if path not in MADE and not PLACEHOLDER.search(path)]
    folders = {*BELOW, *(str(Path(below, each)) for below in BELOW for p in named for each in (p, Path(p).parent))}

    assert [] == [path for path in named if not is_there(path, folders)]


def test_each_table_of_programs_of_servers_and_workers_is_named_where_a_framework_is_added():
    texts = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    tables = [path for path, text in texts.items() if len(set(SERVERS.findall(text))) >= 4]
    page = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")

    assert [] == [path for path in tables if not path.startswith(OF_FRAMEWORKS) and f"`{path}`" not in page]


def rooms() -> list[str]:
    """The packages and modules that the map names; `.name` is a sibling of its row's first name, after `↳` a child."""
    found: list[str] = []
    room = ""
    for cell, *_ in rows("The map"):
        names = re.findall(r"`([\w.]+)`", cell)
        if not names:
            continue
        room = room if cell.startswith("↳") else names[0]
        parent = room if cell.startswith("↳") else names[0].rpartition(".")[0]
        found += [f"{parent}{name}" if name.startswith(".") else name for name in names]
    return found


def test_each_room_of_the_map_is_a_package_or_a_module():
    paths = [PACKAGE / name.replace(".", "/") for name in rooms()]

    assert [] == [path for path in paths if not path.is_dir() and not path.with_suffix(".py").exists()]


def test_each_package_of_the_first_floor_is_on_the_map():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert set() == found - {"__init__"} - set(rooms())
