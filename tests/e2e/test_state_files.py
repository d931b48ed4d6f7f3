"""What devboot wrote beside a project is emptied, damaged, from a later version, or overtaken by an edit."""

import os
import subprocess

import pytest

from devboot.provision.objects.tree import remove_tree
from tests.fakes.toyproject import ToyProject

MANIFEST = """
[services.toy]
[databases.default]
path = "db.sqlite3"
[env]
COLOUR = "red"
[processes.web]
command = "true"
"""
# The user's, or with a message of their own: not devboot's to make again.
OTHERS = ("data", "logs", "backup")


@pytest.fixture
def shop(tmp_path):
    project = ToyProject(tmp_path, manifest=MANIFEST)
    yield project
    remove_tree(str(project.store))


@pytest.mark.faults(42)
@pytest.mark.parametrize("content", [b"", b"\0\xff garbage \x80\n", b'{"format": 99, "devboot": "99.0"}\n'])
def test_state_that_cannot_be_read_is_made_again(content, shop):
    shop.devboot("sync")
    lock = (shop.root / "devboot.lock").read_bytes()
    state = shop.state
    records = [path for path in state.rglob("*") if path.is_file() and path.relative_to(state).parts[0] not in OTHERS]
    records += (shop.folder / "home/data/roots").iterdir()
    for path in records:
        path.write_bytes(content)

    shop.devboot("sync")

    assert (shop.root / "devboot.lock").read_bytes() == lock
    assert shop.devboot("run", "--", "sh", "-c", "echo $COLOUR; toy-server").stdout == "red\ntoy 1.0.0\n"
    assert shop.devboot("generations").stdout.startswith("*")
    assert shop.devboot("gc").stdout.splitlines()[-1].endswith("; 1 object kept")
    shop.devboot("doctor")


@pytest.mark.faults(42)
@pytest.mark.parametrize("name", ["devboot.lock", "snapshot"])
def test_a_directory_in_place_of_a_file_is_named_and_moved_aside_as_advised(name, shop):
    shop.devboot("sync")
    path = (shop.state if name == "snapshot" else shop.root) / name
    path.unlink()
    path.mkdir()

    refused = shop.devboot("sync", code=6).stderr

    assert "error[machine/in-the-way]: something else is where" in refused
    advice = refused.split("help: ")[1].splitlines()[0]
    subprocess.run(["sh", "-c", advice], check=True)
    shop.devboot("sync")
    assert path.with_name(f"{name}.aside").is_dir()


@pytest.mark.faults(42)
def test_a_pipe_in_place_of_a_state_file_is_waited_for_by_no_command(shop):
    shop.devboot("sync")
    state = shop.state
    records = [path for path in state.rglob("*") if path.is_file() and path.relative_to(state).parts[0] not in OTHERS]
    records += (shop.folder / "home/data/roots").iterdir()
    for path in records:
        if path.suffix != ".lock":  # who waits for a lock is told of what is in its place
            path.unlink()
            os.mkfifo(path)

    for words in (("ps", "--json"), ("logs",), ("doctor",), ("down",), ("sync",)):
        shop.devboot(*words)

    assert shop.devboot("run", "--", "sh", "-c", "echo $COLOUR").stdout == "red\n"
    shop.devboot("gc")


@pytest.mark.faults(28)
@pytest.mark.parametrize("name", ["devboot.toml", ".env"])
def test_an_edit_while_all_is_prepared_counts_from_the_next_command_on(name, tmp_path):
    """The toy's program, which is asked for its version when it is published, edits a file of the project."""
    line = "COLOUR=blue" if name == ".env" else "# edited"
    once = f"[ -e {tmp_path}/edited ] || {{ : > {tmp_path}/edited; echo '{line}' >> {tmp_path}/shop/{name}; }}"
    shop = ToyProject(tmp_path, manifest=MANIFEST.replace('COLOUR = "red"', 'OTHER = "1"'), also=once)
    (shop.root / ".env").write_text("COLOUR=red\n")
    try:
        first = shop.devboot("sync")
        assert f"{name} changed during this run; the change takes effect on the next run" in first.stderr
        stale = shop.devboot("sync", "--check", code=1)
        assert f"{name} has changed" in stale.stderr
        second = shop.devboot("run", "--", "sh", "-c", "echo $COLOUR")
        assert second.stdout == ("blue\n" if name == ".env" else "red\n")
        shop.devboot("sync", "--check")
    finally:
        remove_tree(str(shop.store))
