"""Finds the URLs of the API in a front end: in variables, code and proxy settings."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.tree import Tree

_CONFIGURATION = re.compile(
    r"(?:vite|next|vue|nuxt|astro|svelte|craco|rsbuild|webpack[\w.]*)\.config\.[cm]?[jt]s$|proxy[\w.]*\.(?:[cm]?[jt]s|json)$"
    r"|setupProxy\.[cm]?[jt]s$|\.proxyrc[\w.]*$|^package\.json$",
    re.IGNORECASE,
)
_SOURCE = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte)$")
_SPEAKS_OF_API = re.compile(r"api|axios|http|config|client|const|env|service|request|fetch|url|backend", re.IGNORECASE)
_ASIDE = re.compile(r"\.(?:test|spec|stories|d)\.|__tests__|\.min\.|(?:^|/)public/|(?:^|/)components/ui/")
_MOST = 60  # files
_PREFIX = r"(?:VITE|NEXT_PUBLIC|REACT_APP|VUE_APP|NUXT(?:_PUBLIC)?|PUBLIC|GATSBY|EXPO_PUBLIC|NG_APP)_"
_ADDRESS = r"(?P<scheme>https?|wss?)://(?P<host>localhost|127\.0\.0\.1|0\.0\.0\.0|[a-z][a-z0-9_-]*):(?P<port>\d{2,5})(?P<path>[^'\"`\s,;)}>${]*)"
_LITERAL = re.compile(rf"['\"`]{_ADDRESS}['\"`$]")
_READ = re.compile(
    r"(?:import\.meta\.env|process\.env)(?:\.|\[['\"])(?P<name>[A-Z][A-Z0-9_]*)(?:['\"]\])?"
    rf"(?:\s*(?:\|\||\?\?|:)\s*(?P<default>['\"`](?:{_ADDRESS})?[^'\"`]*['\"`]))?"
)
_IS_ADDRESS = re.compile(
    r"(?:API|BACKEND|SERVER|BASE)\w*(?:URL|URI|HOST|ORIGIN|ENDPOINT|BASE|ROOT|TARGET)|_(?:API|BACKEND)$"
)
_LINE = re.compile(rf"^[ \t]*(?:export\s+)?(?P<name>[A-Z][A-Z0-9_]*)\s*=\s*['\"]?{_ADDRESS}['\"]?\s*$", re.MULTILINE)
LOCAL = ("localhost", "127.0.0.1", "0.0.0.0")  # noqa: S104  as found in sources


class Call(NamedTuple):
    """One URL of an API in a front end: the value of a variable, or (with `variable` "") fixed in the code."""

    variable: str
    scheme: str
    host: str
    port: int  # 0 if unknown
    path: str
    evidence: Evidence
    is_proxy: bool = False


def calls_of(tree: Tree, folder: str) -> list[Call]:
    """Return the URLs of an API in the sources of the front end in `folder`, those of proxies first."""
    found: list[Call] = []
    for path in _files(tree, folder):
        text = tree.text(path) or ""
        is_proxy = _CONFIGURATION.search(posixpath.basename(path)) is not None
        taken = set[int]()
        for match in _READ.finditer(text):
            taken.update(range(*match.span()))
            call = _read(match, path, text, is_proxy=is_proxy)
            if call is not None:
                found.append(call)
        literal = (match for match in _LITERAL.finditer(text) if match.start() not in taken)
        found += [_call("", m, path, text, is_proxy=is_proxy) for m in literal if not _is_comment(text, m.start())]
    return sorted([*found, *_in_templates(tree, folder, found)], key=lambda each: not each.is_proxy)


def _files(tree: Tree, folder: str) -> Iterator[str]:
    """Yield a front end's configuration files, then its sources, those with names related to an API first."""
    prefix = "" if folder == "." else f"{folder}/"
    inside = [path for path in tree.files() if path.startswith(prefix)]
    inner = {path: path[len(prefix) :] for path in inside}
    yield from (p for p in inside if inner[p].count("/") <= 1 and _CONFIGURATION.search(posixpath.basename(p)))
    sources = [
        path
        for path in inside
        if _SOURCE.search(path)
        and not _CONFIGURATION.search(posixpath.basename(path))
        and (folder != "." or inner[path].startswith(("src/", "app/", "lib/", "pages/", "components/", "utils/")))
        and not _ASIDE.search(path)
    ]
    yield from sorted(sources, key=lambda path: (not _SPEAKS_OF_API.search(inner[path]), inner[path].count("/")))[
        :_MOST
    ]


def _read(match: re.Match[str], path: str, text: str, *, is_proxy: bool) -> Call | None:
    name = match["name"]
    if match["port"]:
        return _call(name, match, path, text, is_proxy=is_proxy)
    is_public = re.match(_PREFIX, name) is not None
    if match["default"] is not None or not (is_public and _IS_ADDRESS.search(name)):
        return None  # it has a default, or isn't a url
    return Call(name, "http", "localhost", 0, "", _place(path, text, match.start()), is_proxy=is_proxy)


def _in_templates(tree: Tree, folder: str, found: list[Call]) -> Iterator[Call]:
    """Yield the URLs in env templates for variables that the sources read without a default."""
    unsaid = {call.variable for call in found if call.variable and not call.port}
    for name in sorted(tree.in_folder(folder)):
        if not re.match(r"\.?env\b|.*\.env\b", name):
            continue
        path = posixpath.normpath(posixpath.join(folder, name))
        text = tree.text(path) or ""
        for match in _LINE.finditer(text):
            if match["name"] in unsaid:
                yield _call(match["name"], match, path, text, is_proxy=False)


def _call(variable: str, match: re.Match[str], path: str, text: str, *, is_proxy: bool) -> Call:
    place = _place(path, text, match.start())
    return Call(variable, match["scheme"], match["host"], int(match["port"]), match["path"], place, is_proxy)


def _place(path: str, text: str, start: int) -> Evidence:
    return Evidence(path, text.count("\n", 0, start) + 1)


def _is_comment(text: str, start: int) -> bool:
    line = text[text.rfind("\n", 0, start) + 1 : start].lstrip()
    return line.startswith(("//", "*", "/*", "#"))


def variables_of(calls: list[Call]) -> Mapping[str, Call]:
    """Return the URL of each variable; one with a port is preferred to one without."""
    ordered = sorted((call for call in calls if call.variable), key=lambda call: not call.port)
    return {call.variable: call for call in reversed(ordered)}
