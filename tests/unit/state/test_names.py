"""Only the package `state` knows the names of the folders that devboot keeps for a project."""

import ast
from pathlib import Path

import devboot

PACKAGE = Path(devboot.__file__).parent
# `.devboot` is where earlier versions kept state; whoever walks a clone skips it, and `state` takes over its data.
ALLOWED = {"paths.py"}


def words(tree):
    """The texts of a module that are no docstrings."""
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def test_no_module_names_a_folder_of_state_in_a_clone():
    naming = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for word in words(ast.parse(path.read_text()))
        if word == ".devboot" or word.startswith(".devboot/") or "/.devboot" in word
    }
    assert naming == ALLOWED


def test_only_state_joins_the_folder_of_projects():
    naming = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        for word in words(ast.parse(path.read_text()))
        if word in {"projects", "project.json"}
    }
    assert naming - {"ui"} == {"state"}  # ui: a key of JSON
