"""Commands that merely look: they run nothing out of a clone, and write only into devboot's own directories."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import START
from tests.fakes.hostile_clone import HostileClone, listing

pytestmark = [pytest.mark.timeout(300), pytest.mark.own_ports]

LOOKING = (
    (),
    ("ps",),
    ("ps", "-v", "-a"),
    ("ps", "--json"),
    ("env",),
    ("env", "--json"),
    ("env", "--direnv"),
    ("logs",),
    ("logs", "--json"),
    ("doctor",),
    ("doctor", "-v", "--json"),
    ("doctor", "--list"),
    ("lock", "--check"),
    ("lock", "diff"),
    ("lock", "diff", "HEAD~1", "HEAD"),
    ("sync", "--check"),
    ("up", "--dry-run"),
    ("up", "--dry-run", "--json", "web"),
    ("generations",),
    ("diff",),
    ("gc", "--dry-run"),
    ("store", "list"),
    ("store", "path", "redis"),
    ("completions", "names", "process"),
    ("completions", "names", "task"),
    ("completions", "names", "check"),
    ("completions", "bash"),
    ("explain", "port/in-use"),
    ("help", "up"),
    ("import", "-n"),
    ("import", "--diff"),
    ("import", "--check"),
    ("init",),
)
_ALLOWED = {"tmp/."}  # where what uv says is kept meanwhile, in files without a name


class Onlooker:
    """Somebody with an empty home in a hostile clone."""

    def __init__(self, folder: Path) -> None:
        self.root, self.home = folder / "clone", folder / "home"
        self.clone: HostileClone | None = None
        self.own, runtime, self.temporary = folder / "devboot", folder / "run", folder / "tmp"
        for each in (self.root, self.home, self.temporary):
            each.mkdir()
        runtime.mkdir(mode=0o700)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "XDG_RUNTIME_DIR": str(runtime),
            "DEVBOOT_HOME": str(self.own),
            "DEVBOOT_TEST": "1",
            "NO_COLOR": "1",
        }

    def type(self, *words: str) -> str:
        """What a command says."""
        done = subprocess.run(
            [sys.executable, "-P", "-c", START, *words],
            cwd=self.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            check=False,
        )
        assert done.returncode not in (70, -9), done.stderr
        return done.stdout + done.stderr

    def elsewhere(self) -> dict[str, tuple[object, ...]]:
        """All that isn't devboot's own: the clone, the home, the folder for temporary files."""
        return {
            f"{folder.name}/{name}": facts
            for folder in (self.root, self.home, self.temporary)
            for name, facts in listing(folder).items()
        }


@pytest.fixture(params=["manifest", "detected", "uv.lock", "synced"])
def onlooker(request, tmp_path):
    kind, onlooker = request.param, Onlooker(tmp_path)
    if kind == "synced":  # it was harmless when its user agreed to it, and has been pulled since
        (onlooker.root / "devboot.toml").write_text("[processes.web]\ncommand = 'sleep 1'\n")
        assert "is ready" in onlooker.type("sync")
    lock = kind if "lock" in kind else ""
    onlooker.clone = HostileClone(onlooker.root, tmp_path / "marks", manifest=kind != "detected", lock=lock)
    return onlooker


@pytest.mark.faults(180)
def test_what_merely_looks_runs_nothing_out_of_a_clone_and_writes_nothing_into_it(onlooker):
    was = onlooker.elsewhere()
    wrong = []
    for words in LOOKING:
        said = onlooker.type(*words)
        now = onlooker.elsewhere()
        changed = sorted(name for name in was.keys() | now.keys() if was.get(name) != now.get(name))
        allowed = _ALLOWED | ({"clone/devboot.toml", "clone/."} if words == ("init",) else set())
        changed = [name for name in changed if name not in allowed]
        if onlooker.clone.ran or changed:
            wrong.append((words, onlooker.clone.ran, changed[:8], said))
        was = now
        for mark in onlooker.clone.marks.iterdir():
            mark.unlink()

    texts = (f"{' '.join(words)}: ran {ran}, changed {changed}\n{said}" for words, ran, changed, said in wrong)
    assert not wrong, "\n\n".join(texts)
