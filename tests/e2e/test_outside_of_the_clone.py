"""Nothing of devboot's is written into a clone, and nothing that a clone brings counts as devboot's own."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devboot import snapshot
from devboot.provision.objects.tree import remove_tree
from tests.fakes.toyproject import ToyProject

# What tells that something was changed: a watcher of code looks for these.
_MODIFIED, _ATTRIBUTES, _WRITTEN, _MOVED, _CREATED, _DELETED = 0x2, 0x4, 0x8, 0xC0, 0x100, 0x200
_CHANGES = _MODIFIED | _ATTRIBUTES | _WRITTEN | _MOVED | _CREATED | _DELETED
_HEADER = struct.Struct("iIII")
MANIFEST = """
[services.toy]
[processes.web]
command = "echo started; exec sleep 1000"
[env]
KEY = { generate = "hex" }
[tasks.hello]
run = 'echo hello > "$DEVBOOT_STATE/said"'
before = ["processes"]
"""
WITH_A_SECRET = '[processes.web]\ncommand = "exec sleep 1000"\n[env]\nKEY = { generate = "hex" }\n'
SERVES = f"""exec {sys.executable} -c '
import os, signal, socket, sys
open("dump", "w").close()
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
server = socket.create_server(("127.0.0.1", int(os.environ["TOY_PORT"])))
while True: server.accept()[0].close()
'"""


class Watch:
    """An inotify watch of a folder and all that is below it when it begins."""

    def __init__(self, root: Path, ignored: tuple[str, ...]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._descriptor >= 0
        self._folders: dict[int, str] = {}
        for folder, names, _ in os.walk(root):
            names[:] = [name for name in names if name not in ignored]
            number = self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _CHANGES)
            assert number >= 0
            self._folders[number] = os.path.relpath(folder, root)

    def changed(self) -> list[str]:
        """The names of what was changed since the last call."""
        found = []
        while data := self._read():
            while data:
                number, _, _, length = _HEADER.unpack_from(data)
                name = data[_HEADER.size : _HEADER.size + length].rstrip(b"\0").decode()
                found.append(os.path.normpath(os.path.join(self._folders[number], name)))
                data = data[_HEADER.size + length :]
        return found

    def close(self) -> None:
        os.close(self._descriptor)

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, 65536)
        except BlockingIOError:
            return b""


@contextmanager
def watched(root: Path, *ignored: str) -> Iterator[Watch]:
    watch = Watch(root, ignored)
    try:
        yield watch
    finally:
        watch.close()


@pytest.fixture
def shop(tmp_path):
    """A project with a server that writes into its data directory when it starts."""
    project = ToyProject(tmp_path, manifest=MANIFEST, also=f'[ "$1" = --version ] || {SERVES}')
    recipe = project.root / "recipes/toy/recipe.toml"
    recipe.write_text(recipe.read_text().replace("[service]\n", '[service]\nenv = { TOY_PORT = "{port}" }\n'))
    yield project
    project.devboot("down", code=None)
    remove_tree(str(project.store))


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
@pytest.mark.faults(194)
def test_a_whole_session_changes_nothing_in_the_clone(shop):
    project = shop
    (project.root / "code").mkdir()
    (project.root / "code/app.py").write_text("x = 1\n")
    project.devboot("sync")
    with watched(project.root, ".venv") as watch:
        for words in (
            *(("up", "-d"), ("ps", "-v"), ("logs", "-n", "10"), ("restart", "web"), ("run", "--", "true")),
            *(("run", "hello"), ("env",), ("sync",), ("sync", "--force"), ("lock", "--check"), ("doctor",)),
            *(("generations",), ("up", "--dry-run"), ("state", "list"), ("gc",), ("stop", "web"), ("start", "web")),
            *(("down",), ("up", "-d"), ("down",)),
        ):
            project.devboot(*words)
            assert [] == watch.changed(), words
        assert (project.state / "said").read_text() == "hello\n"
        assert (project.data / "services/toy/toy-1/dump").exists()


@pytest.mark.own_ports
@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
@pytest.mark.faults(194)
def test_a_clone_without_a_manifest_stays_as_it_is(tmp_path):
    project = ToyProject(tmp_path)
    remove_tree(str(project.root / "recipes"))
    (project.root / "devboot.toml").unlink()
    (project.root / "Procfile.dev").write_text("web: echo started; exec sleep 1000\n")
    with watched(project.root) as watch:
        for words in (("up", "--dry-run"), ("up", "-d"), ("ps",), ("logs",), ("restart", "web"), ("down",)):
            project.devboot(*words)
            assert [] == watch.changed(), words
    assert os.listdir(project.root) == ["Procfile.dev"]


# What a clone brings


def snapshot_of(root: Path, command: str) -> bytes:
    """A snapshot as devboot writes it, by which `run hello` runs a command of the clone's."""
    path = root.parent / "made"
    task = ("hello", command, str(root), False)
    snapshot.write(str(path), snapshot.Snapshot(str(root), (), (), (), (), tasks=(task,)))
    return path.read_bytes()


