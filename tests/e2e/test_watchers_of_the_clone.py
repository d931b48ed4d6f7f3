"""A watcher of everything in the clone, as `watchfiles 'celery …'` in a Procfile, restarts for nothing of devboot's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from devboot.provision.objects.tree import remove_tree
from tests.e2e.conftest import eventually, fetch
from tests.fakes.toyproject import ToyProject

WATCHFILES = Path(sys.executable).with_name("watchfiles")
# Each start of what it runs is a line beside the clone; it talks, and so fills devboot's log. With `all` no path is
# ignored, so Python has to write nothing into the clone either.
STARTS = "../starts"
WATCHER = f"{WATCHFILES} --filter all \"sh -c 'echo start >> {STARTS}; while sleep 0.05; do echo at work; done'\" ."
SERVES = f"""exec {sys.executable} -c '
import os, signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
server = socket.create_server(("127.0.0.1", int(os.environ["TOY_PORT"])))
server.settimeout(0.05)
while True:
    open("dump", "a").write("saved")
    print("saved", flush=True)
    try: server.accept()[0].close()
    except TimeoutError: pass
'"""
MANIFEST = "[services.toy]\n[processes.other]\ncommand = 'while sleep 0.05; do echo something; done'\n"


def starts(root: Path) -> int:
    """How often the watcher has started its command."""
    path = root / STARTS
    return path.read_text(encoding="utf-8").count("start") if path.exists() else 0


def add_watcher(root: Path) -> None:
    """Add a worker that watches the clone."""
    for name, line in (("Procfile", f"worker: {WATCHER}\n"), (".env", "PYTHONDONTWRITEBYTECODE=1\n")):
        with (root / name).open("a", encoding="utf-8") as file:
            file.write(line)


def watches(root: Path) -> None:
    """Check that the watcher sees the clone, which it was started for once so far."""
    assert starts(root) == 1
    (root / "app.py").write_text("x = 1\n", encoding="utf-8")
    eventually(lambda: starts(root) == 2)


@pytest.fixture
def shop(tmp_path):
    """A project with a service that saves all the time, and a Procfile whose worker watches the clone."""
    project = ToyProject(tmp_path, manifest=MANIFEST, also=f'[ "$1" = --version ] || {SERVES}')
    recipe = project.root / "recipes/toy/recipe.toml"
    recipe.write_text(recipe.read_text().replace("[service]\n", '[service]\nenv = { TOY_PORT = "{port}" }\n'))
    (project.root / "Procfile").write_text(f"worker: {WATCHER}\n")
    yield project
    project.devboot("down", code=None)
    remove_tree(str(project.store))


@pytest.mark.faults(194)
def test_logs_data_and_commands_start_no_watcher_of_the_clone_again(shop):
    shop.devboot("up", "-d")
    eventually(lambda: starts(shop.root) == 1)

    for words in (
        *(("ps",), ("logs", "-n", "5"), ("restart", "toy"), ("restart", "other"), ("env",), ("sync",)),
        *(("up", "-d"), ("up", "--dry-run"), ("doctor",), ("run", "--", "true"), ("generations",), ("gc",)),
    ):
        shop.devboot(*words)

    watches(shop.root)


@pytest.mark.faults(194)
@pytest.mark.network
def test_redis_and_its_data_start_no_watcher_of_the_clone_again(counter):
    here = counter
    add_watcher(here.root)
    here.devboot("up", "-d")
    eventually(lambda: starts(here.root) == 1)

    for _ in range(20):
        fetch(here.url("web"))
    here.devboot("restart", "redis")  # which saves its data

    watches(here.root)


@pytest.mark.faults(194)
@pytest.mark.network
def test_postgres_and_its_data_start_no_watcher_of_the_clone_again(machine):
    here = machine("ledger", manifest=True)
    add_watcher(here.root)
    here.devboot("up", "-d")
    eventually(lambda: starts(here.root) == 1)

    for _ in range(20):
        fetch(here.url("web"))
    here.devboot("restart", "postgres")  # which writes a checkpoint

    watches(here.root)
