"""Recognises programs that need a person at a terminal or a desktop, and so can't run in the background."""

from __future__ import annotations

import re
from typing import NamedTuple

_ASKS = re.compile(
    r"^[ \t]*(?:[\w.]+[ \t]*(?::[ \t]*\w+[ \t]*)?=[ \t]*)?(?:int\(|str\(|float\()?input\("
    r"|\bPrompt\.ask\(|\bquestionary\.|\binquirer\.",
    re.MULTILINE,
)
_OPENS_WINDOWS = re.compile(
    r"^(?:from|import)[ \t]+(?:tkinter|customtkinter|turtle|pygame|arcade|pyglet|kivy|wx|PyQt[456]|PySide[26]|gi"
    r"|dearpygui|PySimpleGUI|raylib|pyray|ursina|eel|webview)\b",
    re.MULTILINE,
)
_DRAWS = re.compile(
    r"^(?:from|import)[ \t]+(?:curses|textual|blessed|asciimatics|prompt_toolkit|urwid|npyscreen)\b", re.MULTILINE
)
# A server of the Model Context Protocol that its client starts
_OF_MCP = re.compile(r"^(?:from|import)[ \t]+(?:mcp|fastmcp)\b", re.MULTILINE)
_IS_STARTED_BY_CLIENT = re.compile(r"\brun\((?:transport\s*=\s*[\"']stdio[\"'])?\)|\bstdio_server\(")
# A positional argument that may not be left out, or an option that is required
_ARGPARSE = re.compile(
    r"\.add_argument\(\s*[\"'][^-\"'][^\"']*[\"'](?![^()\n]*\bnargs\s*=\s*[\"'][?*])|\.add_argument\([^()\n]*\brequired\s*=\s*True"
    r"|\badd_subparsers\([^()\n]*\brequired\s*=\s*True|@\w+\.argument\((?![^()\n]*\brequired\s*=\s*False)|@\w+\.option\([^()\n]*\brequired\s*=\s*True"
    r"|\btyper\.Argument\(\s*\.\.\.|\bdocopt\("
)
_ARGV = re.compile(r"\bsys\.argv\[[1-9]")


class ProgramKind(NamedTuple):
    """A kind of program: `what` it does, as `opens a window`, and the option that makes it explain its arguments."""

    what: str = ""
    option: str = ""
    is_interactive: bool = False  # it needs a person at its terminal, or a desktop


def kind_by_screen(text: str) -> ProgramKind:
    """Return the kind of a program that needs a desktop or the whole terminal, by the text of one of its modules."""
    if _OPENS_WINDOWS.search(text):
        return ProgramKind("opens a window", is_interactive=True)
    return ProgramKind("draws on the whole terminal", is_interactive=True) if _DRAWS.search(text) else ProgramKind()


def kind_of_program(text: str) -> ProgramKind:
    """Return the kind of a program by its source, such as "takes arguments"; an empty kind for others."""
    if (kind := kind_by_screen(text)).what:
        return kind
    if _ASKS.search(text):
        return ProgramKind("asks questions at the terminal", is_interactive=True)
    if _OF_MCP.search(text) and _IS_STARTED_BY_CLIENT.search(text):
        return ProgramKind("waits for a client of MCP at its standard input", is_interactive=True)
    if _ARGPARSE.search(text):
        return ProgramKind("takes arguments", "--help")
    return ProgramKind("takes arguments" if _ARGV.search(text) else "")
