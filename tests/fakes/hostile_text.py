"""Text that would do something to a terminal, and what may reach one."""

from __future__ import annotations

import re

CLIPBOARD = "\x1b]52;c;aGFja2Vk\x07"
TITLE = "\x1b]0;owned\x1b\\"
QUERY = '\x1bP$q"p\x1b\\\x1b[c\x1b[6n'
SCREEN = "\x1b[2J\x1b[H\x1b[8m\x1b[31m\x1bc"
C1 = "\u009b31m\u009d52;c;aGFja2Vk\u009c\u0085\u0090q\u009c"
MARKS = "\u202eevil\u2066\u200f\u2028\u2029\ufeff"
ONE_LINE = f"x{CLIPBOARD}{TITLE}{QUERY}{SCREEN}{C1}{MARKS}\b\r\t\x7fy"
HOSTILE = f"{ONE_LINE}\nerror[forged]: z"

# The colours that devboot itself uses; on a terminal also what redraws its last line and hides the cursor meanwhile.
_COLOURS = re.compile(r"\x1b\[(?:0|1|3[1-6]|1;3[1-6]|38;5;\d{1,3})?m")
_REDRAWING = re.compile(r"\r\n|\r(?=\x1b\[)|\x1b\[(?:\d*[AKJG]|\?25[lh])|\r\x1b\[K")


def unprintable(text: str, *, is_live: bool = False) -> list[str]:
    """What is left in a text that no terminal may get."""
    text = _COLOURS.sub("", text)
    if is_live:
        text = _REDRAWING.sub("", text).replace("\r", "")
    return sorted({repr(character) for character in text if not character.isprintable() and character != "\n"})
