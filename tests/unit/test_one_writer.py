"""A contract: modules that write into a clone ask `devboot.clone_writer` whether a link leads out of it."""

import ast
from pathlib import Path

import pytest

import devboot

PACKAGE = Path(devboot.__file__).parent
WRITER = "clone_writer.py"
# Modules and packages that write elsewhere than into a clone. A new entry needs a reason.
ELSEWHERE = {
    "app/kits/": "its own cache, and kits, which are renamed into their place",
    "app/lock.py": "its own state",
    "app/preparation/": "its own state and cache",
    "app/recipes/miniature.py": "temporary folders",
    "app/recipes/project.py": "temporary folders",
    "app/recipes/trial.py": "temporary folders",
    "app/rollback.py": "its own state",
    "app/runner.py": "its own state",
    "cli/": "its own state",
    "daemon/": "its own state",
    "doctor/checks/databases.py": "its own cache",
    "environment/databases/backup.py": "its own state",
    "environment/kit_wheels.py": "temporary folders",
    "environment/ports.py": "its own state",
    "environment/python_startup.py": "its own state",
    "environment/secrets.py": "its own state",
    "environment/virtualenv.py": "a virtualenv out of which no link leads",
    "files.py": "what others hand to it",
    "locks.py": "its own state",
    "paths.py": "its own directories",
    "provision/": "the store, its own state",
    "scratch.py": "temporary folders",
    "services/": "data of services, in its own state",
    "snapshot.py": "its own state",
    "sources/": "downloads, temporary folders",
    "state/": "its own state",
    "supervisor/": "its own state",
    "unpack/": "temporary folders",
    "uv/": "temporary folders, its own state",
    "wire/": "its own sockets",
}
WRITES = {
    "os": {"link", "makedirs", "mkdir", "rename", "replace", "symlink"},
    "shutil": {"copy", "copy2", "copyfile", "copytree", "move"},
}


def writes(node: ast.AST) -> bool:
    """Whether a call makes, replaces or renames a file or folder."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    if isinstance(called, ast.Attribute):
        return isinstance(called.value, ast.Name) and called.attr in WRITES.get(called.value.id, ())
    mode = node.args[1] if node.args[1:] else None
    opens = isinstance(called, ast.Name) and called.id == "open" and isinstance(mode, ast.Constant)
    return (isinstance(called, ast.Name) and called.id == "atomic_write") or (opens and str(mode.value)[0] in "wax")


def asks(tree: ast.Module) -> bool:
    """Whether a module imports the writer."""
    return any(isinstance(node, ast.ImportFrom) and node.module == "devboot.clone_writer" for node in ast.walk(tree))


def unasked() -> dict[str, list[int]]:
    """Modules, as paths below the package, that write without the writer, with the lines where they do."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module, tree = str(path.relative_to(PACKAGE)), ast.parse(path.read_text())
        lines = [node.lineno for node in ast.walk(tree) if writes(node)]
        if lines and module != WRITER and not asks(tree):
            found[module] = lines
    return found


def test_no_module_writes_into_a_clone_past_the_writer():
    """Use `devboot.clone_writer`; a module that never writes into a clone gets an entry in `ELSEWHERE`."""
    known = [entry for entry in ELSEWHERE if entry.endswith("/")]
    found = {module: lines for module, lines in unasked().items() if module not in ELSEWHERE}

    assert {} == {module: lines for module, lines in found.items() if not module.startswith(tuple(known))}


@pytest.mark.parametrize(
    "line", ["atomic_write(path, text)", "open(path, 'xb')", "os.replace(a, b)", "shutil.move(a, b)"]
)
def test_the_contract_sees_a_new_call(line):
    assert any(map(writes, ast.walk(ast.parse(line))))


@pytest.mark.parametrize(
    "line", ["replace_file(path, root, text)", "open(path)", "open(path, 'rb')", "text.replace(a, b)"]
)
def test_the_contract_lets_pass_what_writes_nothing_by_itself(line):
    assert not any(map(writes, ast.walk(ast.parse(line))))
