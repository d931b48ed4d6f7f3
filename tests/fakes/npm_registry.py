"""A registry of npm packages on loopback, out of tarballs that a test makes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from urllib.parse import quote

from devboot.model.artifact import Artifact
from tests.fakes.archives import honest_tar
from tests.fakes.fault_server import FaultServer, Reply


class NpmRegistry:
    """Packages of one server below `/npm`; `published` is what it says of each."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.url = server.url("/npm/")
        self.published: dict[str, dict[str, object]] = {}

    def publish(self, name, version, files, *, integrity="", top="package/"):
        """Have a package of these files (below `package/`); returns its artifact."""
        tarball = gzip.compress(honest_tar({top + path: data for path, data in files.items()}), mtime=0)
        file = f"{name.rpartition('/')[2]}-{version}.tgz"
        url = self.server.on(f"/npm/{name}/-/{file}", Reply(tarball))
        sha512 = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        versions = self.published.setdefault(name, {})
        versions[version] = {"dist": {"tarball": url, "integrity": integrity or sha512}}
        self.server.on(f"/npm/{quote(name, safe='@')}", Reply(json.dumps({"versions": versions}).encode()))
        return Artifact("npm", name, version, file, hashlib.sha256(tarball).hexdigest(), len(tarball))

    def url_of(self, artifact):
        """The path of its tarball."""
        return f"/npm/{artifact.name}/-/{artifact.file}"
