"""The part of a file that is here already: kept through failures and kills, continued, and checked as a whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os

from devboot.files import fail_point, make_directories

_CHUNK = 1 << 20


class Partial:
    """Bytes on their way to `path`, kept in `<path>.part`, and beside it what the server calls them.

    The digest runs along; what was there before is read once for it. Raises OSError.
    """

    def __init__(self, path: str) -> None:
        self._path = path + ".part"
        self._notes = path + ".part.json"
        self._descriptor = -1
        self._digest = hashlib.sha256()
        self.size = 0
        self.is_pieced = False  # its bytes come from more than one answer

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
        """The digest of what is here now, in hexadecimal."""
        return self._digest.hexdigest()

    def validator(self, url: str) -> str:
        """What `If-Range` may say of the bytes that are here, "" for nothing: they came from another address."""
        try:
            with open(self._notes, encoding="utf-8") as stream:
                notes = json.load(stream)
            return str(notes["validator"]) if notes["address"] == _short(url) else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def note(self, url: str, etag: str, last_modified: str) -> None:
        """Write down what the server calls the bytes that come now. Weak tags don't vouch for single bytes."""
        validator = etag if etag and not etag.startswith("W/") else last_modified
        with open(self._notes, "w", encoding="utf-8") as stream:
            json.dump({"address": _short(url), "validator": validator}, stream)

    def write(self, chunk: bytes) -> None:
        """Add bytes at the end."""
        view = memoryview(chunk)
        while view:
            written = os.write(self._descriptor, view)
            self._digest.update(view[:written])
            self.size += written
            view = view[written:]
        fail_point("download/writing")

    def begin_anew(self) -> None:
        """Forget all of it."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._digest = hashlib.sha256()
        self.size = 0
        self.is_pieced = False

    def move_to(self, path: str) -> None:
        """Give the bytes their name, once they are on the disk."""
        os.fsync(self._descriptor)
        fail_point("download/synced")
        make_directories(os.path.dirname(path))
        os.rename(self._path, path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._notes)

    def head(self) -> bytes:
        """The first bytes, to tell what they are."""
        return os.pread(self._descriptor, 512, 0)


def _short(url: str) -> str:
    # an address may hold a signature that opens doors
    return hashlib.sha256(url.partition("?")[0].encode()).hexdigest()[:16]
