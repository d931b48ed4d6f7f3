"""What every source has to do: each with real files and nothing but loopback, and the in-memory one."""

import gzip
import hashlib
import os
import sys
from pathlib import Path

import pytest

from devboot.errors import IntegrityError, NetworkError
from devboot.events import RecordingReporter
from devboot.model.artifact import PLATFORMS, Artifact, Building, Layout, Wanted, platform_of
from devboot.provision.host import Host
from devboot.provision.objects.realise import realise
from devboot.provision.objects.roots import TemporaryRoots
from devboot.provision.objects.store import Store
from devboot.provision.objects.tree import remove_tree
from devboot.sources.archive import ArchiveSource
from devboot.sources.build import BuildSource
from devboot.sources.npm import NpmSource, Registry
from devboot.sources.transfers.network import Network
from devboot.sources.wheel import WheelSource
from devboot.uv.client import make_uv
from tests.fakes.archives import honest_tar
from tests.fakes.fault_server import FaultServer, Reply
from tests.fakes.npm_registry import NpmRegistry
from tests.fakes.sources import MemorySource, digest_of
from tests.fakes.wheels import write_wheel
from tests.process.sources.conftest import Client

HOST = Host(platform_of(sys.platform, os.uname().machine), (2, 36))
FILES = {"toy/bin/toy-server": "#!/bin/sh\necho toy 1.0.0\n", "toy/data.txt": "data\n"}


class Offering:
    """A source, the artifact that it has, how to take that away, and how to end what serves it."""

    def __init__(self, source, artifact, withdraw, close=lambda: None):
        self.source, self.artifact, self.withdraw, self.close = source, artifact, withdraw, close


def wheel(folder):
    write_wheel(str(folder / "wheels"), "toy", "1.0.0", files=FILES)
    (path,) = (folder / "wheels").iterdir()
    environ = {
        **os.environ,
        "UV_FIND_LINKS": str(path.parent),
        "UV_NO_INDEX": "1",
        "UV_CACHE_DIR": str(folder / "cache"),
    }
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    artifact = Artifact("wheel", "toy", "1.0.0", path.name, digest, path.stat().st_size)
    return Offering(WheelSource(make_uv(environ, str(folder), offline=True), sys.executable), artifact, path.unlink)


def memory(folder):
    tree = {name: text.encode() for name, text in FILES.items()}
    artifact = Artifact("memory", "toy", "1.0.0", "toy.whl", digest_of(tree), 1)
    source = MemorySource({"toy.whl": tree})

    def withdraw():
        source.is_reachable = False

    return Offering(source, artifact, withdraw)


def npm(folder):
    server = FaultServer()
    registry = NpmRegistry(server)
    tree = {name: text.encode() for name, text in FILES.items()}
    artifact = registry.publish("toy", "1.0.0", tree, top="")
    client = Client(folder, {})
    environ = {"npm_config_registry": registry.url, "npm_config_globalconfig": "/none"}
    source = NpmSource(Registry(client.downloads, Network(), environ, "/"), client.downloads, lambda _: "toy")
    return Offering(source, artifact, lambda: server.on("/npm/toy", Reply(status=404)), server.close)


def upstream(folder, kind, files, building=None):
    """An archive at an address that the recipe says, and how to get files of it."""
    server = FaultServer()
    data = gzip.compress(honest_tar({name: text.encode() for name, text in files.items()}), mtime=0)
    url = server.on("/toy-1.0.0.tar.gz", Reply(data))
    digest = hashlib.sha256(data).hexdigest()
    artifact = Artifact(
        kind, "upstream", "1.0.0", "toy-1.0.0.tar.gz", digest, len(data), address=url, building=building
    )
    archives = ArchiveSource(Client(folder, {}).downloads, {}, lambda _: "toy")
    return server, archives, artifact


def archive(folder):
    server, source, artifact = upstream(folder, "archive", FILES)
    return Offering(source, artifact, lambda: server.on("/toy-1.0.0.tar.gz", Reply(status=404)), server.close)


def build(folder):
    makefile = "".join(f"mkdir -p {os.path.dirname(name)} && cp in/{name} {name}\n" for name in FILES)
    files = {f"toy-1.0.0/in/{name}": text for name, text in FILES.items()} | {"toy-1.0.0/make.sh": makefile}
    building = Building((("sh", "-e", "make.sh"),), ("sh",), ("toy/*",))
    server, archives, artifact = upstream(folder, "build", files, building)
    source = BuildSource(archives, os.environ, RecordingReporter(), lambda _: "toy")
    return Offering(source, artifact, lambda: server.on("/toy-1.0.0.tar.gz", Reply(status=404)), server.close)


@pytest.fixture(params=[wheel, memory, npm, archive, build])
def offering(request, tmp_path):
    found = request.param(tmp_path)
    yield found
    found.close()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_it_unpacks_the_artifact_for_every_platform(platform, offering, tmp_path):
    (tmp_path / "into").mkdir()
    offering.source.fetch(offering.artifact, platform, str(tmp_path / "into"))

    assert {name: (tmp_path / "into" / name).read_text() for name in FILES} == FILES


@pytest.mark.faults(10)
def test_other_bytes_than_the_locked_ones_are_refused(offering, tmp_path):
    (tmp_path / "into").mkdir()
    with pytest.raises(IntegrityError):
        offering.source.fetch(offering.artifact._replace(sha256="0" * 64), PLATFORMS[0], str(tmp_path / "into"))


@pytest.mark.faults(1)
def test_what_cannot_be_had_is_an_error_of_the_network(offering, tmp_path):
    (tmp_path / "into").mkdir()
    offering.withdraw()
    with pytest.raises(NetworkError):
        offering.source.fetch(offering.artifact, PLATFORMS[0], str(tmp_path / "into"))


def test_two_objects_of_one_artifact_are_equal_byte_for_byte(offering, tmp_path):
    layout = Layout((("toy-server", "toy/bin/toy-server"),))
    wanted = Wanted("toy", "1.0.0", 1, HOST.platform, offering.artifact, layout)
    listings = []
    for name in ("one", "two"):
        data = str(tmp_path / name)
        with TemporaryRoots(data) as roots:
            found = realise(
                Store(data),
                wanted,
                offering.source,
                HOST,
                command="up",
                roots=roots,
                reporter=RecordingReporter(),
                now=lambda: 0,
            )
        listings.append(Path(found.path, "object.json").read_text())
        remove_tree(data)

    assert listings[0] == listings[1]
