"""Describes one download."""

from __future__ import annotations

from devboot.record import Record


class Download(Record):
    """A file to download: `what` is its name in messages (`esbuild 0.28.2`), `step` its progress line.

    `size` is in bytes, -1 if unknown; `said_by` is the file or setting that the url comes from; `authorization` is
    the value of that header, sent to the host of `url` only.
    """

    url: str
    sha256: str
    size: int
    what: str
    step: str
    said_by: str
    authorization: str = ""
