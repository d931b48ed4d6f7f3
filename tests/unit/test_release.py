"""What a release changes in the checkout, and when it is refused."""

import datetime as dt
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

import devboot

ROOT = Path(__file__).resolve().parents[2]
TODAY = dt.date(2026, 5, 12)


@pytest.fixture(scope="module")
def release():
    spec = importlib.util.spec_from_file_location("release", ROOT / "scripts/release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_version_is_the_same_wherever_it_stands(release):
    found = {re.search(pattern, (ROOT / name).read_text())[1] for name, pattern in release.VERSIONS.items()}
    assert found == {devboot.__version__}
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == devboot.__version__


def test_a_later_version_replaces_the_earlier_one_and_nothing_else(release):
    text = 'name = "x"\nversion = "0.1.0"\nminversion = "0.1.0"\n'
    wanted = 'name = "x"\nversion = "0.2.0"\nminversion = "0.1.0"\n'
    assert release.versioned(text, release.VERSIONS["pyproject.toml"], "0.2.0") == wanted


@pytest.mark.parametrize("version", ["0.0.9", "1,0", "next", "0.2.0-beta", "v0.2.0"])
def test_a_version_that_is_earlier_or_in_another_form_is_refused(release, version):
    with pytest.raises(release.ReleaseError):
        release.versioned('version = "0.1.0"\n', release.VERSIONS["pyproject.toml"], version)


def test_what_was_unreleased_gets_the_version_and_the_day(release):
    text = "# Changelog\n\n## Unreleased\n\n### Added\n\n- a thing\n\n## 0.1.0 (2026-01-01)\n\n- first\n"
    wanted = text.replace("## Unreleased\n", "## Unreleased\n\n## 0.2.0 (2026-05-12)\n")
    assert release.dated(text, "0.2.0", TODAY) == wanted


def test_a_release_of_nothing_is_refused(release):
    with pytest.raises(release.ReleaseError):
        release.dated("# Changelog\n\n## Unreleased\n\n## 0.1.0 (2026-01-01)\n\n- first\n", "0.2.0", TODAY)


def test_the_changelog_has_a_place_for_what_is_unreleased():
    assert (ROOT / "CHANGELOG.md").read_text().count("\n## Unreleased\n") == 1
