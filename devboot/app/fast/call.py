"""The input of a fast command, built by `__main__` on the fast path and by `cli` on the slow one."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from devboot.text.modes import OutputOptions, StreamFacts
    from devboot.wire.jsontext import Plain


_WIDEST = 4096  # most columns and rows of a terminal
NOTHING_TO_INSTALL = "nothing to install"  # text of `sync` and `up` for an up-to-date virtualenv
_STREAMS = ("stdin", "stdout", "stderr")


class Call:
    """A typed command with its project: `values` are its flags as in an Invocation; paths are absolute."""

    __slots__ = (
        *("args", "began", "command", "cwd", "data", "environ", "is_grown", "output", "root", "state", "values"),
        *_STREAMS,
    )

    def __init__(
        self,
        command: str,
        args: tuple[str, ...],
        values: Mapping[str, object],
        *,
        root: str,
        state: str,
        environ: Mapping[str, str],
        streams: tuple[StreamFacts, StreamFacts, StreamFacts],
        output: OutputOptions,
        began: float,
        data: str = "",
        cwd: str = "",
        is_grown: bool = False,
    ) -> None:
        self.command = command
        self.args = args
        self.values = values
        self.root = root
        self.state = state
        self.data = data  # "" where the command needs no daemon
        self.cwd = cwd  # the folder of the shell, where advice is pasted; "" for the root
        self.environ = environ
        self.stdin, self.stdout, self.stderr = streams
        self.output = output
        self.is_grown = is_grown  # this process has imported what prepares a project
        self.began = began  # wall-clock seconds at which it was typed

    def flag(self, name: str) -> bool:
        """Return whether the switch `name`, such as `dry-run`, was given."""
        return bool(self.values.get(name))

    def is_live(self) -> bool:
        """Return whether output goes to a terminal that may be redrawn."""
        from devboot.text.modes import is_live

        return self.stdin.terminal and is_live(self.stdout, self.environ, self.output)

    def view(self) -> dict[str, Plain]:
        """Return the output options for a message to the daemon, which renders its answer by them."""
        from devboot.text.modes import has_colour, is_unicode

        return {
            "colour": has_colour(self.stdout, self.environ, self.output),
            "colour_err": has_colour(self.stderr, self.environ, self.output),
            "unicode": is_unicode(self.stdout) and is_unicode(self.stderr),
            "terminal": self.stdout.terminal,
            "live": self.is_live(),
            "columns": self.stdout.columns,
            "rows": self.stdout.rows,
            "quiet": self.output.quiet,
            "verbose": self.output.verbose,
            "json": self.output.json,
            "advises": True,
            "folder": os.path.relpath(self.root, self.cwd) if self.cwd not in ("", self.root) else "",
        }


def options_of(globals_: Mapping[str, object], values: Mapping[str, object]) -> OutputOptions:
    """Return the output options (colour, quiet, JSON, …) that the global flags and the command's flags set."""
    from devboot.text.modes import OutputOptions

    flags = {**globals_, "json": values.get("json")}
    return OutputOptions(**{name: bool(flags.get(name.replace("_", "-"))) for name in OutputOptions._fields})


def current_folder() -> str:
    """Return the current folder; "" if it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def look_at_streams(environ: Mapping[str, str]) -> tuple[StreamFacts, StreamFacts, StreamFacts]:
    """Return the facts (terminal, size, …) about standard input, output and error."""
    return (_facts(0, environ), _facts(1, environ), _facts(2, environ))


def _facts(number: int, environ: Mapping[str, str]) -> StreamFacts:
    from devboot.text.modes import StreamFacts

    encoding = _encoding(number, environ)
    try:
        if not os.isatty(number):
            return StreamFacts(encoding=encoding)
        size = os.get_terminal_size(number)
    except OSError:
        return StreamFacts(encoding=encoding)
    columns = positive(environ.get("COLUMNS", "")) or size.columns or 80
    rows = positive(environ.get("LINES", "")) or size.lines or 24
    return StreamFacts(True, encoding, columns, rows, _is_foreground(number))


def _is_foreground(number: int) -> bool:
    try:
        return os.tcgetpgrp(number) == os.getpgrp()
    except OSError:
        return True  # a terminal that isn't the one which controls us can't stop us either


def _encoding(number: int, environ: Mapping[str, str]) -> str:
    # Python writes UTF-8 even where the locale asks for plain C, but what shows it may well not.
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    if locale in ("C", "POSIX") and not environ.get("PYTHONIOENCODING"):
        return "ascii"
    stream = (sys.stdin, sys.stdout, sys.stderr)[number]
    return (getattr(stream, "encoding", None) or "utf-8").lower()


def positive(text: str) -> int:
    """Parse a number of columns or rows; 0 if the text isn't a positive number."""
    from devboot.text.units import whole_number

    return whole_number(text, _WIDEST) or 0
