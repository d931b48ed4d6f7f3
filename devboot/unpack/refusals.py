"""The errors for refused archives, one function per slug; names in them are escaped and shortened."""

from __future__ import annotations

from devboot.errors import IntegrityError

_SHOWN = 40


def escaped(name: str | bytes) -> str:
    r"""Return a member's name for a message: `\n`, `\x1b` and undecodable bytes as escapes, at most 40 characters."""
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def _refused(slug: str, what: str, cause: str) -> IntegrityError:
    return IntegrityError(slug, what, causes=[cause], help=[f"devboot explain {slug}"], kept=["nothing of it is used"])


def escapes(archive: str, name: str | bytes, cause: str) -> IntegrityError:
    """Return the error for a member that would be written outside the folder."""
    return _refused(
        "archive/escapes", f"`{escaped(name)}` in {escaped(archive)} would be unpacked outside of its folder", cause
    )


def special_file(archive: str, name: str | bytes, kind: str) -> IntegrityError:
    """Return the error for a member that is neither file, folder nor link."""
    return _refused(
        "archive/special-file",
        f"`{escaped(name)}` in {escaped(archive)} is {kind}",
        "only files, folders and links are unpacked",
    )


def bad_name(archive: str, name: str | bytes, cause: str) -> IntegrityError:
    """Return the error for a member's name that isn't allowed on every platform."""
    return _refused(
        "archive/bad-name", f"{escaped(archive)} has a file with the name `{escaped(name)}`, which isn't allowed", cause
    )


def inconsistent(archive: str, cause: str) -> IntegrityError:
    """Return the error for an archive that contradicts itself or is truncated."""
    return _refused(
        "archive/inconsistent",
        f"{escaped(archive)} is damaged, or made to deceive: its parts contradict each other",
        cause,
    )


def unreadable(archive: str, cause: str) -> IntegrityError:
    """Return the error for an archive format that devboot doesn't read."""
    return _refused("archive/unreadable", f"{escaped(archive)} is not an archive that devboot can read", cause)


def too_large(archive: str, limit: str) -> IntegrityError:
    """Return the error for an archive that exceeds a limit."""
    return _refused("archive/too-large", f"{escaped(archive)} is too large when unpacked", limit)
