"""Finds, lists and downloads Python interpreters with uv."""

from __future__ import annotations

import json
import os

from devboot.record import Record
from devboot.uv.client import Uv
from devboot.uv.failures import failure


class Installed(Record):
    """An interpreter on this machine: its path, its full version (`3.12.4`), `cpython` or another implementation."""

    path: str
    version: str
    implementation: str

    @property
    def minor(self) -> tuple[int, int]:
        """Major and minor version, for which wheels are built."""
        major, minor, *_ = self.version.split(".")
        return int(major), int(minor)


def find_python(uv: Uv, spec: str) -> str | None:
    """Return the path of the interpreter that uv finds for a version, specifier or path; None without a match."""
    arguments = ["python", "find", "--system", "--no-project", "--no-python-downloads", spec]
    finished = uv.attempt(arguments, doing=f"look for Python {spec}")
    found = finished.stdout.strip() if finished.code == 0 else ""
    return os.path.join(uv.folder, found) if found else None  # uv shortens what lies below its folder


def list_pythons(uv: Uv) -> tuple[Installed, ...]:
    """List the interpreters on this machine that uv finds, each once, the newest first."""
    arguments = ["python", "list", "--only-installed", "--no-python-downloads", "--output-format", "json"]
    finished = uv.attempt(arguments, doing="list the installed Pythons")
    if finished.code != 0:
        return ()
    rows = (
        Installed(os.path.join(uv.folder, row["path"]), row["version"], row["implementation"])
        for row in json.loads(finished.stdout)
    )
    seen: dict[tuple[str, str], Installed] = {}
    for row in rows:
        seen.setdefault((row.version, row.implementation), row)
    return tuple(seen.values())


def list_downloadable(uv: Uv, spec: str) -> tuple[str, ...]:
    """Return the versions that uv can download, the newest first; needs no network.

    With `spec` "" only the newest of each minor version is returned.
    """
    arguments = ["python", "list", *filter(None, [spec]), "--only-downloads", "--output-format", "json"]
    finished = uv.attempt(arguments, doing="list the Pythons that can be downloaded")
    if finished.code != 0:
        return ()
    return tuple(row["version"] for row in json.loads(finished.stdout) if row["implementation"] == "cpython")


def download_python(uv: Uv, spec: str) -> str:
    """Download a managed interpreter (uv keeps it for all projects) and return its path.

    Raises:
        DevbootError: it isn't available.

    """
    doing = f"download Python {spec}"
    # With uv's default number of retries an unreachable host takes ten seconds to fail.
    patience = {} if "UV_HTTP_RETRIES" in uv.environ else {"UV_HTTP_RETRIES": "2"}
    uv.run(["python", "install", "--no-bin", spec], doing=doing, variables=patience)
    found = find_python(uv, spec)
    if found is None:
        raise failure((f"error: No interpreter found for Python {spec}",), 1, doing=doing)
    return found
