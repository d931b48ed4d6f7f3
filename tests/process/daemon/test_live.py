"""The live terminal: keys, the bottom line, a debugger and back."""

from __future__ import annotations

import re
import sys

import pytest

from devboot.model.process import Probe
from tests.fakes.processes import wait_until

DEBUGGER = (sys.executable, "-c", "import pdb\nanswer = 41\npdb.set_trace()\nprint('on', answer)\ninput()")
KEYS = r" d detach   r restart   f filter   a attach   p pause   \? keys   ctrl-c stop"


def lines(terminal):
    """What was written, without what moves the cursor and colours."""
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", terminal.text).decode().replace("\r", "\n").split("\n")


@pytest.mark.faults(85)
def test_a_debugger_is_named_attached_to_with_one_key_and_left_again(project):
    project.spec("web", argv=DEBUGGER, command="").spec("worker").write()
    terminal = project.terminal("up")
    terminal.expect(r"web is in pdb: a attaches")
    assert "in pdb: devboot attach web" in project.devboot("ps").stdout

    terminal.type("a")
    terminal.expect(r"attached to web; ctrl-p ctrl-q leaves")
    terminal.type("c\r")
    terminal.expect(r"on 41")
    terminal.type("\x10\x11")
    terminal.expect(r"left \w+, which keeps running")
    terminal.expect(KEYS)

    terminal.type("\x03")
    assert terminal.wait() == 130


def test_a_key_restarts_and_another_filters(project):
    project.spec("web", "echo web says; exec sleep 1000").spec("worker", "echo worker says; exec sleep 1000").write()
    terminal = project.terminal("up")
    terminal.expect(KEYS)
    before = project.pids()

    terminal.type("fwor\r")
    terminal.expect(r"only worker: f changes")
    terminal.text = b""
    terminal.type("r*\r")
    terminal.expect(r"web restarted")
    terminal.expect(r"worker restarted")
    terminal.expect(r"worker says")

    after = wait_until(lambda: all(project.pids()[name] != before[name] for name in before) and project.pids())
    assert after.keys() == before.keys()
    assert b"web says" not in terminal.text
    terminal.type("\x03")
    terminal.wait()


def test_a_flood_is_never_torn_by_the_line_and_the_line_is_gone_afterwards(project):
    project.spec("web", "seq -f 'line %06g of the flood' 3000; echo done; exec sleep 1000").write()
    terminal = project.terminal("up")
    terminal.expect(r"done\r?\n")
    terminal.expect(KEYS)

    terminal.type("d")
    terminal.expect("keeps running")
    assert terminal.wait() == 0

    shown = [line for line in lines(terminal) if "of the flood" in line]
    assert [re.fullmatch(r"\d\d:\d\d:\d\d web │ line (\d+) of the flood", line).group(1) for line in shown] == [
        f"{number:06}" for number in range(1, 3001)
    ]
    assert not terminal.text.split(b"keeps running")[1].count(b"d detach")
    project.devboot("down")


def test_a_pause_shows_nothing_and_then_what_there_was(project):
    project.spec("web", "while read line; do echo got $line; done").write()
    terminal = project.terminal("up")
    terminal.expect(KEYS)

    terminal.type("p")
    terminal.expect(r"paused: p resumes")
    other = project.terminal("attach", "web")
    other.expect("attached to web")
    other.type("hello\r")
    other.expect("got hello")
    assert b"got hello" not in terminal.text
    terminal.type("p")
    terminal.expect("got hello")

    terminal.type("\x03")
    terminal.wait()


@pytest.mark.parametrize("args", [("up",), ("up", "-d")])
def test_a_slow_start_says_what_it_waits_for(project, args):
    slow = "sleep 1; echo now; exec sleep 1000"
    project.spec("web", slow, ready=Probe("log", expect="now"), gates=True).spec("worker").write()
    terminal = project.terminal(*args)

    terminal.expect(r"processes  .*web \(waits for its log line\)")
    terminal.expect(r"shop is up in")

    if args == ("up",):
        terminal.expect("now\r?\n")
        assert terminal.text.index(b"shop is up") < terminal.text.index(b"now")
        terminal.type("\x03")
    assert terminal.wait() in (0, 130)
    project.devboot("down")


def test_a_start_that_fails_shows_its_output_at_once(project):
    project.spec("web", "echo no such table; exit 3", restart="never").spec("worker", "exec sleep 1000").write()
    terminal = project.terminal("up")

    terminal.expect("no such table")

    assert b"is up in" not in terminal.text
    terminal.expect("error.process/")
    terminal.type("\x03")
    terminal.wait()


def test_the_line_names_what_gave_up_for_as_long_as_it_is_down(project):
    project.spec("web").spec("api", "test -e fixed && exec sleep 1000; exit 3", max_restarts=0).write()
    terminal = project.terminal("up")
    terminal.expect(r"! api gave up: r restarts")

    with open(f"{project.root}/fixed", "w"):
        terminal.type("rapi\r")
    terminal.expect(r"(?s)api restarted.*" + KEYS)
    terminal.type("\x03")
    terminal.wait()


