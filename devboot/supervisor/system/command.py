"""Turns a shell command into an argv for which the spawned child is the program itself, not a shell around it.

A command of plain words needs no shell. For others the shell gets an `exec` before the last command, if that can't
change the meaning: not for builtins, pipes, `||`, `&`, compound commands, or names that a sourced file may define as
functions.
"""

from __future__ import annotations

from devboot.record import Record

SHELL = "/bin/sh"

# ruff: noqa: SIM905  a list of 60 quoted words would be harder to read

_BUILTINS = frozenset(
    ". : [ alias bg bind break builtin caller cd command compgen complete continue declare dirs disown echo enable "
    "eval exec exit export false fc fg getopts hash help history jobs kill let local logout mapfile popd printf pushd "
    "pwd read readarray readonly return set shift shopt source suspend test times trap true type typeset ulimit umask "
    "unalias unset wait".split()
)
_RESERVED = frozenset(
    "! { } [[ ]] case coproc do done elif else esac fi for function if in select then time until while".split()
)
_MAY_DEFINE_FUNCTIONS = frozenset({".", "source", "eval", "alias"})
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./- \t")
_OPERATORS = frozenset("'\"\\`$<>&|;()\n#")  # all that `_sequence` looks at
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Launch(Record):
    """How to spawn a command.

    `leads`: the child will be the program itself, not a shell; `program`: its name, "" if unsure.
    """

    argv: tuple[str, ...]
    leads: bool  # the child is the program itself; otherwise a shell that waits for it
    program: str = ""


def launch_of(command: str, shell: str = SHELL) -> Launch:
    """Return how to spawn the shell command `command`: directly, or by `shell -c`."""
    text = command.strip()
    words = text.split()
    if words and _PLAIN.issuperset(text) and "=" not in words[0] and not _is_special(words[0]):
        return Launch(tuple(words), leads=True, program=words[0])
    parts = _sequence(text)
    if parts is None:
        return Launch((shell, "-c", text), leads=False)
    start = parts[-1]
    at, word = _first_word(text, start)
    plain = word if _PLAIN.issuperset(word) else ""
    if word == "exec":
        return Launch((shell, "-c", text), leads=True)
    if not _takes_exec(text, parts, word):
        return Launch((shell, "-c", text), leads=False, program="" if _is_special(word) else plain)
    # An earlier part of the command may change PATH, so the program is certain only for a single command.
    certain = plain if len(parts) == 1 and "PATH=" not in text[:at] else ""
    return Launch((shell, "-c", f"{text[:at]}exec {text[at:]}"), leads=True, program=certain)


def _is_special(word: str) -> bool:
    return word in _BUILTINS or word in _RESERVED


def _takes_exec(text: str, parts: list[int], word: str) -> bool:
    if not word or _is_special(word) or word[0] in "<>&(" or word[0].isdigit():
        return False
    if ("$" in word or "`" in word) and "/" not in word:
        return False
    earlier = [_first_word(text, start)[1] for start in parts[:-1]]
    if any(first in _RESERVED for first in earlier):
        return False
    return "/" in word or not any(first in _MAY_DEFINE_FUNCTIONS for first in earlier)


def _sequence(text: str) -> list[int] | None:
    """Return the offsets where the commands of a list as `a && b; c` begin; None for any other syntax."""
    starts = [0]
    at = 0
    while (at := _next_operator(text, at)) < len(text):
        char = text[at]
        if char in "'\"\\`" or text.startswith("$(", at) or text.startswith("${", at):
            end = _skip_quoted(text, at)
            if end is None:
                return None
            at = end
        elif text.startswith("&&", at):
            at += 2
            starts.append(at)
        elif char == ";" and not text.startswith(";;", at):
            at += 1
            starts.append(at)
        elif char in "<>":
            # A here-document spans several lines; the ampersand in `>&2` and `2>&1` is no operator.
            if text.startswith("<<", at) or text[at + 1 : at + 2] == "(":
                return None
            at += 2 if text[at + 1 : at + 2] in ("&", ">", "|") else 1
        elif char in "&|;()\n" or (char == "#" and (at == 0 or text[at - 1] in " \t;&")):
            return None
        else:
            at += 1
    if not text[starts[-1] :].strip():
        starts.pop()  # `a; b;`
    return starts or None


def _next_operator(text: str, at: int) -> int:
    while at < len(text) and text[at] not in _OPERATORS:
        at += 1
    return at


def _skip_quoted(text: str, at: int) -> int | None:
    """Return the offset after the quoted or substituted text that starts at `at`; None if its end is unclear."""
    char = text[at]
    if char == "\\":
        return at + 2
    if char in "'`":
        end = text.find(char, at + 1)
        return None if end < 0 else end + 1
    if char == '"':
        return _skip_double(text, at + 1)
    return _skip_substitution(text, at + 2, ")" if text[at + 1] == "(" else "}")


def _skip_double(text: str, at: int) -> int | None:
    while at < len(text) and text[at] != '"':
        if text[at] in "\\`" or text.startswith("$(", at) or text.startswith("${", at):
            end = _skip_quoted(text, at)
            if end is None:
                return None
            at = end
        else:
            at += 1
    return at + 1 if at < len(text) else None


def _skip_substitution(text: str, at: int, closing: str) -> int | None:
    opening = "(" if closing == ")" else "{"
    depth = 1
    while at < len(text):
        char = text[at]
        if char in "'\"\\`":
            end = _skip_quoted(text, at)
            if end is None:
                return None
            at = end
            continue
        depth += (char == opening) - (char == closing)
        at += 1
        if not depth:
            return at
    return None


def _indent(text: str, start: int) -> int:
    return len(text[start:]) - len(text[start:].lstrip())


def _first_word(text: str, start: int) -> tuple[int, str]:
    """Return offset and text of the first word from `start` on that isn't a variable assignment."""
    at = start + _indent(text, start)
    while True:
        end = _word_end(text, at)
        word = text[at:end]
        name, equals, _ = word.partition("=")
        if not (equals and name and _NAME.issuperset(name) and not name[0].isdigit()):
            return at, word
        at = end + _indent(text, end)


def _word_end(text: str, at: int) -> int:
    while at < len(text) and text[at] not in " \t;&|<>()":
        quoted = text[at] in "'\"\\`" or text.startswith("$(", at) or text.startswith("${", at)
        end = _skip_quoted(text, at) if quoted else at + 1
        at = len(text) if end is None else end
    return min(at, len(text))
