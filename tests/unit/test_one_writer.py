"""A contract: modules that write into a clone ask `devboot.clone_writer` whether a link leads out of it."""

import ast
import functools
from pathlib import Path

import pytest

import devboot
from tests.fakes.calls import calls

PACKAGE = Path(devboot.__file__).parent
WRITER, WRITER_NAME = "clone_writer.py", "devboot.clone_writer"
# Functions that write elsewhere than into a clone, with the place. A new entry needs a reason.
ELSEWHERE = {
    ("app/commands/doctor_report.py", "write"): "the path that the user gave, where nothing is or another report",
    ("app/commands/init.py", "_write_new"): "a new file: `x` follows no link",
    ("app/preparation/install/kit_interpreter.py", "install_python"): "its own data",
    ("app/preparation/install/kit_interpreter.py", "_without_prefix"): "a temporary folder",
    ("app/preparation/install/kit_interpreter.py", "_replace"): "a temporary folder",
    ("app/preparation/install/kit.py", "OpenKit.give"): "its own cache",
    ("app/preparation/install/kit.py", "OpenKit._keep_downloads"): "its own cache",
    ("app/kits/pack.py", "_Packing._finish"): "the kit that a person names, renamed into its place",
    ("app/kits/tools.py", "pack_tools"): "a temporary folder",
    ("app/commands/preparing/lock.py", "_keep_aside"): "its own data",
    ("app/preparation/install/app_pythons.py", "AppPythons._remember"): "its own cache",
    ("app/preparation/project/fixed_addresses.py", "settle_fixed_addresses"): "its own state",
    ("app/preparation/install/host_programs.py", "_link"): "its own state",
    ("app/preparation/project/load.py", "_store_detection"): "its own state",
    ("app/preparation/project/load.py", "load_project"): "its own state",
    ("app/recipes/miniature.py", "MiniatureSource.fetch"): "a temporary folder",
    ("app/recipes/project.py", "TrialProject.write"): "a temporary folder",
    ("app/recipes/trial.py", "_small"): "a temporary folder",
    ("app/recipes/trial.py", "_realise"): "a temporary folder",
    ("app/recipes/update.py", "_measured"): "a temporary folder",
    ("app/commands/housekeeping/rollback.py", "_write_snapshot"): "its own state",
    ("app/commands/preparing/runner.py", "_procfile"): "its own state",
    ("cli/error_report.py", "_write_crash_file"): "its own state",
    ("cli/streams.py", "_tolerant"): "a stream",
    ("daemon/cgroup.py", "create"): "its own cgroup",
    ("daemon/process/crash_report.py", "keep_trace"): "its own state",
    ("daemon/leases.py", "ChildrenBook._is_shortened"): "its own state",
    ("daemon/ownership.py", "Ownership.publish"): "its own state",
    ("daemon/ownership.py", "Ownership.write_strays"): "its own state",
    ("daemon/server/server.py", "Server.dump"): "its own state",
    ("daemon/views/timings.py", "keep"): "its own state",
    ("daemon/process/lifecycle.py", "DaemonRun.serve"): "its own state",
    ("daemon/process/lifecycle.py", "DaemonRun.refresh"): "the private folder of its sockets",
    ("doctor/checks/databases.py", "check_copy"): "its own cache",
    ("environment/observation/startup_module.py", "_write_changed"): "its own state",
    ("environment/databases/backup.py", "backup_database"): "its own data",
    ("environment/databases/condition.py", "copied_with_logs"): "a temporary folder",
    ("environment/databases/prepare.py", "_remember"): "its own state",
    ("app/kits/wheels.py", "Wheelhouse.fetch"): "a temporary folder",
    ("environment/ports/allocate.py", "_write_if_changed"): "its own state",
    ("environment/variables/secrets.py", "ensure_secrets"): "its own data",
    (
        "environment/venv/place.py",
        "_clear_volume",
    ): "folders of the virtualenv's volume: making and renaming follow no link",
    ("environment/venv/place.py", "make_folder"): "a folder beside the virtualenv, made anew",
    ("environment/venv/place.py", "put_back"): "what it has moved aside: renaming follows no link",
    ("environment/venv/sync.py", "_finish"): "a virtualenv out of which no link leads",
    ("files.py", "make_directories"): "what others hand to it",
    ("files.py", "atomic_write"): "what others hand to it",
    ("files.py", "_write_beside"): "the file beside it",
    ("files.py", "exchange"): "what others hand to it",
    ("files.py", "move_aside"): "what others hand to it: a link is renamed itself",
    ("paths.py", "_make_private"): "its own directories",
    ("paths.py", "make_socket_folders"): "the private folders of sockets",
    ("provision/collect.py", "remove_object"): "the store",
    ("provision/generations.py", "append"): "its own state",
    ("provision/generations.py", "salt"): "its own state",
    ("provision/generations.py", "_write_history"): "its own state",
    ("provision/kit.py", "KitReader.extract"): "its own cache",
    ("provision/libraries.py", "LibraryStore.remember"): "its own cache",
    ("provision/objects/listing.py", "write"): "what is staged for the store",
    ("provision/objects/mending.py", "relocate"): "what is staged for the store",
    ("provision/objects/mending.py", "mend"): "the store",
    ("provision/objects/mending.py", "_replace"): "the store",
    ("provision/profile.py", "link_programs"): "its own state",
    ("provision/objects/programs.py", "write_programs"): "what is staged for the store",
    ("provision/objects/programs.py", "_write_script"): "the same",
    ("provision/objects/realise.py", "_build"): "what is staged for the store",
    ("provision/objects/roots.py", "hold_for_project"): "its own data",
    ("provision/objects/roots.py", "TemporaryRoots.add"): "its own data",
    ("provision/objects/store.py", "Store._register"): "the store",
    ("provision/objects/store.py", "Store._swap"): "the store",
    ("provision/objects/tree.py", "link_or_copy"): "the store",
    ("provision/objects/tree.py", "put_where_nothing_is"): "the store",
    ("scratch.py", "scratch_folder"): "its own temporary folder",
    ("services/access.py", "take_step"): "its own data",
    ("services/access.py", "write_files"): "its own data",
    ("services/aof.py", "_write_parts"): "data of a service, in its own data",
    ("services/aof.py", "prepare"): "the same",
    ("services/aof.py", "_take_over_dump"): "the same",
    ("services/aof_repair.py", "complete"): "the same",
    ("services/aof_repair.py", "copy_contents"): "the same",
    ("services/aof_repair.py", "_repair"): "the same",
    ("services/data.py", "_make_folder"): "its own data",
    ("services/first.py", "make_data"): "data of a service, in its own data",
    ("services/majors.py", "take_over"): "data of a service, in its own data",
    ("snapshot.py", "write"): "its own state",
    ("sources/debian/apt.py", "Apt._ensure_sources"): "its own cache",
    ("sources/npm.py", "NpmSource.fetch"): "a folder that is staged for the store",
    ("sources/debian/apt.py", "_Locked.__enter__"): "its own cache",
    ("sources/debian/apt.py", "Apt.update"): "its own cache",
    ("sources/archive.py", "ArchiveSource.fetch"): "what is staged for the store",
    ("sources/build.py", "BuildSource.fetch"): "a temporary folder",
    ("sources/build.py", "_keep"): "what is staged for the store",
    ("sources/debian/deb.py", "_merge"): "what is staged for the store",
    ("sources/debian/deb.py", "DebSource._ensure_downloads"): "its own downloads",
    ("sources/transfers/partial.py", "Partial.move_to"): "its own downloads",
    ("sources/transfers/partial.py", "Partial.note"): "its own downloads",
    ("state/claiming.py", "_carry_out"): "its own state and data",
    ("state/earlier.py", "_copy"): "its own data",
    ("state/earlier.py", "_move"): "its own data",
    ("state/housekeeping.py", "_set_apart"): "its own state and data",
    ("state/records.py", "write_owner"): "its own state and data",
    ("supervisor/last_failure.py", "keep_failure"): "its own state",
    ("supervisor/last_success.py", "keep_success"): "its own state",
    ("supervisor/last_success.py", "keep_changes"): "its own state",
    ("supervisor/output/log_writer.py", "LogFile._open"): "its own logs",
    ("supervisor/output/log_writer.py", "LogFile._rotate"): "its own logs",
    ("supervisor/core/task_stamp.py", "write_stamp"): "its own data",
    ("unpack/destination.py", "Destination.add_hard_link"): "the folder that it unpacks into",
    ("unpack/destination.py", "Destination.finish"): "the same",
    ("unpack/destination.py", "Destination._claim_folders"): "the same",
    ("uv/cached.py", "lacking.is_there"): "a temporary folder",
    ("uv/client.py", "_make_cache"): "its own cache",
    ("uv/leases.py", "FolderLeases.__call__"): "its own leases",
    ("uv/builds/older_setuptools.py", "with_older_setuptools"): "a temporary folder",
    ("uv/packages.py", "_described"): "a temporary folder",
    ("uv/packages.py", "install_requirements.alone"): "a temporary folder",
    ("uv/packages.py", "_texts"): "a temporary folder",
    ("uv/pip/download.py", "run_pip"): "a temporary folder",
    ("wire/sockets.py", "listen"): "the private folder of its sockets",
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


def asking(tree: ast.Module) -> frozenset[str]:
    """Functions that call the writer."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == WRITER_NAME]
    names = {alias.asname or alias.name for each in imports for alias in each.names}
    return frozenset(
        function for function, _ in calls(tree, lambda call: isinstance(call.func, ast.Name) and call.func.id in names)
    )


@functools.cache
def unasked() -> dict[tuple[str, str], list[int]]:
    """Functions, by the path of their module below the package, that write without the writer, with their lines."""
    found: dict[tuple[str, str], list[int]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module, tree = str(path.relative_to(PACKAGE)), ast.parse(path.read_text())
        known = asking(tree)
        for function, call in calls(tree, writes) if module != WRITER else ():
            if function not in known:
                found.setdefault((module, function), []).append(call.lineno)
    return found


@pytest.mark.faults(218)
def test_no_function_writes_into_a_clone_past_the_writer():
    """Use `devboot.clone_writer`; a function that never writes into a clone gets an entry in `ELSEWHERE`."""
    assert {} == {function: lines for function, lines in unasked().items() if function not in ELSEWHERE}


def test_no_entry_is_left_of_a_function_that_writes_nothing_any_more():
    assert set() == ELSEWHERE.keys() - unasked().keys()


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
