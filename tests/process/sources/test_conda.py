"""Packages of a conda channel that the test makes: solved for each platform, installed for another place.

These need py-rattler, 80 MB of an extra: `scripts/prove_conda.py` runs them with it.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile

import pytest

from devboot.app.preparation.locking.conda_rows import list_conda
from devboot.errors import DevbootError, IntegrityError, NetworkError, WorkError
from devboot.events import RecordingReporter
from devboot.model.artifact import PLATFORMS, Layout, Wanted
from devboot.model.edge.recipe.source_tables import CondaOrigin
from devboot.provision.host import Host
from devboot.provision.objects.realise import realise
from devboot.provision.objects.roots import TemporaryRoots
from devboot.provision.objects.store import Store
from devboot.provision.objects.tree import remove_tree
from devboot.sources.conda import SUBDIRS, CondaSource

pytest.importorskip("rattler")
PLACEHOLDER = "/opt/placeholder_" + "p" * 80
SERVER = f"#!/bin/sh\necho toy 8.2.1 from {PLACEHOLDER}/share\n".encode()


class Channel:
    """A folder with packages of a channel."""

    def __init__(self, folder):
        self.folder = folder
        self.index = {}

    def publish(self, subdir, name, version, files, depends=()):
        """Put a package there; files are path → (content, whether the placeholder stands in it)."""
        (self.folder / subdir).mkdir(parents=True, exist_ok=True)
        info = {"name": name, "version": version, "build": "h0_0", "build_number": 0, "depends": list(depends)}
        info |= {"subdir": subdir} | ({"noarch": "generic"} if subdir == "noarch" else {})
        paths = []
        for path, (content, has_prefix) in files.items():
            entry = {"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(content).hexdigest()}
            entry |= {"size_in_bytes": len(content)}
            paths.append(entry | ({"prefix_placeholder": PLACEHOLDER, "file_mode": "text"} if has_prefix else {}))
        content = {
            "info/index.json": json.dumps(info).encode(),
            "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
            **{path: data for path, (data, _) in files.items()},
        }
        file = f"{name}-{version}-h0_0.tar.bz2"
        with tarfile.open(self.folder / subdir / file, "w:bz2") as archive:
            for path, data in content.items():
                member = tarfile.TarInfo(path)
                member.size, member.mode = len(data), 0o755
                archive.addfile(member, io.BytesIO(data))
        data = (self.folder / subdir / file).read_bytes()
        digests = {"md5": hashlib.md5(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest()}
        self.index.setdefault(subdir, {})[file] = info | digests | {"size": len(data)}
        for each in {*self.index, "noarch"}:
            (self.folder / each).mkdir(exist_ok=True)
            document = {"info": {"subdir": each}, "packages": self.index.get(each, {}), "packages.conda": {}}
            (self.folder / each / "repodata.json").write_text(json.dumps(document | {"repodata_version": 1}))


@pytest.fixture
def channel(tmp_path):
    made = Channel(tmp_path / "channel")
    for platform in PLATFORMS[:3]:
        subdir = SUBDIRS[platform]
        files = {"bin/toy-server": (SERVER, True)}
        made.publish(subdir, "toy", "8.2.1", files, ["libtoy >=1"])
        made.publish(subdir, "toy", "7.0.0", files)
        made.publish(subdir, "libtoy", "1.4", {f"lib/{subdir}.txt": (b"library", False)}, ["toy-data"])
    made.publish("noarch", "toy-data", "3", {"share/data.txt": (b"data", False)})
    made.publish(SUBDIRS[PLATFORMS[3]], "toy", "7.0.0", {"bin/toy-server": (SERVER, True)})
    return made


@pytest.fixture
def origin(channel):
    return CondaOrigin(kind="conda", name="toy", channel=channel.folder.as_uri(), bin={"toy-server": "bin/toy-server"})


def artifact_of(origin, tmp_path, platform=PLATFORMS[0], condition="8.*"):
    row = list_conda(origin, condition, str(tmp_path / "cache")).row(platform)
    return row.artifact()._replace(address=origin.channel)


def test_the_closure_is_solved_for_every_platform_that_has_one(origin, tmp_path):
    release = list_conda(origin, "", str(tmp_path / "cache"))

    assert release.version == "8.2.1"
    assert list(release.rows()) == list(PLATFORMS[:3])
    assert [part.file for part in release.row(PLATFORMS[2]).files] == [
        "osx-arm64/libtoy-1.4-h0_0.tar.bz2",
        "osx-arm64/toy-8.2.1-h0_0.tar.bz2",
        "noarch/toy-data-3-h0_0.tar.bz2",
    ]
    assert release.unavailable == {
        PLATFORMS[3]: f"toy 8.2.1 has no package for osx-64 in {origin.channel}",
    }


def test_offline_the_index_is_taken_as_it_was_read(origin, channel, tmp_path):
    server = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1", "-d", str(channel.folder)]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    cache = str(tmp_path / "cache")
    with subprocess.Popen(server, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ) as child:
        try:
            port = child.stdout.readline().split("port ")[1].split()[0]
            served = origin.model_copy(update={"channel": f"http://127.0.0.1:{port}"})
            found = list_conda(served, "8.2.*", cache)
        finally:
            child.terminate()

    assert found.version == "8.2.1"
    assert found == list_conda(served, "8.2.1.*", cache, is_offline=True)
    with pytest.raises(DevbootError):
        list_conda(served, "", str(tmp_path / "other"), is_offline=True)


def test_a_version_that_nobody_has_is_named(origin, tmp_path):
    with pytest.raises(WorkError) as caught:
        list_conda(origin, ">=99", str(tmp_path / "cache"))

    assert "toy >=99" in "\n".join(caught.value.details)


def test_an_object_has_the_paths_of_its_final_place_and_nothing_of_this_machine(origin, tmp_path):
    data = str(tmp_path / "data")
    wanted = Wanted(
        "toy", "8.2.1", 1, PLATFORMS[0], artifact_of(origin, tmp_path), Layout((("toy", "bin/toy-server"),))
    )
    try:
        with TemporaryRoots(data) as roots:
            found = realise(
                Store(data),
                wanted,
                CondaSource(str(tmp_path / "cache")),
                Host(PLATFORMS[0], (2, 36)),
                command="up",
                roots=roots,
                reporter=RecordingReporter(),
                now=lambda: 0,
            )
        said = subprocess.check_output([found.program("toy")], text=True)

        assert said == f"toy 8.2.1 from {found.path}/tree/share\n"
        assert sorted(os.listdir(f"{found.path}/tree")) == ["bin", "lib", "share"]
    finally:
        remove_tree(data)


@pytest.mark.parametrize("platform", PLATFORMS[:3])
def test_packages_of_other_platforms_are_installed_too(platform, origin, tmp_path):
    artifact = artifact_of(origin, tmp_path, platform)
    CondaSource(str(tmp_path / "cache")).fetch(artifact, platform, str(tmp_path / "into"))

    assert os.path.exists(tmp_path / f"into/lib/{SUBDIRS[platform]}.txt")
    assert (tmp_path / "into/share/data.txt").read_text() == "data"


@pytest.mark.faults(10)
def test_other_bytes_than_the_locked_ones_are_refused(origin, channel, tmp_path):
    artifact = artifact_of(origin, tmp_path)
    channel.publish("linux-64", "libtoy", "1.4", {"lib/linux-64.txt": (b"evil", False)})
    with pytest.raises(IntegrityError) as caught:
        CondaSource(str(tmp_path / "cache")).fetch(artifact, PLATFORMS[0], str(tmp_path / "into"))

    assert caught.value.slug == "integrity/hash-mismatch"


@pytest.mark.faults(1)
def test_a_package_that_is_gone_is_an_error_of_the_network(origin, channel, tmp_path):
    artifact = artifact_of(origin, tmp_path)
    (channel.folder / "linux-64/libtoy-1.4-h0_0.tar.bz2").unlink()
    with pytest.raises(NetworkError):
        CondaSource(str(tmp_path / "cache")).fetch(artifact, PLATFORMS[0], str(tmp_path / "into"))


def test_over_http_the_library_itself_checks_digests(origin, channel, tmp_path):
    artifact = artifact_of(origin, tmp_path)
    files = tuple(part._replace(sha256="0" * 64) if part.name == "libtoy" else part for part in artifact.files)
    server = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1", "-d", str(channel.folder)]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(server, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ) as child:
        try:
            port = child.stdout.readline().split("port ")[1].split()[0]
            artifact = artifact._replace(address=f"http://127.0.0.1:{port}", files=files)
            with pytest.raises(IntegrityError):
                CondaSource(str(tmp_path / "cache")).fetch(artifact, PLATFORMS[0], str(tmp_path / "into"))
        finally:
            child.terminate()
