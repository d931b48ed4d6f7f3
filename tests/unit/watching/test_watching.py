"""What the watching process tells, with events that a test hands out."""

from __future__ import annotations

import time

import pytest

from devboot.watching.__main__ import Watching
from devboot.watching.tree import Tree


class Script:
    """Events as written in the test: each step does something and says which paths it touched."""

    def __init__(self, steps):
        self.steps = list(steps)
        self.said = []
        self.opened = []
        self.refuses = False

    def open_events(self, folders):
        if self.refuses:
            raise OSError(28, "OS file watch limit reached.")
        self.opened.append(list(folders))
        return self

    def watch(self, debounce_ms, step_ms, timeout_ms, stop_event):
        if timeout_ms < 1000 or not self.steps:
            return "timeout"  # quiet
        touched = self.steps.pop(0)()
        return {(1, str(path)) for path in touched} if touched else "timeout"

    def close(self):
        pass

    def say(self, *words):
        self.said.append(words)

    def is_wanted(self):
        return bool(self.steps)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "a.py").write_text("1")
    return tmp_path


def run(root, script, poll=0.0):
    tree = Tree(str(root), {"worker": ["**/*.py"], "docs": ["*.md"]}, time.time_ns() + 10**12)
    Watching(
        tree, open_events=script.open_events, say=script.say, is_wanted=script.is_wanted, poll=poll
    ).run()  # fmt: skip
    return script.said


def write(path, text="22"):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_each_process_is_told_what_it_watches(root):
    script = Script([lambda: [write(root / "a.py"), write(root / "b.md")], lambda: [write(root / "c.txt")], list])

    assert run(root, script) == [("folders", "1"), ("changed", "worker", "a.py"), ("changed", "docs", "b.md")]


def test_a_new_folder_is_watched_from_then_on(root):
    script = Script([lambda: [write(root / "shop/b.py").parent], list])

    assert run(root, script) == [("folders", "1"), ("changed", "worker", "shop/b.py")]
    assert [len(folders) for folders in script.opened] == [1, 2]


@pytest.mark.faults(16)
def test_without_room_for_watches_it_looks_and_says_so(root):
    script = Script([])
    script.refuses = True
    looks = iter([True, False])

    def is_wanted():
        write(root / "a.py", "333")
        return next(looks)

    script.is_wanted = is_wanted

    assert run(root, script) == [
        ("polling", "OS file watch limit reached"), ("folders", "1"), ("changed", "worker", "a.py"),
    ]  # fmt: skip


@pytest.mark.faults(16)
def test_room_may_also_end_later(root):
    script = Script([lambda: (setattr(script, "refuses", True), [write(root / "shop/b.py").parent])[1]])
    looks = iter([True, False])
    script.is_wanted = lambda: next(looks)

    assert run(root, script) == [
        ("folders", "1"), ("polling", "OS file watch limit reached"), ("changed", "worker", "shop/b.py"),
    ]  # fmt: skip


def test_a_checkout_is_one_change_however_long_git_takes(root):
    lock = write(root / ".git/index.lock")

    def checkout():
        write(root / "a.py")
        import threading

        def rest():
            write(root / "b.py")
            lock.unlink()

        threading.Timer(0.1, rest).start()
        return [root / "a.py"]

    assert run(root, Script([checkout, list])) == [("folders", "1"), ("changed", "worker", "a.py", "b.py")]
