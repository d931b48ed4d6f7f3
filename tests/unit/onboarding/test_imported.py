"""Packages of clones that list none."""

import re

import pytest

from devboot.onboarding.imported import distributions

FASTAPI = "from fastapi import FastAPI\nimport shop.models\napp = FastAPI()\n"


def test_packages_come_from_what_the_entry_leads_to(propose):
    proposal = propose(
        {
            "main.py": FASTAPI,
            "shop/__init__.py": "",
            "shop/models.py": "import json, yaml\nfrom sqlalchemy import create_engine\nfrom PIL import Image\n",
            "train.py": "import tensorflow\n",
            "tests/test_shop.py": "import faker\n",
        }
    )
    assert ("fastapi", "pillow", "pyyaml", "sqlalchemy", "uvicorn") == proposal.python.packages
    assert [note.text for note in proposal.notes] == [
        "no list of packages in the clone: taken from its imports: fastapi, pillow, pyyaml, sqlalchemy, uvicorn"
    ]


def test_a_module_of_an_unknown_package_is_reported_and_never_guessed(propose):
    proposal = propose({"main.py": "import shopify_widgets\n" + FASTAPI, "shop/__init__.py": "", "shop/models.py": ""})
    assert ("fastapi", "uvicorn") == proposal.python.packages
    (warning,) = [note for note in proposal.notes if note.warns]
    assert str(warning) == (
        "imported, but from which package isn't known: `shopify_widgets`; add it to `packages` (main.py:1)"
    )


def test_what_may_be_missing_is_not_installed(propose):
    code = "try:\n    import redis\nexcept ImportError:\n    redis = None\n"
    code += "from flask import Flask\napp = Flask(__name__)\n"
    assert ("flask",) == propose({"app.py": code}).python.packages


@pytest.mark.parametrize(
    ("settings", "models", "expected"),
    [
        ("INSTALLED_APPS = ['corsheaders', 'shop']\n", "", ("django", "django-cors-headers")),
        ("", "from django.db import models\nx = models.ImageField()\n", ("django", "pillow")),
        ("DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n", "", ("django", "psycopg2-binary")),
        ("MIDDLEWARE = ['whitenoise.middleware.WhiteNoiseMiddleware']\n", "", ("django", "whitenoise")),
    ],
)
def test_settings_and_fields_of_django_need_packages_that_nothing_imports(write, settings, models, expected):
    from devboot.onboarding import detect
    from tests.unit.onboarding.conftest import MANAGE

    files = {"manage.py": MANAGE.format(settings="site_.settings"), "site_/settings.py": settings}
    root = write({**files, "site_/__init__.py": "", "shop/__init__.py": "", "shop/models.py": models})
    assert expected == detect(root, environ={}).python.packages


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"requirements.txt": "requests\n"}, ("fastapi", "uvicorn")),
        ({"requirements.txt": "fastapi\n"}, ("uvicorn",)),
        ({"requirements.txt": "fastapi\nhypercorn\n"}, ()),
        ({"requirements.txt": "fastapi\n", "Procfile": "web: gunicorn main:app\n"}, ("gunicorn",)),
        ({"requirements.txt": "fastapi-slim\nuvicorn\n"}, ()),
    ],
)
def test_a_framework_or_server_that_no_list_has_is_added(propose, files, expected):
    proposal = propose({"main.py": "from fastapi import FastAPI\napp = FastAPI()\n", **files})
    assert expected == proposal.python.packages


def test_every_distribution_is_written_as_a_requirement():
    pattern = re.compile(r"[a-z0-9][a-z0-9.-]*(?:\[[a-z,]+\])?(?:[<>=]+[\d.]+)?")
    assert [] == [name for name in distributions().values() if not pattern.fullmatch(name)]
