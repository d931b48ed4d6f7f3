"""`lock --check`: what is printed where devboot.lock fits, for people and for programs."""

import json
import os

import pytest

from devboot.app.context import Context
from devboot.cli.commands.preparing import lock
from devboot.cli.session import Session
from devboot.errors import LockError
from devboot.model.edge.lockfile.lock import Lock, lock_to_text
from devboot.text.modes import OutputOptions, StreamFacts


def check(folder, home, **output):
    pipe = StreamFacts()
    context = Context(
        cwd=str(folder), environ={"DEVBOOT_HOME": home}, stdin=pipe, stdout=pipe, stderr=pipe,
        output=OutputOptions(**output), clock=lambda: 0.0, wall_clock=lambda: 0.0, uid=os.getuid(), version="0",
    )  # fmt: skip
    return lock(Session(context), check=True, update=(), offline=True)


@pytest.fixture
def locked(tmp_path):
    """A project that requires nothing, with a lock that has nothing."""
    (tmp_path / "devboot.toml").write_text("[processes.web]\ncommand = 'serve'\n")
    (tmp_path / "devboot.lock").write_text(lock_to_text(Lock()))
    return tmp_path


def test_a_lock_that_fits_is_current(locked, home, capfd):
    assert 0 == check(locked, home, json=True)
    said = json.loads(capfd.readouterr().out)
    assert ("devboot.lock", True) == (said["lock"], said["current"])

    assert 0 == check(locked, home)
    assert "devboot.lock is up to date\n" in "".join(capfd.readouterr())


def test_a_lock_that_lacks_something_is_stale(locked, home):
    (locked / "devboot.toml").write_text("[packages]\njust = '1.40'\n")

    with pytest.raises(LockError) as caught:
        check(locked, home)

    assert ("lock/stale", ("devboot lock",)) == (caught.value.slug, tuple(caught.value.help))
