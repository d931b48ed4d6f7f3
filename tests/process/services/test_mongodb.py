"""MongoDB's first start and everyone after it, driven as its recipe says, against a stand-in for the server."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pymongo
import pytest
from pymongo.errors import OperationFailure
from pymongo.server_api import ServerApi

from devboot.errors import WorkError
from devboot.services.data import prepare_data
from devboot.services.plan import plan_service
from tests.fakes import mongod
from tests.fakes.ports import free_ports
from tests.fakes.processes import wait_until
from tests.recipes.running import RECIPES, Running, answer

RECIPE = RECIPES.get("mongodb").recipe
PASSWORD = secrets.token_hex(32)


@pytest.fixture
def planned(tmp_path):
    """MongoDB as its recipe has it, with these settings; sockets have short paths."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mongod").write_text(
        f"#!/bin/sh\nPYTHONPATH='{Path(__file__).parents[3]}' exec '{sys.executable}' '{mongod.__file__}' \"$@\"\n"
    )
    (programs / "mongod").chmod(0o755)
    with tempfile.TemporaryDirectory(prefix="devboot-") as runtime:

        def plan(settings=None, *, password=PASSWORD, behaves=""):
            service = plan_service(
                RECIPE,
                "mongodb",
                "7.0.99",
                settings or {},
                port=free_ports(),
                root=str(tmp_path),
                data=str(tmp_path / "data"),
                runtime=runtime,
                programs=str(programs),
                password=password,
            )
            if service.step is not None and behaves:
                service = service._replace(step=service.step._replace(env=(("FAKE_MONGOD", behaves),)))
            return service

        yield plan


def client_of(address):
    """The driver, which then speaks the one protocol that the stand-in knows."""
    return pymongo.MongoClient(address, server_api=ServerApi("1"))


def asked(service, exchange):
    return answer(service, exchange, os.path.dirname(service.spec.argv[0]))


def as_stranger(service):
    without = service._replace(exports={**service.exports, "password": "0" * 64})
    return asked(without, RECIPE.test.stranger), asked(without, RECIPE.test.ask)


def is_private(service):
    """Whether the password gets in, and nothing else does."""
    answered, refused = as_stranger(service)
    return answered.strip() == "Unauthorized" and "AuthenticationFailed" in refused


@pytest.mark.faults(170)
def test_nobody_gets_in_without_the_password_from_the_first_start_on(planned):
    service = planned()
    for exchange in (RECIPE.test.ask, RECIPE.test.kept):
        assert prepare_data(service) == ()
        with Running(service) as running:
            assert asked(service, exchange).strip() == "hello"
            assert is_private(service)
            assert PASSWORD not in Path(f"/proc/{running.child.pid}/cmdline").read_text()
        assert running.code == 0
    for path in (service.data, service.folder, *(path for path, _ in service.files)):
        assert os.stat(path).st_mode & 0o077 == 0


def test_the_server_of_the_first_step_listens_on_a_socket_in_a_private_folder_alone(planned):
    service = planned({"wiredTigerCacheSizeGB": ("0.5",), "replSet": ("rs0",), "bind_ip": ("0.0.0.0",)})
    words = list(service.step.argv)

    assert words[words.index("--bind_ip") + 1] == service.listens
    assert os.path.dirname(service.listens) == service.folder
    assert "--nounixsocket" in words
    assert words[words.index("--wiredTigerCacheSizeGB") + 1] == "0.5"
    assert not {"--port", "--replSet", "0.0.0.0"} & set(words)
    assert PASSWORD not in " ".join((*words, *service.spec.argv))
    assert service.step.input == f"devboot\n{PASSWORD}\n"


@pytest.mark.faults(171)
def test_data_that_was_open_to_everybody_gets_the_user_and_is_kept(planned):
    opened = planned(password="")
    prepare_data(opened)
    with Running(opened), client_of(opened.exports["url"]) as client:
        client.test.kept.insert_one({"word": "hello"})
    private = planned()
    prepare_data(private)
    with Running(private):
        assert asked(private, RECIPE.test.kept).strip() == "hello"
        assert is_private(private)
    prepare_data(opened)
    with Running(opened):
        assert as_stranger(opened)[0].strip() != "Unauthorized"
    prepare_data(private)
    with Running(private):
        assert is_private(private)


