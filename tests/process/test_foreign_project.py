"""A project of another user in a folder above: refused by every command that would go by it, until it is named."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from devboot.app.command_table import COMMANDS
from tests.fakes.on_path import with_devboot

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")

STRANGER = 4242
ARGUMENTS = {
    "scale": ("web=2",),
    "export": ("systemd", "out"),
    "store": ("path", "redis"),
    "recipe": ("new", "x"),
    "state": ("path",),
    "run": ("--", "touch", "ran"),
    **dict.fromkeys(("start", "stop", "restart", "attach"), ("web",)),
}
OF_NO_PROJECT = {"init", "import", "gc", "explain", "completions", "help"}
OF_A_PROJECT = [command.name for command in COMMANDS if command.name not in OF_NO_PROJECT]


class Place:
    """A folder of one's own below one that everybody may write to."""

    def __init__(self, folder) -> None:
        self.shared, self.mine = folder / "shared", folder / "shared/mine"
        self.mine.mkdir(parents=True)
        self.shared.chmod(0o1777)
        manifest = '[processes.web]\ncommand = "touch ran; sleep 100"\n[tasks.t]\nrun = "touch ran"\n'
        (self.shared / "devboot.toml").write_text(manifest)
        self.environ = {
            "PATH": with_devboot(os.environ["PATH"]),
            "HOME": str(folder),
            "DEVBOOT_HOME": str(folder / "own"),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "NO_COLOR": "1",
        }

    def give_away(self) -> None:
        os.chown(self.shared / "devboot.toml", STRANGER, STRANGER)

    def type(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "devboot", *words],
            cwd=self.mine,
            env={**self.environ, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.mark.faults(182)
def test_every_command_refuses_it_and_names_the_ways_out(place):
    place.give_away()
    for name in OF_A_PROJECT:
        done = place.type(name, *ARGUMENTS.get(name, ()))
        assert (done.returncode, done.stdout) == (8, ""), (name, done.stdout, done.stderr)
        what = f"error[trust/foreign-above]: `{place.shared}/devboot.toml`, in a folder above this one, is owned by "
        assert what in done.stderr, name
        assert f"help: devboot -C {place.shared} {name}   # if you trust user {STRANGER}" in done.stderr
    assert not list(place.shared.rglob("ran"))


@pytest.mark.faults(182)
def test_what_is_warm_is_refused_as_well(place):
    assert place.type("sync").returncode == 0
    assert place.type("run", "t").returncode == 0
    (place.shared / "ran").unlink()
    place.give_away()

    for words in (("run", "t"), ("run", "--", "touch", "ran"), ("up", "-d"), ("env",), ("sync",), ("ps",)):
        assert place.type(*words).returncode == 8, words
    assert not list(place.shared.rglob("ran"))


@pytest.mark.faults(182)
def test_naming_the_folder_or_the_variable_allows_it(place):
    place.give_away()
    named = place.type("-C", str(place.shared), "run", "t")
    assert "[trust/foreign-owner]" in named.stderr
    assert named.returncode == 0
    trusted = place.type("run", "t", DEVBOOT_TRUSTED=str(place.shared))
    assert (trusted.returncode, "trust/" in trusted.stderr) == (0, False)


@pytest.mark.faults(182)
def test_init_makes_a_project_of_the_folder_itself(place):
    place.give_away()
    (place.mine / "Procfile").write_text("web: sleep 100\n")
    assert place.type("init").returncode == 0
    assert (place.mine / "devboot.toml").exists()
    assert place.type("sync").returncode == 0


@pytest.mark.faults(182)
def test_what_is_of_no_project_works_all_the_same(place):
    place.give_away()
    for words in (("explain", "trust/foreign-above"), ("help", "up"), ("completions", "bash"), ("ps", "-a"), ()):
        assert place.type(*words).returncode == 0, words
    assert place.type("completions", "names", "process").stdout == ""
