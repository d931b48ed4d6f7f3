"""Pipfile.lock."""

import json

import pytest

from devboot.environment.locks.formats.pipfile import parse_pipfile_lock, pipfile_hash
from devboot.environment.locks.pins import EDITABLE, GIT, Direct, IndexLine, Pin

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64
PIPFILE = """
[[source]]
name = "mirror"
url = "https://mirror.example.test/simple"
verify_ssl = true

[packages]
django = "*"

[dev-packages]
pytest = "*"

[requires]
python_version = "3.12"
"""


def lock(**sections):
    meta = {
        "hash": {"sha256": pipfile_hash(PIPFILE)},
        "requires": {"python_version": "3.12"},
        "sources": [{"name": "mirror", "url": "https://mirror.example.test/simple", "verify_ssl": True}],
    }
    return json.dumps({"_meta": meta, "default": {}, "develop": {}, **sections})


def test_both_groups_give_pins_and_the_first_word_on_a_package_counts():
    text = lock(
        default={
            "Django": {"version": "==5.2", "hashes": [A], "markers": "python_version >= '3.10'"},
            "celery": {"version": "==5.4", "extras": ["redis"], "hashes": [A, B]},
        },
        develop={"django": {"version": "==5.2", "hashes": [B]}, "pytest": {"version": "==8.3", "hashes": [B]}},
    )

    found = parse_pipfile_lock(text, pipfile=PIPFILE)

    assert (
        Pin("django", "5.2", "python_version >= '3.10'", (), (A,)),
        Pin("celery", "5.4", "", ("redis",), (A, B)),
        Pin("pytest", "8.3", "", (), (B,)),
    ) == found.pins
    assert (IndexLine("default", "https://mirror.example.test/simple", "Pipfile.lock", name="mirror"),) == found.indexes
    assert ("==3.12.*", "") == (found.python, found.stale)


def test_without_groups_only_the_default_is_taken():
    text = lock(default={"a": {"version": "==1", "hashes": [A]}}, develop={"b": {"version": "==1", "hashes": [A]}})

    assert ["a"] == [pin.name for pin in parse_pipfile_lock(text, groups=()).pins]


def test_what_comes_from_a_place_is_a_direct_reference():
    commit = "0123456789abcdef0123456789abcdef01234567"
    text = lock(
        default={
            "tool": {"git": "https://git.example.test/tool.git", "ref": commit, "subdirectory": "python"},
            "e1839a8": {"path": ".", "editable": True, "markers": "python_version >= '3.11'"},
        }
    )

    found = parse_pipfile_lock(text, base="/project")

    git = f"git+https://git.example.test/tool.git@{commit}"
    assert (
        Direct(GIT, git, "/project", "tool", commit=commit, subdirectory="python", file="Pipfile.lock"),
        Direct(EDITABLE, ".", "/project", marker="python_version >= '3.11'", file="Pipfile.lock"),
    ) == found.directs


def test_what_pipenv_left_open_for_other_platforms_is_a_name_without_a_version():
    text = lock(default={"pywin32": {"version": "*", "markers": "sys_platform == 'win32'"}})

    assert (Pin("pywin32", "", "sys_platform == 'win32'"),) == parse_pipfile_lock(text).pins


def test_a_lock_that_is_older_than_its_pipfile_says_so():
    changed = PIPFILE.replace('django = "*"', 'django = ">=5"')

    assert "Pipfile.lock is older than its Pipfile" == parse_pipfile_lock(lock(), pipfile=changed).stale


@pytest.mark.parametrize("text", ["[]", "{", '{"default": {"a": "==1"}}', '{"default": {"a": {"version": ">=1"}}}'])
def test_another_text_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  the JSON decoder words its own
        parse_pipfile_lock(text)


def test_a_pipfile_without_a_source_is_not_called_newer_than_its_lock():
    """Pipenv digests an address of its own then."""
    without = '[packages]\ndjango = "*"\n'

    assert "" == parse_pipfile_lock(lock(), pipfile=without).stale


def test_what_pipenv_left_unpinned_without_a_condition_is_refused_by_name():
    with pytest.raises(ValueError, match="it pins no version of `tzdata`; a condition in the Pipfile has to be"):
        parse_pipfile_lock(
            '{"default": {"tzdata": {"version": "*"}}}', groups=(), pipfile="", base="/p", file="Pipfile.lock"
        )
