"""Surroundings that lack what every other machine has."""

import errno
import os
import shlex
import subprocess

import pytest

from devboot.daemon.process.lifecycle import no_socket
from tests.fakes.processes import freeze, is_alive, wait_until


def in_mounts_of_ones_own(project, mounts, *words):
    """Run a command where `mounts` (shell) have been made; skips where this machine doesn't allow that."""
    if subprocess.run(["unshare", "-rm", "sh", "-c", mounts], capture_output=True, check=False).returncode:
        pytest.skip("mounts of one's own are not allowed here")
    script = f"{mounts}\nexec {shlex.join(project.argv(*words))}"
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=project.root,
        env=project.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.mark.faults(113)
def test_without_the_kernels_table_of_processes_it_says_what_is_missing(shop):
    done = in_mounts_of_ones_own(shop, "mount -t tmpfs none /proc", "up", "-d")

    assert (6, "") == (done.returncode, done.stdout)
    assert done.stderr == (
        "error[machine/no-proc]: the kernel's table of processes can't be read\n"
        "cause: nothing is mounted at `/proc`, as in a bare `chroot`\n"
        "help: mount -t proc proc /proc\n"
    )
    shop.devboot("up", "-d")
    shop.devboot("down")
    wait_until(shop.is_down)


@pytest.mark.faults(16, 114)
def test_without_room_for_its_socket_nothing_is_started(shop):
    os.mkdir(f"{shop.home}/run", 0o700)

    done = in_mounts_of_ones_own(shop, f"mount -t tmpfs -o nr_inodes=1,mode=0700 none {shop.home}/run", "up", "-d")

    assert 6 == done.returncode
    assert done.stderr.startswith(f"error[machine/no-inodes]: no inodes are left where `{shop.home}/run/")
    assert shop.is_down()
    shop.devboot("up", "-d")
    shop.devboot("down")


@pytest.mark.faults(114)
def test_a_filesystem_without_sockets_is_named():
    error = no_socket("/mnt/share/run/1.sock", OSError(errno.EPERM, os.strerror(errno.EPERM)))

    assert ("machine/no-unix-sockets", 6) == (error.slug, error.exit_code)
    assert "the filesystem of `/mnt/share/run` doesn't support Unix sockets" == error.what
    assert ("export DEVBOOT_HOME=/a/short/path/on/a/local/disk",) == error.help


@pytest.mark.faults(42, 82, 86)
@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("damage", ["rm -r {state}", "echo garbage > {lease}", "rm {lease}; mkdir {lease}"])
def test_a_daemon_whose_lease_is_damaged_is_found_and_ends_whole(shop, damage, is_frozen):
    shop.devboot("up", "-d")
    lease, pids = shop.lease(), shop.pids()
    subprocess.run(
        ["sh", "-c", damage.format(state=shop.state, lease=f"{shop.state}/run/daemon")], cwd=shop.root, check=True
    )

    assert shop.devboot("ps").stdout.count("running") == 2
    assert f"running (pid {lease.pid})" in shop.devboot("doctor", code=None).stdout
    if is_frozen:
        freeze(lease.pid)
    shop.devboot("down")

    assert [] == [pid for pid in (lease.pid, lease.guardian, *pids.values()) if is_alive(pid)]


def test_advice_with_a_wildcard_can_be_pasted(shop):
    assert shop.devboot("restart", "*", code=1).stderr == (
        "error[daemon/not-running]: shop is not running\nhelp: devboot up -d '*'\n"
    )
