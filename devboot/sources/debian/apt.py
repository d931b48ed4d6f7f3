"""Runs apt without root, with its own state: sources, keys and proxies of the machine, but no installed packages."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence

from devboot.errors import DevbootError, IntegrityError, MachineError, NetworkError, WorkError
from devboot.files import atomic_write, machine_error
from devboot.locks import TRANSFER, FileLock
from devboot.sources.debian.records import DebRecord, parse_records
from devboot.uv.child import Finished, Lease, TimedOut, run_child

ARCHITECTURES = {"linux-x86_64": "amd64", "linux-aarch64": "arm64"}
_CONFIGURATION = """\
Dir::State "{place}/state"; Dir::State::status "{place}/state/status";
Dir::Cache "{place}/cache"; Dir::Log "{place}/log";
Dir::Cache::pkgcache "pkgcache.bin"; Dir::Cache::srcpkgcache "srcpkgcache.bin";
APT::Architecture "{architecture}"; APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User ""; APT::Install-Recommends "false"; Debug::NoLocking "true"; Acquire::Retries "2";
#clear APT::Update::Post-Invoke; #clear APT::Update::Post-Invoke-Success; #clear DPkg::Post-Invoke;
"""
# For another release of Debian: the machine's mirrors with another release name
_ELSEWHERE = """\
Dir::Etc::sourcelist "{place}/sources.list"; Dir::Etc::sourceparts "-"; Dir::Etc::preferencesparts "-";
"""
_TARGETS = "$(CREATED_BY)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)|$(ORIGIN)|$(SIGNED_BY)"
_CONNECT = "check the connection or VPN, then run the same command again"
_LATER = "run the same command again later"
_FRESH = 3600.0  # seconds until package lists are refreshed
_LOCK_SECONDS = 1800.0
_VANISHED = re.compile(r"^E: (?:Version '.*' for '.*' was not found|Unable to locate package)", re.MULTILINE)
_ANSWERED = re.compile(r"Failed to fetch [a-z+]+://(?P<host>[^/\s]+)\S*\s+(?P<status>[45]\d\d)\b")
_NETWORK = re.compile(r"Could not (?:resolve|connect)|Unable to connect|Temporary failure|Failed to fetch|Timeout")


class Vanished(Exception):  # noqa: N818
    """Raised if the distribution's archive no longer has this version of a package."""


class Apt:
    """apt for one architecture, with its state in `<cache>/apt/`. Safe to use from several threads and processes.

    `extra` are further lines of configuration; `now` returns wall-clock seconds. With a `release` such as `bookworm` it
    provides the packages of that Debian release, from the machine's mirrors.
    """

    def __init__(
        self,
        cache: str,
        architecture: str,
        environ: Mapping[str, str],
        *,
        now: Callable[[], float],
        is_offline: bool = False,
        lease: Lease | None = None,
        extra: str = "",
        release: str = "",
    ) -> None:
        self._own: Apt | None = None
        self._place = os.path.join(cache, "apt", f"{architecture}-{release}" if release else architecture)
        if release:
            self._own = Apt(cache, architecture, environ, now=now, is_offline=is_offline, lease=lease, extra=extra)
            extra += _ELSEWHERE.format(place=self._place)
        self._release = release
        self._configuration = _CONFIGURATION.format(place=self._place, architecture=architecture) + extra
        self._environ = {**environ, "APT_CONFIG": os.path.join(self._place, "conf"), "LC_ALL": "C.UTF-8"}
        self._now = now
        self._is_offline = is_offline
        self._lease = lease

    def show(self, names: Sequence[str]) -> dict[str, DebRecord]:
        """Return the records of existing packages among `names`. Raises DevbootError if apt can't be used at all."""
        self._ensure_sources()
        with self._locked():
            self._ensure_lists(_FRESH)
            return parse_records(self._run("apt-cache", "show", "--no-all-versions", *names).stdout)

    def download(self, wanted: Sequence[tuple[str, str]], into: str) -> None:
        """Download packages, given as (name, version), into a folder.

        Raises Vanished, NetworkError, MachineError, IntegrityError `integrity/hash-mismatch`, WorkError
        `deb/apt-failed`.
        """
        words = [f"{name}={version}" for name, version in wanted]
        self._ensure_sources()
        with self._locked():
            self._ensure_lists(float("inf"))
            done = self._run("apt-get", "download", *words, folder=into)
            if done.code and _VANISHED.search("\n".join(done.lines)) and not self._is_offline:
                self.update()  # the lists may be older than the lock
                done = self._run("apt-get", "download", *words, folder=into)
        if done.code:
            raise _failure(done)

    def repositories(self) -> list[tuple[str, str, str]]:
        """Return (address, release such as `trixie-security`, options) of the distribution's own repositories."""
        with self._locked():
            self._ensure_lists(_FRESH)
            lines = self._run("apt-get", "indextargets", "--format", _TARGETS).stdout.splitlines()
        found = []
        for kind, address, release, component, origin, keys in (
            line.split("|", 5) for line in lines if line.count("|") >= 5
        ):
            if (kind, component, origin) == ("Packages", "main", "Debian") and not address.startswith("file:"):
                found.append((address, release, f"[signed-by={keys}] " if keys.startswith("/") else ""))
        return found

    def _ensure_sources(self) -> None:
        """Write the sources list for another Debian release, at the first use."""
        path = os.path.join(self._place, "sources.list")
        if self._own is None or (self._is_offline and os.path.exists(path)):
            return
        known = self._own.repositories()
        main = next((release for _, release, _ in known if "-" not in release), "")
        lines = [
            f"deb {options}{address} {release.replace(main, self._release, 1)} main"
            for address, release, options in known
            if main and release in (main, f"{main}-security")
        ]
        with self._locked():
            atomic_write(path, "".join(f"{line}\n" for line in lines))

    def _ensure_lists(self, age: float) -> None:
        try:
            made = os.stat(os.path.join(self._place, "updated")).st_mtime
        except OSError:
            made = None
        if made is not None and (self._is_offline or self._now() - made < age):
            return
        if self._is_offline:
            raise NetworkError(
                "network/offline",
                "lists of Debian packages are not on this machine, and the network is switched off",
                causes=["because of `--offline`, DEVBOOT_OFFLINE or UV_OFFLINE"],
                help=["devboot lock   # once with the network"],
            )
        self.update(has_old=made is not None)

    def update(self, *, has_old: bool = True) -> None:
        """Download the lists of packages. Raises NetworkError if that fails and there are no old lists (`has_old`)."""
        done = self._run("apt-get", "update", "-qq")
        failed = done.code != 0 or any(line.startswith("W: Some index files failed") for line in done.lines)
        if failed and not has_old:
            raise _failure(done)
        if not failed:
            atomic_write(os.path.join(self._place, "updated"), "")

    def _locked(self) -> _Locked:
        return _Locked(self._place, self._configuration)

    def _run(self, program: str, *words: str, folder: str = "") -> Finished:
        try:
            # `-c` comes last: it overrides hooks in the machine's own configuration, which need root
            return run_child(
                [program, "-c", self._environ["APT_CONFIG"], *words],
                environ=self._environ,
                folder=folder or self._place,
                timeout=1200.0,
                lease=self._lease,
            )
        except OSError as error:
            raise MachineError(
                "machine/no-apt",
                "packages of this distribution can't be fetched: apt can't be started",
                causes=[str(error)],
                help=["devboot explain machine/no-apt"],
            ) from error
        except TimedOut as error:
            raise NetworkError(
                "network/stalled",
                "apt took more than 20 minutes to fetch packages",
                details=list(error.lines[-5:]),
                help=[_CONNECT],
            ) from error


