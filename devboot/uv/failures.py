"""Translates uv's failures into devboot's errors: parses uv's output and keeps uv's own causes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

from devboot.errors import DevbootError, IntegrityError, MachineError, NetworkError, WorkError
from devboot.record import Record
from devboot.text.masking import AFTER_COLON
from devboot.uv.system_libraries import complaint, what_is_lacking

_ERROR = re.compile(r"^error:\s*(?P<text>.*)$")
_CAUSE = re.compile(r"^\s*(?:cause|Caused by):\s*(?P<text>.*)$")
_TREE = re.compile(r"^\s*(?:\u00d7|├─▶|╰─▶|x|\|->|`->)\s+(?P<text>.*)$")
_HINT = re.compile(r"^hint:\s*(?P<text>.*)$")
_URL = re.compile(
    rf"(?P<scheme>[a-z+]+://)(?P<login>[^/@\s]+@|[^/@\s:]*:{AFTER_COLON}@)?(?P<host>[^/\s`'\"),]+)(?P<path>[^\s`'\"),]*)"
)
_PACKAGE = re.compile(r"`(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?(?:==[^`\s]+)?)(?: @ [^`]*)?`")
_HTTP_STATUS = re.compile(r"\(?(?P<status>4\d\d|5\d\d) [A-Z][A-Za-z ]+")
_SERVER_ERROR = re.compile(r"HTTP status server error \((?P<status>5\d\d)|returned error: (?P<gits>5\d\d)")
_UNKNOWN = re.compile(r"Because (?P<name>[A-Za-z0-9._-]+) was not found in the package registry")
_NO_VERSION = re.compile(r"Because there (?:is no version|are no versions) of (?P<wanted>[A-Za-z0-9._-]+[^\s,]*) and")
_NOWHERE = re.compile(
    r"Because (?:there (?:is no version|are no versions) of |only (?:the following versions of )?)(?P<name>[\w.-]+)"
    r"[^{}]*? and you require (?P<required>[\w.-]+)[^\s{}]*, we can conclude"
)
_NO_SUCH_RANGE = re.compile(
    r"only the following versions of (?P<name>[A-Za-z0-9._-]+) are available:[\s\S]{1,2000}? and you require\s+"
    r"(?P<wanted>(?P=name)[^\s,]*(?:,[^\s,]+)*), we can conclude"
)
_NO_SUCH_SINGLE = re.compile(
    r"only (?P<name>[A-Za-z0-9._-]+)(?:[<>=!~]\S*)? is available and you require\s+"
    r"(?P<wanted>(?P=name)[<>=!~][^\s,]*(?:,[^\s,]+)*), we can conclude"
)
_OTHER_PYTHON = re.compile(
    r"requested Python version \((?P<asked>[^)]+)\) does not satisfy Python(?P<needed>[<>=!~]+[\d.]+)?"
)
# Lines that the layers of an HTTP client add around the one useful cause.
_LAYER = re.compile(
    r"^(?:client error \(\w+\)|error sending request for url .*|tcp connect error|dns error|error resolving DNS)$"
)
_NO_SPACE = re.compile(r"^(?:.* to )?[^/\n]*(?P<path>/[^`\n]+?)`?: No space left", re.MULTILINE)
# Names of folders in uv's cache, as `archive-v0`
_UV_CACHE = re.compile(r"/[a-z-]+-v\d+/")
_NOT_THERE = re.compile(r"Distribution not found at: file://(?P<path>\S+)")
_SPLIT = re.compile(r"No solution found when resolving dependencies for split \(markers: (?P<markers>.*)\)")
_SINCE = re.compile(r"python_full_version >= '(?P<version>[\d.]+)'")
_LACKS_VERSION = re.compile(r"No solution found|there (?:is no|are no) version")
_BUILDING = ("build backend returned an error", "failed to build", "failed to download and build")
_SIZE_LIMIT = 24  # lines of a build's output that an error shows


class Said(Record):
    """The parsed output of a failed uv: the error, its causes, its hints, and the block below them."""

    error: str
    causes: tuple[str, ...]
    hints: tuple[str, ...]
    block: tuple[str, ...]
    everything: str
    search_path: str = ""
    refusal: str = ""

    def has(self, *words: str) -> bool:
        """Return whether uv's output contains any of the words, ignoring case."""
        return any(word.lower() in self.everything.lower() for word in words)


