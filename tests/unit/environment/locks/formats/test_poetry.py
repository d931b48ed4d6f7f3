"""poetry.lock, of today's and of older versions."""

import pytest

from devboot.environment.locks.formats.poetry import parse_poetry_lock
from devboot.environment.locks.formats.poetry_versions import admits, alternatives, python_marker
from devboot.environment.locks.markers import render_marker
from devboot.environment.locks.pins import EDITABLE, GIT, Direct, Pin

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64

PYPROJECT = """
[tool.poetry]
name = "shop"

[tool.poetry.dependencies]
python = "^3.10"
web = {version = "^2", extras = ["fast"]}
database = {version = "*", optional = true}
numbers = [
    {version = "<2", python = "<3.12"},
    {version = ">=2", python = ">=3.12"},
]

[tool.poetry.extras]
pg = ["database"]

[tool.poetry.group.dev.dependencies]
checker = "*"

[tool.poetry.group.docs]
optional = true

[tool.poetry.group.docs.dependencies]
writer = "*"
"""


def package(name, version="1.0", rest="", dependencies="", tables="", files=A):
    listed = f'files = [{{file = "{name}-{version}-py3-none-any.whl", hash = "{files}"}}]' if files else ""
    depends = f"\n[package.dependencies]\n{dependencies}" if dependencies else ""
    return f'[[package]]\nname = "{name}"\nversion = "{version}"\n{rest}\n{listed}\n{depends}\n{tables}\n'


FASTLIB = 'fastlib = {version = "*", optional = true, markers = "extra == \'fast\'"}'
OLD = "".join(
    (
        package(
            "web", "2.1", dependencies=f'core = "*"\n{FASTLIB}', tables='[package.extras]\nfast = ["fastlib (>=1)"]'
        ),
        package("core", dependencies='windows = {version = "*", markers = "sys_platform == \'win32\'"}\nweb = "*"'),
        package("windows"),
        package("fastlib"),
        package("database", "3.0", "optional = true", dependencies='core = "*"'),
        package("numbers", "1.26"),
        package("numbers", "2.1"),
        package("checker", "4.0"),
        package("writer", "5.0"),
        '[extras]\npg = ["database"]\n[metadata]\nlock-version = "2.0"\npython-versions = "^3.10"\ncontent-hash = ""\n',
    )
)


def names(pins):
    return {f"{pin.name} {pin.version}": pin.marker for pin in pins}


def test_an_older_lock_is_walked_from_pyproject_with_markers_along_the_way():
    found = parse_poetry_lock(OLD, pyproject=PYPROJECT)

    assert {
        "web 2.1": "",
        "core 1.0": "",
        "windows 1.0": "sys_platform == 'win32'",
        "fastlib 1.0": "",
        "numbers 1.26": 'python_version < "3.12"',
        "numbers 2.1": 'python_version >= "3.12"',
        "checker 4.0": "",
    } == names(found.pins)
    assert ">=3.10,<4" == found.python


def test_groups_and_extras_are_taken_as_they_are_named():
    found = parse_poetry_lock(OLD, pyproject=PYPROJECT, groups=["docs"], extras=["pg"])

    assert {"database 3.0", "writer 5.0"} <= set(names(found.pins))
    assert "checker 4.0" not in names(found.pins)


def test_without_pyproject_an_old_lock_says_itself_what_is_for_development():
    text = package("web", rest='category = "main"\noptional = false', files="")
    text += package("checker", rest='category = "dev"\noptional = false', files="")
    text += package("extra", rest='category = "main"\noptional = true', files="")
    text += '[metadata]\nlock-version = "1.1"\n[metadata.files]\n'
    text += f'web = [{{file = "web-1.0.tar.gz", hash = "{A}"}}]\nchecker = [{{file = "c.tar.gz", hash = "{B}"}}]\n'

    everything, main = parse_poetry_lock(text, groups=["dev"]), parse_poetry_lock(text, groups=[])

    assert (Pin("web", "1.0", hashes=(A,)), Pin("checker", "1.0", hashes=(B,))) == everything.pins
    assert ["web"] == [pin.name for pin in main.pins]


def test_todays_lock_says_groups_and_markers_on_each_package():
    two = "[package.markers]\nmain = \"sys_platform == 'win32'\"\ndev = \"python_version < '3.12'\""
    text = "".join(
        [
            package("web", rest='groups = ["main"]\noptional = false'),
            package("checker", rest='groups = ["dev"]\noptional = false\nmarkers = "python_version < \\"3.12\\""'),
            package("both", rest='groups = ["main", "dev"]\noptional = false', tables=two),
            package("database", rest='groups = ["main"]\noptional = true\nmarkers = "extra == \\"pg\\""'),
            package("writer", rest='groups = ["docs"]\noptional = false'),
            '[metadata]\nlock-version = "2.1"\npython-versions = ">=3.10"\ncontent-hash = ""\n',
        ]
    )  # fmt: skip

    found = parse_poetry_lock(text, pyproject=PYPROJECT)
    with_extra = parse_poetry_lock(text, pyproject=PYPROJECT, groups=[], extras=["pg"])

    assert {
        "web 1.0": "",
        "checker 1.0": 'python_version < "3.12"',
        "both 1.0": "sys_platform == 'win32' or python_version < '3.12'",
    } == names(found.pins)
    assert {"web 1.0": "", "both 1.0": "sys_platform == 'win32'", "database 1.0": ""} == names(with_extra.pins)


