"""Lists the files of a release by uv, from the configured indexes: names, digests, sizes, dates, no URLs."""

from __future__ import annotations

import tomllib
from typing import Any
from urllib.parse import unquote

from devboot.errors import DevbootError
from devboot.record import Record
from devboot.uv.client import Uv

_COMPILE = ("pip", "compile", "--quiet", "--format", "pylock.toml", "--universal", "--no-deps", "--no-python-downloads")
_OUTPUT = ("--no-header", "--no-annotate")
NO_VERSION = "python/resolution"  # the slug if nothing satisfies the requirement


class ListedFile(Record):
    """One file of a release: `sha256` in hexadecimal digits, `size` in bytes, `uploaded` a date or ""."""

    name: str
    sha256: str
    size: int
    uploaded: str = ""


class Listing(Record):
    """A release of a package with its wheels."""

    name: str
    version: str
    wheels: tuple[ListedFile, ...]


def list_release(
    uv: Uv,
    requirement: str,
    *,
    python: str,
    python_version: str,
    exclude_newer: str = "",
    is_oldest: bool = False,
) -> Listing:
    """Return the newest release that satisfies `requirement`, with its wheels for Python `python_version` and later.

    `python` is the path of any interpreter. `exclude_newer` is a date or a span such as `7 days`. With `is_oldest` it
    is the oldest release that has wheels. Raises DevbootError: `python/resolution` if nothing satisfies it,
    `network/…`.
    """
    arguments = [
        *_COMPILE,
        *_OUTPUT,
        "--prerelease",
        "explicit",
        "--python",
        python,
        "--python-version",
        python_version,
    ]
    if exclude_newer:
        arguments += ["--exclude-newer", exclude_newer]
    if is_oldest:
        arguments += ["--resolution", "lowest", "--only-binary", ":all:"]
    said = uv.run([*arguments, "-"], doing=f"list the files of {requirement}", stdin=requirement + "\n").stdout
    return parse_listing(said)


def list_files(
    uv: Uv, requirement: str, *, python: str, python_versions: tuple[str, ...], exclude_newer: str = ""
) -> Listing:
    """Return the release like `list_release`, with the wheels for any of these versions of Python, in their order.

    For a program in a wheel it doesn't matter which Python the wheel was made for.
    """
    found: Listing | None = None
    failure: DevbootError | None = None
    for version in python_versions:
        wanted = requirement if found is None else f"{found.name}=={found.version}"
        try:
            one = list_release(
                uv, wanted, python=python, python_version=version, exclude_newer="" if found else exclude_newer
            )
        except DevbootError as error:
            if error.slug != NO_VERSION:
                raise
            failure = failure or error
            continue
        found = one if found is None else found._replace(wheels=tuple(dict.fromkeys(found.wheels + one.wheels)))
    if found is None:
        assert failure is not None
        raise failure
    return found


def parse_listing(text: str) -> Listing:
    """Return the release described by a pylock.toml with only one package."""
    (package,) = tomllib.loads(text)["packages"]
    wheels = tuple(listed_file(wheel) for wheel in package.get("wheels", ()))
    return Listing(package["name"], package["version"], wheels)


def listed_file(wheel: dict[str, Any]) -> ListedFile:
    """Convert a `wheels` table of a pylock.toml to a listed file."""
    address = str(wheel.get("url") or wheel.get("path") or "")
    name = wheel.get("name") or unquote(address.partition("#")[0].rpartition("/")[2])
    uploaded = wheel.get("upload-time")
    date = uploaded.strftime("%Y-%m-%dT%H:%M:%SZ") if uploaded else ""
    return ListedFile(str(name), wheel.get("hashes", {}).get("sha256", ""), int(wheel.get("size", 0)), date)
