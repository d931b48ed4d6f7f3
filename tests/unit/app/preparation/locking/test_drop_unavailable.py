"""A broker that was only guessed keeps nothing from starting where the distribution's archive can't give it."""

import os
import sys

import pytest

from devboot.app.preparation.locking.drop_unavailable import (
    is_only_in_channel,
    without_broker,
    without_channel,
    without_unreachable,
)
from devboot.app.preparation.project.detect import has_debs
from devboot.app.preparation.project.load import load_project
from devboot.errors import NetworkError
from devboot.events import RecordingReporter
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.onboarding.libraries import kinds_of_channels, known_servers
from devboot.uv.client import Uv
from tests.fakes.folders import home_beside

SAYS = """#!/bin/sh
echo "E: Failed to fetch http://archive.example.test/x  Could not connect to archive.example.test:80" >&2
exit 100
"""


@pytest.fixture
def environ(tmp_path):
    """Variables of a machine whose apt reaches nothing."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("apt-get", "apt-cache"):
        (programs / name).write_text(SAYS)
        (programs / name).chmod(0o755)
    return {"PATH": f"{programs}:{os.defpath}", "HOME": str(tmp_path), "DEVBOOT_HOME": str(tmp_path / "data")}


def clone_in(tmp_path):
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "app.py").write_text("from celery import Celery\napp = Celery('app', broker='amqp://localhost')\n")
    (clone / "requirements.txt").write_text("celery\n")
    (clone / "Procfile").write_text("worker: celery -A app worker\n")
    return clone


@pytest.mark.skipif(
    not has_debs(sys.platform, os.uname().machine, {"PATH": os.defpath}), reason="only Debian and Ubuntu have apt"
)
def test_a_detected_broker_out_of_reach_is_left_out_with_a_warning(tmp_path, environ):
    loaded, reporter = load_project(str(clone_in(tmp_path)), environ), RecordingReporter()
    assert list(loaded.manifest.services) == ["rabbitmq"]

    left = without_unreachable(loaded, Uv("/nonexistent/uv", environ, "/"), environ, reporter)

    assert left.is_adjusted  # so that the next start asks again
    assert (left.manifest.services, left.manifest.env) == (
        {},
        {"CELERY_BROKER_URL": "amqp://guest:guest@localhost:5672//"},
    )
    (event,) = reporter.events
    assert event.text == (
        "rabbitmq: the code connects to it, but it isn't available now: "
        "the packages of this distribution can't be reached"
    )


@pytest.mark.skipif(
    not has_debs(sys.platform, os.uname().machine, {"PATH": os.defpath}), reason="only Debian and Ubuntu have apt"
)
@pytest.mark.parametrize("status", ["404", "403", "503"])
def test_an_archive_that_answers_with_an_error_is_not_called_out_of_reach(tmp_path, environ, status):
    for name in ("apt-get", "apt-cache"):
        said = f"E: Failed to fetch http://me:secret@archive.example.test/x  {status}  Error [IP: 127.0.0.1 80]"
        (tmp_path / "bin" / name).write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 100\n')
    loaded, reporter = load_project(str(clone_in(tmp_path)), environ), RecordingReporter()

    without_unreachable(loaded, Uv("/nonexistent/uv", environ, "/"), environ, reporter)

    (event,) = reporter.events
    assert event.text.endswith(
        f": archive.example.test answered {status} to the request for packages of this distribution"
    )


def test_what_a_person_wrote_stays(tmp_path, environ):
    clone = clone_in(tmp_path)
    (clone / "devboot.toml").write_text("[services.rabbitmq]\n")
    loaded = load_project(str(clone), environ)

    assert without_unreachable(loaded, Uv("/nonexistent/uv", environ, "/"), environ, RecordingReporter()) is loaded


def test_other_services_and_variables_stay(tmp_path, environ):
    clone = clone_in(tmp_path)
    (clone / "devboot.toml").write_text(
        "[services.rabbitmq]\n[services.redis]\n[env]\nA = '${services.rabbitmq.url}'\nB = '${services.redis.url}'\n"
    )
    left = without_broker(load_project(str(clone), environ)).manifest

    assert list(left.services) == ["redis"]
    assert left.env == {"A": "amqp://guest:guest@localhost:5672//", "B": "${services.redis.url}"}


def answer_with(error):
    """A channel that has nothing but this."""

    def ask(_origin, _condition):
        raise error

    return ask


def mongo_in(tmp_path):
    loaded = load_project(str(clone_in(tmp_path)), home_beside(tmp_path))
    text = "[services.mongodb]\n[env]\nMONGO_URL = '${services.mongodb.url}/shop'\nOTHER = { generate = 'hex' }\n"
    return loaded._replace(manifest=parse_manifest(text, "devboot.toml"))


def test_a_detected_server_that_the_channel_cannot_give_is_left_out_with_a_warning(tmp_path):
    reporter, away = RecordingReporter(), NetworkError("network/unreachable", "could not fetch a package")
    left = without_channel(mongo_in(tmp_path), "mongodb", answer_with(away), reporter)

    assert left.is_adjusted
    assert {} == left.manifest.services
    assert "mongodb://localhost:27017/shop" == left.manifest.env["MONGO_URL"]
    assert [event.text for event in reporter.events] == [
        "mongodb: the code connects to it, but it isn't available now: could not fetch a package"
    ]


def test_a_detected_server_that_the_channel_has_stays(tmp_path):
    loaded = mongo_in(tmp_path)

    assert loaded is without_channel(loaded, "mongodb", lambda _origin, _condition: None, RecordingReporter())


def test_every_recipe_of_a_channel_that_is_detected_can_be_left_out():
    of_channels = {kind.recipe for kind in kinds_of_channels()}

    assert of_channels == {kind.recipe for kind in known_servers().values() if is_only_in_channel(kind.recipe)}


def test_a_service_without_a_bundled_recipe_is_in_no_channel():
    assert not is_only_in_channel("shout")