class _Locked:
    """A lock around apt's folders, which are created if missing; apt's own locks need root."""

    def __init__(self, place: str, configuration: str) -> None:
        self._place = place
        self._configuration = configuration
        self._lock = FileLock(os.path.join(place, "lock"), "apt", TRANSFER)

    def __enter__(self) -> None:
        try:
            for folder in ("state/lists/partial", "cache/archives/partial", "log"):
                os.makedirs(os.path.join(self._place, folder), exist_ok=True)
        except OSError as error:
            raise machine_error(error, self._place) from error
        self._lock.acquire(timeout=_LOCK_SECONDS)
        atomic_write(os.path.join(self._place, "conf"), self._configuration)
        atomic_write(os.path.join(self._place, "state", "status"), "")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _failure(done: Finished) -> DevbootError | Vanished:
    said = "\n".join(done.lines)
    causes = [line.partition(": ")[2] for line in done.lines if line.startswith(("E: ", "W: "))][:4]
    if _VANISHED.search(said):
        return Vanished(causes[0])
    if "Hash Sum mismatch" in said:
        return IntegrityError(
            "integrity/hash-mismatch",
            "a downloaded Debian package has another digest than apt's lists say",
            causes=causes,
            help=["run the same command again later: the mirror may be in the middle of an update"],
            kept=["nothing of it is used"],
        )
    if "No space left" in said:
        return MachineError(
            "machine/disk-full",
            "the disk that holds apt's downloads is full",
            causes=causes,
            help=["devboot gc", "export DEVBOOT_HOME=/a/path/on/another/filesystem"],
        )
    if answer := _ANSWERED.search(said):
        host, status = answer["host"].rpartition("@")[2], answer["status"]
        return NetworkError(
            f"network/http-{status}",
            f"{host} answered {status} to the request for packages of this distribution",
            causes=causes,
            help=[
                _LATER if status.startswith("5") else "ls /etc/apt/sources.list /etc/apt/sources.list.d   # its address"
            ],
        )
    if _NETWORK.search(said):
        return NetworkError(
            "network/unreachable",
            "the packages of this distribution can't be reached",
            causes=causes,
            help=[_CONNECT],
        )
    return WorkError(
        "deb/apt-failed",
        "apt can't fetch the packages",
        causes=causes or [f"exit code {done.code}"],
        help=["devboot explain deb/apt-failed"],
    )
