"""Parses direct references in requirement lines: editables, folders, files, git and other URLs."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

from devboot.clone_reader import is_folder
from devboot.environment.locks.pins import EDITABLE, FILE, FOLDER, GIT, URL, Direct, normalised
from devboot.errors import Place

_NAMED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)\s*(?:\[(?P<extras>[^\]]*)\])?\s*@\s*(?P<reference>\S.*)$")
_VCS = re.compile(r"^(?:(?:git|hg|svn|bzr)\+|git://).+$")
_UNENCRYPTED = re.compile(r"(?:git\+)?git://(?=[\w-]+(?:\.[\w-]*[a-z][\w-]*)+/)")  # not with a port or to a number
_COMMIT = re.compile(r"^[0-9a-f]{40}$")


def parse_direct(
    text: str, base: str, place: Place, *, is_editable: bool = False, hashes: tuple[str, ...] = ()
) -> Direct:
    """Parse a requirement that is a path or URL; relative paths count from the folder `base`.

    Forms are `./lib[extra]`, `name @ address`, `git+https://host/x.git@rev#egg=name&subdirectory=s ; marker`.
    """
    body, marker = _split_marker(text)
    named = _NAMED.match(body)
    name = normalised(named["name"]) if named else ""
    reference = named["reference"].strip() if named else body
    extras = _extras(named["extras"] or "") if named else ()
    if not named and (match := re.match(r"^(?P<path>[^\[#]+)\[(?P<extras>[^\]]*)\]$", reference)):
        reference, extras = match["path"].strip(), _extras(match["extras"])
    reference, fragment = reference.partition("#")[::2]
    facts = parse_qs(fragment)
    egg = re.match(r"^[A-Za-z0-9._-]+", facts.get("egg", [""])[0])
    found = Direct(
        _kind(reference, base, is_editable=is_editable),
        reference,
        base,
        name or (normalised(egg[0]) if egg else ""),
        extras,
        marker,
        subdirectory=facts.get("subdirectory", [""])[0],
        hashes=hashes or _fragment_hash(facts),
        file=place.file,
        line=place.line,
    )
    return _with_commit(found) if found.kind == GIT or _VCS.match(reference) else _with_path(found)


def render_direct(direct: Direct, folder: str) -> str:
    """Return a direct reference as a line of a requirements file.

    Paths are relative to `folder`: uv would read an absolute one as an address, in which `#` has another meaning. A
    git reference has its locked commit.
    """
    marker = f" ; {direct.marker}" if direct.marker else ""
    extras = f"[{','.join(direct.extras)}]" if direct.extras else ""
    hashes = "".join(f" --hash={digest}" for digest in direct.hashes)
    if direct.kind in (EDITABLE, FOLDER, FILE):
        path = os.path.join(".", os.path.relpath(absolute(direct), folder))
        return f"{'-e ' if direct.kind == EDITABLE else ''}{path}{extras}{marker}{hashes}"
    address = served_address(direct.reference)
    if direct.commit:
        address = f"{without_revision(address)}@{direct.commit}"
    facts = [f"subdirectory={direct.subdirectory}"] if direct.subdirectory else []
    if not direct.name:
        return f"{address}{'#' if facts else ''}{'&'.join(facts)}{marker}{hashes}"
    return f"{direct.name}{extras} @ {address}{'#' if facts else ''}{'&'.join(facts)}{marker}{hashes}"


def served_address(address: str) -> str:
    """Return a `git://` address as https, since git hosts no longer serve that protocol; others unchanged."""
    match = _UNENCRYPTED.match(address)
    return f"git+https://{address[match.end() :]}" if match else address


def absolute(direct: Direct) -> str:
    """Return the absolute path of an editable, a folder or a file."""
    return os.path.normpath(os.path.join(direct.base, direct.reference))


def without_revision(address: str) -> str:
    """Return a git address without the revision after the `@` in its path."""
    head, at, tail = address.rpartition("@")
    return head if at and "/" not in tail and "://" in head else address


def _with_commit(direct: Direct) -> Direct:
    revision = direct.reference.removeprefix(without_revision(direct.reference)).lstrip("@")
    if not _COMMIT.match(revision):
        return direct
    return replace(direct, commit=revision)


def _with_path(direct: Direct) -> Direct:
    if not direct.reference.startswith("file:"):
        return direct
    return replace(direct, reference=unquote(urlsplit(direct.reference).path))


def _kind(reference: str, base: str, *, is_editable: bool) -> str:
    if is_editable and not _VCS.match(reference):
        return EDITABLE
    if _VCS.match(reference):
        return GIT
    if "://" in reference and not reference.startswith("file:"):
        return URL
    path = unquote(urlsplit(reference).path) if reference.startswith("file:") else reference
    return FOLDER if is_folder(os.path.join(base, path)) else FILE


def _split_marker(text: str) -> tuple[str, str]:
    """Split a requirement at the semicolon before its marker; after a URL the semicolon needs a blank before it."""
    pattern = r"\s+;\s*" if "://" in text else r"\s*;\s*"
    body, *marker = re.split(pattern, text, maxsplit=1)
    return body.strip(), marker[0].strip() if marker else ""


def _extras(text: str) -> tuple[str, ...]:
    return tuple(sorted(part.strip() for part in text.split(",") if part.strip()))


def _fragment_hash(facts: dict[str, list[str]]) -> tuple[str, ...]:
    return (f"sha256:{facts['sha256'][0]}",) if "sha256" in facts else ()
