"""Keys of the live display: turns typed keys into actions, and its state into the bottom line; without I/O."""

from __future__ import annotations

from fnmatch import fnmatchcase

from devboot.record import Record
from devboot.text.columns import cells, printable
from devboot.text.summary import addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DETACH, RESTART, FILTER, ATTACH, PAUSE, RESUME, APPLY, HELP = (
    "detach",
    "restart",
    "show",
    "attach",
    "pause",
    "resume",
    "apply",
    "help",
)
_ESCAPE, _ENTER, _TAB, _ERASE, _ERASE_ALL = b"\x1b", b"\r\n", b"\t", b"\x08\x7f", b"\x15"
_QUESTIONS = {b"r": RESTART, b"f": FILTER, b"a": ATTACH}
_TITLES = {RESTART: "restart", FILTER: "show only", ATTACH: "attach to"}
_KEYS = (
    ("? keys", 6),
    ("ctrl-c stop", 7),
    ("d detach", 5),
    ("r restart", 4),
    ("f filter", 3),
    ("a attach", 2),
    ("p pause", 1),
)
_ORDER = ("d detach", "r restart", "f filter", "a attach", "p pause", "? keys", "ctrl-c stop")
KEYS_IN_FULL = (
    "d       detach: leave it running in the background",
    "r       restart a process",
    "f       show only some processes, by part of a name or `web*`; empty: all",
    "a       attach to a process's terminal, as to answer a debugger",
    "p       pause or resume the output",
    "u       apply edits of devboot.toml, Procfile and env-files",
    "enter   an empty line, to see what is new",
    "ctrl-c  stop everything",
)
# Texts of ctrl-c for a client that has joined a running project
_JOINED = {"ctrl-c stop": "ctrl-c leave", "ctrl-c  stop everything": "ctrl-c  leave it running, or stop everything"}


class Action(Record):
    """An action that a key stands for, such as restart; `names` are the selected processes."""

    kind: str
    names: tuple[str, ...] = ()


