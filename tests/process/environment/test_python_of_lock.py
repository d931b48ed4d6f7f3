"""Which interpreter a project and its lock get: what stays, what stands in, what is refused."""

import platform
import shutil
from dataclasses import replace

import pytest

from devboot.environment.project_python import find_interpreter, locked_interpreter
from devboot.errors import DevbootError, MachineError
from devboot.events import WARNING
from devboot.uv.client import make_uv
from tests.fakes.clone import INDEX, MINOR


def test_the_interpreter_of_the_virtualenv_is_kept_while_it_fits(clone):
    digest = clone.wheel("ant")
    clone.write(requirements__txt=f"{INDEX}ant==1.0 --hash={digest}\n")
    project = clone.read(version="")
    clone.uv = make_uv({**clone.environ, "PATH": f"{clone.root.parent}/bin"}, str(clone.root))
    clone.sync(project)
    clone.uv = make_uv(clone.environ, str(clone.root))  # now those of the system can be seen as well

    found = find_interpreter(clone.uv, project, environ=clone.environ)

    assert platform.python_version() == found.version


def test_the_lock_names_its_interpreter_and_another_patch_of_the_same_minor_is_taken_with_a_note(clone):
    clone.wheel("ant")
    clone.write(requirements__txt=f"{INDEX}ant\n")
    project = clone.read()
    lock = clone.lock(project)
    assert platform.python_version() == lock.interpreter

    elsewhere = replace(lock, interpreter=f"{MINOR}.999")
    clone.sync(project, elsewhere)

    note = f"python {platform.python_version()} is used instead of {MINOR}.999, which devboot.lock names"
    warnings = [(event.slug, event.text) for event in clone.reporter.events if event.kind == WARNING]
    assert [("python/patch-version", note)] == warnings
    assert {"ant": "1.0"} == clone.versions()


def test_who_insists_on_the_patch_version_gets_that_of_the_lock_or_is_refused(clone):
    clone.wheel("ant")
    clone.write(requirements__txt=f"{INDEX}ant\n")
    clone.environ["UV_OFFLINE"] = "1"
    clone.uv = make_uv(clone.environ, str(clone.root), offline=True)
    project = clone.read(is_exact=True)
    lock = clone.lock(project)
    clone.sync(project, lock)
    shutil.rmtree(clone.root / ".venv")

    with pytest.raises(DevbootError) as caught:
        clone.sync(project, replace(lock, interpreter=f"{MINOR}.999"))

    assert "python/not-found" == caught.value.slug
    assert f"{MINOR}.999" in caught.value.what


def test_what_is_packed_is_for_the_interpreter_of_the_lock_too(clone):
    clone.wheel("ant")
    clone.write(requirements__txt=f"{INDEX}ant\n")
    clone.environ["UV_OFFLINE"] = "1"
    uv = make_uv(clone.environ, str(clone.root), offline=True)
    lock, insisting = clone.lock(clone.read()), clone.read(is_exact=True)
    elsewhere = replace(lock, interpreter=f"{MINOR}.999")

    assert platform.python_version() == locked_interpreter(uv, insisting, lock, environ=clone.environ).version
    assert platform.python_version() == locked_interpreter(uv, clone.read(), elsewhere, environ=clone.environ).version
    with pytest.raises(MachineError) as caught:
        locked_interpreter(uv, insisting, elsewhere, environ=clone.environ)
    assert f"{MINOR}.999" in caught.value.what


def test_the_interpreter_of_the_lock_stays_until_it_is_to_move(clone):
    clone.wheel("ant")
    clone.write(requirements__txt=f"{INDEX}ant\n")
    project = clone.read()
    before = replace(clone.lock(project), interpreter=f"{MINOR}.0")

    assert f"{MINOR}.0" == clone.lock(project, previous=before).interpreter
    assert f"{MINOR}.0" == clone.lock(project, previous=before, upgrade=("ant",)).interpreter
    assert platform.python_version() == clone.lock(project, previous=before, upgrade=("python",)).interpreter
    assert platform.python_version() == clone.lock(project, previous=before, upgrade=("*",)).interpreter
    older = replace(before, interpreter="3.9.1")
    assert platform.python_version() == clone.lock(project, previous=older).interpreter


def test_a_version_that_stands_in_once_goes_on_until_the_one_that_is_meant_is_there(clone):
    clone.wheel("ant")
    clone.write(requirements__txt=f"{INDEX}ant\n", **{"__python-version": "3.99\n"})
    project = clone.read(version="", may_stand_in=True)

    lock = clone.lock(project)
    clone.sync(project, lock)
    clone.reporter.events.clear()
    again = clone.sync(clone.read(version="", may_stand_in=True), lock)

    assert lock.lowest_python == lock.interpreter.rpartition(".")[0]
    assert again.is_unchanged
    assert [] == [event.text for event in clone.reporter.events if event.kind == WARNING]
    with pytest.raises(MachineError) as caught:
        clone.sync(clone.read(version=""), lock)
    assert "python/not-found" == caught.value.slug
