"""The choice of an interpreter among real ones, in folders of the tests' own."""

import os
import platform
import sys
from dataclasses import replace

import pytest

from devboot.environment.locks.pins import Pin
from devboot.environment.python.interpreters import (
    available_interpreters,
    choose_interpreter,
    inspect,
    installed_elsewhere,
    usable_minors,
    why_it_fails,
)
from devboot.environment.python.versions import VersionRequest
from devboot.errors import MachineError
from devboot.uv.client import make_uv

VERSION = platform.python_version()
MINOR = ".".join(VERSION.split(".")[:2])
OTHER_PATCH = f"{MINOR}.99"


def link(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(os.path.realpath(sys.executable), path)
    return str(path)


class Machine:
    """A machine with nothing but what a test puts on it."""

    def __init__(self, tmp_path):
        self.home = tmp_path
        (tmp_path / "bin").mkdir()
        self.environ = {
            "HOME": str(tmp_path),
            "PATH": str(tmp_path / "bin"),
            "UV_PYTHON_INSTALL_DIR": str(tmp_path / "managed"),
            "UV_CACHE_DIR": str(tmp_path / "cache"),
        }

    def on_path(self):
        return link(self.home / "bin" / f"python{MINOR}")

    def in_pyenv(self, version=VERSION, root=".pyenv"):
        return link(self.home / root / "versions" / version / "bin" / "python3")

    def choose(self, request=None, **options):
        uv = make_uv(self.environ, str(self.home), offline=True)
        return choose_interpreter(uv, request or VersionRequest(), environ=self.environ, **options)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_an_interpreter_that_does_not_run_says_why(machine):
    uv = make_uv(machine.environ, str(machine.home), offline=True)
    broken = machine.home / "python"
    broken.write_text("#!/bin/sh\necho cannot open shared object file >&2\nexit 127\n")

    assert why_it_fails(uv, str(broken)) == "permission denied"
    broken.chmod(0o755)
    assert inspect(uv, str(broken)) is None
    assert why_it_fails(uv, str(broken)) == "cannot open shared object file"


def minor(is_exact=False, patch=""):
    written = patch or MINOR
    return VersionRequest(f"=={patch}" if patch else f"=={MINOR}.*", written, ".python-version", 1, is_exact)


def test_one_on_the_path_is_found_with_the_values_for_markers(machine):
    path = machine.on_path()

    found = machine.choose(minor())

    assert (path, VERSION, MINOR) == (found.path, found.version, found.minor)
    assert (sys.platform, MINOR) == (found.environment["sys_platform"], found.environment["python_version"])


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        ("", ".pyenv/versions"),
        ("PYENV_ROOT", "py/versions"),
        ("", ".asdf/installs/python"),
        ("ASDF_DATA_DIR", "asdf/installs/python"),
        ("", ".local/share/mise/installs/python"),
        ("MISE_DATA_DIR", "mise/installs/python"),
    ],
)
def test_those_of_version_managers_are_found_by_path(machine, variable, folder):
    path = link(machine.home / folder / VERSION / "bin" / "python3")
    if variable:
        machine.environ[variable] = str(machine.home / folder.split("/")[0])

    assert path == machine.choose(minor()).path


def test_shims_on_the_path_do_not_get_in_the_way(machine):
    shims = machine.home / ".pyenv" / "shims"
    shims.mkdir(parents=True)
    (shims / f"python{MINOR}").write_text("#!/bin/sh\necho pyenv: not selected >&2\nexit 127\n")
    (shims / f"python{MINOR}").chmod(0o755)
    machine.environ["PATH"] = f"{shims}:{machine.environ['PATH']}"
    path = machine.in_pyenv()

    assert path == machine.choose(minor()).path


def test_an_installation_that_does_not_run_is_passed_over(machine):
    broken = machine.home / ".asdf" / "installs" / "python" / VERSION / "bin" / "python3"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    path = machine.in_pyenv(root="mine")
    machine.environ["PYENV_ROOT"] = str(machine.home / "mine")

    assert path == machine.choose(minor()).path


