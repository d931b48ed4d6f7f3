"""A contract: what reads a clone asks for its files through `devboot.clone_reader`, which notes each question."""

import ast
from pathlib import Path

import pytest

import devboot

PACKAGE = Path(devboot.__file__).parent
# What is asked of a clone while a project is read and composed. New modules below these fall under the contract.
ASKING = (
    "environment/locks/",
    "environment/variables/envfiles.py",
    "environment/python/own_project.py",
    "environment/python/declared.py",
    "environment/reloaders.py",
    "environment/ports/guess.py",
    "environment/tasks.py",
    "environment/python/versions.py",
    "app/preparation/locking/wanted.py",
    "app/preparation/compose/composition.py",
    "app/preparation/compose/snapshot_builder.py",
    "model/",
    "onboarding/",
    "recipes/",
)
QUESTIONS = {"exists", "lexists", "isfile", "isdir", "is_file", "is_dir", "listdir", "scandir", "glob", "iglob"}
# A question in one of these is noted where it is asked, or has an answer that is none of the clone's.
NOTED = {
    "environment/variables/envfiles.py": "reading notes the same path",
    "environment/python/own_project.py": "_is_itself_imported looks at programs, as `read_program` does",
    "environment/tasks.py": "_entries, whose callers note their patterns",
    "onboarding/reading/tree.py": "the listing and `exists` note what they tell",
    "recipes/folders.py": "names() for a message, the installation's own folder",
}


def questions(path):
    """Lines of a module that ask the file system what is there."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in QUESTIONS:
            of = node.func.value
            is_own = isinstance(of, ast.Name) and of.id in ("tree", "files", "clone", "entry")
            if not is_own and not (isinstance(of, ast.Attribute) and of.attr in ("files", "tree")):
                yield node.lineno


def asking():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.startswith(ASKING):
            yield pytest.param(path, name, id=name)


@pytest.mark.faults(162)
@pytest.mark.parametrize(("path", "name"), list(asking()))
def test_nothing_is_asked_of_a_clone_past_the_reader(path, name):
    if name not in NOTED:
        assert list(questions(path)) == []


@pytest.mark.parametrize("name", list(NOTED))
def test_each_exception_is_still_needed(name):
    assert list(questions(PACKAGE / name)), "remove it from NOTED"
