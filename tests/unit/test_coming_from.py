"""The pages for those who come from elsewhere name every command and flag that they may be used to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"

OVERMIND = (
    *("start", "restart", "stop", "interrupt", "connect", "quit", "kill", "run", "exec", "echo", "status", "ps"),
    *("-w", "-f", "-l", "-d", "-t", "-p", "-P", "-N", "-c", "--any-can-die", "-r", "-b", "-T", "-m"),
    *("--formation-port-step", "-i", "-D", "-F", "-x", "-H", "-s", "-S", ".overmind.env", "OVERMIND_ENV"),
)
HONCHO = (
    *("start", "run", "check", "export", "version", "help"),
    *("-e", "-d", "--no-colour", "--no-prefix", "-f", "-v", "-p", "-c", "-q", "-a", "-l", "-u", "-s", "-t"),
)
COMPOSE = (
    *("up", "down", "ps", "ls", "logs", "start", "stop", "restart", "kill", "attach", "exec", "run", "config", "top"),
    *("stats", "events", "port", "pull", "build", "push", "images", "create", "rm", "cp", "pause", "unpause", "wait"),
    *("watch", "version", "-f", "-p", "--profile", "--env-file", "--project-directory", "--dry-run"),
)


def first_cells(page: str) -> str:
    """What stands in the left column of the page's tables."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    return "\n".join(line.split(" | ")[0] for line in lines if line.startswith("| "))


@pytest.mark.parametrize(
    ("page", "words"), [("from-overmind.md", OVERMIND), ("from-honcho.md", HONCHO), ("from-compose.md", COMPOSE)]
)
def test_each_of_their_words_has_a_row(page, words):
    cells = first_cells(page)

    assert [word for word in words if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", cells)] == []
