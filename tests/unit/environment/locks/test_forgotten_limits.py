"""Versions that resolve together and don't work together."""

import pytest

from devboot.environment.locks.forgotten_limits import Limit, forgotten_limits, within_limits
from devboot.environment.locks.pins import Pin, Pins
from devboot.errors import WorkError


def pins(**versions):
    return tuple(Pin(name.replace("_", "-"), version) for name, version in versions.items())


@pytest.mark.parametrize(
    ("found", "constraints"),
    [
        (pins(flask="2.2.2", werkzeug="3.1.3"), ["werkzeug<3"]),
        (pins(flask="2.2.2", werkzeug="2.3.8"), []),
        (pins(flask="2.3.3", werkzeug="3.1.3"), []),
        (pins(flask="1.1.2", jinja2="3.1.6"), ["jinja2<3.1"]),
        (pins(flask_sqlalchemy="2.5.1", sqlalchemy="2.0.1"), ["sqlalchemy<2"]),
        (pins(passlib="1.7.4", bcrypt="5.0.0"), ["bcrypt<5"]),
        (pins(passlib="1.7.4", bcrypt="4.3.0"), []),
        (pins(pandas="2.2.1", numpy="2.0.0rc1"), ["numpy<2"]),
        (pins(tortoise_orm="0.24.2", pydantic="2.11.0"), ["pydantic<2.11"]),
        (pins(tortoise_orm="0.25.0", pydantic="2.14.0"), []),
        (pins(newspaper3k="0.2.8", lxml="5.2.0"), ["lxml<5.2"]),
        (pins(psycopg2_binary="2.9.11", sqlalchemy="2.1.0"), ["sqlalchemy<2.1"]),
        (pins(psycopg2="2.9.11", sqlalchemy="2.0.49"), []),
        (pins(psycopg2="2.9.11", psycopg="3.2.9", sqlalchemy="2.1.0"), []),
        (pins(flask="not a version", werkzeug="3"), []),
        (pins(pymysql="1.0.3", django="4.2.1"), ["django<4.2", "pymysql<1.0.3"]),
        (pins(pymysql="1.0.2", django="4.1.13"), []),
        (pins(pymysql="1.1.0", django="5.2"), []),
        (pins(gunicorn="20.1.0", setuptools="82.0.1"), ["setuptools<82"]),
        (pins(gunicorn="20.1.0", setuptools="81.0.0"), []),
        (pins(gunicorn="21.2.0", setuptools="82.0.1"), []),
        (pins(opentelemetry_instrumentation="0.48b0", setuptools="82.0.1"), ["setuptools<82"]),
        (pins(opentelemetry_instrumentation="0.49b0", setuptools="82.0.1"), []),
    ],
)
def test_a_limit_counts_where_it_is_broken(found, constraints):
    assert [limit.constraint for limit in forgotten_limits(found)] == constraints


def test_a_limit_names_the_package_for_whose_sake_it_is():
    found = forgotten_limits(pins(flask="2.2.2", werkzeug="3.1.3"))
    assert found == (Limit("werkzeug<3", "flask 2.2.2"),)


def test_a_version_that_is_broken_itself_gives_way_to_an_older_one():
    found = within_limits(Pins((), pins(pymysql="1.0.3")), Resolver({"pymysql<1.0.3\n": pins(pymysql="1.0.2")}))
    assert found.notes == ("pymysql 1.0.2: pymysql 1.0.3 fails with other packages that check its version",)


class Resolver:
    """Stands for the resolution: answers by the constraint lines; what it has no answer for can't be resolved."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, lines):
        self.asked.append(lines.split())
        if lines not in self.answers:
            raise WorkError("python/resolution", "the requirements contradict")
        return Pins((), self.answers[lines])


def test_where_nothing_is_broken_nothing_is_resolved_again():
    found = Pins((), pins(flask="3.0", werkzeug="3.1"))
    assert within_limits(found, Resolver({})) == found


def test_versions_are_held_back_until_all_go_together():
    resolver = Resolver(
        {
            "flask<2\n": pins(flask_script="2.0.6", flask="1.1.2", jinja2="3.1.6"),
            "flask<2\njinja2<3.1\n": pins(flask_script="2.0.6", flask="1.1.2", jinja2="3.0.3"),
        }
    )
    found = within_limits(Pins((), pins(flask_script="2.0.6", flask="3.0")), resolver)
    assert (found.pins, found.notes) == (
        pins(flask_script="2.0.6", flask="1.1.2", jinja2="3.0.3"),
        (
            "flask 1.1.2: flask-script 2.0.6 fails with newer ones, although its metadata admits them",
            "jinja2 3.0.3: flask 1.1.2 fails with newer ones, although its metadata admits them",
        ),
    )


def test_what_the_project_insists_on_stays_and_the_rest_is_held_back():
    start = pins(flask="2.2.2", werkzeug="3.1", passlib="1.7.4", bcrypt="5.0")
    better = pins(flask="2.2.2", werkzeug="3.1", passlib="1.7.4", bcrypt="4.3")
    resolver = Resolver({"bcrypt<5\n": better})
    found = within_limits(Pins((), start), resolver)
    assert found.pins == better
    assert resolver.asked[:3] == [["werkzeug<3", "bcrypt<5"], ["werkzeug<3"], ["bcrypt<5"]]
