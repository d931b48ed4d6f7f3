"""Which last lines are debuggers' prompts."""

from __future__ import annotations

import pytest

from devboot.daemon.views.debugger_prompts import debugger_at


@pytest.mark.parametrize(
    ("data", "debugger"),
    [
        (b"> app.py(3)<module>()\n(Pdb) ", "pdb"),
        (b"(Pdb++) ", "pdb"),
        (b"((Pdb)) ", "pdb"),
        (b"\x1b[?2004h(Pdb) ", "pdb"),
        (b"\r\x1b[K\x1b[32mipdb>\x1b[0m ", "ipdb"),
        (b"(byebug) ", "byebug"),
        (b"(rdbg:local#1:8@0) ", "rdbg"),
        (b"[1] pry(main)> ", "pry"),
        (b"(Pdb) \n", ""),
        (b"(Pdb) c\n", ""),
        (b"Password: ", ""),
        (b"x (Pdb) ", ""),
        (b"", ""),
    ],
)
def test_a_prompt_at_the_end_names_its_debugger(data, debugger):
    assert debugger_at(data) == debugger
