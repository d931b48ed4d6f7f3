"""Collects the package indexes that a project's files declare, except for uv's default one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from devboot.clone_reader import read_text
from devboot.environment.locks.pins import IndexLine
from devboot.errors import NetworkError, Place
from devboot.uv.failures import masked
from devboot.uv.packages import IndexSettings


def index_settings(
    lines: Iterable[IndexLine], builtin: Callable[[], str], environ: Mapping[str, str], *, are_pinned: bool = True
) -> IndexSettings:
    """Convert declared indexes to settings for uv.

    A line that names the default index of every tool is left out: it would bypass the user's mirror.

    Args:
        lines: the declarations in the files, in order.
        builtin: returns uv's default index; called only if there is something to compare.
        environ: values for `$NAME` in addresses, as pipenv fills it in.
        are_pinned: versions are chosen already, so explicit indexes may be asked for everything; while choosing they
            may not, since they would come before all others.

    """
    lines = tuple(lines)
    explicit = {"explicit"} if are_pinned else set()
    own = [line for line in lines if line.kind in {"default", "extra"} | explicit]
    usual = builtin() if own else ""
    kept = [(line.kind, _filled(line.url, environ)) for line in own if not is_usual(line, usual)]
    defaults = [url for kind, url in kept if kind == "default"]
    extras = [url for kind, url in kept if kind != "default"]
    return IndexSettings(
        default=defaults[0] if defaults else "",
        extra=tuple(dict.fromkeys([*extras, *defaults[1:]])),
        find_links=tuple(dict.fromkeys(line.url for line in lines if line.kind == "find-links")),
        trusted_hosts=tuple(dict.fromkeys(line.url for line in lines if line.kind == "trusted-host")),
        no_index=any(line.kind == "no-index" for line in lines),
    )


def explicit_indexes(table: Mapping[str, Any], file: str) -> list[IndexLine]:
    """Return the indexes in a pyproject.toml that uv uses only for packages assigned to them.

    Uv reads the others itself.
    """
    indexes = table.get("tool", {}).get("uv", {}).get("index", ())
    return [
        IndexLine(
            "find-links" if index.get("format") == "flat" else "explicit",
            index["url"],
            file,
            name=index.get("name", ""),
        )
        for index in indexes
        if index.get("explicit") and "url" in index
    ]


def is_usual(line: IndexLine, usual: str) -> bool:
    """Return whether an index line names the default index (`usual`), under its present or an older address."""
    given, default = urlsplit(line.url.rstrip("/")), urlsplit(usual.rstrip("/"))
    if given.path != default.path or not default.hostname or given.username:
        return False
    host = given.hostname or ""
    return host == default.hostname or host.endswith(".python.org") or host == f"www.{default.hostname}"


@contextmanager
def blaming(lines: Sequence[IndexLine], root: str) -> Iterator[None]:
    """Run a block; add the line that declares an index to an error saying that the index's host is unreachable."""
    try:
        yield
    except NetworkError as error:
        said = "\n".join((error.what, *error.causes))
        # of several on one host the one whose whole address is named; of equal ones the first
        likely = max(lines, key=lambda line: _match_strength(line, said), default=None)
        if error.place is None and likely is not None and _match_strength(likely, said):
            error.place = Place(likely.file, likely.line, label="declared here", source=_source(root, likely))
        raise


def _match_strength(line: IndexLine, said: str) -> int:
    """Return how much of an index's address a message contains: 0 nothing, 1 host, 2 also port, 3 also path."""
    parts = urlsplit(line.url)
    host = parts.hostname or ""
    place = f"{host}:{parts.port}" if parts.port else host
    if not host or host not in said:
        return 0
    if place + parts.path.rstrip("/") + "/" in said + "/":
        return 3
    return 2 if re.search(re.escape(place) + r"(?!\d)", said) else 1


def _source(root: str, line: IndexLine) -> str | None:
    try:
        text = read_text(os.path.join(root, line.file))
        return masked(text.splitlines()[line.line - 1]) if line.line else None
    except (OSError, IndexError):
        return None


def _filled(url: str, environ: Mapping[str, str]) -> str:
    for name in sorted(environ, key=len, reverse=True):
        if f"${{{name}}}" in url or f"${name}" in url:
            url = url.replace(f"${{{name}}}", environ[name]).replace(f"${name}", environ[name])
    return url
