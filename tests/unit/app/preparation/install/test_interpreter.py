"""Who has the interpreter that a recipe brings, and for whom it has nothing to do."""

from __future__ import annotations

import pytest

from devboot.app.preparation.install.interpreter import InterpreterProvider
from devboot.app.preparation.install.provisioning import Machine
from devboot.environment.python.declared import PythonProject
from devboot.environment.python.wish import PythonWish
from devboot.events import RecordingReporter
from devboot.model.edge.lockfile.lock import Lock, LockedPackage
from devboot.provision.host import Host


@pytest.mark.parametrize(
    "lock",
    [Lock(), Lock(package=(LockedPackage(name="python", version="3.13", reproducible=False),))],
    ids=["nothing-asked", "of-this-machine"],
)
def test_nothing_is_brought_where_the_interpreter_is_found_on_path(tmp_path, lock):
    def refuse(_wanted):
        raise AssertionError("nothing is to be fetched")

    machine = Machine(str(tmp_path), Host("linux-x86_64", None, None), lambda: 0.0)
    interpreters = InterpreterProvider(machine, str(tmp_path), {}, refuse, environ={}, reporter=RecordingReporter())
    python = PythonProject(PythonWish(".", ".", "shop"), (), None, None, None, (), ())

    assert (interpreters.bring(lock, python), interpreters.objects) == (python, {})
