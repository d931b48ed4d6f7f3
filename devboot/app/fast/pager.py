"""Shows output longer than the screen in a pager, shorter output directly."""

from __future__ import annotations

import os

from devboot.app.fast.streams import BROKEN_PIPE, Streams
from devboot.text.modes import is_live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from devboot.text.modes import OutputOptions, StreamFacts

_USUAL = "less"
_NONE = ("", "cat")
# For pagers that the user hasn't set up: end at once where all fits, keep colours, leave what was read on the screen.
_SETTINGS = {"LESS": "FRX", "LV": "-c"}
_SHELL_WORDS = frozenset("$`'\"\\|&;<>()*?[]#~=%")


def pager_command(stdout: StreamFacts, environ: Mapping[str, str], output: OutputOptions) -> str:
    """Return the shell command of the pager; "" if output isn't a terminal, or there is no pager."""
    if output.no_pager or not is_live(stdout, environ, output):
        return ""
    command = environ.get("PAGER", _USUAL).strip()
    return "" if command in _NONE or not _is_there(command, environ) else command


class PagedStreams(Streams):
    """Standard output that starts a pager once it is longer than the screen; call `end` after the last write.

    With an empty `command` it behaves like Streams. If the user quits the pager, writes fail as with a closed pipe, so
    that the writer can stop; `end` doesn't report that as a failure.
    """

    def __init__(self, command: str, screen: StreamFacts, environ: Mapping[str, str]) -> None:
        super().__init__()
        self._command = command
        self._environ = environ
        self._rows, self._columns = screen.rows - 1, max(1, screen.columns)  # the prompt takes a row
        self._held: list[bytes] = []
        self._pipe = self._pid = -1

    def write(self, number: int, data: bytes) -> None:
        """Write to 1 or 2 as Streams.write does; output for 1 is held back while it fits the screen, else paged."""
        if number != 1 or not self._command:
            super().write(number, data)
            return
        if self._pipe < 0:
            self._held.append(data)
            # Bytes aren't cells, but there are never fewer of them; an unnecessary pager exits at once.
            self._rows -= sum(-(-len(line) // self._columns) or 1 for line in data.splitlines())
            if self._rows >= 0:
                return
            data = self._start()
        super().write(self._pipe, data)
        if self._pipe in self._dead:
            self.failure = BROKEN_PIPE

    def end(self) -> int:
        """Write held-back output, or wait until the pager is closed; return the exit code for failed output."""
        if self._pipe < 0:
            held, self._held, self._command = b"".join(self._held), [], ""
            self.write(1, held)
            return self.failure
        os.close(self._pipe)
        os.waitpid(self._pid, 0)
        return 0

    def _start(self) -> bytes:
        import signal

        reading, self._pipe = os.pipe()
        self._pid = os.posix_spawn(
            "/bin/sh",
            ["sh", "-c", self._command],
            {**_SETTINGS, **self._environ},
            file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)],
            setsigdef=[signal.SIGPIPE],
        )
        os.close(reading)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-c is the pager's: it ends a search
        held, self._held = b"".join(self._held), []
        return held


def _is_there(command: str, environ: Mapping[str, str]) -> bool:
    """Return whether the pager's program is on PATH; True for a command that only a shell can parse."""
    program = command.split(maxsplit=1)[0]
    if _SHELL_WORDS & set(program):
        return True
    folders = [""] if "/" in program else [f"{folder or '.'}/" for folder in environ.get("PATH", "").split(":")]
    return any(os.access(f"{folder}{program}", os.X_OK) for folder in folders)