def parse_failure(lines: Sequence[str], search_path: str = "", refusal: str = "") -> Said:
    """Parse uv's stderr; credentials in URLs are masked."""
    error, causes, hints, block = "", list[str](), list[str](), list[str]()
    shown = [masked(line) for line in lines]
    for line in shown:
        if match := _ERROR.match(line):
            error = match["text"]
        elif (match := _CAUSE.match(line)) or (match := _TREE.match(line)):
            causes.append(match["text"])
        elif match := _HINT.match(line):
            hints.append(match["text"])
        elif hints and line.startswith(" ") and line.strip():
            hints[-1] = f"{hints[-1]} {line.strip()}"
        elif causes and causes[-1].startswith("Because ") and line.startswith("  "):
            causes[-1] = f"{causes[-1]} {line.strip()}".rstrip()  # a list of versions, or what follows from it
        elif (error or causes) and line.strip():
            block.append(line.strip() if not block else line.removeprefix("         "))
    if not error and causes:  # in the tree form the first branch is the error
        error = causes.pop(0)
    return Said(error, tuple(causes), tuple(hints), tuple(block), "\n".join(shown), search_path, refusal)


def masked(text: str) -> str:
    """Return a text with user names and passwords in its URLs replaced by `***`."""
    return _URL.sub(lambda m: f"{m['scheme']}{'***@' if m['login'] else ''}{m['host']}{m['path']}", text)


def failure(lines: Sequence[str], code: int, *, doing: str, search_path: str = "", refusal: str = "") -> DevbootError:
    """Return the error for a failed uv call.

    Args:
        lines: uv's stderr.
        code: its exit code, negative for a signal.
        doing: the action, as in "could not `doing`": `install the packages`.
        search_path: where the machine's package manager is looked for, in the form of PATH.
        refusal: why a system library that a build lacks could not be fetched.

    """
    said = parse_failure(lines, search_path, refusal)
    for recognise in (
        _absent,
        _disk,
        _integrity,
        _offline,
        _http_error,
        _network,
        _interpreter,
        _build,
        _resolution,
    ):
        if (error := recognise(said, doing)) is not None:
            return error
    return WorkError(
        "python/uv-failed",
        f"could not {doing}: {_ended(code)}",
        causes=_causes(said) or tuple(line for line in map(masked, lines) if line.strip())[-_SIZE_LIMIT:],
        details=_tail(said.block),
        help=("devboot explain python/uv-failed",),
    )


def _ended(code: int) -> str:
    return f"uv ended with code {code}" if code >= 0 else f"uv was ended by signal {-code}"


def _causes(said: Said) -> tuple[str, ...]:
    texts = (said.error, *said.causes, *said.hints)
    return tuple(dict.fromkeys(text for text in texts if text and not _LAYER.match(text)))


def _tail(block: Iterable[str]) -> tuple[str, ...]:
    return tuple(block)[-_SIZE_LIMIT:]


def _absent(said: Said, _: str) -> DevbootError | None:
    found = _NOT_THERE.search(said.everything)
    if found is None:
        return None
    return WorkError(
        "python/uv-failed",
        f"`{found['path'].rstrip('/').rpartition('/')[2]}` is a package of the project that is not in the clone",
        causes=_causes(said),
        help=("if it is a submodule of git: `git submodule update --init --recursive`",),
    )


def _disk(said: Said, doing: str) -> DevbootError | None:
    if said.has("os error 28", "No space left"):
        found = _NO_SPACE.search(said.everything)
        path = found["path"] if found is not None else ""
        return MachineError(
            "machine/disk-full",
            f"could not {doing}: {_full_disk(path)} is full",
            causes=_causes(said),
            help=("uv cache prune", "devboot gc") if _UV_CACHE.search(path) else ("devboot gc",),
        )
    if said.has("os error 122", "Disk quota exceeded"):
        return MachineError(
            "machine/disk-full",
            f"could not {doing}: the disk quota is used up",
            causes=_causes(said),
            help=("quota -s   # which filesystem, and how much", "uv cache prune", "devboot gc"),
        )
    if said.has("os error 13", "os error 30", "Permission denied", "Read-only file system"):
        return MachineError(
            "machine/not-writable",
            f"could not {doing}: a folder is not writable",
            causes=_causes(said),
            help=("devboot doctor   # names folders that aren't yours",),
        )
    return None


def _full_disk(path: str) -> str:
    """Return words that identify the disk of `path`: its mount point if known."""
    place = path
    while place and not os.path.ismount(place):
        place = place.rpartition("/")[0]
    return f"the disk at `{place}`" if place else "the disk"


