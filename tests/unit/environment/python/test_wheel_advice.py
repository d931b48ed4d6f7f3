"""Advice for a package without a wheel works when pasted in any folder: it writes a file that is read."""

import os
import subprocess
import sys

import pytest

from devboot.environment.locks.load import Loaded
from devboot.environment.locks.requirements import RequirementLine
from devboot.environment.locks.unlocked import Unlocked
from devboot.environment.python.declared import PythonProject
from devboot.environment.python.interpreters import Interpreter
from devboot.environment.python.versions import requested_version, within_lock
from devboot.environment.python.wheel_advice import with_version_that_would_do
from devboot.environment.python.wish import PythonWish
from devboot.errors import WorkError
from devboot.uv.client import make_uv
from tests.fakes.index import Index
from tests.fakes.wheels import write_wheel

ERROR = WorkError(
    "python/resolution",
    "`speedy==1.0` has no file for python 3.13 on this machine",
    causes=["there are only wheels for `speedy` (v1.0) with the Python version tags: `cp311`, `cp312`"],
)


def text_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"client/.python-version": "3.13\n"},
        {"client/my app/.python-version": "3.13\n"},
        {"client/runtime.txt": "python-3.13.1\n"},
        {"client/my app/Pipfile": '[requires]\npython_version = "3.13"\n'},
        {".python-version": "3.13\n"},
        {".tool-versions": "python 3.13.1\n"},
        {"client/locks/dev.lock": ">=3.13"},
    ],
    ids=str,
)
def test_the_advised_command_changes_the_requested_version_wherever_it_is_typed(tmp_path, files):
    root, app = str(tmp_path / "client"), str(tmp_path / "client" / "my app")
    for folder in (tmp_path / ".git", tmp_path / "client" / "my app", tmp_path / "client" / "locks"):
        folder.mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    request = requested_version(root, app, text_of)
    if "client/locks/dev.lock" in files:
        request = within_lock(request, ">=3.13", "locks/dev.lock")
    project = PythonProject(PythonWish(root, app, "client"), (), Loaded(None, None, ()), request, None, ())
    uv = make_uv(dict(os.environ), root, offline=True)

    advised = with_version_that_would_do(uv, ERROR, project, Interpreter("", "3.13.5"))
    subprocess.run(advised.help[0], shell=True, cwd=tmp_path, check=True)

    assert "3.12" == requested_version(root, app, text_of).minor


def test_a_pin_without_any_wheel_is_replaced_by_the_next_version_with_one(tmp_path):
    for version in ("2.0", "3.0"):
        write_wheel(str(tmp_path / "wheels"), "speedy", version)
    (tmp_path / "wheels" / "speedy-1.0.tar.gz").touch()
    (tmp_path / "requirements.txt").write_text("ant==1.0\nSpeedy == 1.0 ; python_version > '3'\n")
    text = "Speedy == 1.0 ; python_version > '3'"
    line = RequirementLine(text, "speedy", (), "requirements.txt", 2, pinned="1.0")
    request = requested_version(str(tmp_path), str(tmp_path), text_of)
    loaded = Loaded(None, Unlocked((line,)), ())
    project = PythonProject(PythonWish(str(tmp_path), str(tmp_path), "."), (), loaded, request, None, ())
    error = WorkError("python/build-failed", "`speedy==1.0` could not be built")
    served = Index(str(tmp_path / "wheels"))
    try:
        uv = make_uv(
            {**os.environ, "UV_DEFAULT_INDEX": served.url, "UV_CACHE_DIR": str(tmp_path / "cache")}, str(tmp_path)
        )
        interpreter = Interpreter(sys.executable, "{}.{}.{}".format(*sys.version_info))
        advised = with_version_that_would_do(uv, error, project, interpreter)
    finally:
        served.close()

    subprocess.run(advised.help[0], shell=True, cwd=tmp_path, check=True)
    assert (tmp_path / "requirements.txt").read_text() == "ant==1.0\nSpeedy ==2.0 ; python_version > '3'\n"
