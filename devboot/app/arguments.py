"""Parses a command line by the table of commands, for both the fast and the slow path."""

from __future__ import annotations

import os

from devboot.app.command_table import BY_NAME, COMMANDS, GLOBAL, Command, Flag
from devboot.errors import UsageError, shell_word
from devboot.model.nearest import nearest
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


# For what other tools do with everything when no process is named.
_WHOLE = {
    "start": "`devboot up` starts everything",
    "stop": "`devboot down` stops everything, and the background process",
    "restart": "`devboot restart '*'` restarts everything",
}
_NUMBERS = {"SECONDS": "30", "COUNT": "100"}  # metavars of numbers, with an example for messages


class Invocation(Record):
    """A parsed command line.

    `command` is "" if none was typed; `values` holds the command's flags by their longest spelling without dashes
    ("dry-run"), a tuple of values for repeatable ones, True for switches; `args` are the positional ones, with `--`
    kept only for a command that passes its arguments through; `globals` are the global flags.
    """

    command: str = ""
    args: tuple[str, ...] = ()
    values: dict[str, object] = {}  # noqa: RUF012  never written to: an Invocation is built once
    globals: dict[str, object] = {}  # noqa: RUF012  as above

    def flag(self, name: str) -> bool:
        """Return whether the switch `name`, such as `dry-run`, was given."""
        return bool(self.values.get(name))


def take_apart(argv: Sequence[str]) -> Invocation:
    """Parse `argv` (without the program's name). Raises UsageError, which suggests the most similar command or flag.

    Global flags are recognised anywhere before `--`, and before the first argument of a command that passes its
    arguments through.
    """
    return _Reader(argv).read()


def flag_key(flag: Flag) -> str:
    """Return the key of a flag in `Invocation.values`, as `dry-run`."""
    return flag.names[-1].lstrip("-")


class _Reader:
    """One command line while it is parsed word by word: the rest, the command, its arguments and flags so far."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.rest = list(argv)
        self.command: Command | None = None
        self.args: list[str] = []
        self.values: dict[str, object] = {}
        self.globals: dict[str, object] = {}

    def read(self) -> Invocation:
        """Parse all words and return the result. Raises UsageError."""
        while self.rest:
            word = self.rest.pop(0)
            if word == "--":
                self._verbatim()
            elif word.startswith("-") and word != "-":
                self._flag(word)
            elif self.command is None:
                self.command = _command(word)
            else:
                self.args.append(word)
                if self.command.passes_through:
                    self._pass_through()
        name = "" if self.command is None else self.command.name
        if self.command is not None and not {"help", "version"} & self.globals.keys():
            _count(self.command, self.args)
        return Invocation(name, tuple(self.args), self.values, self.globals)

    def _verbatim(self) -> None:
        if self.command is not None and self.command.passes_through:
            self.args.append("--")
        self._pass_through()

    def _pass_through(self) -> None:
        self.args += self.rest
        self.rest = []

    def _flag(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            name, equals, value = self._short(word)
        own = () if self.command is None else self.command.flags
        flag = _find(name, own) or _find(name, GLOBAL)
        if flag is None:
            raise _unknown(name, self.command, [value, *self.rest] if equals else self.rest)
        into = self.globals if flag in GLOBAL else self.values
        if flag.metavar:
            self._store(into, flag, value if equals else self._next(flag, name))
        elif equals:
            raise UsageError(
                "usage/unexpected-value", f"`{name}` is a switch and takes no value", help=(f"write `{name}` alone",)
            )
        else:
            into[flag_key(flag)] = True

    def _short(self, word: str) -> tuple[str, str, str]:
        """Split a word of short flags into flag, value and further switches: `-n5` is -n with 5, `-dq` is -d and -q."""
        name, more = word[:2], word[2:]
        flag = _find(name, () if self.command is None else self.command.flags) or _find(name, GLOBAL)
        if more and flag is not None and flag.metavar:
            return name, "=", more.removeprefix("=")
        if more and flag is not None and not more.startswith("="):
            self.rest.insert(0, "-" + more)
            return name, "", ""
        return word, "", ""

    def _next(self, flag: Flag, name: str) -> str:
        if not self.rest or self.rest[0] == "--":
            raise UsageError(
                "usage/missing-value",
                f"`{name}` needs a value",
                help=(f"write `{name} {flag.metavar}`: {flag.help}",),
            )
        return self.rest.pop(0)

    def _store(self, into: dict[str, object], flag: Flag, value: str) -> None:
        key = flag_key(flag)
        if flag.metavar in _NUMBERS and not _is_number(value):
            raise UsageError(
                "usage/argument",
                f"`{flag.names[-1]}` needs a number, found `{value}`",
                help=[f"write `{flag.names[-1]} {_NUMBERS[flag.metavar]}`: {flag.help}"],
            )
        if key == "C":  # relative to the one before
            value = os.path.join(str(into.get(key, "")), value)
        if not flag.multiple:
            into[key] = value
            return
        before = into.get(key, ())
        into[key] = (*before, value) if isinstance(before, tuple) else (value,)


def _is_number(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return text.isascii() and whole.isdigit() and (not fraction or fraction.isdigit())


def _find(name: str, flags: Sequence[Flag]) -> Flag | None:
    return next((flag for flag in flags if name in flag.names), None)


def _command(word: str) -> Command:
    command = BY_NAME.get(word)
    if command is None:
        from devboot.app import peer_words

        near = word if word in peer_words.COMMANDS else nearest(word, [*BY_NAME, *peer_words.COMMANDS])
        meant = None if near is None else peer_words.COMMANDS.get(near, f"devboot {near}")
        advice = () if meant is None else (f"did you mean `{meant}`?" if meant.startswith("devboot ") else meant,)
        raise UsageError(
            "usage/unknown-command",
            f"there is no command `{word}`",
            help=(*advice, "`devboot help` lists all commands"),
        )
    return command


def _count(command: Command, args: Sequence[str]) -> None:
    """Raise UsageError `usage/argument` if a positional argument is missing, or there is one too many."""
    missing = next((argument for argument in command.arguments[len(args) :] if argument.required), None)
    example = f"`{command.examples[0][0]}`: {command.examples[0][1]}"
    if missing is not None:
        whole = [_WHOLE[command.name]] if command.name in _WHOLE else []
        raise UsageError(
            "usage/argument",
            f"`devboot {command.name}` needs {missing.metavar}: {missing.help}",
            help=[example, *whole, f"`devboot help {command.name}`"],
        )
    if len(args) > len(command.arguments) and not any(argument.multiple for argument in command.arguments):
        raise UsageError(
            "usage/argument",
            f"`devboot {command.name}` takes no `{args[len(command.arguments)]}`",
            help=[*_for_one(command.name, args), example, f"`devboot help {command.name}`"],
        )


def _for_one(name: str, args: Sequence[str]) -> list[str]:
    """Return advice for a command that takes no process names but was given some."""
    names = " ".join(map(shell_word, args))
    ways = {"down": f"`devboot stop {names}` stops only that", "ps": f"`devboot logs {names}` prints its output"}
    return [ways[name]] if name in ways else []


def _only_start(name: str, spellings: list[str]) -> str | None:
    """Return the only flag that begins with `name`, to suggest; abbreviated flags aren't accepted."""
    found = [spelling for spelling in spellings if len(name) > 3 and spelling.startswith(name)]
    return found[0] if len(found) == 1 else None


