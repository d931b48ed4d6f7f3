"""A contract: what comes out of a clone is read through `devboot.clone_reader`, and by nothing else."""

import ast
import functools
from pathlib import Path

import pytest

import devboot
from tests.fakes.calls import calls

PACKAGE = Path(devboot.__file__).parent
READER = "clone_reader.py"
# Functions that open files for reading, none of which lies in a clone, with what they open. A new entry needs a reason.
OWN = {
    ("__main__.py", "_open_standard_streams"): "the null device",
    ("snapshot.py", "_layout"): "modules of its own installation",
    ("app/screen/resume.py", "resume"): "a nameless file of this process",
    ("app/commands/explain.py", "_texts"): "texts of its own installation",
    ("app/commands/repairs.py", "_with_mode"): "a folder of its own, to change its mode",
    ("app/preparation/generations/history.py", "_text_of"): "generations in its own state",
    ("app/commands/init.py", "_move_up"): "a lock that detection has kept in its own state",
    ("app/commands/init.py", "write_example"): "the example of its own installation",
    ("app/preparation/install/kit_interpreter.py", "_add"): "the interpreter that a kit is to bring",
    ("app/preparation/install/kit_interpreter.py", "_without_prefix"): "the same",
    (
        "app/preparation/install/kit_interpreter.py",
        "_replace",
    ): "what it has unpacked from a kit, in a temporary folder",
    (
        "app/preparation/install/kit.py",
        "OpenKit.write_lock",
    ): "what it has unpacked into its own cache, its digest compared",
    ("app/preparation/install/kit.py", "OpenKit.seed"): "the same",
    ("app/kits/own_wheel.py", "own_requirements"): "the pyproject.toml of its own checkout",
    ("app/kits/own_wheel.py", "_files"): "its own modules",
    ("app/kits/pack.py", "_Packing._finish"): "the kit that it writes",
    ("app/generated_files.py", "_read"): "the record of what it has written",
    ("app/preparation/install/app_pythons.py", "AppPythons._known"): "its own cache",
    ("app/preparation/data.py", "_mounts"): "/proc",
    ("app/preparation/project/fixed_addresses.py", "_read"): "its own state",
    ("app/preparation/install/host_programs.py", "_entries"): "scripts that it has written",
    ("app/preparation/project/load.py", "_stored_detection"): "its own state",
    ("app/recipes/miniature.py", "write_wheel"): "a miniature that it has made in a temporary folder",
    ("app/recipes/new.py", "copy_recipe"): "a bundled recipe",
    ("app/recipes/new.py", "_is_program"): "what it has fetched into a temporary folder",
    ("app/recipes/new.py", "_metadata"): "the same",
    ("app/recipes/trial.py", "_small"): "a miniature that it has made in a temporary folder",
    ("cli/streams.py", "make_safe"): "a stream, the null device",
    ("daemon/clients/acceptor.py", "Acceptor._open_reserve"): "the null device",
    ("daemon/cgroup.py", "path_of"): "/proc",
    ("daemon/cgroup.py", "members"): "its own cgroup",
    ("daemon/process/crash_report.py", "keep_trace"): "its own state",
    ("daemon/leases.py", "ChildrenBook._begun"): "its own state",
    ("daemon/leases.py", "_read"): "its own state",
    ("daemon/ownership.py", "Ownership.write_reclaimed"): "its own state",
    ("daemon/process/fork.py", "_close_descriptors"): "the null device",
    ("daemon/views/timings.py", "read_starts"): "its own state",
    ("daemon/process/lifecycle.py", "_content"): "its own state",
    (
        "doctor/checks/databases.py",
        "complaints",
    ): "a database, once everything that isn't a regular file has been refused",
    (
        "environment/databases/connection.py",
        "connected",
    ): "a database, once everything that isn't a regular file has been refused",
    (
        "environment/databases/connection.py",
        "looking",
    ): "a database, once everything that isn't a regular file has been refused",
    ("environment/databases/connection.py", "refuse_locked"): "the same, for its lock alone",
    ("environment/databases/prepare.py", "_was_whole"): "its own state",
    ("app/kits/wheels.py", "digest_of"): "wheels that it has fetched",
    ("environment/ports/allocate.py", "read_ports"): "its own state",
    ("environment/ports/allocate.py", "_read_record"): "its own state",
    ("environment/ports/allocate.py", "_kept"): "its own state",
    ("environment/ports/allocate.py", "_write_if_changed"): "its own state",
    ("environment/ports/holders.py", "_variables"): "/proc",
    ("environment/ports/holders.py", "command_of"): "/proc",
    ("environment/ports/holders.py", "_listening"): "/proc",
    ("environment/observation/startup_module.py", "write_startup"): "a module of its own installation",
    ("environment/observation/startup_module.py", "_write_changed"): "what it has written into its own state",
    (
        "environment/observation/recorder.py",
        "Recorder._write",
    ): "the record that it writes, in the state of the project",
    ("environment/observation/recorder.py", "_read"): "the same",
    ("environment/observation/settings_probe.py", "load"): "a script, in a process that loads the project's code",
    ("environment/observation/settings_probe.py", "Module._parsed"): "the same process, what it has imported",
    ("environment/observation/settings_probe.py", "main"): "its record, and the null device",
    ("environment/variables/secrets.py", "load_secrets"): "its own data",
    ("environment/venv/schema.py", "write_schema"): "a module of its own installation",
    ("files.py", "plain"): "the opener of its own files",
    ("files.py", "_write_beside"): "the file that is written",
    ("files.py", "error_of_disk"): "a file without a name",
    ("files.py", "sync_directory"): "the folder that a file is written to",
    ("files.py", "_read_fail_point"): "a file that tests name",
    ("locks.py", "hold_folder"): "a folder of its own data, to lock it",
    ("locks.py", "is_folder_held"): "the same",
    ("locks.py", "read_holder"): "its own locks",
    ("model/data_tables.py", "load_table"): "tables of its own installation",
    ("provision/distribution.py", "this_distribution"): "files of the distribution",
    ("provision/objects/elf.py", "glibc_floor"): "programs that are staged for the store",
    ("provision/generations.py", "read"): "its own state",
    ("provision/generations.py", "history"): "its own state",
    ("provision/generations.py", "salt"): "its own state",
    ("provision/generations.py", "_facts"): "its own state",
    ("provision/kit.py", "_described"): "what goes into a kit: objects of the store and downloads",
    ("provision/kit.py", "_copy"): "the same",
    ("provision/libraries.py", "LibraryStore.recall"): "its own cache",
    ("provision/objects/listing.py", "digest_of"): "the store",
    ("provision/objects/listing.py", "read"): "the store",
    ("provision/objects/listing.py", "_deep_complaint"): "the store",
    ("provision/live.py", "_content"): "the store",
    ("provision/objects/macho.py", "macos_floor"): "programs that are staged for the store",
    ("provision/objects/mending.py", "relocate"): "what is staged for the store",
    ("provision/objects/mending.py", "_replace"): "what was fetched to repair the store",
    ("provision/objects/roots.py", "_lines"): "its own data",
    ("provision/objects/roots.py", "hold_for_project"): "its own data",
    ("provision/objects/tree.py", "_sync"): "what is staged for the store",
    ("provision/objects/tree.py", "_is_entry_point"): "the same",
    ("provision/objects/tree.py", "link_or_copy"): "the store",
    ("provision/objects/tree.py", "list_tree"): "what is staged for the store",
    ("scratch.py", "scratch_folder"): "the lock of its own temporary folder",
    ("scratch.py", "_remove_if_abandoned"): "the same",
    ("services/access.py", "_is_taken"): "its own data",
    ("services/account.py", "_capabilities"): "/proc",
    ("services/aof.py", "_last_mode"): "its own data",
    ("services/aof_repair.py", "copy_contents"): "data of a service, in its own data",
    ("services/majors.py", "take_over"): "data of a service, in its own data",
    ("services/majors.py", "_settle"): "the same",
    ("services/rdb.py", "_check_dump"): "data of a service, in its own data",
    ("snapshot.py", "read"): "its own state",
    ("sources/archive.py", "_is_program"): "what it has unpacked",
    ("sources/archive.py", "ArchiveSource.fetch"): "its own downloads",
    ("sources/build.py", "_keep"): "what it has built in a temporary folder",
    ("sources/conda.py", "_check_local"): "its own downloads",
    ("sources/conda.py", "_extra"): "the record of its own installation",
    ("sources/debian/deb.py", "_digest_of"): "its own downloads",
    ("sources/transfers/download.py", "_read_digest"): "its own downloads",
    ("sources/transfers/download.py", "_digest_of"): "its own downloads",
    ("sources/npm.py", "_digest_of_file"): "its own downloads",
    ("sources/transfers/partial.py", "Partial.__enter__"): "its own downloads",
    ("sources/transfers/partial.py", "Partial.validator"): "its own downloads",
    ("sources/debian/rpath.py", "is_dynamic"): "what it has unpacked",
    (
        "state/earlier.py",
        "_copy",
    ): "state of an earlier version, once everything that isn't a regular file has been left out",
    ("state/earlier.py", "_move"): "the same",
    ("state/earlier.py", "_sync"): "its own data",
    ("state/earlier.py", "Registers.newest"): "its own state",
    ("state/projects.py", "read_below"): "its own state",
    ("state/records.py", "read_owner"): "its own state",
    ("supervisor/last_failure.py", "_read"): "its own state",
    ("supervisor/last_success.py", "_text_of"): "its own state, and the name of the operating system",
    ("supervisor/output/log_reader.py", "_at_once"): "the opener of its own logs",
    ("supervisor/output/log_reader.py", "is_ended"): "its own logs",
    ("supervisor/output/log_writer.py", "LogFile._cut_index"): "its own logs",
    ("supervisor/system/memory.py", "resident"): "/proc",
    ("supervisor/system/proctable.py", "_read"): "/proc",
    ("supervisor/system/proctable.py", "hold_reserve"): "the null device",
    ("supervisor/system/listening_sockets.py", "read_tables"): "/proc",
    ("supervisor/system/spawn.py", "_spawn"): "the current folder, to come back to",
    ("supervisor/core/task_stamp.py", "_holds"): "its own data",
    ("unpack/archive.py", "unpack"): "downloads, and kits that a person names",
    ("unpack/destination.py", "Destination.add_file"): "the folder that it unpacks into",
    ("unpack/destination.py", "Destination.add_hard_link"): "the same",
    ("uv/settings/environ.py", "_speaks_of_indexes"): "configuration of the user",
    ("uv/leases.py", "_is_same"): "its own leases",
    ("uv/leases.py", "started_at"): "/proc",
    ("uv/leases.py", "_boot_id"): "/proc",
    ("uv/settings/pip_config.py", "_from_files"): "configuration of the user",
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
    return [call.lineno for _, call in calls(ast.parse(source), opens)]


@functools.cache
def found() -> dict[tuple[str, str], list[int]]:
    """Functions, by the path of their module below the package, with their lines that open files for reading."""
    lines: dict[tuple[str, str], list[int]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = str(path.relative_to(PACKAGE))
        for function, call in calls(ast.parse(path.read_text()), opens) if module != READER else ():
            lines.setdefault((module, function), []).append(call.lineno)
    return lines


@pytest.mark.faults(218)
def test_no_function_opens_files_of_a_clone_past_the_reader():
    """Use `devboot.clone_reader`; a function that reads only what devboot itself has written gets an entry in `OWN`."""
    assert {} == {function: lines for function, lines in found().items() if function not in OWN}


def test_no_entry_is_left_of_a_function_that_opens_nothing_any_more():
    assert set() == OWN.keys() - found().keys()


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


@pytest.mark.faults(42)
def test_no_json_file_that_is_nested_too_deeply_ends_a_command():
    """`json.load` raises RecursionError; `parse_json(file.read())` raises ValueError, for own records too."""
    assert [] == [
        (str(path), call.lineno)
        for path in sorted(PACKAGE.rglob("*.py"))
        for _, call in calls(ast.parse(path.read_text()), lambda call: ast.unparse(call.func) == "json.load")
    ]
