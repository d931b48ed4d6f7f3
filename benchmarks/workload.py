"""What the measured programs run: shell commands that tell through a named pipe what they have come to.

The reader holds both ends open, so no writer ever waits; every contender runs the same commands.
"""

from __future__ import annotations

import os
import select
import shlex
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from measuring import UnmeasurableError

if TYPE_CHECKING:
    from pathlib import Path

LINE = 80  # bytes, the newline included
_FLOOD = """
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **words) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (long line = 0; line < atol(words[2]); line++)
        printf("%02d %08ld %.*s\\n", atoi(words[1]), line, atoi(words[3]), words[4]);
    return 0;
}
"""
_FOR_EVER = "exec sleep 100000"


class Bell:
    """A named pipe that children ring, a line at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._rest = b""

    def wait(self, count: int, limit: float = 20.0) -> tuple[float, list[str]]:
        """When the `count`-th line arrived (monotonic seconds), and the lines. Raises UnmeasurableError."""
        deadline = time.monotonic() + limit
        while self._rest.count(b"\n") < count:
            if not select.select([self._fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise UnmeasurableError(f"{self._rest.count(10)} of {count} processes answered in {limit:.0f} s")
            self._rest += os.read(self._fd, 65536)
        at = time.monotonic()
        lines = self._rest.split(b"\n")
        self._rest = b"\n".join(lines[count:])
        return at, [line.decode() for line in lines[:count]]

    def take(self) -> int:
        """How many lines are there now; they are taken out."""
        if select.select([self._fd], [], [], 0)[0]:
            self._rest += os.read(self._fd, 65536)
        count = self._rest.count(b"\n")
        self._rest = b""
        return count

    def ring(self, count: int) -> None:
        """Put `count` empty lines in, for children that wait for one each."""
        os.write(self._fd, b"\n" * count)

    def silence(self) -> None:
        """Forget what has come so far."""
        self._rest = b""
        while select.select([self._fd], [], [], 0)[0]:
            os.read(self._fd, 65536)

    def close(self) -> None:
        """Take the pipe away."""
        os.close(self._fd)
        self.path.unlink()


def spawned(bell: Bell) -> str:
    """A process that tells its pid and then does nothing, for ever."""
    return f"echo $$ >> {shlex.quote(str(bell.path))}; {_FOR_EVER}"


def silent() -> str:
    """A process that does nothing at all."""
    return _FOR_EVER


def deaf(bell: Bell) -> str:
    """A process that ignores every polite signal."""
    return f"trap '' TERM INT HUP; {spawned(bell)}"


def flooding(text: Path, gate: Bell, done: Bell) -> str:
    """A process that waits at the gate, writes the file as fast as it can be read, tells so, and waits again."""
    return _again(f"cat {shlex.quote(str(text))}", gate, done)


def flooding_lines(program: Path, number: int, lines: int, gate: Bell, done: Bell) -> str:
    """The same lines, from a C program that writes each of them by itself, as one on a terminal does."""
    return _again(f"{shlex.quote(str(program))} {number} {lines} {LINE - 13} {_filler()}", gate, done)


def flood_program(folder: Path) -> Path:
    """Compile the program of `flooding_lines`. Raises UnmeasurableError without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise UnmeasurableError("no C compiler (cc) on PATH")
    source = folder / "flood.c"
    source.write_text(_FLOOD)
    subprocess.run([compiler, "-O2", "-o", folder / "flood", source], check=True)
    return folder / "flood"


def _again(command: str, gate: Bell, done: Bell) -> str:
    return (
        f"while read go < {shlex.quote(str(gate.path))}; do {command}; echo done >> {shlex.quote(str(done.path))}; done"
    )


def _filler() -> str:
    return "x" * (LINE - 13)


def write_flood(path: Path, number: int, lines: int) -> None:
    """A file of numbered lines of LINE bytes, so that a lost or torn one is noticed."""
    filler = _filler()
    with path.open("w") as file:
        for start in range(0, lines, 10_000):
            stop = min(lines, start + 10_000)
            file.write("".join(f"{number:02d} {index:08d} {filler}\n" for index in range(start, stop)))
