"""State and runtime folder of a running project are deleted: its data stays, in one Redis or one PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

from devboot.daemon import leases
from devboot.supervisor.system.proctable import lock_holders, look
from tests.e2e.conftest import eventually, fetch
from tests.e2e.test_kept_data import ask, redis_at
from tests.fakes.processes import freeze

pytestmark = pytest.mark.network

KEYS = 200


def running(here):
    """Have acknowledged keys in Redis; the lease of the daemon, and the address."""
    here.devboot("up", "-d")
    address = redis_at(here)
    for number in range(KEYS):
        assert ask(address, "SET", f"key{number}", "kept") == "+OK"
    return leases.read_daemon(leases.daemon_path(str(here.state))), address


def delete_both(here, lease):
    runtime = os.path.dirname(lease.socket)
    assert os.path.commonpath([here.root.parent, runtime]) == str(here.root.parent)
    shutil.rmtree(here.state)
    shutil.rmtree(runtime)


def servers(here):
    """Pids of all that work on the data of Redis."""
    return lock_holders([str(here.data / "services/redis/redis-8")])


def has_all(address):
    return ask(address, "DBSIZE") == f":{KEYS}"


def is_gone(pid):
    return (seen := look(pid)) is None or not seen.is_alive


@pytest.mark.faults(200)
def test_up_joins_the_daemon_whose_files_were_deleted(counter):
    here = counter
    lease, address = running(here)
    before = servers(here)
    assert len(before) == 1

    delete_both(here, lease)
    here.devboot("up", "-d")

    assert servers(here) == before
    assert has_all(address)
    assert lease.is_same(leases.read_daemon(leases.daemon_path(str(here.state))))
    here.devboot("down")
    assert servers(here) == frozenset()
    here.devboot("up", "-d")
    assert has_all(redis_at(here))


@pytest.mark.faults(202)
def test_up_ends_the_redis_of_a_killed_daemon_whose_files_were_deleted_before_it_starts_another(counter):
    here = counter
    lease, _ = running(here)
    (server,) = servers(here)

    freeze(lease.guardian)
    for pid in (lease.pid, lease.guardian):
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: is_gone(pid))
    delete_both(here, lease)
    os.unlink(leases.data_path(str(here.data)))
    assert servers(here) == {server}
    here.devboot("up", "-d")

    assert is_gone(server)
    assert len(servers(here)) == 1
    assert has_all(redis_at(here))


@pytest.mark.faults(204)
def test_the_folders_of_a_moved_project_are_not_renamed_under_a_running_redis(counter):
    here = counter
    lease, address = running(here)
    before = servers(here)

    delete_both(here, lease)
    moved = here.root.rename(here.root.with_name("moved"))
    here.root = moved
    refused = here.devboot("up", "-d", code=7)

    assert "\nerror[state/in-use]: " in refused.stderr
    assert f"pid {lease.pid}" in refused.stderr
    assert servers(here) in (before, frozenset())
    assert has_all(address)
    here.devboot("down")
    assert is_gone(lease.pid)
    here.devboot("up", "-d")
    assert has_all(redis_at(here))


@pytest.fixture
def ledger(machine):
    return machine("ledger", manifest=True)


@pytest.mark.faults(202)
def test_up_ends_the_postgres_of_a_killed_daemon_whose_files_were_deleted_before_it_starts_another(ledger):
    here = ledger
    cluster = str(here.data / "services/postgres/postgres-18")
    here.devboot("up", "-d")
    assert fetch(here.url("web")) == "clerk|books|2\n"
    lease = leases.read_daemon(leases.daemon_path(str(here.state)))
    server = here.ps()["postgres"]["pid"]
    before = lock_holders([cluster])
    assert server in before

    freeze(lease.guardian)
    for pid in (lease.pid, lease.guardian):
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: is_gone(pid))
    delete_both(here, lease)
    os.unlink(leases.data_path(str(here.data)))
    here.devboot("up", "-d")

    assert all(map(is_gone, before))
    assert here.ps()["postgres"]["pid"] in lock_holders([cluster])
    assert fetch(here.url("web")).startswith("clerk|books|")