def _integrity(said: Said, doing: str) -> DevbootError | None:
    if said.has("Failed to extract archive"):  # uv unpacks while it downloads, before it checks the digest
        if said.has(*_BROKEN_OFF):
            return _broken_off(said, doing)
        return IntegrityError(
            "integrity/hash-mismatch",
            f"{_first_package(said) or 'a package'} is not the requested file: it can't be unpacked",
            causes=(*_causes(said), "the download is damaged, or the network's login page was sent instead"),
            help=("run the same command again, logged in to the network",),
            kept=("nothing of it was installed",),
        )
    if not said.has("Hash mismatch"):
        if said.has("all requirements must have their versions pinned", "must have a hash"):
            return IntegrityError(
                "integrity/no-hash",
                f"could not {doing}: a package has no hash to check",
                causes=_causes(said),
                help=("lock the requirements again with the tool that wrote them, so that each has a hash",),
            )
        return None
    package = _first_package(said) or "a package"
    return IntegrityError(
        "integrity/hash-mismatch",
        f"{package} is not the file that was locked",
        details=tuple(line.rstrip() for line in said.block if line.strip()),
        causes=(
            "the download is damaged, the file was replaced after it was locked, or somebody has tampered with it",
        ),
        help=(
            "uv cache clean",
            "if it was replaced on purpose, lock it again: `devboot lock --update NAME`, or the lock's own tool",
        ),
        kept=("nothing of it was installed",),
    )


# Words of uv's HTTP client about a connection that has ended early
_BROKEN_OFF = (
    "network timeout",
    "timed out",
    "error decoding response body",
    "request or response body error",
    "connection closed before message completed",
    "connection reset",
    "end of file before message length reached",
)


def _broken_off(said: Said, doing: str) -> NetworkError:
    """Return the error for a download that stalled or lost its connection."""
    is_stalled = said.has("network timeout", "timed out")
    package, host = _first_package(said) or "a package", _host(said) or "the index"
    return NetworkError(
        "network/stalled" if is_stalled else "network/short-body",
        f"could not {doing}: {host} {'stopped sending' if is_stalled else 'broke off the download of'} {package}",
        causes=_causes(said),
        help=(_CONNECT, *(["export UV_HTTP_TIMEOUT=300   # seconds, for a slow connection"] if is_stalled else [])),
        kept=("nothing of it was installed",),
    )


def _offline(said: Said, doing: str) -> DevbootError | None:
    if not said.has("network was disabled", "network connectivity is disabled", "but the cache"):
        return None
    return NetworkError(
        "network/offline",
        f"could not {doing}: a package is not in the cache and the network is off",
        causes=_causes(said),
        help=("run the same command once with the network: without `--offline`, DEVBOOT_OFFLINE and UV_OFFLINE",),
    )


def _http_error(said: Said, _: str) -> DevbootError | None:
    broken = _SERVER_ERROR.search(said.everything)
    found = _HTTP_STATUS.search(said.everything)
    status = (broken["status"] or broken["gits"]) if broken else found["status"] if found else ""
    if not status or (status.startswith("5") and not broken):
        return None
    package = _first_package(said)
    what = (
        f"{_host(said) or 'the index'} answered {status} to {f'the request for {package}' if package else 'a request'}"
    )
    login = "check the login for this index: uv reads `~/.netrc`, keyring and UV_INDEX_<NAME>_USERNAME/_PASSWORD"
    helps = {"401": login, "403": login}
    advice = helps.get(status, "run the same command again later" if broken else "check the address of the index")
    return NetworkError(f"network/http-{status}", what, causes=_causes(said), help=(advice,))


_CONNECT = "check the connection or VPN, then run the same command again"


def _network(said: Said, doing: str) -> DevbootError | None:
    host = _host(said)
    at = f" from {host}" if host else ""
    if said.has("certificate", "tls handshake", "UnknownIssuer"):
        return NetworkError(
            "network/tls",
            f"could not {doing}: the certificate{at} is not trusted",
            causes=_causes(said),
            help=(
                "export SSL_CERT_FILE=/path/to/your/organisation/certificates.pem",
                "or make uv use the system's: `export UV_SYSTEM_CERTS=1`",
            ),
        )
    if said.has(*_UNREACHABLE):
        return NetworkError(
            "network/unreachable",
            f"could not {doing}: {host or 'the index'} can't be reached",
            causes=_causes(said),
            help=(
                _CONNECT,
                "behind a proxy: export HTTPS_PROXY=http://proxy.example.test:3128",
                "if everything is in uv's cache: add `--offline`",
            ),
        )
    return None


_UNREACHABLE = (
    "dns error",
    "Connection refused",
    "tcp connect error",
    "client error (Connect)",
    "error sending request",
    "Request failed after",
    "operation timed out",
    "Could not resolve host",
    "Could not connect",
    "unable to access",
    "connection closed before message completed",
)


def _interpreter(said: Said, doing: str) -> DevbootError | None:
    if not said.has("No interpreter found", "Invalid version request", "Failed to inspect Python interpreter"):
        return None
    return MachineError(
        "python/not-found",
        f"could not {doing}: this Python isn't available",
        causes=_causes(said),
        help=("uv python list   # the versions that are installed, or can be",),
    )


