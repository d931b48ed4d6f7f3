"""Known issues in the README: programs without a build for macOS on Intel are those that recipes say."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLATFORM = "macos-x86_64"


def unavailable():
    """Return the programs without a build for the platform, with their versions if others have one."""
    found = {}
    for path in ROOT.glob("recipes/*/versions.toml"):
        releases = tomllib.loads(path.read_text(encoding="utf-8"))["version"]
        lacking = [each["version"] for each in releases if PLATFORM in each.get("unavailable", {})]
        if lacking:
            found[path.parent.name] = set(lacking) if len(lacking) < len(releases) else set()
    return found


def test_the_programs_without_a_build_for_macos_on_intel_are_named():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    said = re.search(rf"\({PLATFORM}\) there is no build of ([^;]*);", text)[1]

    assert set(re.findall(r"[a-z][a-z0-9]*", said)) - {"and"} == set(unavailable())
    assert set(re.findall(r"\d[\d.]+", said)) == set().union(*unavailable().values())
