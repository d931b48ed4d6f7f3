"""What the fast commands and the daemon import is pinned: an import costs every warm command."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys

import pytest

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
# A bare interpreter's own, which differ between versions and installations, are not counted.
SCRIPT = """
import sys
before = set(sys.modules)
{code}
print(*sorted(set(sys.modules) - before))
"""
TOO_DEAR = {"argparse", "asyncio", "ctypes", "dataclasses", "inspect", "logging", "pathlib", "pydantic", "rich"}
BUILT_IN_OR_SMALL = {"__future__", "_collections", "_json", "_socket", "errno"}
TOO_DEAR |= {"shlex", "socket", "tempfile", "tomllib", "typer", "typing"}


def imported(code):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(code=code)],
        env={"PYTHONPATH": REPOSITORY, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_run_imports_next_to_nothing():
    found = imported(
        "import devboot.__main__, devboot.app.commands.run, devboot.snapshot\n"
        "from devboot.state.projects import Projects\n"
        "Projects('/nowhere', '/nowhere').find_root('/')\n"
        "devboot.__main__.dispatch.__doc__; devboot.snapshot.parse(b'x\\n')"
    )

    assert found == {
        "__future__",
        "_blake2",
        "_collections",
        "devboot",
        "devboot.__main__",
        "devboot.app",
        "devboot.app.commands",
        "devboot.app.commands.run",
        "devboot.record",
        "devboot.snapshot",
        "devboot.state",
        "devboot.state.projects",
        "zlib",
    }


def test_ps_imports_no_json_re_enum_or_collections():
    found = imported(
        "import devboot.__main__, devboot.app.commands.ps\n"
        "from devboot.__main__ import _call\n"
        "import devboot.app.arguments, devboot.app.fast.call, devboot.text.modes, devboot.wire.jsontext, _json"
    )

    assert not found & (TOO_DEAR | {"json", "re", "enum", "collections", "signal", "selectors", "subprocess"})
    assert {name for name in found if not name.startswith("devboot")} <= BUILT_IN_OR_SMALL


def test_the_daemon_imports_the_standard_library_only_and_of_that_little():
    found = imported("import devboot.daemon.process.lifecycle")

    outside = {name.partition(".")[0] for name in found} - {"devboot"} - set(sys.stdlib_module_names)
    assert outside == set()
    assert not found & (TOO_DEAR | {"subprocess", "traceback", "random", "hashlib"})
    forbidden = ("devboot.cli", "devboot.ui", "devboot.app", "devboot.model.edge", "devboot.provision")
    assert not [name for name in found if name.startswith(forbidden)]


def test_nothing_dear_is_imported_before_the_first_process_is_spawned():
    found = imported("import devboot.daemon.process.lifecycle")

    assert not found & {"collections", "enum", "fnmatch", "functools", "heapq", "json", "re", "selectors", "signal"}


def test_what_only_serves_clients_is_imported_after_the_first_spawn():
    found = imported("import devboot.daemon.process.lifecycle")

    later = ("devboot.text", "devboot.supervisor.probes")
    assert not [name for name in found if name.startswith(later)]
    serving = ("server.server", "server.handlers", "views.viewers", "views.startup_report", "client")
    assert all(importlib.util.find_spec(f"devboot.daemon.{name}") for name in serving)
    assert not found & {f"devboot.daemon.{name}" for name in serving}


def test_reporting_that_everything_is_up_imports_nothing_dear(tmp_path):
    found = imported(
        "import devboot.daemon.process.lifecycle, devboot.daemon.server.server, devboot.daemon.server.handlers\n"
        "import devboot.supervisor.probes.prober, devboot.supervisor.last_failure\n"
        "from devboot.daemon.views import timings\n"
        f"for _ in range(2): timings.keep({str(tmp_path)!r}, timings.Start(1.0, True, 1.0, {{'web': 1.0}}),\n"
        f"                                 timings.read_starts({str(tmp_path)!r}))\n"
        f"assert len(timings.read_starts({str(tmp_path)!r})) == 2"
    )

    assert not found & {"collections", "enum", "fnmatch", "functools", "heapq", "json", "re", "selectors", "signal"}


def test_the_guardian_needs_nothing_that_its_parent_has_not_loaded():
    found = imported("import devboot.daemon.process.fork, devboot.daemon.process.guardian")

    assert not found & (TOO_DEAR | {"json", "re", "enum", "collections", "signal", "selectors", "subprocess"})


# In functions of the daemon's modules that a daemon doesn't call, or calls before it starts anything.
NOT_IN_A_RUNNING_DAEMON = {
    "_blake2": "the socket's path is known by then",
    "_ctypes": "before the plan comes",
    "bisect": "commands read logs, a daemon writes them",
    "devboot.code_lines": "commands compare files",
    "ctypes": "commands exchange folders",
    "hashlib": "preparation compares files",
    "pwd": "directories are known by then",
    "selectors": "where there is no epoll, before the plan comes",
    "tomllib": "preparation reads manifests",
}
ON_REQUEST = {
    "devboot.supervisor.probes.tls": "dear, and for `https` probes alone: one that can't import it has failed",
    "subprocess": "where there is no /proc: it needs descriptors anyway",
}


def imported_in_functions(module):
    """Names of the modules that functions of a module import."""
    with open(importlib.util.find_spec(module).origin) as file:
        tree = ast.parse(file.read())
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                yield from (each.name for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module
                is_package = importlib.util.find_spec(node.module).submodule_search_locations is not None
                names = [f"{node.module}.{each.name}" for each in node.names if is_package]
                yield from (name for name in names if importlib.util.find_spec(name) is not None)


@pytest.mark.faults(225)
def test_a_running_daemon_has_imported_all_that_it_will_ever_need():
    loaded = imported(
        "import devboot.daemon.process.lifecycle, devboot.daemon.server.handlers, devboot.daemon.server.server\n"
        "for name in devboot.daemon.process.lifecycle._LATER:\n"
        "    __import__(name)\n"
        "before = set()"
    )

    wanted = {
        name: module for module in loaded if module.startswith("devboot") for name in imported_in_functions(module)
    }
    assert set(wanted) - loaded <= {*NOT_IN_A_RUNNING_DAEMON, *ON_REQUEST}