def _peer_advice(name: str, command: Command | None, rest: Sequence[str]) -> list[str]:
    """Return advice for a flag of another tool, such as compose's; `rest` follows it on the command line."""
    from devboot.app import peer_words

    typed = "" if command is None else command.name
    found = peer_words.FLAGS.get((typed, name))
    if found is None and typed == "start":  # of honcho and overmind: our `up`
        ours = _find(name, BY_NAME["up"].flags)
        found = peer_words.FLAGS.get(("up", name)) or (f"`devboot up {name}`: {ours.help}" if ours else None)
        typed = "up"
    found = found or peer_words.FLAGS.get(("", name))
    if found is None or not found.startswith("-"):
        return [] if found is None else [found]
    flag = _find(found, (*BY_NAME[typed].flags, *GLOBAL) if typed else GLOBAL)
    value = f" {shell_word(rest[0]) if rest else flag.metavar}" if flag is not None and flag.metavar else ""
    return [f"did you mean `devboot {typed}{' ' if typed else ''}{found}{value}`?"]


def _unknown(name: str, command: Command | None, rest: Sequence[str]) -> UsageError:
    own = () if command is None else command.flags
    spellings = [spelling for flag in (*own, *GLOBAL) for spelling in flag.names if name[:2] == spelling[:2]]
    advice = _peer_advice(name, command, rest)
    near = nearest(name, spellings) or _only_start(name, spellings)
    advice = advice or ([f"did you mean `{near}`?"] if near else [])
    if command is None:
        takers = [other.name for other in COMMANDS if _find(name, other.flags)]
        takers.sort(key=lambda taker: taker not in rest)
        advice += [f"write it after the command: `devboot {takers[0]} {name}`"] if takers else []
    subject = "devboot" if command is None else f"`devboot {command.name}`"
    page = "devboot help" if command is None else f"devboot help {command.name}"
    return UsageError(
        "usage/unknown-flag", f"{subject} has no flag `{name}`", help=(*advice, f"`{page}` lists its flags")
    )
