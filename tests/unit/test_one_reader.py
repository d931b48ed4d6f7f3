"""A contract: what comes out of a clone is read through `devboot.clone_reader`, and by nothing else."""

import ast
from pathlib import Path

import pytest

import devboot

PACKAGE = Path(devboot.__file__).parent
READER = "clone_reader.py"
# Modules and packages that open files for reading, none of which lies in a clone. A new entry needs a reason.
OWN = {
    "__main__.py": "its own state, the null device",
    "app/explain.py": "texts of its own installation",
    "app/generations.py": "its own state",
    "app/init.py": "the example of its own installation",
    "app/kits/": "files of its own cache and of the interpreter, which it puts into a kit or takes out of one",
    "app/laying.py": "the record of what it has written",
    "app/preparation/app_pythons.py": "its own cache",
    "app/preparation/data.py": "/proc",
    "app/preparation/hosting.py": "scripts that it has written",
    "app/preparation/loading.py": "its own state",
    "app/recipes/": "miniatures, downloads and recipes of its own",
    "cli/": "streams",
    "daemon/": "its own state, streams",
    "environment/databases/connection.py": "databases, once everything that isn't a regular file has been refused",
    "environment/databases/prepare.py": "its own state",
    "environment/kit_wheels.py": "wheels that it has fetched",
    "environment/ports.py": "its own state",
    "environment/programs.py": "/proc",
    "environment/python_startup.py": "a module of its own installation",
    "environment/recorder.py": "the record that it writes, in the state of the project",
    "environment/secrets.py": "its own state",
    "environment/venv_schema.py": "a file of the program",
    "doctor/checks/databases.py": "databases, once everything that isn't a regular file has been refused",
    "files.py": "the folder that a file is written to; `plain`, with which its own files are opened",
    "locks.py": "its own locks",
    "model/distributions.py": "the table of packages of its own installation",
    "onboarding/libraries.py": "the table of servers of its own installation",
    "provision/": "the store, its own state, files of the distribution",
    "scratch.py": "temporary folders of its own",
    "services/": "data of services, which lie in its own state",
    "snapshot.py": "its own state",
    "state/": "its own state, data of an earlier version",
    "sources/": "downloads, what was unpacked from them",
    "supervisor/": "logs and records of its own, /proc",
    "unpack/": "downloads",
    "uv/environ.py": "configuration of the user",
    "uv/leases.py": "its own leases, /proc",
    "uv/pipconf.py": "configuration of the user",
    "uv/system_libraries.py": "the table of system libraries of its own installation",
}
FUNCTIONS = {"open", "copyfile", "ZipFile"}
METHODS = {
    **dict.fromkeys(("read_text", "read_bytes"), None),
    "open": {"os", "io", "tarfile", "codecs", "tokenize", "gzip", "lzma", "bz2"},
    "load": {"tomllib"},
    "connect": {"sqlite3"},
    "ZipFile": {"zipfile"},
    "fdopen": {"os"},
    "getlines": {"linecache"},
    "run_path": {"runpy"},
    **{name: {"shutil"} for name in ("copy", "copy2", "copyfile", "copytree", "move")},
}


def opens(node: ast.AST) -> bool:
    """Whether a call opens a file for reading."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    if isinstance(called, ast.Name):
        return called.id in FUNCTIONS and not writes(node)
    if not isinstance(called, ast.Attribute) or called.attr not in METHODS:
        return False
    modules = METHODS[called.attr]
    of = called.value.id if isinstance(called.value, ast.Name) else ""
    return not writes(node) and (modules is None or of in modules)


def writes(call: ast.Call) -> bool:
    """Whether a call can't read: by its mode, or by its flags."""
    mode = next((word.value for word in call.keywords if word.arg == "mode"), call.args[1] if call.args[1:] else None)
    if isinstance(mode, ast.Constant) and isinstance(mode.value, str):
        return mode.value[0] in "wax" and "+" not in mode.value
    return any(isinstance(node, ast.Attribute) and node.attr == "O_WRONLY" for node in ast.walk(call))


def lines_that_open(source: str) -> list[int]:
    """The lines of the calls that open files for reading."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if opens(node)]


def found() -> dict[str, list[int]]:
    """Modules, as paths below the package, with their lines that open files for reading."""
    modules = sorted(PACKAGE.rglob("*.py"))
    lines = {str(path.relative_to(PACKAGE)): lines_that_open(path.read_text()) for path in modules}
    return {module: numbers for module, numbers in lines.items() if numbers and module != READER}


def own(module: str) -> str:
    """The entry that allows a module to open files."""
    return next((entry for entry in OWN if module == entry or (entry.endswith("/") and module.startswith(entry))), "")


def test_no_module_opens_files_of_a_clone_past_the_reader():
    """Use `devboot.clone_reader`; a module that reads only what devboot itself has written gets an entry in `OWN`."""
    assert {} == {module: lines for module, lines in found().items() if not own(module)}


def test_no_entry_is_left_of_a_module_that_opens_nothing_any_more():
    assert set(OWN) == {own(module) for module in found()}


@pytest.mark.parametrize(
    "line",
    [
        "open(path)",
        "open(path, 'rb')",
        "open(path, 'w+b')",
        "open(path, opener=plain)",
        "os.open(path, os.O_RDONLY | os.O_NONBLOCK)",
        "io.open(path)",
        "tomllib.load(stream)",
        "Path(path).read_text()",
        "folder.joinpath('a').read_bytes()",
        "shutil.copyfile(path, other)",
        "sqlite3.connect(path)",
        "tarfile.open(path)",
    ],
)
def test_the_contract_sees_a_new_call(line):
    assert [1] == lines_that_open(line)


@pytest.mark.parametrize("line", ["open(path, 'wb')", "os.open(path, os.O_WRONLY)", "read_text(path)", "tree.open()"])
def test_the_contract_lets_pass_what_reads_no_file_by_itself(line):
    assert [] == lines_that_open(line)


@pytest.mark.parametrize("folder", ["onboarding", "environment/locks"])
def test_text_of_a_clone_is_parsed_only_where_nothing_that_is_nested_too_deeply_ends_the_command(folder):
    """`json.loads` and `tomllib.loads` raise RecursionError; `parse_json` and `parse_toml` of the reader don't."""
    assert [] == [
        (str(path), node.lineno)
        for path in sorted((PACKAGE / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("json.loads", "tomllib.loads")
    ]
