"""Every error that devboot reports, drawn as a tree, and the exit codes that they map to.

    DevbootError                 carries slug, what, place, causes, help, kept
    ├── WorkError           1    a process, task or check failed
    ├── UsageError          2    the command line can't be taken as it is
    ├── ManifestError       3    devboot.toml, Procfile or an env-file needs an edit
    ├── LockError           3    devboot.lock is unreadable, stale or has no artifact for this platform
    ├── NetworkError        4    a host couldn't be reached or refused
    ├── IntegrityError      5    bytes are not those that were locked
    ├── MachineError        6    disk, permission, interpreter
    ├── BusyError           7    a lock, a port or a running project stands in the way
    ├── TrustError          8    another user's project, or one that the shell hook wasn't trusted with
    └── Problems                 several of the above, found in one run, sorted by place

Slugs are stable (`area/name`); `devboot explain SLUG` has the long form of each. The sentence in `what` is complete
alone, lower case, without a full stop; advice stands in `help` only, the recommended one first.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Exit:
    """Exit codes; 128+n stands for an end by signal n."""

    OK = 0
    FAILED = 1
    USAGE = 2
    MANIFEST = 3
    NETWORK = 4
    INTEGRITY = 5
    MACHINE = 6
    BUSY = 7
    TRUST = 8
    BUG = 70
    INTERRUPTED = 130


class Place:
    """Where in a file a problem stands.

    `line` and `column` count from 1 (0: the file as a whole); `width` is the number of characters that the caret line
    marks; `label` stands behind the carets; `source` is the user's line, unchanged, without its line end; `context`
    holds lines shown above it as (number, text), a table's header for instance.
    """

    __slots__ = ("column", "context", "file", "label", "line", "source", "width")

    def __init__(
        self,
        file: str,
        line: int = 0,
        column: int = 0,
        *,
        width: int = 1,
        label: str = "",
        source: str | None = None,
        context: Sequence[tuple[int, str]] = (),
    ) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.width = width
        self.label = label
        self.source = source
        self.context = tuple(context)

    def __repr__(self) -> str:
        return f"Place({self.file}:{self.line}:{self.column})"


class DevbootError(Exception):
    """Something that the user can do something about."""

    exit_code = Exit.FAILED

    def __init__(
        self,
        slug: str,
        what: str,
        *,
        place: Place | None = None,
        details: Sequence[str] = (),
        causes: Sequence[str] = (),
        help: Sequence[str] = (),  # noqa: A002  the word that the message prints
        kept: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{slug}: {what}")
        self.slug = slug
        self.what = what
        self.place = place
        self.details = tuple(details)  # lines between place and cause: a log tail, digests side by side
        self.causes = tuple(causes)
        self.help = tuple(help)
        self.kept = tuple(kept)


class WorkError(DevbootError):
    """The work itself failed: a process, a task, a check."""

    exit_code = Exit.FAILED


class UsageError(DevbootError):
    """The command line can't be taken as it is."""

    exit_code = Exit.USAGE


class ManifestError(DevbootError):
    """A file that the user wrote needs an edit."""

    exit_code = Exit.MANIFEST


class LockError(DevbootError):
    """devboot.lock is unreadable, stale, or lacks what this platform needs."""

    exit_code = Exit.MANIFEST


class NetworkError(DevbootError):
    """A host couldn't be reached, or refused."""

    exit_code = Exit.NETWORK


class IntegrityError(DevbootError):
    """Bytes differ from what was locked, or are hostile."""

    exit_code = Exit.INTEGRITY


class MachineError(DevbootError):
    """Disk, permission, interpreter: the machine has to change."""

    exit_code = Exit.MACHINE


class BusyError(DevbootError):
    """A lock, a port or a running project is in the way."""

    exit_code = Exit.BUSY


class TrustError(DevbootError):
    """Nobody has said that this project may run: another user's above the folder, or one new to the shell hook."""

    exit_code = Exit.TRUST


class Problems(DevbootError):  # noqa: N818
    """Several problems of one run; `errors` is sorted by place and never empty."""

    def __init__(self, errors: Iterable[DevbootError], *, summary: str = "") -> None:
        self.errors = tuple(sorted(errors, key=_order))
        self.summary = summary  # the line that counts, printed last
        first = self.errors[0]
        super().__init__(first.slug, first.what, place=first.place)
        self.exit_code = first.exit_code


def _order(error: DevbootError) -> tuple[str, int, int]:
    place = error.place
    return ("", 0, 0) if place is None else (place.file, place.line, place.column)


def shell_word(path: str) -> str:
    """`path` as one word of a command that can be pasted: quoted where it has to be.

    Bytes that aren't UTF-8 are written as bash and zsh read them; no terminal could show or take them.
    """
    import shlex  # 6 ms, for errors only

    if path.isprintable():
        return shlex.quote(path)
    shown = (f"\\x{byte:02x}" if byte < 32 or byte > 126 or byte in b"\\'" else chr(byte) for byte in os.fsencode(path))
    return f"$'{''.join(shown)}'"


def reason_of(error: OSError) -> str:
    """Return the system's words for an error, beginning with a small letter."""
    text = error.strerror or "unknown reason"
    return text[:1].lower() + text[1:]
