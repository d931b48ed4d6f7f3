"""Finds a secret of Django's settings that a clone has as an empty text: its author took it out before publishing."""

from __future__ import annotations

import os
import re
import shlex

from devboot.clone_reader import read_bytes
from devboot.files import list_names

_SAID = "The SECRET_KEY setting must not be empty"
_BLANK = re.compile(rb"""^SECRET_KEY[ \t]*=[ \t]*(?:''|"")[ \t]*(?:#.*)?$""")
_VALUE = "only-for-development-on-this-machine"


def filling_command(tail: tuple[str, ...], folder: str, root: str) -> str:
    """Return the command, to be pasted in `root`, that fills the empty secret of the last output; "" for none."""
    if not any(_SAID in line for line in tail):
        return ""
    for inner in (".", *list_names(folder)):
        for path in (f"{inner}/settings.py", *(f"{inner}/settings/{name}.py" for name in ("base", "__init__", "dev"))):
            file = os.path.join(folder, path)
            if number := _line_of_blank(file):
                there = shlex.quote(os.path.relpath(file, root))
                return f"""sed -i.bak "{number}s/.*/SECRET_KEY = '{_VALUE}'/" {there} && devboot up -d"""
    return ""


def _line_of_blank(file: str) -> int:
    try:
        lines = read_bytes(file).splitlines()
    except OSError:
        return 0
    return next((number for number, line in enumerate(lines, 1) if _BLANK.match(line)), 0)
