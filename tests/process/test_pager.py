"""What is longer than the screen goes through a pager, on a terminal alone."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.folders import state_folder
from tests.fakes.terminal import DEADLINE, Terminal

START = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
    "from devboot.__main__ import main; sys.exit(main())"
)


@pytest.fixture
def shop(tmp_path):
    """A project whose process `web` has left a log of 90 lines, and `job` one of three."""
    logs = state_folder(tmp_path / "shop", tmp_path / "home") / "logs"
    logs.mkdir(parents=True)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/devboot.toml").write_text('[project]\nname = "shop"\n')
    (logs / "web.log").write_text("".join(f"line {number}\n" for number in range(90)))
    (logs / "job.log").write_text("one\ntwo\nthree\n")
    return tmp_path


@pytest.fixture
def terminal(shop):
    """`terminal(*arguments, **environ)` starts devboot on a terminal of 80 by 24."""
    opened = []

    def start(*arguments, **environ):
        known = {"PATH": os.environ["PATH"], "HOME": str(shop / "home"), "DEVBOOT_HOME": str(shop / "home")}
        known |= {"TERM": "xterm", "LANG": "C.UTF-8", **environ}
        opened.append(Terminal([sys.executable, "-P", "-c", START, *arguments], known, str(shop / "shop")))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def shown(window):
    code = window.wait()
    return code, window.text.decode().replace("\r\n", "\n")


PAGER = "echo PAGED; cat; echo OVER"


@pytest.mark.parametrize(
    "arguments", [("logs",), ("logs", "web"), ("logs", "--grep", "line"), ("explain",), ("help", "environment")]
)
def test_what_is_longer_than_the_screen_is_paged(terminal, arguments):
    code, text = shown(terminal(*arguments, PAGER=PAGER))

    assert 0 == code, text
    assert text.startswith("PAGED\n")
    assert text.endswith("\nOVER\n")


def test_nothing_is_left_out_on_the_way_through_it(terminal):
    paged, plain = shown(terminal("logs", "web", PAGER=PAGER)), shown(terminal("logs", "web", PAGER="cat"))

    assert f"PAGED\n{plain[1]}OVER\n" == paged[1]
    assert 90 == plain[1].count("line ")
    assert "\x1b[" in plain[1]  # colours


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (("logs", "job"), {}),
        (("logs", "-n", "20", "web"), {}),
        (("logs", "--no-pager"), {}),
        (("--no-pager", "logs"), {}),
        (("--no-pager", "explain"), {}),
        (("logs", "--json"), {}),
        (("--plain", "logs"), {}),
        (("logs",), {"TERM": "dumb"}),
        (("logs",), {"CI": "1"}),
        (("logs",), {"PAGER": ""}),
        (("logs",), {"PAGER": "no-such-pager -x"}),
    ],
)
def test_what_fits_or_is_for_nobody_who_reads_it_there_is_not(terminal, arguments, environ):
    code, text = shown(terminal(*arguments, **{"PAGER": PAGER, **environ}))

    assert 0 == code, text
    assert text
    assert "PAGED" not in text


def test_who_leaves_the_pager_early_has_seen_enough(terminal, shop):
    log = state_folder(shop / "shop", shop / "home") / "logs/web.log"
    log.write_text("".join(f"line {number}\n" for number in range(200_000)))
    code, text = shown(terminal("logs", "-n", "200000", "web", PAGER="head -n 1"))

    assert 0 == code, text
    assert 1 == text.count("\n")


@pytest.mark.skipif(shutil.which("less") is None, reason="less is not here")
def test_less_is_the_pager_where_none_is_named_and_ctrl_c_is_for_it(terminal):
    window = terminal("logs", "web")
    window.expect(":")
    assert b"line 89" not in window.text
    window.type("G")
    window.expect("line 89")
    window.type("\x03")
    deadline = time.monotonic() + DEADLINE
    while window.read(0.1) and time.monotonic() < deadline:
        window.type("q")  # again, since ctrl-c throws away what was typed a moment after it, too

    assert 0 == window.wait()
