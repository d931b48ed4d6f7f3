"""A partly downloaded file: survives failures and kills, is resumed later, and is verified as a whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os

from devboot.clone_reader import parse_json
from devboot.files import fail_point, make_directories

_CHUNK = 1 << 20


class Partial:
    """A download in progress to `path`, kept in `<path>.part`, with the server's validator in a file next to it.

    The digest is computed along the way; bytes of an earlier attempt are read once for it. Raises OSError.
    """

    def __init__(self, path: str) -> None:
        self._path = path + ".part"
        self._notes = path + ".part.json"
        self._descriptor = -1
        self._digest = hashlib.sha256()
        self.size = 0
        self.is_pieced = False  # the bytes come from more than one response

    def __enter__(self) -> Partial:  # noqa: PYI034  the class is final in all but name
        make_directories(os.path.dirname(self._path))
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        while chunk := os.read(self._descriptor, _CHUNK):
            self._digest.update(chunk)
            self.size += len(chunk)
        self.is_pieced = self.size > 0
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
        if not self.size:
            for path in (self._path, self._notes):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

    @property
    def sha256(self) -> str:
        """The hexadecimal digest of the bytes so far."""
        return self._digest.hexdigest()

    def validator(self, url: str) -> str:
        """Return the value for the header `If-Range`; "" if there is none, or the bytes came from another URL."""
        try:
            with open(self._notes, encoding="utf-8") as stream:
                notes = parse_json(stream.read())
            return str(notes["validator"]) if notes["address"] == _short(url) else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def note(self, url: str, etag: str, last_modified: str) -> None:
        """Record the server's ETag or date for the bytes that follow.

        Weak ETags don't identify bytes and are skipped.
        """
        validator = etag if etag and not etag.startswith("W/") else last_modified
        with open(self._notes, "w", encoding="utf-8") as stream:
            json.dump({"address": _short(url), "validator": validator}, stream)

    def write(self, chunk: bytes) -> None:
        """Append received bytes to the file, and update the digest."""
        view = memoryview(chunk)
        while view:
            written = os.write(self._descriptor, view)
            self._digest.update(view[:written])
            self.size += written
            view = view[written:]
        fail_point("download/writing")

    def begin_anew(self) -> None:
        """Discard all bytes; the next `write` begins a new file."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._digest = hashlib.sha256()
        self.size = 0
        self.is_pieced = False

    def move_to(self, path: str) -> None:
        """Flush the file to disk and move it to `path`."""
        os.fsync(self._descriptor)
        fail_point("download/synced")
        make_directories(os.path.dirname(path))
        os.rename(self._path, path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._notes)

    def head(self) -> bytes:
        """Return the first 512 bytes, for recognising the kind of content."""
        return os.pread(self._descriptor, 512, 0)


def _short(url: str) -> str:
    # the query may contain a signature that grants access
    return hashlib.sha256(url.partition("?")[0].encode()).hexdigest()[:16]
