"""The changelog is grouped, and no entry stands in it twice, as after merges that keep both sides."""

from pathlib import Path

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def test_no_entry_of_the_changelog_stands_twice():
    entries = [line for line in CHANGELOG.read_text().splitlines() if line.startswith("- ")]

    assert [] == sorted({entry for entry in entries if entries.count(entry) > 1})


def test_the_changelog_is_grouped():
    headings = [line for line in CHANGELOG.read_text().splitlines() if line.startswith("### ")]

    assert headings == ["### Added", "### Changed", "### Fixed"]
