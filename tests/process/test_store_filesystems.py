"""Provisioning on filesystems that are full, out of inodes, read-only or run nothing: real ones, in a namespace."""

import os
import shutil
import subprocess
import sys

import pytest

REALISE = """if True:
    import os, sys, time
    from devboot.errors import DevbootError
    from devboot.events import RecordingReporter
    from devboot.model.artifact import platform_of
    from devboot.provision.host import Host
    from devboot.provision.objects.realise import realise
    from devboot.provision.objects.roots import TemporaryRoots, hold_for_project
    from devboot.provision.objects.store import Store
    from tests.fakes.sources import TOY, toy
    data, size = sys.argv[1], int(sys.argv[2])
    host = Host(platform_of(sys.platform, os.uname().machine), (2, 36))
    wanted, source = toy({**TOY, "toy/big": b"x" * size}, platform=host.platform)
    try:
        with TemporaryRoots(data) as roots:
            found = realise(
                Store(data),
                wanted,
                source,
                host,
                command="up",
                roots=roots,
                reporter=RecordingReporter(),
                now=time.time,
            )
            hold_for_project(data, "/shop", [found.name])
        print(len(source.fetched), "fetched")
    except DevbootError as error:
        print(error.slug, error.exit_code, sorted(os.listdir(data + "/store")))
"""


def can_mount():
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    command = [unshare, "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="no user namespaces here")


def inside(folder, *steps):
    """The lines that shell steps print in a namespace of their own; `realise SIZE` provisions below `folder`."""
    realise = f'realise() {{ "{sys.executable}" -c "$REALISE" "{folder}" "$1"; }}'
    script = "\n".join(["set -e", realise, *steps])
    environ = {**os.environ, "PYTHONPATH": os.getcwd(), "REALISE": REALISE, "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["unshare", "-rm", "sh", "-c", script]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.faults(12, 13)
def test_a_full_disk_is_told_and_leaves_nothing_and_the_next_try_works(tmp_path):
    said = inside(
        tmp_path,
        f"mount -t tmpfs -o size=1m none {tmp_path}",
        "realise 2000000",
        f"mount -o remount,size=8m {tmp_path}",
        "realise 2000000",
    )

    assert said == ["machine/disk-full 6 []", "1 fetched"]


@pytest.mark.faults(16)
def test_a_disk_without_inodes_is_told_apart_from_a_full_one(tmp_path):
    said = inside(tmp_path, f"mount -t tmpfs -o nr_inodes=12 none {tmp_path}", "realise 1")

    assert said == ["machine/no-inodes 6 []"]


@pytest.mark.faults(17)
def test_a_read_only_store_serves_what_it_has_and_refuses_the_rest(tmp_path):
    said = inside(
        tmp_path,
        f"mount -t tmpfs none {tmp_path}",
        "realise 1",
        f"mount -o remount,ro {tmp_path}",
        "realise 1",
        "realise 2 | cut -d' ' -f1,2",
    )

    assert said == ["1 fetched", "0 fetched", "machine/not-writable 6"]


@pytest.mark.faults(18)
def test_a_filesystem_that_runs_nothing_is_told_before_anything_is_fetched(tmp_path):
    said = inside(tmp_path, f"mount -t tmpfs -o noexec none {tmp_path}", "realise 1")

    assert said == ["machine/noexec 6 []"]
