"""`attach NAME`: a real terminal of a process, as if it ran here."""

from __future__ import annotations

import sys
import termios

import pytest

from tests.fakes.processes import wait_until

DEBUGGER = (sys.executable, "-c", "import pdb\nanswer = 41\npdb.set_trace()\nprint(answer)\ninput()")


@pytest.fixture
def debugged(project):
    project.spec("web", argv=DEBUGGER, command="").write().devboot("up", "-d")
    wait_until(lambda: "(Pdb)" in project.devboot("logs").stdout)
    return project


def test_a_debugger_prompt_can_be_answered_and_left(debugged):
    terminal = debugged.terminal("attach", "web")
    terminal.expect(r"attached to web; ctrl-p ctrl-q leaves\r\n")
    terminal.expect(r"\(Pdb\) ")

    terminal.type("print(answer + 1)\r")
    terminal.expect(r"42\r\n")
    terminal.type("\x10\x11")
    terminal.expect(r"left \w+, which keeps running")

    assert terminal.wait() == 0
    assert "running" in debugged.devboot("ps").stdout
    debugged.devboot("down")


def test_ctrl_c_reaches_the_process_and_not_us(project):
    code = 'import time\ntry: time.sleep(1000)\nexcept KeyboardInterrupt: print("caught", flush=True); time.sleep(1000)'
    project.spec("web", argv=(sys.executable, "-c", code), command="").write().devboot("up", "-d")
    terminal = project.terminal("attach", "web")
    terminal.expect("attached to web")

    terminal.type("\x03")
    terminal.expect("caught\r\n")

    terminal.type("\x10\x11")
    assert terminal.wait() == 0
    project.devboot("down")


def test_what_comes_after_a_whole_line_stands_on_a_line_of_its_own(project):
    code = 'print("before"); input(); print("after"); input()'
    project.spec("web", argv=(sys.executable, "-c", code), command="").write().devboot("up", "-d")
    wait_until(lambda: "before" in project.devboot("logs").stdout)
    terminal = project.terminal("attach", "web")
    terminal.expect("before\r\n")

    terminal.type("\r")
    terminal.expect("after\r\n")
    assert b"before\r\n" in terminal.text
    terminal.type("\x10\x11")
    assert terminal.wait() == 0
    project.devboot("down")


def test_the_process_sees_the_size_of_the_terminal_that_is_attached(debugged):
    terminal = debugged.terminal("attach", "web")
    terminal.expect("attached to web")

    terminal.type("import os; print(os.get_terminal_size())\r")
    terminal.expect(r"columns=80, lines=24")
    terminal.type("\x10\x11")
    terminal.wait()
    debugged.devboot("down")


def test_a_restart_is_followed_and_an_end_is_told(debugged):
    terminal = debugged.terminal("attach", "web")
    terminal.expect(r"\(Pdb\) ")

    debugged.devboot("restart", "web")
    terminal.text = b""
    terminal.expect(r"\(Pdb\) ")
    debugged.devboot("stop", "web")

    terminal.expect(r"web has ended \(stopped\)")
    assert terminal.wait() == 0
    debugged.devboot("down")


def test_a_second_one_and_what_has_no_terminal_are_refused(debugged):
    terminal = debugged.terminal("attach", "web")
    terminal.expect("attached to web")
    assert debugged.devboot("attach", "web", code=7).stderr.startswith("error[process/attached]: ")
    terminal.type("\x10\x11")
    terminal.wait()

    debugged.devboot("stop", "web")
    assert debugged.devboot("attach", "web", code=1).stderr.startswith("error[process/not-running]: ")
    debugged.devboot("down")
    assert debugged.devboot("attach", "web", code=1).stderr == (
        "error[daemon/not-running]: shop is not running\nhelp: devboot up -d\n"
    )


def test_the_terminal_is_as_it_was_afterwards(debugged):
    terminal = debugged.terminal("attach", "web")
    terminal.expect("attached to web")
    wait_until(lambda: not terminal.modes()[1] & termios.OPOST)  # raw
    raw = terminal.modes()

    terminal.type("\x10\x11")
    terminal.expect(r"left \w+, which keeps running")

    assert terminal.modes()[3] != raw[3]
    terminal.wait()
    debugged.devboot("down")


def test_other_keys_leave_where_the_manifest_says_so_and_ctrl_p_reaches_the_process(project):
    project.spec("web", "stty -echo; cat -v").write(detach_keys="ctrl-a d").devboot("up", "-d")
    terminal = project.terminal("attach", "web")
    terminal.expect("attached to web; ctrl-a d leaves")

    terminal.type("\x10\x11\r")
    terminal.expect(r"\^P")
    terminal.type("\x01d")

    terminal.expect(r"left \w+, which keeps running")
    assert terminal.wait() == 0
    project.devboot("down")


def test_what_a_full_screen_program_has_switched_on_is_switched_off_when_it_is_left(project):
    code = "import os, time\ninput()\nos.write(1, b'\\x1b[?1049h\\x1b[?25l\\x1b[?1000hfull screen')\ntime.sleep(1000)"
    project.spec("tui", argv=(sys.executable, "-c", code), command="").write().devboot("up", "-d")
    terminal = project.terminal("attach", "tui")
    terminal.expect("attached to tui")

    terminal.type("\r")
    terminal.expect("full screen")
    terminal.type("\x10\x11")

    terminal.expect(r"\x1b\[\?1049l\x1b\[\?25h\x1b\[\?1000l\x1b\[0m\s*left tui, which keeps running")
    assert terminal.wait() == 0
    project.devboot("down")
