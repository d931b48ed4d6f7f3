"""What the supervisor may cost at start: the standard library, and of that only what is cheap."""

from __future__ import annotations

import subprocess
import sys

EXPENSIVE = {
    "asyncio",
    "dataclasses",
    "json",
    "pathlib",
    "shlex",
    "socket",
    "subprocess",
    "tomllib",
    "typing",
    "logging",
}


def test_nothing_expensive_and_nothing_foreign_is_imported():
    code = """
import sys
sys.path.insert(0, ".")
import devboot.supervisor.core.supervisor, devboot.supervisor.output.log_reader
import os
print(*{name.partition(".")[0] for name in sys.modules})
"""
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())

    assert imported & EXPENSIVE == set()
    assert {name for name in imported if name not in sys.stdlib_module_names} == {"__main__", "devboot"}


def test_reading_logs_imports_next_to_nothing():
    code = """
import sys
sys.path.insert(0, ".")
before = set(sys.modules)
import devboot.supervisor.output.log_reader
print(*sorted(name for name in set(sys.modules) - before if name.startswith("devboot")))
"""
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == [
        "devboot", "devboot.record", "devboot.supervisor", "devboot.supervisor.output",
        "devboot.supervisor.output.log_index", "devboot.supervisor.output.log_reader",
        "devboot.supervisor.output.log_writer",
    ]  # fmt: skip
