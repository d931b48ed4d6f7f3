"""The changelog is grouped, and no entry stands in it twice, as after merges that keep both sides."""

import re
from pathlib import Path

from devboot import __version__

TEXT = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
UNRELEASED, *RELEASED = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]


def test_no_entry_of_the_changelog_stands_twice():
    entries = [line for line in TEXT.splitlines() if line.startswith("- ")]

    assert [] == sorted({entry for entry in entries if entries.count(entry) > 1})


def test_each_entry_of_the_changelog_belongs_to_a_group():
    assert [section for section in (UNRELEASED, *RELEASED) if "\n- " in section.partition("\n### ")[0]] == []


def test_what_comes_before_the_first_release_is_one_page_of_features():
    assert RELEASED or (__version__ == "0.1.0" and len(UNRELEASED.splitlines()) <= 100)


def test_later_versions_say_what_was_added_changed_and_fixed():
    later = (UNRELEASED, *RELEASED)[: len(RELEASED)]
    headings = {line for section in later for line in section.splitlines() if line.startswith("### ")}

    assert headings <= {"### Added", "### Changed", "### Removed", "### Fixed"}
