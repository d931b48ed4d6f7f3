"""Addresses in the settings of a project are compared with its services and with what listens."""

import os
import socket
from contextlib import closing

import pytest

from devboot import snapshot
from devboot.doctor.checks import settings
from devboot.errors import WorkError
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.model.observation import CONNECT, FAILED, SETTING, Observation
from devboot.model.process import SERVICE, Plan, ProcessSpec, plan_to_plain
from devboot.supervisor.last_failure import keep_failure

MANIFEST = '[services.cache]\nrecipe = "valkey"\n[services.postgres]\n[python]\nhosts = ["db"]\n'


@pytest.fixture
def prepared(subject):
    """A project with two services, on ports of its last preparation."""

    def make(*seen, manifest=MANIFEST):
        one = subject(manifest)
        specs = tuple(
            ProcessSpec(name, SERVICE, one.project.root, port=port)
            for name, port in {"cache": 26379, "postgres": 5432}.items()
        )
        plan = Plan("shop", one.project.root, one.project.state, (), specs)
        known = snapshot.Snapshot(one.project.root, plan_to_plain(plan), (), (), ())
        snapshot.write(os.path.join(one.project.state, snapshot.NAME), known)
        return one._replace(probed=seen or None)

    return make


def setting(name, how="URL", place="settings.py:41"):
    return Observation(SETTING, name, how, place)


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return server.getsockname()[1]


def test_another_port_than_that_of_the_service_is_named_with_its_line(prepared):
    (finding,) = settings.settings(prepared(setting("redis://localhost:6380"))).findings

    assert ("observed/other-port", "settings say localhost:6380 (settings.py:41), cache runs on 26379") == (
        finding.slug,
        finding.what,
    )
    assert "devboot down && devboot up -d --port cache=6380" == finding.fix.command
    assert "or change the address in the code" == finding.fix.cost


def test_the_variable_that_sets_the_address_is_named(prepared):
    (finding,) = settings.settings(prepared(setting("redis://localhost:6380", "CACHE REDIS_URL"))).findings
    assert "`REDIS_URL` sets it" == finding.fix.cost


@pytest.mark.parametrize(
    "name",
    [
        "redis://localhost:26379",
        "redis://127.0.0.1:26379",
        "postgresql://localhost",  # its usual port
        "postgresql://db",  # a name that leads here
        "redis://cache.shop.test:6379",  # another machine
        "redis://localhost:99999",  # no port
        "redis://localhost:12345678901",
        "redis://localhost:0",
        "sqlite:db.sqlite3",
    ],
)
def test_an_address_of_the_services_or_of_another_machine_is_no_problem(name, prepared):
    assert () == settings.settings(prepared(setting(name))).findings


def test_a_name_without_a_machine_is_found(prepared):
    (finding,) = settings.settings(prepared(setting("redis://no_such-host:6379"))).findings

    assert "observed/unknown-host" == finding.slug
    assert 'hosts = ["no_such-host"]' in finding.fix.cost


@pytest.mark.parametrize("is_there", [False, True])
def test_a_server_that_the_project_does_not_have_has_to_listen(is_there, prepared):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        if not is_there:
            server.close()
        found = settings.settings(prepared(setting(f"mongodb://localhost:{port}"))).findings

    assert ["observed/no-server"] * (not is_there) == [each.slug for each in found]


def test_an_sqlite_file_beside_those_of_the_manifest_is_found(prepared):
    text = f'{MANIFEST}[databases.main]\npath = "db.sqlite3"\n'
    one, other = setting("sqlite:db.sqlite3"), setting("sqlite:data/app.db", place="settings.py:7")

    (finding,) = settings.settings(prepared(one, other, manifest=text)).findings

    assert "settings say data/app.db (settings.py:7), devboot prepares db.sqlite3" == finding.what


def test_what_could_not_be_imported_is_said_beside_what_was_found(prepared):
    failed = Observation(FAILED, "the import of shop ended with KeyError", "", "shop.py:3")

    answer = settings.settings(prepared(setting("redis://localhost:26379"), failed))

    assert ("settings have 1 address", "the import of shop ended with KeyError (shop.py:3)") == answer.facts


def test_without_a_probe_a_failed_start_that_was_observed_is_compared(prepared):
    one, port = prepared(), free_port()
    observed = os.path.join(one.project.state, "observed")
    os.makedirs(observed)
    with open(os.path.join(observed, "web"), "w") as file:
        file.write(f"connect\tlocalhost:{port}\t\tsettings.py:41\nconnect\tlocalhost:26379\t\ta.py:1\n")

    assert settings.settings(one) == settings.Answer()
    keep_failure(one.project.state, "web", WorkError("process/exit", "web failed"))

    assert [f"settings say localhost:{port} (settings.py:41), where nothing listens"] == [
        each.what for each in settings.settings(one).findings
    ]


def test_a_connection_to_the_usual_port_of_a_service_elsewhere_is_compared_with_it(prepared):
    one = prepared(Observation(CONNECT, "localhost:6379", "", "settings.py:41"))
    assert ["observed/other-port"] == [each.slug for each in settings.settings(one).findings]


def test_a_project_that_was_never_prepared_is_no_error(subject):
    one = subject(
        "", probed=(setting(f"redis://localhost:{free_port()}"),), manifest=parse_manifest("", "devboot.toml")
    )
    assert ["observed/no-server"] == [each.slug for each in settings.settings(one).findings]


def test_variables_that_the_code_requires_and_nobody_sets_are_named_with_their_lines(prepared):
    seen = [Observation("unset", "KEY", how, f"settings.py:{line}") for line, how in enumerate(("required", "default"))]

    (finding,) = settings.settings(prepared(*seen)).findings

    assert ("observed/no-value", "variables without a value: KEY (settings.py:0)") == (finding.slug, finding.what)
