"""Builds the shell command that appends lines to a text file of the project."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def append_command(root: str, file: str, lines: Sequence[str]) -> str:
    """Return the command, to be pasted in folder `root`; "" if the file is UTF-16 or no regular file.

    If the last line of the file has no newline, the command adds one first. A missing file is created.
    """
    import os
    import shlex

    end = _end(os.path.join(root, file))
    if end is None:
        return ""
    words = " ".join(map(shlex.quote, lines))
    if len(lines) == 1:
        write = f"echo {words}" if end else f"printf '\\n%s\\n' {words}"
    else:
        write = f"printf '%s\\n' {words}" if end else f"printf '%s\\n' '' {words}"
    return f"{write} >> {shlex.quote(file)}"


def _end(path: str) -> str | None:
    """Return the last newline of a file, also for an empty or missing one; None if text can't be appended to it."""
    from devboot.clone_reader import read_bytes

    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return "\n"
    except OSError:
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    return "\n" if not data or data.endswith(b"\n") else ""
