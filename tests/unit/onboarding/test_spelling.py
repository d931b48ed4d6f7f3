"""Values in the spelling that the code takes."""

import pytest


def entries(proposal):
    return {variable.name: variable.value for variable in proposal.env if variable.name != "PORT"}


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ('bool(int(os.environ.get("SITE_DEBUG", "0")))', "1"),
        ('os.environ.get("SITE_DEBUG") == "1"', "1"),
        ('os.environ.get("SITE_DEBUG", "off") == "on"', "on"),
        ('os.environ.get("SITE_DEBUG", "").lower() in ("yes", "true")', "True"),
        ('os.environ.get("SITE_DEBUG", False)', "True"),
    ],
)
def test_debug_is_spelled_as_the_code_reads_it(django, reading, expected):
    assert entries(django(f"DEBUG = {reading}\n")) == {"SITE_DEBUG": expected}


def test_a_required_number_for_debug_is_one(django):
    assert entries(django('DEBUG = int(os.environ["SITE_DEBUG"])\n')) == {"SITE_DEBUG": "1"}


def test_four_slashes_before_an_absolute_path_stay_in_the_clone(propose):
    proposal = propose(
        {
            "app.py": """
                import os, sys
                from flask import Flask
                here = os.path.abspath(os.path.dirname(__file__))
                prefix = "sqlite:///" if sys.platform.startswith("win") else "sqlite:////"
                app = Flask(__name__)
                app.config["SQLALCHEMY_DATABASE_URI"] = prefix + os.path.join(here, "data.db")
            """,
            "requirements.txt": "flask\nflask-sqlalchemy\n",
        }
    )
    assert [database.path for database in proposal.databases] == ["data.db"]


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        ('bool(int(os.environ.get("SITE_SSL", "1")))', {"SITE_SSL": "0"}),
        ('os.environ.get("SITE_SSL", "true") == "true"', {"SITE_SSL": "False"}),
        ("True", {}),
        ("False", {}),
    ],
)
def test_a_redirect_to_https_is_switched_off_where_a_variable_does_it(django, reading, expected):
    assert entries(django(f"SECURE_SSL_REDIRECT = {reading}\n")) == expected


def test_a_redirect_that_debug_switches_off_needs_nothing_more(django):
    settings = 'DEBUG = os.environ.get("SITE_DEBUG") == "1"\nSECURE_SSL_REDIRECT = not DEBUG\n'
    assert entries(django(settings)) == {"SITE_DEBUG": "1"}


CELERY = """
import os
from celery import Celery
CELERY_BROKER_URL = os.environ.get("CLOUD_BROKER_URL")
app = Celery("site_", broker=CELERY_BROKER_URL)
"""


@pytest.mark.parametrize(("requirements", "expected"), [("celery\n", ["rabbitmq"]), ("celery[redis]\n", ["redis"])])
def test_a_broker_without_default_is_redis_only_where_its_library_is_installed(django, requirements, expected):
    proposal = django(CELERY, f"django\n{requirements}")
    assert [service.name for service in proposal.services] == expected
