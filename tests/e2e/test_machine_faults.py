"""Full disks, read-only directories, odd homes, paths, locales and terminals."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.e2e.conftest import fetch
from tests.e2e.test_projects import goes_down, is_up

pytestmark = pytest.mark.network


def unshared(here, script: str, *arguments: str, code: int = 0):
    """Run devboot in mounts of its own, which `script` makes; skips where this machine doesn't allow that."""
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("mounts of one's own are not allowed here")
    command = f"set -e\n{script}\nexec {shlex.join(here.command(*arguments))}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command],
        cwd=here.root,
        env=here.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert code == done.returncode, done.stdout + done.stderr
    return done


def read_only(path) -> str:
    return f"mount --bind '{path}' '{path}'; mount -o remount,bind,ro '{path}'"


# Full disks


@pytest.mark.faults(12, 13, 14)
@pytest.mark.parametrize(
    ("point", "action"),
    [("store/staged", "enospc"), ("store/built", "eio"), ("write/created", "eio"), ("write/before-rename", "enospc")],
)
def test_a_disk_that_fails_is_named_and_leaves_nothing_half_done(cold_counter, point, action):
    here = cold_counter
    failed = here.devboot("up", "-d", code=6, DEVBOOT_TEST="1", DEVBOOT_FAIL_POINT=f"{point}={action}")

    assert f"error[machine/{'disk-full' if action == 'enospc' else 'io'}]" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert [] == [name for name in here.store() if not re.fullmatch(r"\w{16}-redis-[\d.]+", name)]
    assert [] == [path for path in here.root.glob("devboot.lock*") if path.stat().st_size == 0]
    assert [] == list(here.root.rglob("*.tmp"))
    here.devboot("up", "-d")
    is_up(here, "redis", "web")
    goes_down(here)


@pytest.mark.faults(14)
def test_a_lock_that_cannot_be_written_stays_as_it_was(counter):
    here = counter
    here.devboot("sync")
    before = (here.root / "devboot.lock").read_bytes()
    (here.root / "requirements.txt").write_text("--no-index\n--find-links ./wheels\ngreeting==2.0\n")

    failed = here.devboot("lock", code=6, DEVBOOT_TEST="1", DEVBOOT_FAIL_POINT="write/before-rename=enospc")

    assert "error[machine/disk-full]" in failed.stderr
    assert before == (here.root / "devboot.lock").read_bytes()
    here.devboot("up", "-d")
    assert "2.0" == fetch(here.url("web"))


@pytest.mark.faults(12, 13)
def test_a_store_on_a_disk_that_is_too_small(cold_counter):
    here = cold_counter
    data = Path(here.environ["DEVBOOT_HOME"], "data")
    data.mkdir(parents=True)

    failed = unshared(here, f"mount -t tmpfs -o size=4m none '{data}'", "sync", code=6)

    assert "error[machine/disk-full]" in failed.stderr
    assert "help:" in failed.stderr
    here.devboot("sync")


# Directories that can't be written


@pytest.mark.faults(17)
def test_a_read_only_store_serves_a_warm_project(counter):
    here = counter
    here.devboot("up", "-d")
    here.devboot("down")
    store = Path(here.environ["DEVBOOT_HOME"], "data/store")  # not what lies beside it, where services write

    unshared(here, read_only(store), "up", "-d")

    is_up(here, "redis", "web")
    assert "mounted read-only" in unshared(here, read_only(store), "doctor").stdout
    unshared(here, read_only(store), "logs")
    unshared(here, read_only(store), "ps")


@pytest.mark.faults(17)
def test_a_read_only_store_refuses_a_cold_project_by_name(cold_counter):
    here = cold_counter
    data = Path(here.environ["DEVBOOT_HOME"], "data")
    data.mkdir(parents=True)

    refused = unshared(here, read_only(data), "up", "-d", code=6)

    assert "error[machine/not-writable]" in refused.stderr
    assert str(data) in refused.stderr
    assert "DEVBOOT_HOME" in refused.stderr
    assert [] == here.left()


