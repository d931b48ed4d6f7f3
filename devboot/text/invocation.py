"""Rewrites commands in advice so that they can be pasted: `./devbootw up` if no `devboot` is on PATH.

After `devboot -C shop up` they have `-C shop`, too. The way devboot was called is read from the process' arguments. A
daemon writes `devboot` in its messages, because its clients may be called in different ways, and each client rewrites
what it prints.
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
_FIRST_OF_ERROR = r"(?:\x1b\[[\d;]*m)?(?:error|warning)\["
# What follows `devboot` in commands for other folders, and in those that are about no project
_WITHOUT_FOLDER = r" (?:help|explain|completions|init --example|up --from)\b"
_GO_ELSEWHERE = r"\bcd "
_known: list[tuple[str, str]] = []


def as_called(text: str, *, is_advice: bool = True) -> str:
    """Return `text` with its commands as this process was called, so that they can be pasted.

    What only names a command, such as `devboot up` in the first line of an error, gets no `-C`.
    """
    if f"{NAME} " not in text or _call() == (NAME, ""):
        return text
    called, folder = _call()
    return rewrite(text, called, folder if is_advice else "")


def named_folder() -> str:
    """Return the folder that `-C` named when this process was called; "" for none, or the current one."""
    return _call()[1]


def _call() -> tuple[str, str]:
    if not _known:
        _known.append((how_called(sys.argv[:1], sys.orig_argv, os.environ), folder_in(sys.argv[1:])))
    return _known[0]


def rewrite(text: str, called: str, folder: str = "") -> str:
    """Return `text` with `called` as the first word of each command, then `-C folder`; prose about devboot stays.

    A command that has it already, or follows a `cd` on its line, gets no `-C`.
    """
    import re

    from devboot.errors import shell_word

    flag = f" -C {shell_word(folder)}" if folder else ""

    def rewritten(line: str) -> str:
        going = re.search(_GO_ELSEWHERE, line)
        here = 0 if re.match(_FIRST_OF_ERROR, line) else len(line) if going is None else going.start()

        def command(found: re.Match[str]) -> str:
            word = word_of.match(line, found.end())
            if word is None or (word[1][0] != "-" and word[1] not in COMMANDS):
                return found[0]
            has_flag = line.startswith(f"{flag} ", found.end()) or without_folder.match(line, found.end())
            return called if has_flag or found.start() > here else called + flag

        return re.sub(_COMMAND, command, line)

    word_of, without_folder = re.compile(r" (-\w|--\w|[a-z-]+)"), re.compile(_WITHOUT_FOLDER)
    return "\n".join(line if re.match(_QUOTING, line) else rewritten(line) for line in text.split("\n"))


def folder_in(argv: Sequence[str]) -> str:
    """Return the folder that `-C` names in a command line, several joined; "" for none, or the current one."""
    folder, words, positional = "", list(argv), 0
    while words and words[0] != "--" and positional < (2 if "run" in argv else len(argv)):
        word = words.pop(0)
        positional += not word.startswith("-")
        if word == "-C" and words:
            folder = os.path.join(folder, words.pop(0))
        elif word.startswith("-C"):
            folder = os.path.join(folder, word[2:].removeprefix("="))
    try:
        return "" if os.path.samefile(folder or ".", ".") else folder
    except OSError:
        return folder


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
