"""What a transfer of our own is to bring."""

from __future__ import annotations

from typing import NamedTuple


class Download(NamedTuple):
    """A file that is wanted: `url` is where, `what` its name in messages (`esbuild 0.28.2`), `step` its progress line.

    `size` is bytes, -1 where nobody knows; `said_by` is the file or setting that the address comes from;
    `authorization` is the value of that header, for the host of `url` alone.
    """

    url: str
    sha256: str
    size: int
    what: str
    step: str
    said_by: str
    authorization: str = ""
