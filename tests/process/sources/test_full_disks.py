"""Disks that are full half way: real ones, in a namespace of their own."""

import gzip
import os
import random
import subprocess
import sys

import pytest

from tests.fakes.archives import honest_tar
from tests.fakes.fault_server import whole_file
from tests.process.sources.test_downloads import BODY, FETCH, SHA256
from tests.process.test_store_filesystems import can_mount

pytestmark = pytest.mark.skipif(not can_mount(), reason="no user namespaces here")

UNPACK = """if True:
    import os, sys
    from devboot.errors import DevbootError
    from devboot.provision.objects.roots import TemporaryRoots
    from devboot.provision.objects.store import Store
    from devboot.unpack import unpack
    data, archive = sys.argv[1:]
    try:
        with TemporaryRoots(data) as roots:
            Store(data).realise("x-x-1", lambda into: unpack(archive, into), command="up", roots=roots)
        print("whole")
    except DevbootError as error:
        print(error.slug, error.exit_code, sorted(os.listdir(data + "/store")))
"""


def inside(tmp_path, size, *steps, **variables):
    """The lines that shell steps print, with a disk of `size` at `$disk`."""
    disk = tmp_path / "disk"
    disk.mkdir()
    environ = {**os.environ, "PYTHONPATH": os.getcwd(), "python": sys.executable, "disk": str(disk), **variables}
    script = "\n".join(["set -e", f'mount -t tmpfs -o size={size} none "$disk"', *steps])
    command = ["unshare", "-rm", "sh", "-c", script]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.faults(12)
def test_a_transfer_that_fills_the_disk_goes_on_once_there_is_room(tmp_path, server):
    url = server.on("/toy.tgz", whole_file(BODY))
    fetch = f'"$python" -c "$FETCH" "$disk" {url} {SHA256} {len(BODY)}'
    lines = inside(
        tmp_path,
        "600k",
        f"{fetch} 2>&1 | grep -o 'machine/disk-full' | head -n 1",
        f'[ "$(stat -c %s "$disk/downloads/{SHA256}.part")" -gt 100000 ] && echo kept',
        'mount -o remount,size=9m "$disk"',
        fetch,
        f'sha256sum "$disk/downloads/{SHA256}" | cut -c 1-64',
        FETCH=FETCH,
    )

    assert lines == ["machine/disk-full", "kept", SHA256]
    assert int(server.requests[1].headers["range"].strip("bytes=-")) > 100_000


@pytest.mark.faults(13)
def test_an_archive_that_fills_the_disk_leaves_nothing_and_comes_whole_once_there_is_room(tmp_path):
    files = {f"d/{number}": random.Random(number).randbytes(50_000) for number in range(20)}
    archive = tmp_path / "toy.tgz"
    archive.write_bytes(gzip.compress(honest_tar(files), mtime=0))
    unpack = f'"$python" -c "$UNPACK" "$disk" {archive}'
    lines = inside(tmp_path, "600k", unpack, 'mount -o remount,size=9m "$disk"', unpack, UNPACK=UNPACK)

    assert lines == ["machine/disk-full 6 []", "whole"]
