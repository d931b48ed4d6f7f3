"""Table of errors that programs and libraries print, with the advice for each.

A module and not TOML: the daemon imports it before it is needed, so that an upgrade of devboot can't break it, and
mustn't import tomllib.
"""

from __future__ import annotations

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class KnownError(Record):
    """An error by a line of output, and what to do about it.

    `said` and `also` are expressions that each have to match a line, the last such line first. In `advice`, `{found}`
    is the group of `also`, or else of `said`; `{folder}` is the folder of the process, quoted for a shell.
    """

    said: str
    advice: tuple[str, ...]
    also: str = ""


def _library(said: str, debian: str, homebrew: str = "") -> KnownError:
    """Return a missing system library, with the packages that have it."""
    macos = (f"brew install {homebrew}   # macOS",) if homebrew else ()
    return KnownError(said, (f"sudo apt-get install {debian}   # Debian, Ubuntu", *macos))


_UNRESOLVED = r"(?:Name or service not known|Temporary failure in name resolution|nodename nor servname provided)"
_REDIRECT = (
    'the host `{found}` is unknown here: `hosts = ["{found}"]` under `[python]` in devboot.toml makes it this machine',
)
_USE_SOCKET = (
    "connect through the socket, which needs no TLS: leave out the host, as in `postgresql://postgres@/app`, and set"
    ' `PGHOST = "${services.postgres.socket}"` under `[env]` in devboot.toml'
)
_LONGEST = 4096  # characters of a line that are searched: the time may grow with their square
_NPM = r"^npm (?:error|ERR!).*"

# Errors whose advice counts before anything that was observed of the program
CERTAIN = (
    KnownError(  # a graphical program without a graphical session
        r"KeyError: 'DISPLAY'|no display name and no \$DISPLAY|DisplayNameError|"
        r"[Cc](?:an't|annot|ould not) (?:connect to|open) (?:X server|display)|Could not load the Qt platform plugin",
        ("it opens windows: run devboot in a desktop session, or with a virtual screen: `xvfb-run devboot up`",),
    ),
)

# All others; the first row that matches counts
KNOWN = (
    KnownError(
        _NPM
        + r"(?:`npm ci` can only install packages when your package\.json and package-lock\.json|Run \"npm help ci\")",
        ("devboot run -- npm --prefix {folder} install && devboot up -d   # a new lock",),
    ),
    KnownError(  # npm names this option if packages require different versions of a third
        _NPM + r"--legacy-peer-deps",
        ("echo legacy-peer-deps=true >> {folder}/.npmrc   # as npm did before its version 7",),
    ),
    KnownError(
        r"^ValueError: Unable to configure handler ",
        ("mkdir -p '{found}'   # for the log that the code writes there",),
        also=r"^FileNotFoundError: \[Errno 2\] No such file or directory: '(/[^']+)/[^'/]+'",
    ),
    KnownError(
        r"^ValueError: Unable to configure handler ",
        ("the folder of a log file may be missing: the full output names it, `mkdir -p` creates it",),
    ),
    KnownError(
        r"extension \"[\w-]+\" is not available|ICU is not supported in this build",
        ("this build of PostgreSQL lacks it: `devboot explain service/no-extension` lists builds that have it",),
    ),
    _library(r"Could not find the GDAL library", "gdal-bin", "gdal"),
    _library(r"Could not find the GEOS library", "libgeos-c1v5", "geos"),
    _library(r"failed to find libmagic", "libmagic1", "libmagic"),
    _library(r"cannot load library '(?:lib)?(?:gobject|pango)", "libpango-1.0-0 libpangoft2-1.0-0", "pango"),
    _library(r"no library called \"(?:lib)?cairo", "libcairo2", "cairo"),
    _library(r"Unable to find zbar shared library", "libzbar0", "zbar"),
    _library(r"libGL\.so\.1: cannot open shared object", "libgl1"),
    _library(r"libgthread-2\.0\.so\.0: cannot open shared object", "libglib2.0-0"),
    _library(r"libpq\.so\.5: cannot open shared object|no pq wrapper available", "libpq5", "libpq"),
    _library(r"libmysqlclient\.so\.\d+: cannot open shared object", "default-libmysqlclient-dev"),
    _library(r"libmariadb\.so\.\d+: cannot open shared object", "libmariadb3"),
    _library(r"libxmlsec1\S*: cannot open shared object", "libxmlsec1-openssl"),
    # A host name without a domain that could not be resolved: libpq, MySQL in C (where `hosts` has no effect), others
    KnownError(
        r"could not translate host name \"([\w-]+)\" to address",
        ("the host `{found}` is unknown here: set `PGHOSTADDR=127.0.0.1` in .env, then `devboot up -d`",),
    ),
    KnownError(
        r"Unknown (?:MySQL )?server host '([\w-]+)'",
        ("the host `{found}` is unknown here: read it from a variable, or add `127.0.0.1 {found}` to /etc/hosts",),
    ),
    KnownError(
        rf"^(?=.*{_UNRESOLVED}).*(?:connecting to |[ /@'(])([A-Za-z][\w-]*)(?::\d+|').*{_UNRESOLVED}", _REDIRECT
    ),
    KnownError(r"DNS lookup failed for ([A-Za-z][\w-]*):\d+", _REDIRECT),
    # A client that requires TLS of a server without it: libpq and asyncpg, then redis-py
    KnownError(
        r"server does not support SSL, but SSL was required|rejected SSL upgrade",
        (_USE_SOCKET,),
    ),
    KnownError(
        r"unexpected keyword argument 'ssl_cert_reqs'|redis\..*\[SSL: (?:WRONG_VERSION|RECORD_LAYER)",
        ("the local Redis has no TLS: let the code use TLS only for `rediss://` addresses",),
    ),
)

# Modules removed from the standard library, with the last minor version that has them
REMOVED_MODULES = {
    **dict.fromkeys(("asynchat", "asyncore", "distutils", "imp", "smtpd"), "3.11"),
    **dict.fromkeys(
        ("aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap", "nntplib", "pipes"),
        "3.12",
    ),
    **dict.fromkeys(("sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib"), "3.12"),
}


def find_advice(known: Sequence[KnownError], lines: Sequence[str], folder: str = "") -> tuple[str, ...]:
    """Return the advice for the first known error in `lines`; nothing if there is none."""
    import re

    from devboot.errors import shell_word

    lines = [line[:_LONGEST] for line in lines]

    def last(pattern: str) -> re.Match[str] | None:
        return next((found for line in reversed(lines) if (found := re.search(pattern, line))), None)

    for each in known:
        if (found := last(each.said)) and (not each.also or (found := last(each.also))):
            word = found[1] if found.re.groups else ""
            texts = (text.replace("{found}", word) for text in each.advice)
            return tuple(re.sub(r"\{folder\}(\S*)", lambda path: shell_word(folder + path[1]), text) for text in texts)
    return ()
