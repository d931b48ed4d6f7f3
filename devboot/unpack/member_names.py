"""Checks the names of archive members; a name that isn't allowed on every platform is refused, never rewritten."""

from __future__ import annotations

import re
import unicodedata

from devboot.unpack.refusals import bad_name, escapes

_DRIVE = re.compile(r"[A-Za-z]:")
_LONGEST_COMPONENT = 255  # bytes, on all usual filesystems
_LONGEST_PATH = 1000  # bytes; macOS stops at 1024 with the folder in front
_DEEPEST = 100
_HIDDEN = {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
# Characters that change the direction of text, so that a name looks like another one.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def decode(archive: str, raw: bytes) -> str:
    """Decode a member's name. Raises IntegrityError `archive/bad-name` if it isn't UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise bad_name(archive, raw, "its bytes aren't UTF-8") from None


def components(archive: str, name: str) -> list[str]:
    """Split a member's name into its parts; empty for the top folder itself (`./`).

    Raises IntegrityError `archive/escapes` for absolute names, drives and `..`, and `archive/bad-name`.
    """
    refuse_unprintable(archive, name)
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        raise escapes(archive, name, "its name is absolute")
    if ".." in name and ".." in re.split(r"[/\\]", name):
        raise escapes(archive, name, "its name has `..`")
    if not name:
        raise bad_name(archive, name, "the name is empty")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    _refuse_long(archive, name, parts)
    return parts


def refuse_unprintable(archive: str, name: str) -> None:
    """Raise IntegrityError `archive/bad-name` for a name with line breaks, escape codes or direction marks."""
    if name.isascii() and name.isprintable():
        return
    for each in name:
        if each in _TURNING or unicodedata.category(each) in _HIDDEN:
            raise bad_name(archive, name, f"it holds the character {each!a}")


def _refuse_long(archive: str, name: str, parts: list[str]) -> None:
    if len(parts) > _DEEPEST or len(name.encode("utf-8")) > _LONGEST_PATH:
        raise bad_name(archive, name, f"it is longer than {_LONGEST_PATH} bytes, or deeper than {_DEEPEST} folders")
    if any(len(part.encode("utf-8")) > _LONGEST_COMPONENT for part in parts):
        raise bad_name(archive, name, f"a part of it is longer than {_LONGEST_COMPONENT} bytes")


def folded(path: str) -> str:
    """Return a key that is equal for paths that differ only by case or accent form, as on macOS."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()