def _build(said: Said, _: str) -> DevbootError | None:
    if not said.has(*_BUILDING):
        return None
    package = _first_package(said) or "a package"
    lack = what_is_lacking(said.everything)
    if lack is not None:
        return WorkError(
            "python/missing-library",
            f"{package} could not be built: {lack.title} is missing",
            causes=tuple(filter(None, (complaint(said.everything), said.refusal))) or _causes(said),
            help=lack.commands(said.search_path),
        )
    advice = list[str]()
    if said.has("has no attribute 'build_editable'"):  # a backend from before PEP 660, on any Python
        advice.append("name a newer `build-backend` in its pyproject.toml")
        if said.has("poetry.masonry.api"):
            advice[0] += ': `requires = ["poetry-core"]`, `build-backend = "poetry.core.masonry.api"`'
    return WorkError(
        "python/build-failed",
        f"{package} could not be built",
        details=_tail(said.block),
        causes=_causes(said),
        help=advice,
    )


_CONTRADICTION = "the requirements contradict"


def _resolution(said: Said, doing: str) -> DevbootError | None:
    if said.has("Couldn't parse requirement", "Failed to parse", "Unsupported requirement"):
        return WorkError(
            "python/requirement",
            f"could not {doing}: a requirement can't be parsed",
            causes=_causes(said),
            help=("write a name, or a name with versions as in `django>=5.2`",),
        )
    if not said.has("No solution found", "conflicting URLs", "Requirements contain conflicting"):
        return None
    if missing := _UNKNOWN.search(said.everything):
        return WorkError(
            "python/no-such-package",
            f"could not {doing}: no index has `{missing['name']}`",
            causes=_causes(said),
            help=(
                "check the spelling",
                "if it is in another index, configure it with UV_INDEX, uv.toml or `--extra-index-url`",
            ),
        )
    forms = (_NO_VERSION, _NO_SUCH_RANGE, _NO_SUCH_SINGLE)
    lacking = next((found for form in forms if (found := form.search(said.everything))), None)
    python = _OTHER_PYTHON.search(said.everything)
    needed = python["needed"] if python else ""
    limit = f" for Python {python['asked'].replace(' ', '')}" if python else ""
    fault = f"there is no `{lacking['wanted']}`{limit}" if lacking else _CONTRADICTION
    return WorkError(
        "python/resolution",
        f"could not {doing}: {fault}",
        causes=_causes(said),
        help=(
            *([f'`version = "{needed}"` in `[python]` of devboot.toml: a Python that fits'] if needed else []),
            "relax one of the versions named in the cause, then run the same command again",
        ),
    )


def is_offered_nowhere(error: DevbootError) -> bool:
    """Return whether a resolution failed since the project requires a version that no index has, for any Python."""
    said = filter(None, map(_NOWHERE.match, error.causes))
    return error.slug == "python/no-such-package" or any(each["name"] == each["required"] for each in said)


def contradicts(error: DevbootError) -> bool:
    """Return True if a resolution failed because the version requirements of packages contradict each other."""
    return error.slug == "python/resolution" and error.what.endswith(_CONTRADICTION)


def split_of(error: DevbootError) -> str:
    """Return the marker of the environments for which a resolution failed; "" if it failed for all."""
    return next((found["markers"] for found in map(_SPLIT.search, error.causes) if found), "")


def fails_since(error: DevbootError) -> str:
    """Return the lowest Python, as `3.13`, for which a resolution failed; "" if it failed for all."""
    versions = [found["version"] for found in _SINCE.finditer(split_of(error))]
    return min(versions, key=lambda version: [int(part) for part in version.split(".")], default="")


def is_build_failure(lines: Sequence[str]) -> bool:
    """Return whether uv's stderr shows that a package couldn't be built."""
    return parse_failure(lines).has(*_BUILDING)


def unbuilt_requirement(lines: Sequence[str]) -> str:
    """Return the requirement (`name==version`) that couldn't be built, from uv's stderr; "" if it isn't named."""
    return _first_package(parse_failure(lines)).strip("`")


def _first_package(said: Said) -> str:
    for text in (said.error, *said.causes):
        if match := _PACKAGE.search(text):
            return f"`{match['name']}`"
    return ""


def may_depend_on_date(error: DevbootError) -> bool:
    """Return whether a version was missing that the index may have had at a later date."""
    is_build = error.slug == "python/build-failed" and any(map(_LACKS_VERSION.search, error.causes))
    return error.slug == "python/resolution" or is_build


def _host(said: Said) -> str:
    match = _URL.search(said.everything)
    return match["host"] if match else ""
