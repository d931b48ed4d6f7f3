"""Why an archive is refused: one function for each slug, names shown escaped and short."""

from __future__ import annotations

from devboot.errors import IntegrityError

_SHOWN = 40


def escaped(name: str | bytes) -> str:
    r"""A member's name for a message: `\n`, `\x1b` and bytes that are no text as escapes, at most 40 characters."""
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def escapes(archive: str, name: str | bytes, cause: str) -> IntegrityError:
    """A member would land outside the folder."""
    return IntegrityError(
        "archive/escapes",
        f"`{escaped(name)}` in {escaped(archive)} leads outside",
        causes=[cause],
        kept=["nothing of it is used"],
    )


def special_file(archive: str, name: str | bytes, kind: str) -> IntegrityError:
    """A member is neither file, folder nor link."""
    return IntegrityError(
        "archive/special-file",
        f"`{escaped(name)}` in {escaped(archive)} is {kind}",
        causes=["only files, folders and links are unpacked"],
        kept=["nothing of it is used"],
    )


def bad_name(archive: str, name: str | bytes, cause: str) -> IntegrityError:
    """A member's name can't be used on every machine."""
    return IntegrityError(
        "archive/bad-name",
        f"{escaped(archive)} has the name `{escaped(name)}`",
        causes=[cause],
        kept=["nothing of it is used"],
    )


def inconsistent(archive: str, cause: str) -> IntegrityError:
    """The archive says two different things about itself, or was cut short."""
    return IntegrityError(
        "archive/inconsistent",
        f"{escaped(archive)} contradicts itself",
        causes=[cause],
        kept=["nothing of it is used"],
    )


def unreadable(archive: str, cause: str) -> IntegrityError:
    """It is an archive of a kind that isn't read here."""
    return IntegrityError(
        "archive/unreadable",
        f"{escaped(archive)} is no archive that devboot reads",
        causes=[cause],
        kept=["nothing of it is used"],
    )


def too_large(archive: str, limit: str) -> IntegrityError:
    """Unpacking went past a limit."""
    return IntegrityError(
        "archive/too-large",
        f"{escaped(archive)} becomes too large when it is unpacked",
        causes=[limit],
        kept=["nothing of it is used"],
    )
