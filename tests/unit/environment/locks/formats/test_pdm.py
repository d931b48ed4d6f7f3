"""pdm.lock."""

import pytest

from devboot.environment.locks.formats.pdm import parse_pdm_lock, says_everything
from devboot.environment.locks.inputs import PDM, default_inputs, kind_of
from devboot.environment.locks.pins import EDITABLE, GIT, Direct, Pin

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
HEAD = """\
[metadata]
groups = ["default", "dev", "docs", "tls"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"
content_hash = "sha256:0"
[[metadata.targets]]
requires_python = ">=3.11"
"""
PYPROJECT = """\
[project.optional-dependencies]
tls = ["bee"]
[dependency-groups]
dev = ["cat"]
[tool.pdm.dev-dependencies]
docs = ["dog"]
"""


def package(name, *groups, version="1.0", more="", digest=A):
    listed = ", ".join(f'"{group}"' for group in groups)
    files = f'files = [{{file = "{name}-{version}-py3-none-any.whl", hash = "{digest}"}}]'
    return f'[[package]]\nname = "{name}"\nversion = "{version}"\ngroups = [{listed}]\n{more}\n{files}\n'


LOCK = HEAD + "".join(
    [
        package("ant", "default", more="marker = \"sys_platform == 'linux'\""),
        package("Bee_Hive", "tls"),
        package("cat", "dev", digest=B),
        package("dog", "docs"),
    ]
)


def names(**options):
    return [pin.name for pin in parse_pdm_lock(LOCK, pyproject=PYPROJECT, **options).pins]


def test_all_groups_for_development_count_unless_some_are_named():
    assert names() == ["ant", "cat", "dog"]
    assert names(groups=["dev"]) == ["ant", "cat"]
    assert names(groups=[]) == ["ant"]
    assert names(groups=[], extras=["tls"]) == ["ant", "bee-hive"]


def test_versions_markers_and_digests_are_taken():
    found = parse_pdm_lock(LOCK, pyproject=PYPROJECT, groups=["dev"])

    assert found.pins == (
        Pin("ant", "1.0", "sys_platform == 'linux'", (), (A,), ("ant-1.0-py3-none-any.whl",)),
        Pin("cat", "1.0", "", (), (B,), ("cat-1.0-py3-none-any.whl",)),
    )
    assert found.python == ">=3.11"


@pytest.mark.parametrize("order", [1, -1])
def test_a_package_with_extras_stands_there_twice_and_is_taken_once(order):
    twice = [package("ant", "default"), package("ant", "default", more='extras = ["fast"]')]
    found = parse_pdm_lock(HEAD + "".join(twice[::order]))

    assert [(pin.name, pin.version, pin.hashes) for pin in found.pins] == [("ant", "1.0", (A,))]


def test_git_and_folders_of_the_project_are_direct_references():
    text = HEAD + (
        '[[package]]\nname = "ant"\nversion = "1"\ngroups = ["default"]\n'
        f'git = "https://example.test/ant.git"\nref = "main"\nrevision = "{"c" * 40}"\n'
        '[[package]]\nname = "lib"\nversion = "1"\ngroups = ["default"]\npath = "./lib"\neditable = true\n'
    )

    assert parse_pdm_lock(text, base="/p").directs == (
        Direct(GIT, "git+https://example.test/ant.git", "/p", "ant", commit="c" * 40, file="pdm.lock"),
        Direct(EDITABLE, "./lib", "/p", "lib", file="pdm.lock"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD.replace("4.5.0", "5.0"), "lock_version 5.0, devboot reads 4"),
        (HEAD.replace("inherit_metadata", "cross_platform"), "only pdm can tell what belongs to what"),
        ("a = 1", "a form that devboot doesn't know"),
    ],
)
def test_another_form_is_refused_with_the_reason(text, said):
    with pytest.raises(ValueError, match=said):
        parse_pdm_lock(text)


def test_a_lock_that_says_everything_is_told_from_one_that_does_not():
    assert says_everything(LOCK)
    assert not says_everything(LOCK.replace("inherit_metadata", "cross_platform"))


def test_it_is_found_by_its_name(tmp_path):
    (tmp_path / "pdm.lock").write_text(LOCK)
    (tmp_path / "requirements.txt").write_text("ant\n")

    assert kind_of("sub/pdm.lock") == PDM
    there = ("pdm.lock", "requirements.txt")
    (found,) = default_inputs(str(tmp_path), str(tmp_path), lambda _, name: [name] if name in there else [])
    assert found.kind == PDM
