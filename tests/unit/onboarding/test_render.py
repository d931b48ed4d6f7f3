"""The manifest's text: the grammar, the evidence, the number of lines."""

import tomllib
from pathlib import Path
from textwrap import dedent

from devboot.model.edge.manifest import parse_manifest
from devboot.onboarding import Proposal, detect, render
from devboot.onboarding.proposal.render import quoted
from devboot.onboarding.proposal_values import Evidence, Note, PythonInput, Variable

SETTINGS = """
import os
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["SECRET_KEY"]
GITHUB = os.environ["GITHUB_CLIENT_ID"]
INSTALLED_APPS = ["django_celery_beat"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "data" / "db.sqlite3"}}
CELERY_BROKER_URL = os.environ.get("REDIS_URL", "redis://redis:6379/0")
"""


def shop(write):
    return write(
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
            "from django.core.management import execute_from_command_line\n",
            "shop/__init__.py": "from shop.celery import app\n",
            "shop/celery.py": "from celery import Celery\napp = Celery('shop')\n"
            "app.config_from_object('django.conf:settings', namespace='CELERY')\n",
            "shop/settings.py": SETTINGS,
            "requirements.txt": "django\ncelery\nredis\n",
            ".python-version": "3.12\n",
            "Procfile": "web: python manage.py runserver $PORT\nworker: celery -A shop worker\n",
        }
    )


def test_a_project_with_a_bit_of_everything(write):
    expected = """
        # django project, as devboot reads it: manage.py:3

        [python]
        version = "3.12"  # .python-version:1
        requirements = ["requirements.txt"]

        [services.redis]  # shop/settings.py:8

        [databases.default]
        path = "data/db.sqlite3"  # shop/settings.py:7

        [env]
        REDIS_URL = "${services.redis.url}/0"  # shop/settings.py:8
        SECRET_KEY = { generate = "token" }  # shop/settings.py:4
        GITHUB_CLIENT_ID = { required = true, description = "read at shop/settings.py:5, put it in .env" }

        [tasks.migrate]
        run = "python manage.py migrate --noinput"  # manage.py:3
        inputs = ["**/migrations/*.py"]
        before = ["processes"]
        depends_on = ["default"]

        # processes: Procfile
    """
    actual = render(detect(shop(write), environ={}))
    assert dedent(expected).lstrip("\n") == actual
    assert actual.count("\n") <= 25


def test_the_manifest_parses_it(write):
    manifest = parse_manifest(render(detect(shop(write), environ={})), "devboot.toml", procfile=("web", "worker"))
    assert list(manifest.services) == ["redis"]


def test_a_big_project_gives_up_blank_lines_first_and_facts_never():
    names = [f"NAME_{number}" for number in range(30)]
    proposal = Proposal(
        root=Path("/x"),
        name="x",
        framework="flask",
        framework_evidence=Evidence("app.py", 3),
        python=PythonInput(("requirements.txt",), "3.12", Evidence("runtime.txt", 1)),
        env=tuple(Variable(name, value="x") for name in names),
        notes=tuple(Note(f"note {number}", Evidence("a.py", number)) for number in range(1, 9)),
    )
    text = render(proposal)
    assert text.count("\n") == 40
    assert list(tomllib.loads(text)["env"]) == names
    assert "note 1 (a.py:1)" in text
    assert text.endswith("; note 7 (a.py:7); note 8 (a.py:8)\n")


def test_texts_are_quoted_as_toml_wants_it():
    text = 'a "b" \\ \n \x07 é'
    assert tomllib.loads(f"x = {quoted(text)}")["x"] == text