@pytest.mark.faults(17)
@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a directory of somebody else's")
def test_a_store_of_somebody_elses_is_refused_with_the_exact_command(cold_counter):
    here = cold_counter
    folder = Path(tempfile.mkdtemp(prefix="devboot-"))  # pytest's own folders are closed to others
    try:
        shutil.copytree(here.root, folder / "counter")
        data = folder / "home/data"
        data.mkdir(parents=True)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534)
        os.chown(data, 0, 0)
        environ = {**here.environ, "HOME": str(folder / "home"), "DEVBOOT_HOME": str(folder / "home")}
        environ |= {"UV_CACHE_DIR": str(folder / "home/uv")}

        def as_nobody(*arguments: str):
            return subprocess.run(
                here.command(*arguments),
                cwd=folder / "counter",
                env=environ,
                user=65534,
                group=65534,
                extra_groups=[],
                capture_output=True,
                text=True,
                check=False,
            )

        try:
            is_possible = as_nobody("--version").returncode == 0
        except PermissionError:
            is_possible = False
        if not is_possible:
            pytest.skip("another user can't read this installation")
        done = as_nobody("sync")

        assert 6 == done.returncode, done.stderr
        assert "error[machine/not-writable]" in done.stderr
        assert f"help: sudo chown -R 65534 {data}" in done.stderr
        assert 0 == data.stat().st_uid
    finally:
        shutil.rmtree(folder)


# Homes, locales, paths


@pytest.mark.faults(108)
@pytest.mark.parametrize("home", [None, "", "/"])
def test_homes_that_are_none(counter, home):
    here = counter
    before = set(os.listdir("/"))
    here.environ.pop("HOME")
    if home is not None:
        here.environ["HOME"] = home

    here.devboot("up", "-d")

    is_up(here, "redis", "web")
    assert before == set(os.listdir("/"))


@pytest.mark.faults(108)
def test_no_home_at_all_is_said(counter):
    here = counter
    here.environ.pop("DEVBOOT_HOME")
    here.environ["HOME"] = "/no/such/home"
    done = subprocess.run(
        [
            "unshare",
            "-rm",
            "sh",
            "-c",
            f"mount --bind /dev/null /etc/passwd && exec {shlex.join(here.command('sync'))}",
        ],
        cwd=here.root,
        env=here.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("mounts of one's own are not allowed here")

    assert 6 == done.returncode
    assert "error[machine/no-home]" in done.stderr
    assert "DEVBOOT_HOME" in done.stderr


@pytest.mark.faults(109)
@pytest.mark.parametrize("variables", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "en_US.ISO-8859-1"}])
def test_locales_without_unicode(counter, variables):
    here = counter
    done = [
        here.devboot("up", "-d", **variables),
        here.devboot("ps", **variables),
        here.devboot("doctor", **variables),
        here.devboot("logs", **variables),
        here.devboot("down", **variables),
    ]

    for each in done:
        assert "UnicodeEncodeError" not in each.stderr
        if "LC_ALL" not in variables or variables["LC_ALL"] == "C":
            assert (each.stdout + each.stderr).isascii(), each


@pytest.mark.faults(110)
@pytest.mark.parametrize("name", ['it\'s "so"', "größe-日本", "-$HOME a;b&c", "C# at 100 %", "x" * 120])
def test_folders_with_odd_names(counter, name):
    here = counter
    here.root = here.root.rename(here.root.parent / name)

    here.devboot("up", "-d")

    is_up(here, "redis", "web")
    assert "1" == fetch(here.url("web", "/visit"))
    assert f"{here.root}/.venv/bin/python\n" == here.devboot("run", "--", "sh", "-c", "command -v python").stdout
    assert "1.0\n" == here.devboot("run", "--", "python", "-c", "import greeting; print(greeting.VERSION)").stdout
    goes_down(here)