@pytest.fixture
def hostile(tmp_path):
    """A clone that brings everything that earlier versions of devboot kept there."""
    project = ToyProject(
        tmp_path, manifest='[processes.web]\ncommand = "exec sleep 1000"\n[env]\nKEY = { generate = "hex" }\n'
    )
    state = project.root / ".devboot"
    (state / "run").mkdir(parents=True)
    (state / "data/services/toy").mkdir(parents=True)
    victims = tmp_path / "victims"
    victims.mkdir()
    for name in ("key", "ports", "lock", "snapshot", "secrets"):
        (victims / name).write_text("precious")
    (state / "data/secrets.toml").write_text('KEY = "theirs"\n')
    (state / "below").write_text("../victims")
    (state / "snapshot").write_bytes(snapshot_of(project.root, "echo theirs"))
    (state / "ports.toml").write_text("web = 1\n")
    (state / "detected.toml").write_text('[processes.web]\ncommand = "echo theirs"\n')
    lease = [
        "1",
        "1",
        "now",
        "boot",
        str(victims / "key"),
        "",
        "0.1.0",
        "shop",
        str(project.root),
        "0",
        "1",
        "now",
        "1",
    ]
    (state / "run/daemon").write_text("\n".join([*lease, "1"]) + "\n")
    (state / "profile").symlink_to(victims)
    for name, victim in (("run/prepare.lock", "lock"), ("run/daemon.lock", "lock"), ("logs", "key")):
        (state / name).symlink_to(victims / victim)
    yield project
    project.devboot("down")
    remove_tree(str(project.store))


COMMANDS = (
    *(("env",), ("ps",), ("logs",), ("doctor",), ("lock", "--check"), ("up", "--dry-run"), ("sync",), ("up", "-d")),
    *(("ps", "-v"), ("run", "--", "true"), ("restart", "web"), ("down",), ("gc",), ("generations",)),
)


@pytest.mark.own_ports
@pytest.mark.faults(195)
def test_nothing_that_a_clone_brings_below_its_devboot_folder_is_read_or_changed(hostile):
    def everything() -> dict[str, object]:
        return {
            str(path): os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            for folder in (hostile.root / ".devboot", hostile.folder / "victims")
            for path in folder.rglob("*")
        }

    before = everything()
    for words in COMMANDS:
        done = hostile.devboot(*words, code=None)
        assert "theirs" not in done.stdout + done.stderr, words
        assert before == everything(), words

    assert hostile.devboot("run", "--", "sh", "-c", "echo $KEY").stdout.strip() not in ("theirs", "")
    assert "theirs" not in hostile.devboot("run", "hello", code=None).stdout


@pytest.mark.own_ports
@pytest.mark.faults(195)
@pytest.mark.parametrize("kind", ["link", "pipe", "file"])
def test_whatever_is_called_devboot_in_a_clone_is_in_nobodys_way(hostile, kind):
    place, outside = hostile.root / ".devboot", hostile.folder / "outside"
    outside.mkdir()
    shutil.rmtree(place)
    if kind == "link":
        place.symlink_to(outside)
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.touch()

    for words in COMMANDS:
        hostile.devboot(*words, code=None)

    assert os.listdir(outside) == []
    assert hostile.devboot("run", "--", "echo", "ran").stdout == "ran\n"


@pytest.mark.own_ports
@pytest.mark.faults(86, 192)
def test_a_project_that_was_moved_while_it_runs_can_be_stopped_from_both_sides(tmp_path):
    project = ToyProject(tmp_path, manifest='[processes.web]\ncommand = "exec sleep 1000"\n')
    project.devboot("up", "-d")
    moved = project.root.rename(project.root.with_name("moved"))

    refused = project.devboot("up", "-d", code=7, cwd=moved)
    assert "error[state/in-use]: the project that was at" in refused.stderr
    looked_at = project.devboot("ps", cwd=moved)
    assert "web" in looked_at.stdout
    assert f"it was started in {project.root}, before it was moved" in looked_at.stderr
    assert str(project.root) in project.devboot("ps", "-a", cwd=tmp_path).stdout
    project.devboot("down", cwd=moved)
    assert "no project of yours is running" in project.devboot("ps", "-a", cwd=tmp_path).stderr
    again = project.devboot("up", "-d", cwd=moved)
    assert "this project was moved here from" in again.stderr
    project.devboot("down", cwd=moved)


@pytest.mark.own_ports
@pytest.mark.faults(196)
def test_state_of_a_project_that_is_gone_is_removed_and_its_data_only_when_told(tmp_path):
    project = ToyProject(tmp_path, manifest=WITH_A_SECRET)
    project.devboot("sync")
    state, data = project.state, project.data
    assert project.devboot("state", "path").stdout == f"{state}\n"
    assert project.devboot("state", "path", "--data").stdout == f"{data}\n"
    shutil.rmtree(project.root)
    listed = project.devboot("state", "list", cwd=tmp_path).stdout
    assert f"{state.name}  " in listed
    assert listed.rstrip().endswith("(gone)")

    said = project.devboot("gc", "--dry-run", cwd=tmp_path).stdout
    assert "would remove  state of" in said
    assert "would remove  record of ~/shop" in said
    assert state.exists()
    kept = project.devboot("gc", cwd=tmp_path).stdout
    assert "`devboot gc --data` removes it" in kept
    assert (state.exists(), (data / "secrets.toml").exists()) == (False, True)
    project.devboot("gc", "--data", cwd=tmp_path)
    assert not data.exists()


@pytest.mark.own_ports
def test_a_copy_at_the_same_path_is_not_taken_for_the_project_by_a_warm_command(tmp_path):
    project = ToyProject(tmp_path, manifest=WITH_A_SECRET)
    ask = ("run", "--", "sh", "-c", "echo $KEY")
    first = project.devboot(*ask).stdout
    assert first == project.devboot(*ask).stdout
    old = project.root.rename(project.root.with_name("old"))
    subprocess.run(["cp", "-a", str(old), str(project.root)], check=True)

    done = project.devboot(*ask)

    assert done.stdout != first
    assert "its data was set aside" in done.stderr