def test_a_patch_version_that_nobody_has_is_met_by_the_same_minor_with_a_note(machine):
    machine.on_path()

    found = machine.choose(minor(patch=OTHER_PATCH))

    assert VERSION == found.version
    note = f"python {VERSION} is used instead of {OTHER_PATCH}, which .python-version names"
    assert (note, "python/patch-version") == (found.note, found.note_slug)


@pytest.mark.faults(103)
def test_a_patch_version_that_is_insisted_on_is_refused(machine):
    machine.on_path()

    with pytest.raises(MachineError) as caught:
        machine.choose(minor(is_exact=True, patch=OTHER_PATCH))

    assert "python/not-found" == caught.value.slug


@pytest.mark.faults(103)
def test_a_minor_version_that_is_not_here_is_refused_naming_what_is(machine):
    path = machine.on_path()

    with pytest.raises(MachineError) as caught:
        machine.choose(VersionRequest("==3.8.*", "3.8", "runtime.txt", 1))

    error = caught.value
    assert "there is no python 3.8 on this machine, and none could be downloaded" == error.what
    assert ("runtime.txt", 1) == (error.place.file, error.place.line)
    assert ("the network is off, so none was downloaded",) == error.causes
    assert (f"python {VERSION:8} {path}",) == error.details
    assert (
        f'use an installed one: `version = "{MINOR}"` in `[python]` of devboot.toml, which `devboot init` writes',
        "`uv python install 3.8` where there is a network",
        'or from a recipe, if one of its sources has it: `python = "3.8"` in `[packages]`',
    ) == error.help


@pytest.mark.faults(103)
def test_a_machine_without_any_python_says_so(machine):
    with pytest.raises(MachineError) as caught:
        machine.choose()

    assert ("no Python is installed",) == caught.value.details
    assert ("`uv python install` where there is a network",) == caught.value.help


def test_what_could_not_be_downloaded_is_not_advised_to_be_downloaded_by_hand(machine):
    machine.environ["UV_PYTHON_INSTALL_MIRROR"] = "file:///nowhere/at/all"
    uv = make_uv(machine.environ, str(machine.home), offline=False)

    with pytest.raises(MachineError) as caught:
        choose_interpreter(uv, minor(), environ=machine.environ)

    assert (
        "install it another way, such as from the system's packages: devboot finds it on PATH",
        f'or from a recipe, if one of its sources has it: `python = "{MINOR}"` in `[packages]`',
    ) == caught.value.help


def test_without_a_wish_the_newest_is_taken_that_has_all_wheels(machine):
    machine.on_path()
    pins = (Pin("a", "1", files=("a-1-cp36-cp36m-win32.whl",)),)

    assert VERSION == machine.choose(pins=pins).version


@pytest.mark.parametrize(("near", "expected"), [("3.9", "3.10.99"), ("3.13", "3.14.99"), ("", "3.14.99")])
def test_of_those_that_suit_equally_the_nearest_is_taken(machine, near, expected):
    paths = {version: machine.in_pyenv(version) for version in ("3.10.99", "3.14.99")}

    assert paths[expected] == machine.choose(near=near).path
    assert paths[expected] == machine.choose(preferred=near).path


def test_one_that_has_the_wheels_is_downloaded_and_where_it_cannot_be_the_best_that_is_here_serves(machine, tmp_path):
    path = machine.on_path()
    machine.environ["UV_PYTHON_INSTALL_MIRROR"] = "file:///nowhere/at/all"
    uv = make_uv(machine.environ, str(machine.home), offline=False)
    spy = tmp_path / "spy"
    spy.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\nexec {uv.binary} "$@"\n')
    spy.chmod(0o700)
    uv = replace(uv, binary=str(spy))
    pins = (Pin("a", "1", files=("a-1-cp39-cp39-any.whl", "a-1.tar.gz")),)

    assert path == choose_interpreter(uv, VersionRequest(), environ=machine.environ, pins=pins).path
    assert "python install --no-bin 3.9" in (tmp_path / "asked").read_text()

    bounded = VersionRequest(f">={MINOR}", f">={MINOR}", "pyproject.toml", 1)
    (tmp_path / "asked").unlink()
    assert path == choose_interpreter(uv, bounded, environ=machine.environ, pins=pins).path
    assert "python install" not in (tmp_path / "asked").read_text()


