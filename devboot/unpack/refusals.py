"""The errors for refused archives: one function per slug; names are escaped and shortened."""

from __future__ import annotations

from devboot.errors import IntegrityError

_SHOWN = 40


def escaped(name: str | bytes) -> str:
    r"""Return a member's name for a message: `\n`, `\x1b` and undecodable bytes as escapes, at most 40 characters."""
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def escapes(archive: str, name: str | bytes, cause: str) -> IntegrityError:
    """Return the error for a member that would be written outside the folder."""
    return IntegrityError(
        "archive/escapes",
        f"`{escaped(name)}` in {escaped(archive)} leads outside",
        causes=[cause],
        kept=["nothing of it is used"],
    )


def special_file(archive: str, name: str | bytes, kind: str) -> IntegrityError:
    """Return the error for a member that is neither file, folder nor link."""
    return IntegrityError(
        "archive/special-file",
        f"`{escaped(name)}` in {escaped(archive)} is {kind}",
        causes=["only files, folders and links are unpacked"],
        kept=["nothing of it is used"],
    )


def bad_name(archive: str, name: str | bytes, cause: str) -> IntegrityError:
    """Return the error for a member's name that isn't allowed on every platform."""
    return IntegrityError(
        "archive/bad-name",
        f"{escaped(archive)} has the name `{escaped(name)}`",
        causes=[cause],
        kept=["nothing of it is used"],
    )


def inconsistent(archive: str, cause: str) -> IntegrityError:
    """Return the error for an archive that contradicts itself or is truncated."""
    return IntegrityError(
        "archive/inconsistent",
        f"{escaped(archive)} contradicts itself",
        causes=[cause],
        kept=["nothing of it is used"],
    )


def unreadable(archive: str, cause: str) -> IntegrityError:
    """Return the error for an archive format that devboot doesn't read."""
    return IntegrityError(
        "archive/unreadable",
        f"{escaped(archive)} is not an archive that devboot can read",
        causes=[cause],
        kept=["nothing of it is used"],
    )


def too_large(archive: str, limit: str) -> IntegrityError:
    """Return the error for an archive that exceeds a limit."""
    return IntegrityError(
        "archive/too-large",
        f"{escaped(archive)} is too large when unpacked",
        causes=[limit],
        kept=["nothing of it is used"],
    )
