"""Rewrites commands in advice so that they can be pasted: `./devbootw up` if no `devboot` is on PATH.

The way devboot was called is read from the process' arguments. A daemon writes `devboot` in its messages, because its
clients may be called in different ways, and each client rewrites what it prints.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = "devboot"
COMMANDS = frozenset(
    (
        *(
            "up",
            "down",
            "ps",
            "logs",
            "start",
            "stop",
            "restart",
            "scale",
            "attach",
            "run",
            "env",
            "sync",
            "lock",
            "pack",
        ),
        *("export", "generations", "diff", "rollback", "gc", "state", "store", "recipe", "init", "doctor", "explain"),
        *("import", "completions", "help"),
    )
)
# Lines of a message that quote output or a file begin with a bar, and aren't rewritten
_COMMAND = r"(?<![\w./-])(?<!-m )devboot(?= (?:-|[a-z]))"
_QUOTING = r"^[ \t]*(?:\d+[ \t]*)?\|"
_known: list[str] = []


def as_called(text: str) -> str:
    """Return `text` with `devboot` in its commands replaced by the way this process was called, as `./devbootw`."""
    if f"{NAME} " not in text:
        return text
    if not _known:
        _known.append(how_called(sys.argv[:1], sys.orig_argv, os.environ))
    return text if _known[0] == NAME else rewrite(text, _known[0])


def rewrite(text: str, called: str) -> str:
    """Return `text` with `called` in place of `devboot` as first word of commands; prose about devboot stays."""
    import re

    def command(found: re.Match[str]) -> str:
        word = re.match(r" (-\w|--\w|[a-z-]+)", found.string[found.end() :])
        return called if word is not None and (word[1][0] == "-" or word[1] in COMMANDS) else found[0]

    lines = text.split("\n")
    return "\n".join(line if re.match(_QUOTING, line) else re.sub(_COMMAND, command, line) for line in lines)


def how_called(argv: Sequence[str], orig_argv: list[str], environ: Mapping[str, str]) -> str:
    """Return the words that call devboot in the same way as this process; `devboot` if it is on PATH."""
    name = argv[0] if argv else ""
    folders = environ.get("PATH", "").split(os.pathsep)
    if any(_is_program(os.path.join(folder, NAME)) for folder in folders if folder):
        return NAME
    from devboot.errors import shell_word

    module = list(orig_argv).index("-m") + 2 if "-m" in orig_argv else 0
    if os.path.basename(name) == "__main__.py" and orig_argv[module - 1 : module] == [NAME]:
        return " ".join(map(shell_word, orig_argv[:module]))
    if os.path.basename(name) not in (NAME, "devbootw"):
        return NAME
    return os.path.basename(name) if os.path.dirname(name) in folders else shell_word(name)


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
