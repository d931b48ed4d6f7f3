"""Every error that devboot reports, drawn as a tree, and the exit codes that they map to.

    DevbootError                 carries slug, what, place, causes, help, kept
    ├── WorkError           1    a process, task or check failed
    ├── UsageError          2    usage error
    ├── ManifestError       3    devboot.toml, Procfile or an env-file needs an edit
    ├── LockError           3    devboot.lock is unreadable, stale or has no artifact for this platform
    ├── NetworkError        4    a host couldn't be reached or refused
    ├── IntegrityError      5    a download doesn't match its locked checksum, or is unsafe
    ├── MachineError        6    a problem of this machine: disk, permissions, missing interpreter
    ├── BusyError           7    a lock, a port or a running project is in the way
    ├── TrustError          8    another user's project, or one that the shell hook wasn't trusted with
    └── Problems                 several of the above, found in one run, sorted by place

Slugs are stable (`area/name`); `devboot explain SLUG` prints the long form of each. The sentence in `what` is complete
alone, lower case, without a full stop; advice is in `help` only, the recommended one first.
"""

from __future__ import annotations

import os

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any


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
    """A position in a file, with the line to show.

    `line` and `column` count from 1 (0: the file as a whole); `width` is the number of characters that the carets
    mark; `label` is the text after the carets; `source` is the user's line, unchanged, without its line end; `context`
    holds lines shown above it as (number, text), such as a table's header.
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
    """Base of all errors with which devboot reports a problem to the user."""

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
        self.help = _advice(help)
        self.kept = tuple(kept)


def _advice(sentences: Sequence[str]) -> tuple[str, ...]:
    """Return the sentences of advice, with "or " removed from the first one."""
    return tuple(each if number else each.removeprefix("or ") for number, each in enumerate(sentences))


class Evidence(Record):
    """Facts about a failed process from which advice is derived: its last output lines, its command, its folders.

    `packages` are the project's root, its requirements file, and the lines that a new file needs.
    """

    tail: tuple[str, ...]
    command: str
    cwd: str
    root: str
    packages: tuple[str, ...]


class WorkError(DevbootError):
    """A process, a task or a check failed. From `evidence` the command line may derive advice."""

    exit_code = Exit.FAILED

    def __init__(self, slug: str, what: str, *, evidence: Evidence | None = None, **more: Any) -> None:
        super().__init__(slug, what, **more)
        self.evidence = evidence


class UsageError(DevbootError):
    """A usage error: the command line can't be understood."""

    exit_code = Exit.USAGE


class ManifestError(DevbootError):
    """A file that the user wrote needs an edit."""

    exit_code = Exit.MANIFEST


class LockError(DevbootError):
    """devboot.lock is unreadable, stale, or lacks an artifact for this platform."""

    exit_code = Exit.MANIFEST


class NetworkError(DevbootError):
    """A host couldn't be reached, or refused."""

    exit_code = Exit.NETWORK


class IntegrityError(DevbootError):
    """A download doesn't match its locked checksum, or is unsafe."""

    exit_code = Exit.INTEGRITY


class MachineError(DevbootError):
    """A problem of this machine: disk, permissions, missing interpreter."""

    exit_code = Exit.MACHINE


class BusyError(DevbootError):
    """A lock, a port or a running project is in the way."""

    exit_code = Exit.BUSY


class TrustError(DevbootError):
    """A project that isn't trusted: another user's in a folder above, or one that is new to the shell hook."""

    exit_code = Exit.TRUST


class Problems(DevbootError):  # noqa: N818
    """Several errors that were found in one run; `errors` is sorted by place and never empty."""

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
    """Quote `path` as one word of a shell command, if it needs quotes.

    Bytes that aren't UTF-8 are written as escapes in `$'…'`, which bash and zsh read: no terminal could show them.
    """
    import shlex  # 6 ms, for errors only

    if path.isprintable():
        return shlex.quote(path)
    shown = (f"\\x{byte:02x}" if byte < 32 or byte > 126 or byte in b"\\'" else chr(byte) for byte in os.fsencode(path))
    return f"$'{''.join(shown)}'"


def reason_of(error: OSError) -> str:
    """Return the system's message for an error, beginning with a small letter."""
    text = error.strerror or "unknown reason"
    return text[:1].lower() + text[1:]