def test_packages_from_git_and_folders_are_direct_references():
    commit = "0123456789abcdef0123456789abcdef01234567"
    git = f"""[package.source]
type = "git"
url = "git@git.example.test:a/tool.git"
reference = "main"
resolved_reference = "{commit}"
"""
    folder = '[package.source]\ntype = "directory"\nurl = "../lib"\n'
    text = package("tool", rest='groups = ["main"]', files="", tables=git)
    text += package("lib", rest='groups = ["main"]\ndevelop = true', files="", tables=folder)
    text += '[metadata]\nlock-version = "2.1"\n'

    found = parse_poetry_lock(text, base="/project")

    git = "git+ssh://git@git.example.test/a/tool.git"
    assert (
        Direct(GIT, git, "/project", "tool", commit=commit, file="poetry.lock"),
        Direct(EDITABLE, "../lib", "/project", "lib", file="poetry.lock"),
    ) == found.directs


def test_of_two_versions_the_older_is_for_those_who_insist_on_it():
    pyproject = """
[tool.poetry.dependencies]
python = "^3.10"
a = "*"
numbers = {version = "<2", markers = "sys_platform == 'win32'"}
"""
    text = (
        package("a", dependencies='numbers = "*"')
        + package("numbers", "1.26")
        + package("numbers", "2.1")
        + '[metadata]\nlock-version = "2.0"\n'
    )

    assert {
        "a 1.0": "",
        "numbers 1.26": "sys_platform == 'win32'",
        "numbers 2.1": "sys_platform != 'win32'",
    } == names(parse_poetry_lock(text, pyproject=pyproject).pins)


def test_of_two_versions_the_older_is_for_pythons_that_the_newer_does_not_admit():
    lock = "".join(
        (
            package("web", "2.1", dependencies='core = ">=1"'),
            package("core", "1.9", 'python-versions = ">=3.10"'),
            package("core", "2.4", 'python-versions = ">=3.11"'),
            '[metadata]\nlock-version = "2.0"\npython-versions = "^3.10"\ncontent-hash = ""\n',
        )
    )
    project = '[tool.poetry]\nname = "shop"\n[tool.poetry.dependencies]\npython = "^3.10"\nweb = "^2"\n'
    assert names(parse_poetry_lock(lock, pyproject=project).pins) == {
        "web 2.1": "",
        "core 1.9": 'python_version >= "3.10" and python_version < "3.11"',
        "core 2.4": 'python_version >= "3.11"',
    }


def test_a_lock_that_is_older_than_pyproject_says_so():
    text = OLD.replace('content-hash = ""', f'content-hash = "{"0" * 64}"')

    assert "poetry.lock is older than its pyproject.toml" == parse_poetry_lock(text, pyproject=PYPROJECT).stale


@pytest.mark.parametrize("text", ["package = 1", "[[package]]\nversion = '1'", "{"])
def test_another_text_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  the TOML decoder words its own
        parse_poetry_lock(text)


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("*", ("",)),
        ("^1.2.3", (">=1.2.3,<2",)),
        ("^0.2.3", (">=0.2.3,<0.3",)),
        ("^0.0.3", (">=0.0.3,<0.0.4",)),
        ("^1", (">=1,<2",)),
        ("~1.2.3", (">=1.2.3,<1.3",)),
        ("~1", (">=1,<2",)),
        ("1.2.*", ("==1.2.*",)),
        ("1.2", ("==1.2",)),
        (">=1.2,<2", (">=1.2,<2",)),
        (">=1.2 <2", (">=1.2,<2",)),
        ("^1 || ^3", (">=1,<2", ">=3,<4")),
        ("!=1.5", ("!=1.5",)),
        ("~=1.4", ("~=1.4",)),
    ],
)
def test_constraints_become_specifiers(constraint, expected):
    assert expected == alternatives(constraint)


def test_a_constraint_admits_prereleases_that_are_locked():
    assert (True, False, True) == (admits("^2", "2.1rc1"), admits("^2", "3.0"), admits("nonsense ???", "1"))


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("<3.12", 'python_version < "3.12"'),
        (">=3.9,<4.0", 'python_version >= "3.9" and python_version < "4.0"'),
        ("~3.9", 'python_version >= "3.9" and python_version < "3.10"'),
        ("3.9.*", 'python_version == "3.9"'),
        ("==3.9.1", 'python_full_version == "3.9.1"'),
        ("*", ""),
    ],
)
def test_constraints_on_python_become_markers(constraint, expected):
    assert expected == render_marker(python_marker(constraint))
