"""Downloads wheels as files by pip, from the indexes that uv would use."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec

from devboot.errors import DevbootError
from devboot.scratch import scratch_folder
from devboot.uv.child import TimedOut, run_child
from devboot.uv.client import Uv
from devboot.uv.packages import NO_INDEXES, IndexSettings
from devboot.uv.pip.failures import lacking_package, pip_failure
from devboot.uv.settings.network import blame_settings

_PARALLEL = 4
_LOUD = ("-v", "-v")
_BATCH = 8  # files per pip: starting one takes a second
_DEBIAN = "/usr/share/python-wheels"  # Debian moves the standard library's wheels here
_LINE = re.compile(r"^\s*(?:Downloading|Using cached|Processing) (?P<what>\S+\.(?:whl|tar\.gz|zip))(?P<size> \(.*\))?")
# pip's variables with the meaning of uv's
_SAME = {"SSL_CERT_FILE": "PIP_CERT"}
# pip prints progress on stdout, but `run_child` reads lines from stderr
_TO_STDERR = ("/bin/sh", "-c", 'exec "$@" 1>&2', "pip")


@dataclass(frozen=True, slots=True)
class Target:
    """The platform and Python that wheels are for.

    `tags` are platform tags, the preferred one first; `python` is a version as `3.12`.
    """

    tags: tuple[str, ...]
    python: str


def download_wheels(
    uv: Uv,
    lines: Sequence[str],
    into: str,
    target: Target,
    *,
    indexes: IndexSettings = NO_INDEXES,
    hear: Callable[[str], None] = lambda _: None,
) -> tuple[str, ...]:
    """Download the wheels of pinned requirements, each checked against its hashes; other files in `into` stay.

    Args:
        uv: provides the indexes.
        lines: requirements without markers, `name==version --hash=sha256:…`.
        into: the target folder.
        target: the platform and Python of the wheels.
        indexes: the indexes that the project's own files declare.
        hear: called with the file name of each wheel.

    Returns:
        The lines without a matching wheel.

    Raises:
        DevbootError: `network/…`, `integrity/hash-mismatch`, `machine/disk-full`, `python/pip-failed`.

    """
    head = index_lines(uv, indexes)
    # One pip downloads one file at a time, so several run in parallel
    count = min(_PARALLEL, -(-len(lines) // _BATCH))
    batches = [list(lines[start::count]) for start in range(count)]
    with ThreadPoolExecutor(_PARALLEL) as pool:
        found = pool.map(lambda batch: _download_batch(uv, head, batch, into, target, hear), batches)
        return tuple(sorted(line for lacking in found for line in lacking))


def _download_batch(
    uv: Uv, head: str, lines: list[str], into: str, target: Target, hear: Callable[[str], None]
) -> list[str]:
    """Download the wheels of several requirement lines; return the lines without a wheel."""
    lacking = list[str]()
    while lines:
        try:
            _download(uv, head, lines, into, target, hear)
            break
        except _NoWheelError as error:
            gone = [line for line in lines if line.partition("==")[0].partition("[")[0] == error.name]
            if not gone:
                raise error.failure from error
            lacking += gone
            lines = [line for line in lines if line not in gone]
    return lacking


class _NoWheelError(Exception):
    """Raised if an index has no wheel of the package `name`; `failure` is the error to report."""

    def __init__(self, name: str, failure: DevbootError) -> None:
        super().__init__(name)
        self.name = name
        self.failure = failure


def _download(
    uv: Uv,
    head: str,
    lines: Sequence[str],
    into: str,
    target: Target,
    hear: Callable[[str], None],
) -> None:
    options = ["download", "--no-deps", "--only-binary", ":all:", "--implementation", "cp"]
    if all("--hash=" in line for line in lines):
        options.append("--require-hashes")
    options += ["--python-version", target.python, "--dest", into]
    options += [word for tag in target.tags for word in ("--platform", tag)]
    text = head + "".join(f"{line}\n" for line in lines)
    if run_pip(uv, options, text, hear=hear) is None:
        return
    # Only with `-v -v` does pip report why an index gave nothing, which takes a second per large page.
    said = run_pip(uv, [*options, *_LOUD], text, hear=hear)
    if said is None:
        return
    failure = blame_settings(pip_failure(said, doing="download the packages"), said, uv.environ)
    name = lacking_package(said)
    if name:
        raise _NoWheelError(name, failure)
    raise failure


def run_pip(
    uv: Uv,
    options: Sequence[str],
    requirements: str,
    *,
    hear: Callable[[str], None] = lambda _: None,
    is_repeatable: bool = False,
) -> tuple[str, ...] | None:
    """Run pip with requirements in a private temporary file; return its output lines if it failed, else None.

    `is_repeatable` sets one fixed date for all files that a build writes, if the build respects it.
    """

    def listen(line: str) -> None:
        if match := _LINE.match(line):
            hear(match["what"].rpartition("/")[2])

    with scratch_folder() as place:
        path = os.path.join(place, "requirements.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(requirements)
        command = [*_TO_STDERR, *pip_command(uv), *options, "--requirement", path]
        try:
            done = run_child(
                command,
                environ=_pip_environ(uv) | ({"SOURCE_DATE_EPOCH": "315532800"} if is_repeatable else {}),
                folder=uv.folder,
                timeout=uv.timeout,
                on_line=listen,
                lease=uv.lease,
            )
        except TimedOut as error:
            return (*error.lines, "pip took too long")
    return None if done.code == 0 else done.lines


def index_lines(uv: Uv, indexes: IndexSettings = NO_INDEXES) -> str:
    """Return the indexes that uv would use, as lines of a requirements file; they may contain passwords."""
    arguments = ["pip", "compile", "--emit-index-url", "--emit-find-links", "--no-header", "--no-python-downloads"]
    quiet = replace(uv, offline=True, on_line=None)
    said = quiet.run(
        [*arguments, "--python", sys.executable, "-"],
        doing="ask for the indexes",
        stdin="\n",
        variables=indexes.variables(uv.environ),
    ).stdout
    lines = [line for line in said.splitlines() if line.startswith("--")]
    lines += [f"--trusted-host {host}" for host in indexes.trusted_hosts]
    if indexes.no_index or uv.environ.get("UV_NO_INDEX"):
        lines = ["--no-index", *(line for line in lines if line.startswith("--find-links"))]
    return "".join(f"{line}\n" for line in lines)


def pip_command(uv: Uv) -> list[str]:
    """Return the argv that starts pip: the one installed with devboot, the one bundled with Python, or one by uv."""
    if find_spec("pip") is not None:
        return [sys.executable, "-I", "-m", "pip"]
    library = os.path.join(os.path.dirname(os.__file__), "ensurepip", "_bundled")
    for folder in (library, _DEBIAN):
        if found := sorted(glob.glob(f"{glob.escape(folder)}/pip-*.whl")):
            return [sys.executable, os.path.join(found[-1], "pip")]
    return [uv.binary, "tool", "run", "--from", "pip", "--python", sys.executable, "pip"]


def _pip_environ(uv: Uv) -> dict[str, str]:
    """Return the environment for pip: the caller's, with uv's certificates."""
    kept = {
        **uv.environ,
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_VERBOSE": "0",
        "PIP_QUIET": "0",
    }
    kept.setdefault("PIP_RETRIES", "2")
    for theirs, own in _SAME.items():
        if value := uv.environ.get(theirs):
            kept.setdefault(own, value)
    for name in ("PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_USER", "PIP_PREFIX", "PIP_NO_BINARY", "PIP_ONLY_BINARY"):
        kept.pop(name, None)
    return kept
