"""Variables that only another stage's code reads, and where else values may come from."""

import pytest

SITE = """
from flask import Flask
from config import choices
app = Flask(__name__)
app.config.from_object(choices['{}'])
"""
CONFIG = """
import os
class {}:
    DEBUG = True
class {}:
    HOST_NAME = {}
choices = {{"default": {}, "other": {}}}
"""


def variables(propose, first, second, reads, chosen="default"):
    config = CONFIG.format(first, second, reads, first, second)
    proposal = propose({"app.py": SITE.format(chosen), "config.py": config, "requirements.txt": "flask\n"})
    return [(each.name, each.value, each.required) for each in proposal.env]


@pytest.mark.parametrize(
    ("second", "reads", "value"),
    [
        ("ProductionConfig", "os.environ['SITE_NAME']", ""),
        ("HerokuConfig", "os.environ['SITE_NAME']", ""),
        ("Staging", "int(os.environ['SITE_NAME'])", "0"),
    ],
)
def test_what_only_the_class_of_another_stage_reads_has_any_value(propose, second, reads, value):
    assert variables(propose, "DevelopmentConfig", second, reads) == [("SITE_NAME", value, False)]


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [
        ("DevelopmentConfig", "ProductionConfig", "other"),  # it is in use
        ("BaseConfig", "ProductionConfig", "default"),  # nothing says that development has one of its own
        ("DevelopmentConfig", "MailConfig", "default"),
    ],
)
def test_what_a_class_in_use_reads_is_asked_for(propose, first, second, chosen):
    found = variables(propose, first, second, "os.environ['SITE_NAME']", chosen)
    assert found == [("SITE_NAME", None, True)]


SETTINGS = """
from fastapi import FastAPI
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    TITLE: str
    {}
settings = Settings()
app = FastAPI()
"""
SOURCES = "@classmethod\n    def settings_customise_sources(cls, made, init, env, dotenv, secrets):\n        return {}"


@pytest.mark.parametrize(
    ("returned", "names"),
    [("(env, TomlConfigSettingsSource(made))", []), ("env, init", ["TITLE"]), ("", ["TITLE"])],
)
def test_a_settings_class_with_a_source_of_its_own_needs_no_variable(propose, returned, names):
    code = SETTINGS.format(SOURCES.format(returned) if returned else "")
    proposal = propose({"main.py": code, "requirements.txt": "fastapi\nuvicorn\n"})
    assert [each.name for each in proposal.env if each.required] == names


def test_a_template_beside_the_application_counts(propose):
    code = SETTINGS.format("REDIS_PASSWORD: str")
    files = {"backend/main.py": code, "backend/__init__.py": "", "backend/.env.example": "TITLE=Shop\n"}
    proposal = propose({**files, "requirements.txt": "fastapi\nuvicorn\n"})
    assert {each.name: each.value for each in proposal.env if each.name != "PORT"} == {
        "TITLE": "Shop",
        "REDIS_PASSWORD": "",
    }


CONDITIONAL = """
import os, sys
if {condition}:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings.{first}")
else:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings.local")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""


@pytest.mark.parametrize(
    ("condition", "first", "told"),
    [
        ("sys.argv[1] == 'test'", "test", []),
        ("os.environ.get('SERVER')", "production", [("DJANGO_SETTINGS_MODULE", "site_.settings.local", False)]),
    ],
)
def test_settings_that_manage_py_takes_under_a_condition_only_are_for_another_stage(propose, condition, first, told):
    proposal = propose(
        {
            "manage.py": CONDITIONAL.format(condition=condition, first=first),
            "site_/settings/__init__.py": "",
            f"site_/settings/{first}.py": "import os\nX = os.environ['OF_ANOTHER_STAGE']\n",
            "site_/settings/local.py": "DEBUG = True\n",
            "requirements.txt": "django\n",
            "Procfile": "web: python manage.py runserver\n",
        }
    )
    assert [(each.name, each.value, each.required) for each in proposal.env] == told


COMPOSE = """
services:
  web:
    image: site/site
    volumes: [".:/code"]
    environment: ["DJANGO_SETTINGS_MODULE=site_.settings.workshop"]
"""


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "site_.settings.development"),
        ({"compose.yaml": COMPOSE}, "site_.settings.workshop"),
        ({"compose.yaml": COMPOSE.replace(".:/code", "./code:/code")}, "site_.settings.development"),
    ],
    ids=["by its name", "as the container of the code has it", "not as another container has it"],
)
def test_a_package_of_settings_that_manage_py_does_not_name_is_found(propose, more, expected):
    stage = "from site_.settings.base import *\n"
    proposal = propose(
        {
            "manage.py": CONDITIONAL.format(condition="False", first="x").replace(
                "site_.settings.local", "site_.settings"
            ),
            "site_/settings/__init__.py": "",
            "site_/settings/base.py": "INSTALLED_APPS = []\n",
            "site_/settings/development/__init__.py": stage,
            "site_/settings/production/__init__.py": stage,
            "site_/settings/workshop.py": stage,
            "requirements.txt": "django\n",
            "Procfile": "web: python manage.py runserver\n",
            **more,
        }
    )
    assert [(each.name, each.value) for each in proposal.env] == [("DJANGO_SETTINGS_MODULE", expected)]
