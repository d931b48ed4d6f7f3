"""Writes docs/modules.md: each module of the package with the first line of its docstring."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "devboot"


def modules() -> str:
    """The page: a table for each package, in alphabetical order."""
    lines = ["# Modules", "", "What each module of the package does, written by `scripts/write_reference.py`."]
    lines += ["[Architecture](architecture.md) says which may import which.", ""]
    for folder in sorted({path.parent for path in PACKAGE.rglob("*.py")}):
        name = ".".join(folder.relative_to(PACKAGE.parent).parts)
        rows = [
            f"| `{path.stem}` | {_first_line(path)} |" for path in sorted(folder.glob("*.py")) if path.stem[:1] != "_"
        ]
        lines += [f"## {name}", "", _first_line(folder / "__init__.py"), ""]
        lines += ["| module | what it does |", "|---|---|", *rows, ""] if rows else []
    return "\n".join(lines)


def _first_line(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.exists() else None
    return (text or "").partition("\n")[0].replace("|", "\\|").replace("<", "&lt;")


PAGES = {"docs/modules.md": modules}
