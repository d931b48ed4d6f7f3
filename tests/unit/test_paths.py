"""Where devboot keeps things."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from platformdirs.unix import Unix

from devboot import paths
from devboot.errors import MachineError
from devboot.paths import (
    SOCKET_PATH_LIMIT,
    Paths,
    complaint_about,
    project_key,
    refuse_bad_root,
    refuse_unsafe_runtime,
    runtime_directory,
    socket_path,
    user_directories,
    xdg_base,
)


def no_passwd_entry():
    return None


def test_xdg_directories_are_used_and_home_is_not_asked():
    environ = {"XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/c", "XDG_STATE_HOME": "/s"}

    assert user_directories(environ, no_passwd_entry) == ("/d/devboot", "/c/devboot", "/s/devboot")


def test_home_gives_the_usual_directories(tmp_path):
    home = str(tmp_path)

    expected = (f"{home}/.local/share/devboot", f"{home}/.cache/devboot", f"{home}/.local/state/devboot")
    assert expected == user_directories({"HOME": home, "XDG_DATA_HOME": "relative"}, no_passwd_entry)


_VALUES = st.sampled_from([None, "", "relative", "./here", "~/there", "/xdg", "/xdg/", "/a b/ü", "//two", "/a/../b"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.fixed_dictionaries({f"XDG_{kind}_HOME": _VALUES for kind in ("DATA", "CACHE", "STATE", "CONFIG")}))
def test_the_directories_are_those_of_platformdirs(tmp_path, values):
    environ = {"HOME": str(tmp_path), **{name: value for name, value in values.items() if value is not None}}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", *values):
            patch.delenv(name, raising=False)
        for name, value in environ.items():
            patch.setenv(name, value)
        theirs = Unix("devboot")
        expected = (theirs.user_data_dir, theirs.user_cache_dir, theirs.user_state_dir)
        config = Unix().user_config_dir

    assert expected == user_directories(environ, no_passwd_entry)
    assert config == xdg_base("config", environ, lambda: str(tmp_path))


def test_devboot_home_stands_for_all(tmp_path):
    paths = Paths.from_environ({"DEVBOOT_HOME": str(tmp_path), "HOME": "/nowhere"})

    assert (str(tmp_path / "data"), str(tmp_path / "cache"), str(tmp_path / "state")) == paths[:3]


def test_a_relative_devboot_home_is_refused():
    with pytest.raises(MachineError) as caught:
        user_directories({"DEVBOOT_HOME": "here"}, no_passwd_entry)

    assert caught.value.what == "`DEVBOOT_HOME` isn't an absolute path"


@pytest.mark.faults(108)
@pytest.mark.parametrize("home", [None, "", "/", "relative", "/nowhere/at/all"])
def test_an_unusable_home_falls_back_to_the_password_database(home, tmp_path):
    environ = {} if home is None else {"HOME": home}

    assert f"{tmp_path}/.local/share/devboot" == user_directories(environ, lambda: str(tmp_path))[0]


@pytest.mark.faults(108)
@pytest.mark.parametrize(
    ("environ", "cause"),
    [
        ({}, "`HOME` isn't set"),
        ({"HOME": "/"}, "`HOME` is `/`, which isn't a writable directory"),
    ],
)
def test_without_any_home_devboot_home_is_asked_for(environ, cause):
    with pytest.raises(MachineError) as caught:
        user_directories(environ, lambda: "/")

    assert (caught.value.slug, caught.value.exit_code) == ("machine/no-home", 6)
    assert (cause, "the password database has no other") == caught.value.causes


@pytest.fixture
def short():
    """A folder whose path is short enough for a socket, which pytest's own isn't always."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="d-") as folder:
        yield Path(folder)


def test_the_runtime_directory_is_made_private_whatever_the_umask(short):
    old = os.umask(0)
    try:
        made = runtime_directory({"DEVBOOT_HOME": str(short / "h")}, os.getuid())
    finally:
        os.umask(old)

    assert str(short / "h/run") == made
    assert os.stat(made).st_mode & 0o777 == 0o700


@pytest.mark.faults(65)
def test_a_directory_that_is_open_linked_or_foreign_is_complained_about(tmp_path):
    uid = os.getuid()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    (tmp_path / "file").touch()

    said = {name: complaint_about(str(tmp_path / name), uid) for name in ("open", "mine", "link", "file", "none")}

    assert said == {
        "open": "is open to others (mode 0777)",
        "mine": None,
        "link": "is a symbolic link",
        "file": "isn't a directory",
        "none": "isn't there",
    }
    assert f"belongs to user {uid}" == complaint_about(str(tmp_path / "mine"), uid + 1)


@pytest.mark.faults(65)
def test_an_unsafe_candidate_is_left_for_the_next(short):
    (short / "run").mkdir()
    (short / "run").chmod(0o777)

    assert str(short / "run") != runtime_directory({"DEVBOOT_HOME": str(short)}, os.getuid())


@pytest.mark.parametrize("kinds", ["--", "-o", "oo", "op"])
def test_that_no_directory_for_sockets_is_safe_is_found_as_it_is_refused_and_nothing_is_created(
    kinds, short, monkeypatch
):
    places = [str(short / f"{number}") for number, _ in enumerate(kinds)]
    modes = {"o": 0o777, "p": 0o700}  # open, private; `-` isn't there
    for place, kind in zip(places, kinds, strict=True):
        if kind != "-":
            os.mkdir(place)
            os.chmod(place, modes[kind])
    monkeypatch.setattr(paths, "_runtime_candidates", lambda _environ, _uid: iter(places))
    before = sorted(os.listdir(short))

    found = []
    for ask in (refuse_unsafe_runtime, runtime_directory):
        try:
            ask({}, os.getuid())
        except MachineError as error:
            found.append(error.slug)
        if ask is refuse_unsafe_runtime:
            assert before == sorted(os.listdir(short))

    assert ["machine/unsafe-runtime-dir"] * 2 * (kinds == "oo") == found


@pytest.mark.faults(91)
@pytest.mark.parametrize("length", [60, 108, 400])
def test_a_socket_path_is_short_whatever_the_project_is_called(length, tmp_path):
    root = "/" + "ü" * length
    runtime = runtime_directory({"DEVBOOT_HOME": str(tmp_path / ("x" * length))}, os.getuid())

    assert len(os.fsencode(socket_path(runtime, root))) < SOCKET_PATH_LIMIT


def test_a_project_keeps_its_key():
    assert project_key("/home/ada/feedreader") == "673afdb108c92d71"
    assert project_key("/home/ada/feedreader") != project_key("/home/ada/feedreader2")


def test_importing_it_costs_no_heavy_module():
    heavy = {"pathlib", "typing", "re", "hashlib"}
    code = f"import devboot.paths, devboot.files; print(sorted({heavy} & set(sys.modules)))"

    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout == "[]\n"


@pytest.mark.faults(110)
@pytest.mark.parametrize(
    ("root", "shown", "cause"),
    [
        ("/home/a\nb", "/home/a\\nb", "its path has a line break, which no script's first line can hold"),
        ("/home/a:b", "/home/a:b", "its path has a `:`, which separates directories in PATH"),
    ],
)
def test_a_root_in_which_nothing_could_be_found_is_refused(root, shown, cause):
    refuse_bad_root('/home/ada\'s "$shop" ü')
    with pytest.raises(MachineError) as caught:
        refuse_bad_root(root)

    assert (caught.value.slug, caught.value.exit_code) == ("machine/bad-path", 6)
    assert caught.value.what == f"the project can't be in `{shown}`"
    assert caught.value.causes == (cause,)
