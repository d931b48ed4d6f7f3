"""The tutorial, typed by a newcomer: every file is written, every command is run, every line of output appears."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import START, Machine
from tests.fakes.console import commands, missing, typed

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs/tutorial.md").read_text(encoding="utf-8")
ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
BLOCK = re.compile(r"(?P<before>[^\n]*)\n\n```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


class Newcomer:
    """Somebody at a terminal who does what the page says, one block after the other."""

    def __init__(self, machine: Machine, folder: Path, programs: Path) -> None:
        self.machine = machine
        self.folder = folder
        self.address = ""  # of the site, as `up` has printed it
        self.environ = {
            **machine.environ,
            "PATH": f"{programs}:{machine.environ['PATH']}",
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            **{
                f"GIT_{who}_{what}": "ada@example.test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
            },
        }

    def do(self, before: str, kind: str, text: str) -> None:
        """Do what the sentence `before` a block says about it."""
        if kind == "console":
            for command, lines in commands(text):
                self.type(command, lines)
            return
        verb, name = re.search(r"(Write|Add to the end of|replace the table) `([^`]+)`", before).groups()  # type: ignore[union-attr]
        if verb == "Write":
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")
        elif verb == "replace the table":
            path = self.folder / re.search(r"In `([^`]+)`", before)[1]  # type: ignore[index]
            old = path.read_text(encoding="utf-8")
            new = re.sub(rf"{re.escape(name)}.*?(\n(?=\[)|\Z)", lambda _: text + "\n", old, count=1, flags=re.DOTALL)
            assert new != old
            path.write_text(new, encoding="utf-8")
        else:
            with (self.folder / name).open("a", encoding="utf-8") as file:
                file.write(text)

    def type(self, command: str, lines: list[str]) -> None:
        """Run `command`; `lines` have to be among what it prints, whatever their numbers."""
        line = ADDRESS.sub(self.address, command) if self.address else command
        code, printed = typed(f'{line}\nended=$?; pwd >"$HOME/folder"; exit $ended', self.environ, self.folder)
        assert code == 0, f"$ {line}\n{printed}"
        if "devboot up -d" in command:
            self.address = ADDRESS.findall(printed)[-1]
        assert missing(lines, printed) == [], f"$ {line}\n{printed}"
        self.folder = Path((Path(self.environ["HOME"]) / "folder").read_text().strip())


@pytest.mark.network
@pytest.mark.timeout(900)
def test_every_command_of_the_tutorial_does_what_the_page_shows(machine, tmp_path):
    (tmp_path / "empty" / "desk").mkdir(parents=True)
    here = machine(tmp_path / "empty" / "desk")
    program = tmp_path / "programs" / "devboot"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable} -P\n{START}\n")
    program.chmod(0o755)
    newcomer = Newcomer(here, here.root, program.parent)
    try:
        for block in BLOCK.finditer(PAGE):
            newcomer.do(**block.groupdict())
    finally:
        here.devboot("down", "--all", code=None)