@pytest.mark.faults(110)
def test_a_project_in_a_folder_with_an_odd_name_is_packed(counter):
    here = counter
    here.root = here.root.rename(here.root.parent / "it's C# at 100 %")

    here.devboot("pack", "-o", "kit.tar")
    here.devboot("sync", "--from", "kit.tar", DEVBOOT_HOME=str(here.root / "#home"), UV_CACHE_DIR=str(here.root / "uv"))

    assert "1.0\n" == here.devboot("run", "--", "python", "-c", "import greeting; print(greeting.VERSION)").stdout


@pytest.mark.faults(110)
def test_a_folder_with_a_line_break_is_refused(counter):
    here = counter
    here.root = here.root.rename(here.root.parent / "two\nlines")

    refused = here.devboot("up", "-d", code=6)

    assert "error[machine/bad-path]" in refused.stderr
    assert not (here.root / ".venv").exists()


@pytest.mark.faults(110)
@pytest.mark.parametrize("path", ["", ".", "relative:{PATH}"])
def test_odd_search_paths(counter, path):
    here = counter
    (here.root / "sh").write_text("#!/bin/sh\necho trapped >&2; exit 1\n")
    (here.root / "sh").chmod(0o755)

    done = here.devboot("up", "-d", code=None, PATH=path.format(PATH=os.environ["PATH"]))

    assert "trapped" not in done.stderr
    assert "Traceback" not in done.stderr
    assert 0 == done.returncode, done.stderr
    is_up(here, "redis", "web")


# Colours and animation


@pytest.mark.faults(111)
@pytest.mark.parametrize(
    ("variables", "is_coloured"),
    [
        ({}, False),
        ({"CI": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"COLUMNS": "1"}, False),
        ({"COLUMNS": "0"}, False),
        ({"FORCE_COLOR": "1", "CI": "1"}, True),
    ],
)
def test_pipes_get_no_escapes_but_colours_that_were_forced(counter, variables, is_coloured):
    here = counter
    here.environ.pop("NO_COLOR")
    done = [here.devboot(*words, **variables) for words in (("up", "-d"), ("ps",), ("doctor",), ("logs",), ("down",))]

    text = "".join(each.stdout + each.stderr for each in done)
    assert "\r" not in text
    assert is_coloured == bool(re.search(r"\x1b\[[\d;]*m", text))
    assert [] == re.findall(r"\x1b(?!\[[\d;]*m)", text)


@pytest.mark.faults(111)
@pytest.mark.parametrize(
    ("variables", "is_live"), [({}, True), ({"CI": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, True)]
)
def test_terminals_get_animation_unless_someone_says_otherwise(counter, variables, is_live):
    here = counter
    here.environ.pop("NO_COLOR")
    window = here.terminal("up", "-d", **variables)

    assert 0 == window.wait()

    shown = window.text.decode()
    assert is_live == bool(re.search(r"\x1b\[\d*[A-KJ]|\x1b\[\?25l", shown)), shown
    if "NO_COLOR" in variables or variables.get("TERM") == "dumb":
        assert not re.search(r"\x1b\[[\d;]*[1-9][\d;]*m", shown), shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") or shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")


@pytest.mark.faults(112)
def test_a_reader_that_goes_away_is_no_drama(counter):
    here = counter
    here.devboot("up", "-d")
    for words in ("ps", "logs", "env", "doctor", "help"):
        done = subprocess.run(
            ["sh", "-c", f"{shlex.join(here.command(words))} | head -n 1 >/dev/null"],
            cwd=here.root,
            env=here.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "BrokenPipe" not in done.stderr
        assert "error" not in done.stderr


def test_json_is_one_document_on_stdout(counter):
    here = counter
    here.devboot("up", "-d")
    for words in (("ps", "--json"), ("env", "--json"), ("doctor", "--json"), ("lock", "--json")):
        assert "schema" in json.loads(here.devboot(*words).stdout)
