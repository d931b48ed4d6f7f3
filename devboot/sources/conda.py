"""Installs packages of conda channels with py-rattler, which comes with the extra `devboot[conda]`.

The closure is solved once, for versions.toml; here the locked files are installed. Conda writes the final path of a
package into its files, so this source is given that path beforehand.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from devboot.errors import DevbootError, IntegrityError, MachineError, NetworkError, WorkError, shell_word
from devboot.files import machine_error
from devboot.model.artifact import Artifact, Part
from devboot.record import Record

SUBDIRS = {
    "linux-x86_64": "linux-64",
    "linux-aarch64": "linux-aarch64",
    "macos-arm64": "osx-arm64",
    "macos-x86_64": "osx-64",
}
# Packages are solved for the oldest systems: the result has to run on the oldest machine of a team
_VIRTUAL = {"linux": (("__glibc", "2.28"), ("__unix", "0")), "macos": (("__osx", "13.0"), ("__unix", "0"))}
RATTLER = "'py-rattler>=0.28'"
_ANSWERED = re.compile(
    r"HTTP status \w+ error \((?P<status>[45]\d\d)[^)]*\)(?: for url \([a-z+]+://(?P<host>[^/\s)]+))?", re.IGNORECASE
)
_CONNECT = "check the connection or VPN, then run the same command again"
_LATER = "run the same command again later"
_ONLINE = "run the same command once with the network: without `--offline`, DEVBOOT_OFFLINE and UV_OFFLINE"
_OWN_FILES = ("conda-meta", "CACHEDIR.TAG")


class CondaSource:
    """Source of conda packages from the channel in an artifact's `address`; `cache` is devboot's cache directory."""

    kind = "conda"

    def __init__(self, cache: str, *, is_offline: bool = False) -> None:
        self._cache = os.path.join(cache, "conda")
        self._is_offline = is_offline

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:
        """Install a conda package into a folder that isn't moved afterwards; see `Source.fetch` and `fetch_for`."""
        self.fetch_for(artifact, platform, into, into)

    def fetch_for(self, artifact: Artifact, platform: str, into: str, final: str) -> None:
        """Install a conda package with its dependencies into `into`, with paths as they will be in `final`.

        See `Placing`. Raises MachineError, NetworkError, IntegrityError, and WorkError `conda/failed`.
        """
        import asyncio  # costs as much as all other imports of a command

        rattler = load_rattler()
        channel = rattler.Channel(artifact.address).base_url
        for part in artifact.files:
            _check_local(channel, part)
        records = [_record(rattler, part, channel) for part in artifact.files]
        try:
            asyncio.run(self._install(rattler, records, platform, into, final))
        except OSError as error:
            raise machine_error(error, into) from error
        except Exception as error:
            raise _failure(f"{artifact.name} {artifact.version}", str(error), is_offline=self._is_offline) from error
        for name in _OWN_FILES:  # they contain the path of this machine's cache
            path = os.path.join(into, name)
            shutil.rmtree(path) if os.path.isdir(path) else Path(path).unlink(missing_ok=True)

    async def _install(self, rattler: Any, records: Sequence[Any], platform: str, into: str, final: str) -> None:
        await rattler.install(
            list(records),
            target_prefix=into,
            alternative_target_prefix=final,
            cache_dir=self._cache,
            platform=rattler.Subdir(SUBDIRS[platform]),
            execute_link_scripts=False,
            show_progress=False,
        )


class Solved(Record):
    """A conda package's version, and the files of the package and its dependencies, on one platform."""

    version: str
    files: tuple[Part, ...]


def solve(channel: str, requirement: str, platform: str, cache: str, *, is_offline: bool = False) -> Solved:
    """Return the newest package that satisfies a conda requirement (`redis-server 8.*`), with its dependencies.

    With `is_offline` the cached index is used. Raises MachineError `conda/not-installed`, NetworkError, WorkError
    `conda/failed`.
    """
    import asyncio

    rattler = load_rattler()
    try:
        index = _index(rattler, os.path.join(cache, "conda-index"), is_offline=is_offline)
        records = asyncio.run(_solve(rattler, channel, requirement, platform, index))
    except Exception as error:
        raise _failure(requirement, str(error), is_offline=is_offline) from error
    name = requirement.split(maxsplit=1)[0]
    own = next(record for record in records if record.name.normalized == name)
    return Solved(str(own.version), tuple(sorted(map(_part, records))))


def _index(rattler: Any, folder: str, *, is_offline: bool) -> Any:
    if not is_offline:
        return rattler.Gateway(cache_dir=Path(folder))
    kept = rattler.SourceConfig(cache_action="force-cache-only")
    return rattler.Gateway(cache_dir=Path(folder), default_config=kept)


async def _solve(rattler: Any, channel: str, requirement: str, platform: str, index: Any) -> list[Any]:
    virtual = [
        rattler.GenericVirtualPackage(rattler.PackageName(name), rattler.Version(version), rattler.BuildString("0"))
        for name, version in _VIRTUAL[platform.partition("-")[0]]
    ]
    found: list[Any] = await rattler.solve(
        sources=[rattler.Channel(channel)],
        specs=[requirement],
        gateway=index,
        platforms=[SUBDIRS[platform], "noarch"],
        virtual_packages=virtual,
    )
    return found