def test_another_password_replaces_the_one_before(planned):
    for password in ("a" * 64, "b" * 64):
        service = planned(password=password)
        prepare_data(service)
        with Running(service):
            assert is_private(service)
            assert asked(service, RECIPE.test.ask).startswith("hello")
    before = service._replace(exports={**service.exports, "password": "a" * 64})
    with Running(service):
        assert asked(before, RECIPE.test.ask).strip() != "hello"


def test_a_member_of_a_replica_set_starts_with_the_password_too(planned):
    service = planned({"replSet": ("rs0",)})
    prepare_data(service)
    with Running(service):
        assert is_private(service)
        assert asked(service, RECIPE.test.ask).startswith("hello")


@pytest.mark.parametrize("behind", ["", "/shop?authSource=admin"])
def test_the_driver_gets_in_with_the_address(planned, behind):
    service = planned()
    prepare_data(service)
    address = service.exports["url"] + behind
    with Running(service):
        with client_of(address) as client:
            client.shop.items.insert_one({"word": "hello"})
            assert client.shop.items.find_one()["word"] == "hello"
        wrong = address.replace(PASSWORD, "0" * 64)
        with client_of(wrong) as client, pytest.raises(OperationFailure):
            client.shop.items.find_one()


def test_without_a_user_the_server_lets_in_nobody_at_all(planned):
    service = planned()
    prepare_data(service)
    os.unlink(os.path.join(service.data, "WiredTiger"))  # as if somebody had dropped all users
    with Running(service), client_of(f"mongodb://127.0.0.1:{service.spec.port}") as client:
        administrator = [{"role": "root", "db": "admin"}]
        with pytest.raises(OperationFailure):
            client.admin.command("createUser", "ada", pwd="x", roles=administrator)


def servers_with(service):
    """The processes that were started on this data."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if "--dbpath" in (words := path.read_text().split("\0")) and service.data in words:
                found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize(
    ("behaves", "cause"),
    [
        ("refuse", "no users today"),
        ("drop", "the server has closed the connection"),
        ("exit", "the server ended with exit code 14"),
    ],
)
def test_a_server_that_takes_no_user_is_not_started(planned, behaves, cause):
    with pytest.raises(WorkError) as caught:
        prepare_data(planned(behaves=behaves))
    service = planned()
    assert (caught.value.slug, caught.value.kept[0]) == ("service/access", "nothing was started")
    assert cause in caught.value.causes[-1]
    assert PASSWORD not in str(caught.value.causes)
    assert not servers_with(service)
    prepare_data(service)  # the step wasn't on record as done
    with Running(service):
        assert is_private(service)


def test_a_server_that_can_not_start_is_reported_as_its_recipe_explains_it(planned):
    service = planned(password="")
    prepare_data(service)
    with Running(service):
        private = planned()
        with pytest.raises(WorkError) as caught:
            prepare_data(private)
    error, end = caught.value.causes
    assert caught.value.slug == "service/data-in-use"
    assert ("DBPathInUse" in error, end) == (True, "the server ended with exit code 100")

    unknown = private._replace(step=private.step._replace(argv=(*private.step.argv, "--smallfiles")))
    with pytest.raises(WorkError) as caught:
        prepare_data(unknown)
    assert caught.value.slug == "manifest/bad-setting"
    assert caught.value.causes == (
        "Error parsing command line: unrecognised option '--smallfiles'",
        "the server ended with exit code 2",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_step_that_is_killed_leaves_no_server_without_a_password(planned):
    service = planned()
    prepare_data(planned(password=""))
    argv = [*service.step.argv]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as step:
        step.stdin.write(service.step.input[:-3])  # it waits for the end of its input before it starts anything
        step.stdin.flush()
        wait_until(lambda: servers_with(service))  # its arguments can be read a moment after `Popen` has returned
        assert step.poll() is None
        assert servers_with(service) == [step.pid]
        step.stdin.close()
        wait_until(lambda: len(servers_with(service)) == 2 or step.poll() is not None)
        with contextlib.suppress(ProcessLookupError):
            os.kill(step.pid, signal.SIGKILL)
    wait_until(lambda: not servers_with(service))
    prepare_data(service)
    with Running(service):
        assert is_private(service)