def test_none_that_the_code_does_not_run_on_is_advised(machine):
    machine.on_path()

    with pytest.raises(MachineError) as caught:
        machine.choose(VersionRequest(">=3.99", ">=3.99", "pyproject.toml", 3))

    assert not [line for line in caught.value.help if MINOR in line]


def test_an_older_one_than_what_failed_is_refused_where_there_is_none(machine):
    machine.on_path()

    with pytest.raises(MachineError):
        machine.choose(below=MINOR)


def test_what_is_no_python_is_none(machine):
    uv = make_uv(machine.environ, str(machine.home))

    assert inspect(uv, "/bin/true") is None
    assert inspect(uv, "/nonexistent/python") is None


def test_folders_that_are_no_versions_are_passed_over(machine):
    machine.in_pyenv("3.12-dev")
    machine.in_pyenv("pypy3.10-7.3")

    assert [] == list(installed_elsewhere(machine.environ))


def test_what_was_refused_once_is_not_asked_for_again(machine, tmp_path):
    machine.on_path()
    machine.environ["UV_PYTHON_INSTALL_MIRROR"] = "file:///nowhere/at/all"
    uv = make_uv(machine.environ, str(machine.home), offline=False)
    spy = tmp_path / "spy"
    spy.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\nexec {uv.binary} "$@"\n')
    spy.chmod(0o700)
    uv = replace(uv, binary=str(spy))
    request = VersionRequest("==3.8.*", "3.8", ".python-version", 1, stand_in=">=3.8")

    first = choose_interpreter(uv.inside("/"), request, environ=machine.environ)
    second = choose_interpreter(uv.listening(print), request, environ=machine.environ)

    assert (VERSION, first) == (first.version, second)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert 1 == sum(line.startswith("python install ") for line in asked)


def nowhere(stand_in):
    return VersionRequest("==3.99.*", "3.99", ".python-version", 1, stand_in=stand_in)


def test_a_minor_version_that_cannot_be_had_is_met_by_the_nearest_where_one_may_stand_in(machine):
    machine.on_path()

    found = machine.choose(nowhere(">=3.8"))

    assert VERSION == found.version
    note = f"python {VERSION} is used instead of 3.99, which .python-version names and which isn't available here"
    assert (note, "python/minor-version") == (found.note, found.note_slug)


@pytest.mark.faults(103)
@pytest.mark.parametrize("stand_in", [None, ">=3.50"])
def test_a_minor_version_that_cannot_be_had_is_refused_where_no_other_will_do(machine, stand_in):
    machine.on_path()

    with pytest.raises(MachineError) as caught:
        machine.choose(nowhere(stand_in))

    assert "python/not-found" == caught.value.slug


@pytest.mark.parametrize(
    ("is_offline", "downloads", "counts"), [(False, "", True), (True, "", False), (False, "never", False)]
)
def test_older_pythons_to_compare_are_the_installed_ones_and_those_that_could_be_downloaded(
    machine, is_offline, downloads, counts
):
    machine.in_pyenv("3.7.9")
    machine.environ |= {"UV_PYTHON_DOWNLOADS": downloads} if downloads else {}
    uv = make_uv(machine.environ, str(machine.home), offline=is_offline)

    found = usable_minors(uv, VersionRequest("!=3.10.*"), machine.environ, below="3.12")

    assert (counts, counts) == ("3.11" in found, "3.9" in found)
    assert "3.7" == found[-1]
    assert not {"3.10", "3.12", "3.13"} & set(found)


@pytest.mark.parametrize(
    ("is_offline", "cause"),
    [
        (True, "the network is off, so none was downloaded"),
        (False, "UV_PYTHON_DOWNLOADS is `never`, so none was downloaded"),
    ],
)
def test_the_reason_why_none_could_be_downloaded_is_the_setting_that_forbids_it(is_offline, cause, machine):
    machine.environ |= {"UV_PYTHON_DOWNLOADS": "never"}
    uv = make_uv(machine.environ, str(machine.home), offline=True)

    with pytest.raises(MachineError) as caught:
        available_interpreters(uv, VersionRequest("==3.50.*", "3.50"), machine.environ, is_offline=is_offline)

    assert (cause,) == caught.value.causes
