"""What the fast commands and the daemon import is pinned: an import costs every warm command."""

from __future__ import annotations

import os
import subprocess
import sys

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
        "import devboot.__main__, devboot.app.run, devboot.snapshot\n"
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
        "devboot.app.run",
        "devboot.record",
        "devboot.snapshot",
        "devboot.state",
        "devboot.state.projects",
        "zlib",
    }


def test_ps_imports_no_json_re_enum_or_collections():
    found = imported(
        "import devboot.__main__, devboot.app.ps\n"
        "from devboot.__main__ import _call\n"
        "import devboot.app.arguments, devboot.app.call, devboot.text.modes, devboot.wire.jsontext, _json"
    )

    assert not found & (TOO_DEAR | {"json", "re", "enum", "collections", "signal", "selectors", "subprocess"})
    assert {name for name in found if not name.startswith("devboot")} <= BUILT_IN_OR_SMALL


def test_the_daemon_imports_the_standard_library_only_and_of_that_little():
    found = imported("import devboot.daemon.waiting")

    outside = {name.partition(".")[0] for name in found} - {"devboot"} - set(sys.stdlib_module_names)
    assert outside == set()
    assert not found & (TOO_DEAR | {"subprocess", "traceback", "random", "hashlib"})
    forbidden = ("devboot.cli", "devboot.ui", "devboot.app", "devboot.model.edge", "devboot.provision")
    assert not [name for name in found if name.startswith(forbidden)]


def test_nothing_dear_is_imported_before_the_first_process_is_spawned():
    found = imported("import devboot.daemon.waiting")

    assert not found & {"collections", "enum", "fnmatch", "functools", "heapq", "json", "re", "selectors", "signal"}


def test_what_only_serves_clients_is_imported_after_the_first_spawn():
    found = imported("import devboot.daemon.waiting")

    later = ("devboot.text", "devboot.supervisor.probes")
    assert not [name for name in found if name.startswith(later)]
    assert not found & {f"devboot.daemon.{name}" for name in ("server", "requests", "audience", "arrival", "client")}


def test_the_guardian_needs_nothing_that_its_parent_has_not_loaded():
    found = imported("import devboot.daemon.start, devboot.daemon.guardian")

    assert not found & (TOO_DEAR | {"json", "re", "enum", "collections", "signal", "selectors", "subprocess"})
