"""devboot that calls itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from devboot.app.fast.self_invoke import command_line


def test_it_finds_its_packages_though_the_caller_has_not_looked_at_them_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the wrapper starts it: without `site`."""
    monkeypatch.setattr(sys, "path", [each for each in sys.path if not each.endswith("-packages")])
    command = command_line("up", "--help")

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
