"""Every fault of the list has a test, and every mark means one of the list."""

import ast
import functools
import importlib
import re
import tomllib
from pathlib import Path

TESTS = Path(__file__).parent.parent
FAULTS = tomllib.loads((TESTS / "faults.toml").read_text())
_MARK = re.compile(r"\bfaults\(([\d,\s]+)\)")


@functools.cache
def covered():
    found = {}
    for path in TESTS.rglob("test_*.py"):
        for match in _MARK.finditer(path.read_text()):
            for number in map(int, match[1].replace(",", " ").split()):
                found.setdefault(number, path.name)
    return found


def test_every_fault_that_has_to_be_survived_names_its_test():
    missing = {
        number: row[1]
        for number, row in FAULTS.items()
        if row[0] in ("P0", "P1") and len(row) < 3 and int(number) not in covered()
    }
    assert {} == missing


def missing_imports(path):
    """What a test module imports from devboot or the tests that isn't there, as `module.name`."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            base = ".".join(path.relative_to(TESTS.parent).with_suffix("").parts[: -node.level]) if node.level else ""
            names = [(".".join(filter(None, (base, node.module))), each.name) for each in node.names]
        elif isinstance(node, ast.Import):
            names = [(each.name, "") for each in node.names]
        else:
            continue
        for module, name in names:
            if module.split(".")[0] in ("devboot", "tests") and not is_there(module, name):
                yield f"{module}.{name}"


@functools.cache
def is_there(module, name):
    try:
        if not name or hasattr(importlib.import_module(module), name):
            return importlib.import_module(module) is not None
        return importlib.import_module(f"{module}.{name}") is not None
    except ModuleNotFoundError as error:
        return not (error.name or "").startswith(("devboot", "tests"))  # what isn't ours may be left uninstalled


def test_the_marks_are_on_modules_that_can_be_imported():
    ours = [path for path in TESTS.rglob("*.py") if "projects" not in path.parts]
    found = {str(path.relative_to(TESTS)): [*missing_imports(path)] for path in ours}

    assert {} == {path: missing for path, missing in found.items() if missing}


def test_a_name_that_a_module_no_longer_has_is_found():
    assert is_there("devboot.events", "SilentReporter")
    assert not is_there("devboot.app.preparation.install.downloads", "SilentReporter")
    assert not is_there("devboot.gone", "anything")


def test_every_mark_means_a_fault_of_the_list():
    assert set() == set(covered()) - set(map(int, FAULTS))


def test_cases_that_wait_for_a_feature_say_which():
    assert {"60": "shell hook", "61": "shell hook"} == {number: row[2] for number, row in FAULTS.items() if row[2:]}
