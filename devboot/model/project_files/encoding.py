"""Decodes text files of a project: UTF-8, and UTF-16 as shells of Windows write it."""

from __future__ import annotations

_UTF_8, _UTF_32 = b"\xef\xbb\xbf", (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # as written by PowerShell's `>`
_SAMPLE = 4096  # bytes by which UTF-16 without a byte order mark is recognised


class EncodingError(ValueError):
    """Raised for a text that can't be decoded: the reason, and line and column of the first wrong bytes."""

    def __init__(self, what: str, line: int = 1, column: int = 1) -> None:
        super().__init__(what)
        self.what = what
        self.line = line
        self.column = column


class NotUtf8Error(EncodingError):
    """Raised for a text with bytes that aren't UTF-8, such as one in a legacy encoding."""


def decode(data: bytes, *, takes_utf_16: bool = False) -> str:
    """Decode the content of a file, without its byte order mark; UTF-16 only with `takes_utf_16`.

    Raises EncodingError.
    """
    if data.startswith(_UTF_32):
        raise EncodingError("file is UTF-32, expected UTF-8")
    if data.startswith(_UTF_16):
        if takes_utf_16:
            return _utf_16(data)
        raise EncodingError("file is UTF-16, expected UTF-8")
    if _is_unmarked_utf_16(data[:_SAMPLE]):
        raise EncodingError("file is UTF-16 without a byte order mark, expected UTF-8")
    data = data.removeprefix(_UTF_8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise NotUtf8Error(what, *_end_of(data[: error.start].decode())) from None


def _utf_16(data: bytes) -> str:
    try:
        return data.decode("utf-16")
    except UnicodeDecodeError as error:
        is_cut = error.end >= len(data)
        what = "the UTF-16 text ends in the middle of a character" if is_cut else "a character is not UTF-16"
        raise EncodingError(what, *_end_of(data[: error.start].decode("utf-16", "replace"))) from None


def _end_of(text: str) -> tuple[int, int]:
    """Return line and column of the end of a text, both counted from 1."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _is_unmarked_utf_16(data: bytes) -> bool:
    """Return whether nearly every second byte is 0, as in UTF-16 of ASCII characters."""
    half = len(data) // 2
    return half > 1 and any(data[start::2].count(0) * 10 >= half * 9 for start in (0, 1))
