#!/usr/bin/env python3
"""Writes what code and recipes say already: pages of docs/, and the JSON Schema of the manifest."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import man_page  # noqa: E402
import manifest_page  # noqa: E402
import module_page  # noqa: E402
import recipe_pages  # noqa: E402

from devboot.app.command_table import COMMANDS, GLOBAL, GROUPS, Command, Flag  # noqa: E402
from devboot.app.commands.explain import explanation, known_slugs  # noqa: E402
from devboot.cli.commands.topics import EXIT_CODES, VARIABLES, schema  # noqa: E402
from devboot.cli.help import usage  # noqa: E402

# What each command changes beside its own output.
CHANGES = {
    "up": "installs into the store and `.venv`; writes devboot.lock, state and data; starts processes",
    "down": "stops processes",
    "start": "starts processes",
    "stop": "stops processes",
    "restart": "stops and starts processes",
    "scale": "stops and starts processes",
    "run": "as `sync`, then what the command does",
    "sync": "installs into the store and `.venv`; writes devboot.lock, state and data",
    "lock": "writes devboot.lock",
    "pack": "writes the kit, and devboot.lock where it does not fit",
    "export": "as `sync`; writes into the named folder",
    "rollback": "`.venv` and what warm commands read in the state folder",
    "gc": "removes from the store, and state of projects that are gone",
    "state": "`adopt` renames the folders of state and data",
    "store": "`repair` replaces what is damaged in the store",
    "recipe": "`new` and `update` write into the project's folder `recipes`",
    "init": "writes devboot.toml",
    "import": "writes devboot.toml",
    "doctor": "`--fix` runs the fixes that you confirm, `--report` writes the named file",
    **dict.fromkeys(
        ("ps", "logs", "attach", "env", "generations", "diff", "explain", "completions", "help"), "nothing"
    ),
}


def commands() -> str:
    """The reference of all commands."""
    lines = ["# Commands", "", "Written by `scripts/write_reference.py` from the table that `devboot help` prints.", ""]
    for group in GROUPS:
        lines += [f"## {group}", ""]
        for command in COMMANDS:
            if command.group == group:
                lines += [*_command(command), ""]
    lines += ["## With every command", "", *_flags(GLOBAL), ""]
    lines += ["## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES]
    lines += ["", "## Variables", "", "| name | default | what it does |", "|---|---|---|"]
    lines += [f"| `{one.name}` | {one.default} | {one.help} |" for one in VARIABLES]
    return "\n".join(lines) + "\n"


def errors() -> str:
    """The explanations of all errors."""
    lines = ["# Errors", "", "What `devboot explain SLUG` prints, written by `scripts/write_reference.py`.", ""]
    for slug in known_slugs():
        lines += [f"## {slug}", "", explanation(slug) or "", ""]
    return "\n".join(lines)


def _command(command: Command) -> list[str]:
    lines = [f"### {command.name}", "", f"{command.help}. Changes: {CHANGES[command.name]}.", ""]
    lines += ["```sh", *(f"{example}  # {text}" for example, text in command.examples), "```", ""]
    lines += [f"`{usage(command).removeprefix('usage: ')}`", ""]
    rows = [f"- `{argument.metavar}`: {argument.help}" for argument in command.arguments]
    rows += _flags(command.flags)
    return [*lines, *rows, *([""] if rows and command.notes else []), *command.notes]


def _flags(flags: tuple[Flag, ...]) -> list[str]:
    return [f"- `{', '.join(flag.names)}{f' {flag.metavar}' if flag.metavar else ''}`: {flag.help}" for flag in flags]


PAGES = {
    "docs/commands.md": commands,
    "docs/errors.md": errors,
    "devboot/model/edge/devboot.schema.json": schema,
    **man_page.PAGES,
    **manifest_page.PAGES,
    **module_page.PAGES,
    **recipe_pages.PAGES,
}

if __name__ == "__main__":
    for name, write in PAGES.items():
        (ROOT / name).write_text(write(), encoding="utf-8")