def test_without_menu_there_is_no_line(project):
    project.spec("web", "echo web says; exec sleep 1000").write()
    terminal = project.terminal("up", "--no-menu")
    terminal.expect("web says")
    terminal.type("d")
    terminal.expect("keeps running")

    assert b"ctrl-c stop" not in terminal.text
    terminal.wait()
    project.devboot("down")


def test_a_pipe_gets_a_line_for_each_that_is_ready_before_the_last(project):
    first = Probe("log", expect="first")
    last = Probe("log", expect="last")
    project.spec("redis", "echo first; exec sleep 1000", ready=first, gates=True)
    project.spec("web", "sleep 1; echo last; exec sleep 1000", ready=last, gates=True).write()
    child = project.start("up")

    said = [child.stderr.readline().split() for _ in range(3)]

    assert [line[1:3] for line in said] == [["redis", "ready"], ["processes", "ok"], ["up", "ok"]]
    child.terminate()
    child.wait(60)


def test_an_edit_is_noticed_and_named(project):
    project.spec("web").write()
    terminal = project.terminal("up")
    terminal.expect(KEYS)

    with open(f"{project.root}/devboot.toml", "w") as manifest:
        manifest.write("[processes.mail]\ncommand = 'exec sleep 1002'\n")

    terminal.expect(r"! devboot.toml changed: u starts mail, stops web")
    terminal.type("\x03")
    terminal.wait()


def test_an_edit_that_cannot_be_read_is_named_with_its_mistake_until_it_is_mended(project):
    manifest = f"{project.root}/devboot.toml"
    text = "[processes.web]\ncommand = 'exec sleep 1000'\n[processes.worker]\ncommand = 'exec sleep 1001'\n"
    with open(manifest, "w") as file:
        file.write(text)
    terminal = project.terminal("up")
    terminal.expect(KEYS)

    with open(manifest, "w") as file:
        file.write("[processes.web\n")
    terminal.expect(r"! error.manifest/syntax.: ")
    with open(manifest, "w") as file:
        file.write(text.replace("1000", "999") + "[processes.mail]\ncommand = 'exec sleep 1002'\n")

    terminal.expect(r"! devboot.toml changed: u restarts web, starts mail")
    terminal.type("\x03")
    terminal.wait()


def test_without_a_line_of_keys_an_edit_is_told_once_with_the_command(project):
    project.spec("web", "echo web says; exec sleep 1000").write()
    terminal = project.terminal("--plain", "up")
    terminal.expect(r"web says")

    with open(f"{project.root}/devboot.toml", "w") as manifest:
        manifest.write("[processes.mail]\ncommand = 'exec sleep 1002'\n")

    terminal.expect(r"devboot.toml changed: `devboot up -d` starts mail, stops web\r?\n")
    terminal.type("\x03")
    assert terminal.wait() == 130


def test_an_edit_that_means_the_same_is_not_worth_a_word(project):
    manifest = f"{project.root}/devboot.toml"
    text = "[processes.web]\ncommand = 'exec sleep 1000'\n"
    with open(manifest, "w") as file:
        file.write(text)
    terminal = project.terminal("up")
    terminal.expect(KEYS)

    with open(manifest, "w") as file:
        file.write(f'{text}restart = "on-failure"\n')  # the default
    terminal.expect(r"! devboot.toml changed: u applies")

    terminal.expect(KEYS)
    terminal.type("\x03")
    terminal.wait()


def test_one_key_applies_an_edit_to_those_alone_that_it_concerns(project):
    manifest = f"{project.root}/devboot.toml"
    text = (
        "[processes.web]\ncommand = 'while :; do sleep 0.1; echo old; done'\n[processes.worker]\ncommand = 'sleep 9'\n"
    )
    with open(manifest, "w") as file:
        file.write(text)
    terminal = project.terminal("up")
    terminal.expect("old\r?\n")
    terminal.expect(KEYS)
    before = project.pids()

    with open(manifest, "w") as file:
        file.write(text.replace("echo old", "echo new"))
    terminal.expect(r"! devboot.toml changed: u restarts web")
    terminal.type("u")
    terminal.expect("new\r?\n")

    after = project.pids()
    assert after["web"] != before["web"]
    assert after["worker"] == before["worker"]
    terminal.type("\x03")
    terminal.wait()


def test_who_comes_later_is_told_what_an_edit_would_do_and_changes_nothing(project):
    manifest = f"{project.root}/devboot.toml"
    text = "[processes.web]\ncommand = 'exec sleep 1000'\n[processes.worker]\ncommand = 'exec sleep 1001'\n"
    with open(manifest, "w") as file:
        file.write(text)
    project.devboot("up", "-d")
    before = project.pids()
    with open(manifest, "w") as file:
        file.write(text.replace("1001", "1002"))

    terminal = project.terminal("up")

    terminal.expect("edited since: worker would restart, press u to apply")
    assert project.pids() == before
    terminal.expect("! worker would restart: u applies")
    terminal.type("u")
    wait_until(lambda: project.pids()["worker"] != before["worker"])
    assert project.pids()["web"] == before["web"]
    project.devboot("down")
    terminal.wait()
