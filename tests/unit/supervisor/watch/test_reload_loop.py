"""Reloads that a process causes itself: counted from what its watcher writes, told once."""

import pytest

from devboot.supervisor.watch.reload_loop import MANY, WINDOW, ReloadLoop, reloads_in


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (b"WARNING:  WatchFiles detected changes in 'shop/a.py', 'b.py'. Reloading...", "shop/a.py"),
        (b"WARNING:  StatReload detected changes in 'a.py'. Reloading...", "a.py"),
        (b" * Detected change in '/home/ada/shop/a.py', reloading", "/home/ada/shop/a.py"),
        (b"/home/ada/shop/a.py changed, reloading.", "/home/ada/shop/a.py"),
        (b"[2026-01-01 10:00:00 +0000] [12] [INFO] Worker reloading: /shop/a.py modified", "/shop/a.py"),
        (b"[nodemon] restarting due to changes...", ""),
        (b"/home/ada/shop/a.py changed; reloading ...", "/home/ada/shop/a.py"),
        (b"[10:00:00] 3 changes detected", ""),
        (b"1 change detected", ""),
    ],
)
def test_the_line_of_a_reloader_names_the_file(line, path):
    assert reloads_in(b"one\n" + line + b"\ntwo\n") == [path]


@pytest.mark.parametrize(
    "line",
    [
        b"Reloading the cache",
        b"INFO: Will watch for changes",
        b"Uploading a.py",
        b"preloaded 3 models",
        b"no 3 changes detected in 4",
    ],
)
def test_other_lines_are_no_reload(line):
    assert reloads_in(line) == []


def test_a_loop_is_told_once_and_again_only_after_a_quiet_time():
    loop = ReloadLoop()
    said = [loop.count("data/seen.py", second * 2.0) for second in range(30)]
    assert [number for number, text in enumerate(said, 1) if text] == [MANY]
    assert said[MANY - 1] == (
        "reloads in a loop: data/seen.py changed 8 times in 14 s; exclude it from the watched files"
    )
    assert loop.note(58.0 + WINDOW - 1) == said[MANY - 1]
    assert loop.note(58.0 + WINDOW) == ""
    assert [bool(loop.count("a.py", 1000.0 + second)) for second in range(MANY)] == [False] * (MANY - 1) + [True]


def test_somebody_who_saves_often_is_no_loop():
    loop = ReloadLoop()
    assert not any(loop.count("a.py", number * 9.0) for number in range(100))
