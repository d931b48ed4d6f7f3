"""Every bundled recipe as it is: locked, fetched, stored, started, asked, stopped, started again."""

import contextlib
import errno
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from devboot.services.account import account_for, no_account
from devboot.services.data import prepare_data
from devboot.services.plan import plan_service
from tests.fakes.ports import free_ports
from tests.recipes.running import RECIPES, VERSIONS, Running, answer, stored

OTHER = {"user": 61234, "group": 61234, "extra_groups": ()}  # a user that nobody is
CONNECT = """
import socket, sys
sys.exit(socket.socket(socket.AF_UNIX).connect_ex(sys.argv[1]))
"""
PASSWORD = secrets.token_hex(32)


def planned(name, version, found, root, runtime, *, password=PASSWORD):
    """The service of a recipe, on free ports."""
    recipe = RECIPES.get(name).recipe
    return plan_service(
        recipe,
        name,
        version,
        {},
        port=free_ports(),
        ports={f"{name}.{key}": free_ports() for key in recipe.service.ports},
        root=str(root),
        data=str(root / "data"),
        runtime=runtime,
        programs=found.bin,
        password=password,
        run_as=account_for if os.geteuid() == 0 else no_account,
    )


@pytest.mark.network
@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_a_recipe_is_provisioned_answers_and_keeps_its_data(name, version, data, tmp_path):
    found = stored(name, version, data)
    recipe = RECIPES.get(name).recipe
    if recipe.service is None:
        return
    service = planned(name, version, found, tmp_path, data)
    for exchange in filter(None, (recipe.test.ask, recipe.test.kept)):
        assert prepare_data(service) == ()
        with Running(service) as running:
            assert answer(service, exchange, found.bin).startswith(exchange.expect)
        assert running.code in (0, -signal.SIGTERM)

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", service.spec.port))


@pytest.mark.network
@pytest.mark.faults(170)
@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_another_user_gets_nothing_from_a_service(name, version, data, tmp_path, runtime):
    found = stored(name, version, data)
    recipe = RECIPES.get(name).recipe
    if recipe.service is None:
        return
    service = planned(name, version, found, tmp_path, runtime)
    prepare_data(service)
    with Running(service) as running:
        assert PASSWORD not in command_lines(running.child.pid)
        assert os.stat(service.data).st_mode & 0o077 == 0
        for path, _ in service.files:
            assert os.stat(path).st_mode & 0o077 == 0
        assert as_stranger(service, found.bin).startswith(recipe.test.stranger.expect)
        if os.geteuid() == 0 and os.path.exists(service.listens):
            command = [sys._base_executable, "-c", CONNECT, service.listens]  # noqa: SLF001  outside of the virtualenv
            assert subprocess.run(command, check=False, **OTHER, capture_output=True).returncode == errno.EACCES


@pytest.mark.network
@pytest.mark.faults(171)
@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_a_service_that_was_open_to_everybody_is_private_again_with_its_data(name, version, data, tmp_path):
    found = stored(name, version, data)
    recipe = RECIPES.get(name).recipe
    if recipe.service is None:
        return
    private = planned(name, version, found, tmp_path, data)
    opened = planned(name, version, found, tmp_path, data, password="")
    prepare_data(opened)
    with Running(opened):
        pass
    prepare_data(private)
    with Running(private) as running:
        assert answer(private, recipe.test.ask, found.bin).startswith(recipe.test.ask.expect)
        assert as_stranger(private, found.bin).startswith(recipe.test.stranger.expect)
        assert PASSWORD not in command_lines(running.child.pid)
    prepare_data(opened)
    with Running(opened):
        pass
    if recipe.test.kept is not None:
        prepare_data(private)
        with Running(private):
            assert answer(private, recipe.test.kept, found.bin).startswith(recipe.test.kept.expect)


@pytest.fixture
def runtime():
    """A folder for sockets that everybody may look into, unlike devboot's own."""
    with tempfile.TemporaryDirectory(prefix="devboot-") as folder:
        os.chmod(folder, 0o755)
        yield folder


def as_stranger(service, programs):
    """What comes of asking without the password, as another user where that makes a difference."""
    recipe = RECIPES.get(service.spec.name).recipe
    by_socket = recipe.service.access.private.socket_only
    if by_socket and os.geteuid():
        pytest.skip("only root can try as another user")
    without = service._replace(exports={**service.exports, "password": "0" * 64})
    return answer(without, recipe.test.stranger, programs, **(OTHER if by_socket else {}))


def command_lines(leader):
    """The words of all processes below the leader, as everybody sees them."""
    found = [leader]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, task.read_text().split())
    words = []
    for pid in found:
        with contextlib.suppress(FileNotFoundError):  # a worker may end meanwhile
            words.append(Path(f"/proc/{pid}/cmdline").read_text())
    return "\n".join(words)
