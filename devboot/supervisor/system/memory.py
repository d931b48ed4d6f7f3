"""Memory use of processes, for `ps`."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def resident(pids: Iterable[int]) -> int | None:
    """Return the resident memory of several processes together, in bytes, counting shared pages once; None if unknown.

    The proportional set size would be more exact, but reading it takes milliseconds per process.
    """
    private = shared = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", "rb", buffering=0) as file:
                fields = (file.read() or b"").split()
        except OSError:
            continue
        if len(fields) > 2:
            private += int(fields[1]) - int(fields[2])
            shared = max(shared, int(fields[2]))
    pages = private + shared
    return pages * os.sysconf("SC_PAGE_SIZE") if pages else None
