"""The threat model names the tests that prove it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+)`", PAGE)))


@pytest.mark.parametrize("name", NAMED)
def test_each_test_that_the_threat_model_names_is_there(name):
    assert (ROOT / name).exists()


def test_each_row_of_a_claim_names_a_test():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and line.count(" | ") == 2]
    claims = [row for row in rows if not row.startswith(("| who", "| a ", "| another user of", "| the network"))]
    assert [row for row in claims if "tests/" not in row and not row.endswith("| test |")] == []


def test_reports_go_to_the_forge_and_not_to_an_address():
    text = (ROOT / "SECURITY.md").read_text()
    assert "Report a\nvulnerability" in text
    assert "@" not in text
    assert "docs/security.md" in text