def has_rattler() -> bool:
    """Return True if py-rattler is installed."""
    return importlib.util.find_spec("rattler") is not None


def load_rattler() -> Any:
    """Import and return py-rattler. Raises MachineError `conda/not-installed`."""
    try:
        return importlib.import_module("rattler")
    except ImportError as error:
        raise not_installed("packages of conda channels need py-rattler, which isn't installed") from error


def not_installed(what: str, *helps: str, causes: Sequence[str] = ()) -> MachineError:
    """Return the error for a missing py-rattler; `helps` are alternatives to installing it."""
    return MachineError(
        "conda/not-installed",
        what,
        causes=[*causes, "it comes with the extra `conda` of devboot, since it is 80 MB large"],
        help=[f"{_uv()} pip install --python {shell_word(sys.executable)} {RATTLER}", *_extra(), *helps],
    )


def _uv() -> str:
    """Return the shell word for the uv that devboot depends on, which need not be on PATH."""
    beside = os.path.join(os.path.dirname(sys.executable), "uv")
    return shell_word(beside) if os.path.isfile(beside) else "uv"


def _extra() -> list[str]:
    """Return the command that installs the `conda` extra for this installation; empty for a bare checkout."""
    try:
        origin = json.loads(importlib.metadata.distribution("devboot").read_text("direct_url.json") or "{}")
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return []
    url = urlsplit(str(origin.get("url", "")))
    where = unquote(url.path) if url.scheme == "file" else "devboot"
    return [f"uv tool install --force {shell_word(f'{where}[conda]')}"]


def _part(record: Any) -> Part:
    return Part(
        record.name.normalized,
        f"{record.version}-{record.build}",
        f"{record.subdir}/{record.file_name}",
        record.sha256.hex(),
        record.size or 0,
    )


def _record(rattler: Any, part: Part, channel: str) -> Any:
    subdir, _, file = part.file.partition("/")
    version, _, build = part.version.rpartition("-")
    number = build.rpartition("_")[2]
    package = rattler.PackageRecord(
        part.name,
        version,
        rattler.BuildString(build),
        int(number) if number.isdigit() else 0,
        subdir,
        noarch="generic" if subdir == "noarch" else None,
        sha256=bytes.fromhex(part.sha256),
        size=part.size,
    )
    return rattler.RepoDataRecord(package, file, f"{channel.rstrip('/')}/{part.file}", channel)


def _check_local(channel: str, part: Part) -> None:
    """Verify the digest of a file in a local channel, since py-rattler verifies only downloads."""
    address = urlsplit(channel)
    if address.scheme != "file":
        return
    path = os.path.join(unquote(address.path), part.file)
    try:
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise NetworkError(
            "network/unreachable",
            f"`{part.file}` is not in the conda channel `{address.path}`",
            causes=[f"there is no file `{path}`"],
            help=[f"ls {shell_word(unquote(address.path))}"],
        ) from error
    if digest != part.sha256:
        raise _other_bytes(part.file, f"expected sha256:{part.sha256}, found sha256:{digest}")


def _failure(name: str, said: str, *, is_offline: bool) -> DevbootError:
    """Return the error of devboot for a message of py-rattler; `name` is a package with version or condition."""
    if "hash mismatch" in said:
        return _other_bytes(name, said)
    if "candidates were found" in said or "SolverError" in said:
        return WorkError(
            "conda/failed",
            f"the conda channel has no version of {name} that fits this machine",
            details=said.splitlines()[:12],
            help=["devboot explain conda/failed"],
        )
    if not is_offline and (answer := _ANSWERED.search(said)):
        status, host = answer["status"], (answer["host"] or "").rpartition("@")[2]
        what = f"{host or 'the conda channel'} answered {status} to the request for {name}"
        advice = _LATER if status.startswith("5") else "devboot lock --update NAME   # NAME as in devboot.toml"
        return NetworkError(f"network/http-{status}", what, causes=said.splitlines()[:4], help=[advice])
    if any(word in said for word in ("failed to fetch", "HTTP status", "error sending request", "dns error")):
        causes = ["the network is switched off"] if is_offline else []
        what = f"could not fetch {name} from its conda channel"
        return NetworkError(
            "network/unreachable", what, causes=[*causes, said], help=[_ONLINE if is_offline else _CONNECT]
        )
    helps = ["devboot explain conda/failed"]
    return WorkError("conda/failed", f"could not install {name}", causes=said.splitlines()[:4], help=helps)


def _other_bytes(what: str, cause: str) -> IntegrityError:
    return IntegrityError(
        "integrity/hash-mismatch",
        f"`{what}` is not the file that was locked",
        causes=[cause[:200]],
        help=[
            "run the same command again: a damaged download is fetched anew",
            "if the channel has replaced it on purpose: devboot lock --update NAME   # NAME as in devboot.toml",
        ],
        kept=["nothing of it is used"],
    )