class Facts(Record):
    """State reported by the daemon: process names, those with a terminal, debuggers, pending edits, stopped ones.

    `prompts` maps a process to its debugger, `addresses` are those of web pages, by process.
    """

    names: tuple[str, ...] = ()
    terminals: tuple[str, ...] = ()
    prompts: Mapping[str, str] = {}
    offer: str = ""
    down: tuple[str, ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()


class Menu:
    """State of the key menu: `press` takes keys, `line` returns the text of the bottom line."""

    def __init__(self) -> None:
        self.facts = Facts()
        self.has_joined = False  # the project ran already: ctrl-c asks whether to leave it or to stop it
        self.progress = ""  # progress of a running start
        self.is_paused = False
        self.edited = ""  # effect of edits since the start
        self.shown: tuple[str, ...] = ()  # the filter; empty: all
        self._asks = ""
        self._typed = ""

    def press(self, keys: bytes) -> list[Action]:
        """Return the actions for bytes that were typed at once: one key, pasted keys, a lone escape, or an arrow."""
        if keys.startswith(_ESCAPE):
            self._asks, self._typed = "", ""
            keys = after_escape(keys)
        actions = []
        for key in keys.decode("utf-8", "replace"):
            action = self._answer(key) if self._asks else self._command(key.encode())
            actions += [action] if action is not None else []
        return actions

    def _command(self, key: bytes) -> Action | None:
        if key in _QUESTIONS:
            self._asks, self._typed = _QUESTIONS[key], ""
            candidates = self._candidates()
            if self._asks != FILTER and len(candidates) == 1:  # nothing to ask
                return self._chosen(candidates)
            if self._asks == ATTACH and len(self.facts.prompts) == 1:
                return self._chosen(tuple(self.facts.prompts))
            return None
        if key == b"p":
            self.is_paused = not self.is_paused
            return Action(PAUSE if self.is_paused else RESUME)
        simple = {b"d": DETACH, b"?": HELP, b"h": HELP, b"u": APPLY, b"\r": "blank", b"\n": "blank"}
        return Action(simple[key]) if key in simple else None

    def _answer(self, key: str) -> Action | None:
        byte = key.encode()
        if byte in _ENTER:
            names = self.matching()
            if self._asks == FILTER and (names or not self._typed):
                self.shown = names if self._typed else ()
                return self._chosen(self.shown)
            return self._chosen(names if self._asks == RESTART else names[:1]) if names and self._typed else None
        if byte in _TAB:
            self._typed = self._typed if not self.matching() else self.matching()[0]
        elif byte in _ERASE:
            self._typed = self._typed[:-1]
        elif byte in _ERASE_ALL:
            self._typed = ""
        elif key.isprintable():
            self._typed += key
        return None

    def _chosen(self, names: tuple[str, ...]) -> Action:
        kind, self._asks, self._typed = self._asks, "", ""
        return Action(kind, names)

    def _candidates(self) -> tuple[str, ...]:
        return self.facts.terminals if self._asks == ATTACH else self.facts.names

    def matching(self) -> tuple[str, ...]:
        """Return the process names that match the typed text, best matches first.

        That is: the exact name, matches of a wildcard, of the beginning, of any part. Several parts may be given,
        separated by blanks.
        """
        candidates = self._candidates()
        if not self._typed.strip():
            return candidates
        found = [name for part in self._typed.split() for name in _fitting(part, candidates)]
        return tuple(name for name in candidates if name in found)

    # Text of the line

    def line(self, width: int) -> str:
        """Return the text of the bottom line, less than `width` cells wide.

        Hints and names that don't fit are left out.
        """
        if self._asks:
            return self._question(width)
        notice = self._notice()
        if self.progress:
            return notice or self.progress
        if not self.facts.names:
            return ""  # the daemon hasn't reported the processes yet
        if not notice:
            return f" {self._keys_within(width - 2)}"
        keys = self._keys_within(width - cells(notice) - 5, without=notice.rpartition(": ")[2][:1])
        return f" {notice}   {keys}".rstrip()

    def _keys_within(self, width: int, *, without: str = "") -> str:
        """Return the most important key hints that fit into `width`, in the usual order, without that of `without`."""
        chosen: dict[str, str] = {}
        for hint, _ in sorted(_KEYS, key=lambda each: -each[1]):
            if hint.split(" ")[0] == without:
                continue
            shown = _JOINED.get(hint, hint) if self.has_joined else hint
            if len("   ".join([*chosen.values(), shown])) <= width:
                chosen[hint] = shown
        return "   ".join(chosen[hint] for hint in _ORDER if hint in chosen)

    def _question(self, width: int) -> str:
        names = [printable(name) for name in self.matching()] or ["no such process"]
        ends = "enter shows all" if self._asks == FILTER and not self._typed else "enter, esc"
        lead, end = f" {_TITLES[self._asks]}: {self._typed}_   ", f"   ({ends})"
        room = width - 1 - cells(lead) - cells(end)
        if cells(" ".join(names)) > room:
            while names and cells(" ".join([*names, "..."])) > room:
                names.pop()
            names.append("...")
        return f"{lead}{' '.join(names)}{end}"

    def _notice(self) -> str:
        if self.facts.prompts:
            name, debugger = next(iter(self.facts.prompts.items()))
            return f"! {printable(name)} is in {debugger}: a attaches"
        if self.edited:
            return f"! {self.edited}"
        if self.facts.offer:
            return f"! {self.facts.offer}: u applies"
        return self._lasting_condition()

    def _lasting_condition(self) -> str:
        """Return the text about a lasting condition: output paused or filtered, or a process that gave up."""
        if self.is_paused:
            return "paused: p resumes"
        if self.facts.down:
            return f"! {', '.join(map(printable, self.facts.down))} gave up: r restarts"
        return f"only {', '.join(map(printable, self.shown))}: f changes" if self.shown else ""


def help_text(facts: Facts, *, has_joined: bool = False) -> str:
    """Return the help screen: all keys with their actions, and the addresses of processes."""
    keys = [_JOINED.get(key, key) if has_joined else key for key in KEYS_IN_FULL]
    pages = addresses([(name, address) for name, address in facts.addresses])
    return "\n".join(("", *keys, *([""] if pages else []), *(line.strip() for line in pages), "")) + "\n"


def after_escape(keys: bytes) -> bytes:
    """Return the keys that arrived together with an escape character; "" for an arrow key's sequence."""
    return b"" if keys[1:2] in (b"[", b"O") else keys[1:]


def _fitting(part: str, candidates: tuple[str, ...]) -> list[str]:
    ways = (
        lambda name: name == part,
        lambda name: fnmatchcase(name, part),
        lambda name: name.startswith(part),
        lambda name: part in name,
    )
    for fits in ways:
        found = [name for name in candidates if fits(name)]
        if found:
            return found
    return []
