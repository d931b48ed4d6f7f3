"""Recognises missing system libraries in the last output of a program, and advises how to install them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Pattern of the message, and the packages with the library on Debian and in Homebrew
_SAID = (
    (r"Could not find the GDAL library", "gdal-bin", "gdal"),
    (r"Could not find the GEOS library", "libgeos-c1v5", "geos"),
    (r"failed to find libmagic", "libmagic1", "libmagic"),
    (r"cannot load library '(?:lib)?(?:gobject|pango)", "libpango-1.0-0 libpangoft2-1.0-0", "pango"),
    (r"no library called \"(?:lib)?cairo", "libcairo2", "cairo"),
    (r"Unable to find zbar shared library", "libzbar0", "zbar"),
    (r"libGL\.so\.1: cannot open shared object", "libgl1", ""),
    (r"libgthread-2\.0\.so\.0: cannot open shared object", "libglib2.0-0", ""),
    (r"libpq\.so\.5: cannot open shared object|no pq wrapper available", "libpq5", "libpq"),
    (r"libmysqlclient\.so\.\d+: cannot open shared object", "default-libmysqlclient-dev", ""),
    (r"libmariadb\.so\.\d+: cannot open shared object", "libmariadb3", ""),
    (r"libxmlsec1\S*: cannot open shared object", "libxmlsec1-openssl", ""),
)
_OF_POSTGRES = r"extension \"[\w-]+\" is not available|ICU is not supported in this build"
_NO_FILE = r"FileNotFoundError: \[Errno 2\] No such file or directory: '(/[^']+)/[^'/]+'"


def lacking_library(lines: Iterable[str]) -> tuple[str, ...]:
    """Return how to install the missing library that the last lines report; empty if they report none."""
    import re

    lines = tuple(lines)
    if any(line.startswith("ValueError: Unable to configure handler ") for line in lines):
        folder = next((found[1] for line in lines if (found := re.match(_NO_FILE, line))), "")
        if folder:
            return (f"mkdir -p '{folder}'   # for the log that the code writes there",)
        return ("the folder for a log may be missing: all output names it, `mkdir -p` makes it",)
    for line in reversed(lines):
        if re.search(_OF_POSTGRES, line):
            return ("this build of PostgreSQL lacks it: `devboot explain service/no-extension` says which has it",)
        for pattern, debian, homebrew in _SAID:
            if re.search(pattern, line):
                macos = (f"brew install {homebrew}   # macOS",) if homebrew else ()
                return (f"sudo apt-get install {debian}   # Debian, Ubuntu", *macos)
    return ()
