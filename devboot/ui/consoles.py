"""Creates rich's consoles with devboot's own decisions on colour, and lines with coloured symbols."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.text import Text

from devboot.text.symbols import Symbols

__all__ = ["Console", "console", "line_text"]


class _Console(Console):
    """A console that raises on a broken pipe; rich would end the program and redirect standard output."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def console(stream: TextIO, environ: Mapping[str, str], *, colour: bool, live: bool) -> Console:
    """Return a console that prints text literally; without a terminal it neither wraps nor cuts.

    rich would animate because of FORCE_COLOR, and misread NO_COLOR: both are decided before, and hidden from it.
    """
    hidden = {"FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JUPYTER_COLUMNS"}
    return _Console(
        file=stream,
        force_terminal=colour or live,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={name: value for name, value in environ.items() if name not in hidden},
    )


def line_text(line: str, symbols: Symbols) -> Text:
    """Return a line for rich, with its first word, a symbol, in the colour of its meaning."""
    rest = line.lstrip(" ")
    symbol = rest.split(" ", 1)[0]
    style = _style(symbol, symbols)
    if not style:
        return Text(line)
    lead = len(line) - len(rest)
    return Text.assemble(line[:lead], (symbol, style), line[lead + len(symbol) :])


def _style(symbol: str, symbols: Symbols) -> str:
    styles = {symbols.ok: "green", symbols.ready: "green", symbols.running: "green", symbols.idle: "yellow"}
    styles |= {symbols.warning: "yellow", symbols.failed: "red", symbols.crashed: "magenta"}
    return styles.get(symbol, "yellow" if symbol == symbols.busy or symbol in symbols.spinner else "")
