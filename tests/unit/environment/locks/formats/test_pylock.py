"""pylock.toml."""

import pytest

from devboot.environment.locks.formats.pylock import parse_pylock
from devboot.environment.locks.pins import EDITABLE, GIT, URL, Direct, Pin

A, B = "a" * 64, "b" * 64
TEXT = f"""
lock-version = "1.0"
created-by = "a test"
requires-python = ">=3.11"
extras = ["web"]
dependency-groups = ["dev", "docs"]
default-groups = ["dev"]

[[packages]]
name = "Core_Lib"
version = "1.0"
marker = "sys_platform == 'linux'"
sdist = {{ url = "https://files.example.test/core_lib-1.0.tar.gz", hashes = {{ sha256 = "{A}" }} }}
wheels = [{{ name = "core_lib-1.0-py3-none-any.whl", path = "w/x.whl", hashes = {{ sha256 = "{B}" }} }}]

[[packages]]
name = "server"
version = "2"
marker = "'web' in extras"
wheels = [{{ url = "https://files.example.test/server-2-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }}]

[[packages]]
name = "checker"
version = "3"
marker = "'dev' in dependency_groups and python_version < '3.13'"
wheels = [{{ url = "https://files.example.test/checker-3-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }}]

[[packages]]
name = "tool"
version = "4"
vcs = {{ type = "git", url = "https://git.example.test/tool.git", commit-id = "{"c" * 40}", subdirectory = "py" }}

[[packages]]
name = "own"
directory = {{ path = ".", editable = true }}

[[packages]]
name = "archive"
archive = {{ url = "https://files.example.test/archive.zip", hashes = {{ sha256 = "{A}" }} }}
"""


def test_names_versions_markers_and_hashes_are_taken_and_addresses_are_not():
    found = parse_pylock(TEXT)

    assert (
        Pin("core-lib", "1.0", "sys_platform == 'linux'", (), (f"sha256:{A}", f"sha256:{B}")),
        Pin("checker", "3", "python_version < '3.13'", (), (f"sha256:{A}",)),
    ) == found.pins
    assert ("core_lib-1.0-py3-none-any.whl", "core_lib-1.0.tar.gz") == found.pins[0].files
    assert ">=3.11" == found.python


def test_extras_and_groups_are_chosen():
    found = parse_pylock(TEXT, groups=[], extras=["web"])

    assert ["core-lib", "server"] == [pin.name for pin in found.pins]


def test_places_are_direct_references():
    git, folder, archive = parse_pylock(TEXT, base="/p").directs

    address = "git+https://git.example.test/tool.git"
    assert Direct(GIT, address, "/p", "tool", commit="c" * 40, subdirectory="py", file="pylock.toml") == git
    assert Direct(EDITABLE, ".", "/p", "own", file="pylock.toml") == folder
    url = "https://files.example.test/archive.zip"
    assert Direct(URL, url, "/p", "archive", hashes=(f"sha256:{A}",), file="pylock.toml") == archive


@pytest.mark.parametrize("text", ['lock-version = "2.0"', "a = 1", 'lock-version = "1.0"\npackages = [1]', "{"])
def test_another_text_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  the TOML decoder words its own
        parse_pylock(text)
