"""Packages of clones that list none."""

import re

import pytest

from devboot.model.distributions import distributions, distributions_table
from devboot.onboarding import detect
from devboot.onboarding.reading.tree import MAX_BYTES
from tests.unit.onboarding.conftest import MANAGE

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
        "no list of packages in the clone; from its imports: fastapi, pillow, pyyaml, sqlalchemy, uvicorn"
    ]


def test_a_module_of_an_unknown_package_is_reported_and_never_guessed(propose):
    proposal = propose({"main.py": "import shopify_widgets\n" + FASTAPI, "shop/__init__.py": "", "shop/models.py": ""})
    assert ("fastapi", "uvicorn") == proposal.python.packages
    (warning,) = [note for note in proposal.notes if note.warns]
    assert str(warning) == ("imported, but neither in the clone nor a known package: `shopify_widgets` (main.py:1)")


def test_the_packages_of_a_worker_that_the_application_does_not_import_are_installed_too(propose):
    worker = "from celery import Celery\nimport requests\napp = Celery('jobs', broker_url='redis://localhost:6379/0')\n"
    files = {"main.py": FASTAPI.replace("import shop.models\n", ""), "jobs.py": worker, "train.py": "import torch\n"}
    proposal = propose({**files, "tests/jobs.py": worker.replace("requests", "yaml")})
    assert proposal.python.packages == ("celery", "fastapi", "redis", "requests", "uvicorn")
    assert "celery -A jobs worker -l info" in {each.command for each in proposal.processes}


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
        (
            "INSTALLED_APPS = ['django_pandas', 'localflavor']\n",
            "import docx2txt\n",
            ("django", "django-localflavor", "django-pandas", "docx2txt"),
        ),
        ("MIDDLEWARE = ['whitenoise.middleware.WhiteNoiseMiddleware']\n", "", ("django", "whitenoise")),
        (
            "INSTALLED_APPS = ['django_pandas', 'localflavor', 'shop']\n",
            "import docx2txt\n",
            ("django", "django-localflavor", "django-pandas", "docx2txt"),
        ),
    ],
)
def test_settings_and_fields_of_django_need_packages_that_nothing_imports(write, settings, models, expected):

    files = {"manage.py": MANAGE.format(settings="site_.settings"), "site_/settings.py": settings}
    root = write({**files, "site_/__init__.py": "", "shop/__init__.py": "", "shop/models.py": models})
    assert expected == detect(root, environ={}).python.packages


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"requirements.txt": "requests\n"}, ("fastapi", "uvicorn")),
        ({"requirements.txt": "fastapi\n"}, ("uvicorn",)),
        ({"requirements.txt": "fastapi\nhypercorn\n"}, ()),
        ({"requirements.txt": "fastapi\nfastapi-cli\n"}, ()),
        ({"requirements.txt": "fastapi\n", "Procfile": "web: gunicorn main:app\n"}, ("gunicorn",)),
        ({"requirements.txt": "fastapi-slim\nuvicorn\n"}, ()),
        (
            {
                "main.py": "from made import make_app\napp = make_app()\n",
                "made.py": "import falcon.asgi\ndef make_app():\n    return falcon.asgi.App()\n",
                "requirements.txt": "falcon\n",
            },
            ("uvicorn",),
        ),
    ],
)
def test_a_framework_or_server_that_no_list_has_is_added(propose, files, expected):
    proposal = propose({"main.py": "from fastapi import FastAPI\napp = FastAPI()\n", **files})
    assert expected == proposal.python.packages


def test_every_distribution_is_written_as_a_requirement():
    pattern = re.compile(r"[a-z0-9][a-z0-9.-]*(?:\[[a-z,]+\])?(?:[<>=]+[\d.]+)?")
    assert [] == [name for name in distributions().values() if not pattern.fullmatch(name)]


def test_distributions_of_a_shared_package_are_told_apart_by_what_is_imported_of_it(propose):
    code = "from google import genai\nfrom google.cloud.storage import Client\nimport google.oauth2.credentials\n"
    code += "from flask import Flask\napp = Flask(__name__)\n"
    assert ("flask", "google-auth", "google-cloud-storage", "google-genai") == propose({"app.py": code}).python.packages


def test_a_word_in_djangos_settings_is_no_application_because_a_package_is_called_like_it(propose):
    files = {
        "manage.py": "import os\nfrom django.core.management import execute_from_command_line\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\nexecute_from_command_line()\n",
        "shop/__init__.py": "",
        "shop/settings.py": "INSTALLED_APPS = ['axes', 'rest_framework']\nKINDS = ['schedule', 'redis', 'docker']\n",
    }
    assert ("django", "django-axes", "djangorestframework") == propose(files).python.packages


FLASK_AND_MORE = "import flask\nimport requests, yaml\nfrom PIL import Image\napp = flask.Flask(__name__)\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"setup/requirements_app.txt": "flask\nrequests\npyyaml\npillow\n"}, ("setup/requirements_app.txt",)),
        (
            {"apps/requirments.txt": "flask\nyaml\n", "x/reqs.txt": "flask\n"},
            ("apps/requirments.txt",),
        ),
        ({"requirements.txt": "numpy\n", "server/requirements.txt": "flask\nrequests\n"}, ("server/requirements.txt",)),
        (
            {"requirements.txt": "flask\nrequests\n", "a/reqs.txt": "flask\nrequests\npyyaml\n"},
            ("requirements.txt",),
        ),
        ({"a/requirements-prod.txt": "flask\n", "a/requirements.txt": "flask\n"}, ("a/requirements.txt",)),
        (
            {"requirements-train.txt": "torch\n", "requeriments-api.txt": "flask\nrequests\npyyaml\n"},
            ("requeriments-api.txt",),
        ),
        ({"deploy/lists.txt": "flask\n"}, ()),
        (
            {"app.py": "import flask\napp = flask.Flask('a')\n", "requirements.txt": "six\n", "a/reqs.txt": "flask\n"},
            ("requirements.txt",),
        ),
        ({"api/poetry.lock": '[[package]]\nname = "flask"\nversion = "3.0"\n'}, ("api/poetry.lock",)),
    ],
)
def test_of_the_lists_of_a_clone_the_one_that_covers_the_imports_is_taken(propose, files, expected):
    assert expected == propose({"app.py": FLASK_AND_MORE, **files}).python.requirements


def test_another_list_than_the_usual_one_is_reported_with_what_that_lacks(propose):
    files = {"requirements.txt": "numpy\n", "server/requirements.txt": "flask\nrequests\n"}
    text = "packages come from server/requirements.txt: "
    text += "requirements.txt lacks 4 of 4 packages that the code imports (server/requirements.txt)"
    assert text in map(str, propose({"app.py": FLASK_AND_MORE, **files}).notes)


@pytest.mark.parametrize(
    ("locked", "expected"), [(("flask",), "requirements.txt"), (("flask", "numpy", "requests"), "poetry.lock")]
)
def test_a_lock_that_lacks_most_imports_gives_way_to_a_list_that_has_them(propose, locked, expected):
    lock = "".join(f'[[package]]\nname = "{name}"\nversion = "1.0"\n' for name in locked)
    files = {"poetry.lock": lock, "requirements.txt": "flask\nnumpy\nrequests\npillow\n"}
    assert (expected,) == propose({"app.py": FLASK_AND_MORE, **files}).python.requirements


def test_each_module_of_the_table_is_named_once_and_each_distribution_is_spelt_as_indexes_compare_it():
    table = distributions_table()
    names = [*table["same"].split(), *table["renamed"], *table["shared"]]
    assert len(names) == len(set(names))
    assert sorted(table["same"].split()) == table["same"].split()
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*(\[[a-z]+\])?(<\d+)?", each) for each in distributions().values())


def test_starlette_comes_with_fastapi(propose):
    code = "from starlette.applications import Starlette\napp = Starlette()\n"
    assert () == propose({"main.py": code, "requirements.txt": "fastapi\nuvicorn\n"}).python.packages


@pytest.mark.parametrize(
    ("made", "urls", "expected"),
    [
        ("1.11.20", "from django.conf.urls import url\n", "django==1.11.*"),
        ("1.11.20", "from django.urls import include, path\n", "django"),
        ("5.2", "from django.urls import path\n", "django==5.2.*"),
    ],
)
def test_the_django_that_made_the_settings_is_the_one_that_is_installed(write, made, urls, expected):

    head = f'"""\nSettings.\n\nGenerated by \'django-admin startproject\' using Django {made}.\n"""\n'
    files = {"manage.py": MANAGE.format(settings="site_.settings"), "site_/settings.py": head, "site_/urls.py": urls}
    assert (expected,) == detect(write(files), environ={}).python.packages


@pytest.mark.parametrize(
    "tool", ["django-admin.py startproject", "django-manager startproject", "manage startproject -x"]
)
def test_the_tool_that_made_the_settings_may_have_any_name(propose, tool):
    settings = f'"""\nGenerated by \'{tool}\' using Django 4.0.4.\n"""\n'
    proposal = propose({"manage.py": MANAGE.format(settings="site_.settings"), "site_/settings.py": settings})
    assert proposal.python.packages == ("django==4.0.*",)


@pytest.mark.parametrize(
    ("listed", "code", "added"),
    [
        ("fastapi\nuvicorn\n", "from jose import jwt\nimport yaml\n", ["python-jose", "pyyaml"]),
        ("fastapi\nuvicorn\n", "import pydantic\nfrom starlette import requests\n", []),  # brought along
        ("fastapi[all]\n", "import pydantic_settings\n", []),
        ("fastapi\nuvicorn\ncelery[redis]\n", "import redis\n", []),
        ("fastapi\nuvicorn\nopencv-contrib-python\n", "import cv2\n", []),  # another distribution of the module
        ("fastapi\nuvicorn\nopenai\n", "import agents\n", ["openai-agents"]),  # `openai` is that of another module
        ("fastapi\nuvicorn\n", "try:\n    import yaml\nexcept ImportError:\n    yaml = None\n", []),
        ("fastapi\nuvicorn\n", "def load():\n    import yaml\n", []),
        ("fastapi\nuvicorn\n", "import shopify_widgets\n", []),  # nobody knows which package that is
        ("fastapi==0.1 --hash=sha256:00\nuvicorn\n", "import yaml\n", []),  # nothing without one is installed
    ],
)
def test_what_the_entry_leads_to_and_no_list_has_is_added_with_a_note(propose, listed, code, added):
    models = {"shop/__init__.py": "", "shop/models.py": code}
    proposal = propose({"main.py": FASTAPI, **models, "requirements.txt": listed})
    assert list(proposal.python.packages) == added
    said = [str(note) for note in proposal.notes if "not in the lists of packages" in note.text]
    assert [each.split(":")[0] for each in said] == added
    assert all("(shop/models.py:" in each for each in said)


@pytest.mark.parametrize(("library", "is_added"), [("pydantic", True), ("pydantic_settings", False)])
def test_settings_of_pydantic_need_a_reader_of_env_files_once_there_is_one(propose, library, is_added):
    code = (
        f"from {library} import BaseSettings\nclass Settings(BaseSettings):\n    key: str\nSettings(_env_file='.env')\n"
    )
    added = propose({"main.py": f"{FASTAPI}\n{code}"}).python.packages

    assert ("python-dotenv" in added) is is_added


def test_a_list_in_the_encoding_of_powershell_is_read(write):
    clone = write({"main.py": FASTAPI, "shop/__init__.py": "", "shop/models.py": "import yaml\n"})
    (clone / "requirements.txt").write_bytes("fastapi\r\nuvicorn\r\npyyaml\r\n".encode("utf-16"))
    proposal = detect(clone, environ={})
    assert (proposal.python.requirements, proposal.python.packages, proposal.notes) == (("requirements.txt",), (), ())


def test_packages_that_others_bring_are_called_as_indexes_call_them():
    names = [*(brings := distributions_table()["brings"]), *(name for some in brings.values() for name in some.split())]
    assert [name for name in names if not re.fullmatch(r"[a-z0-9-]+(?:\[[a-z0-9]+\])?", name)] == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            "from dash import Dash\napp = Dash(__name__, use_pages=True)\napp.run()\n",
            ("dash", "duckdb", "pandas", "plotly"),
        ),
        ("import streamlit as st\nst.title('x')\n", ("duckdb", "pandas", "plotly", "streamlit")),
    ],
)
def test_pages_that_a_framework_loads_by_their_place_are_followed(propose, entry, expected):
    proposal = propose({"app.py": entry, "pages/home.py": "import duckdb\nimport plotly.express as px\n"})
    assert proposal.python.packages == expected


@pytest.mark.parametrize(
    ("files", "library"),
    [
        ({"jobs.py": "app = Celery('jobs')\napp.conf.worker_pool = 'eventlet'\n"}, "eventlet"),
        ({"jobs.py": "app = Celery('jobs')\napp.conf.update({'worker_pool': \"gevent\"})\n"}, "gevent"),
        ({"jobs.py": "app = Celery('jobs')\n# worker_pool = 'gevent' on Windows\n"}, None),
        ({"jobs.py": "app = Celery('jobs')\nworker_pool = 'solo'\n"}, None),
        ({"Procfile": "worker: celery -A jobs worker -P gevent\n"}, "gevent"),
        ({"Procfile": "worker: celery -A jobs worker --pool=eventlet -c 10\n"}, "eventlet"),
        ({"Procfile": "web: gunicorn -k gevent -w 2 app:app\n"}, "gevent"),
        ({"Procfile": "web: gunicorn app:app --worker-class uvicorn.workers.UvicornWorker\n"}, "uvicorn"),
    ],
)
def test_the_library_that_an_option_of_a_worker_needs_is_installed(propose, files, library):
    code = "from flask import Flask\nimport jobs\napp = Flask(__name__)\n"
    listed = {"app.py": code, "requirements.txt": "celery\nflask\ngunicorn\n", "jobs.py": "", **files}
    listed["jobs.py"] = "from celery import Celery\n" + listed["jobs.py"]
    assert propose(listed).python.packages == ((library,) if library else ())


def test_a_list_that_has_what_composes_worker_runs_is_taken_along(propose):
    compose = "services:\n  jobs:\n    build: .\n    command: celery -A jobs worker\n    volumes: ['.:/code']\n"
    files = {
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        "jobs.py": "from celery import Celery\napp = Celery('jobs')\n",
        "compose.yaml": compose,
        "requirements.txt": "flask\n",
    }
    assert propose(files).python.packages == ("celery",)
    python = propose({**files, "requirements-all.txt": "flask\ncelery\n"}).python
    assert (python.requirements, python.packages) == (("requirements.txt", "requirements-all.txt"), ())


@pytest.mark.parametrize(
    ("files", "is_added"),
    [
        ({"Procfile": "web: uvicorn main:app --reload --port $PORT\n"}, True),
        ({"Procfile": "web: uvicorn main:app --port $PORT\n"}, False),
        ({"Procfile": "web: uvicorn main:app --reload\n", "requirements.txt": "fastapi\nuvicorn[standard]\n"}, False),
        ({"Procfile": "web: uvicorn main:app --reload\n", "requirements.txt": "fastapi\nuvicorn\nwatchfiles\n"}, False),
        ({"main.py": "APP\nif __name__ == '__main__':\n    uvicorn.run('main:app', port=80, reload=True)\n"}, True),
        ({"main.py": "APP\nif __name__ == '__main__':\n    uvicorn.run('main:app', port=80)\n"}, False),
    ],
)
def test_uvicorns_reloader_gets_what_spares_it_the_virtualenv(propose, files, is_added):
    app = "import uvicorn\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    given = {"main.py": app, "requirements.txt": "fastapi\nuvicorn\n"} | files
    proposal = propose({**given, "main.py": given["main.py"].replace("APP\n", app)})
    assert ("watchfiles" in proposal.python.packages) == is_added
    assert any(note.text.startswith("watchfiles: added") for note in proposal.notes) == is_added


def test_modules_that_come_from_the_package_itself_are_followed(propose):
    main = "from fastapi import FastAPI\nfrom . import tasks\napp = FastAPI()\n"
    python = propose({"shop/__init__.py": "", "shop/main.py": main, "shop/tasks.py": "import requests\n"}).python
    assert "requests" in python.packages


ROUTE = "from flask import Flask\napp = Flask(__name__)\n@app.route('/')\n"


@pytest.mark.parametrize(
    ("listed", "code", "added"),
    [
        ("fastapi uvicorn", FASTAPI + "@app.post('/in')\ndef sign_in(name: str = Form()): ...\n", "python-multipart"),
        ("fastapi uvicorn python-multipart", FASTAPI + "def put(file: UploadFile): ...\n", ""),
        ("fastapi[standard]", FASTAPI + "def put(file: UploadFile): ...\n", ""),
        ("starlette uvicorn", ("from starlette.applications import Starlette\napp = Starlette()\n"
         "async def put(request):\n    return await request.form()\n"), "python-multipart"),
        ("fastapi uvicorn", FASTAPI + "pages = Jinja2Templates('pages')\n", "jinja2"),
        ("fastapi uvicorn flask", FASTAPI + "pages = Jinja2Templates('pages')\n", ""),  # Flask brings it
        ("fastapi uvicorn", FASTAPI + "app.add_middleware(SessionMiddleware, secret_key='x')\n", "itsdangerous"),
        ("fastapi uvicorn", "from pydantic import BaseModel, EmailStr\n" + FASTAPI, "email-validator"),
        ("fastapi uvicorn pydantic[email]", "from pydantic import EmailStr\n" + FASTAPI, ""),
        ("fastapi uvicorn", "from fastapi.testclient import TestClient\n" + FASTAPI, "httpx"),
        ("fastapi uvicorn", FASTAPI + "@app.websocket('/news')\nasync def news(socket): ...\n", "websockets"),
        ("fastapi uvicorn[standard]", FASTAPI + "@app.websocket('/news')\nasync def news(socket): ...\n", ""),
        ("fastapi uvicorn passlib", FASTAPI + "kept = CryptContext(schemes=['bcrypt'])\n", "bcrypt"),
        ("fastapi uvicorn passlib[bcrypt]", FASTAPI + "kept = CryptContext(schemes=['bcrypt'])\n", ""),
        ("fastapi uvicorn pyjwt", FASTAPI + "KIND = 'RS256'\n", "cryptography"),
        ("fastapi uvicorn pyjwt", FASTAPI + "KIND = 'HS256'\n", ""),
        ("flask", ROUTE + "async def home(): ...\n", "asgiref"),
        ("flask flask-wtf", ROUTE + "def home(): ...\nCHECKS = [Email()]\n", "email-validator"),
        ("flask flask-socketio", ROUTE + "def home(): ...\nSocketIO(app, async_mode='gevent')\n", "gevent"),
        ("flask celery", ROUTE + "def home(): ...\nBROKER = 'redis://localhost:6379/0'\n", "redis"),
        ("flask celery[redis]", ROUTE + "def home(): ...\nBROKER = 'redis://localhost:6379/0'\n", ""),
        ("flask flask-sqlalchemy", ROUTE + "def home(): ...\nURL = 'postgresql://me@localhost/shop'\n",
         "psycopg2-binary"),
        ("flask flask-sqlalchemy", ROUTE + "def home(): ...\nu = u.replace('postgres://', 'postgresql://')\n", ""),
        ("flask flask-sqlalchemy pg8000", ROUTE + "def home(): ...\nURL = 'postgresql://me@localhost/shop'\n", ""),
        ("flask flask-sqlalchemy", ROUTE + "def home(): ...\nURL = f'mysql+pymysql://{USER}@db/shop'\n", "pymysql"),
        ("fastapi uvicorn sqlalchemy", FASTAPI + "URL = 'sqlite+aiosqlite:///shop.db'\n", "aiosqlite"),
        ("fastapi uvicorn databases", FASTAPI + "URL = 'sqlite:///shop.db'\n", "aiosqlite"),
        ("fastapi uvicorn databases[sqlite]", FASTAPI + "URL = 'sqlite:///shop.db'\n", ""),
        ("fastapi uvicorn pandas", FASTAPI + "frame = pandas.read_excel('in.xlsx')\n", "openpyxl"),
    ],
)  # fmt: skip
def test_what_the_code_needs_without_importing_it_is_added_to_a_list_that_lacks_it(propose, listed, code, added):
    code = code.replace("import shop.models\n", "")
    proposal = propose({"main.py": code, "requirements.txt": listed.replace(" ", "\n")})
    assert proposal.python.requirements == ("requirements.txt",)
    assert proposal.python.packages == ((added,) if added else ())
    said = [str(each) for each in proposal.notes if "not in the lists of packages" in each.text]
    assert [each.rpartition(":")[0] for each in said] == (
        [f"{added}: used, but not in the lists of packages (main.py"] if added else []
    )


@pytest.mark.parametrize(
    ("settings", "models", "added"),
    [
        ("MIDDLEWARE = ['whitenoise.middleware.WhiteNoiseMiddleware']\n", "", "whitenoise"),
        ("DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n", "", "psycopg2-binary"),
        ("CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache'}}\n", "", "django-redis"),
        ("", "from django.db import models\nx = models.ImageField()\n", "pillow"),
        ("", "from django.db import models\n", ""),
    ],
)
def test_what_djangos_settings_and_models_need_is_added_to_a_list_that_lacks_it(django, settings, models, added):
    proposal = django(settings, more={"site_/models.py": models})
    assert proposal.python.packages == ((added,) if added else ())


def test_what_a_package_needs_that_no_list_has_is_added_with_it(propose):
    code = "from sqlalchemy import create_engine\nengine = create_engine('postgresql+psycopg2://me@db/shop')\n"
    proposal = propose({"main.py": FASTAPI + code, "requirements.txt": "fastapi\nuvicorn\n"})

    assert proposal.python.packages == ("psycopg2-binary", "sqlalchemy")


@pytest.mark.parametrize(
    ("listed", "engines"),
    [("django\npsycopg\n", ["postgresql", "mysql"]), ("django\n", ["sqlite3", "mysql"])],
)
def test_an_engine_that_is_one_of_several_adds_no_driver(django, listed, engines):
    lines = [f"if KIND == '{each}':\n    ENGINE = 'django.db.backends.{each}'\n" for each in engines]
    assert django(f"KIND = ''\n{''.join(lines)}", listed).python.packages == ()


@pytest.mark.parametrize(
    ("listed", "urls", "added"),
    [
        ("asyncpg aiomysql", ["mysql+pymysql", "postgresql+asyncpg"], ()),  # aiomysql brings it
        ("psycopg2-binary", ["postgresql+asyncpg"], ("asyncpg",)),
        ("asyncmy", ["mysql+aiomysql"], ()),
        ("pymysql", ["mysql+mysqldb"], ()),
    ],
)
def test_a_driver_of_which_another_one_takes_the_place_is_not_added(propose, listed, urls, added):
    code = ROUTE + "def home(): ...\n" + "".join(f"URL = '{each}://db/shop'\n" for each in urls)
    files = {"main.py": code, "requirements.txt": f"flask\nsqlalchemy\n{listed.replace(' ', chr(10))}\n"}
    assert propose(files).python.packages == added


def test_settings_for_another_stage_add_no_packages(django):
    other = "from .settings import *\nDATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n"
    assert django("", more={"site_/settings_production.py": other}).python.packages == ()


def test_nothing_is_added_to_a_list_with_hashes(propose):
    files = {"main.py": "from fastapi import FastAPI, Form\napp = FastAPI()\ndef put(x=Form()): ...\n"}
    listed = "fastapi==0.115.0 --hash=sha256:00\nuvicorn==0.30.0 --hash=sha256:00\n"
    assert propose({**files, "requirements.txt": listed}).python.packages == ()


def test_each_row_of_what_code_needs_can_apply():
    """A row whose module or package no table spells so would never be used."""
    table = distributions_table()
    known = {re.sub(r"\[.*|<.*", "", name) for name in distributions().values()} | table["brings"].keys()
    rows = table["implied"]
    assert [row for row in rows if not set(row["module"].split()) <= known | {"flask-session", "databases"}] == []
    assert all(re.compile(row["pattern"], re.MULTILINE) for row in rows)


@pytest.mark.parametrize("words", ["BeautifulSoup(", "schemes = [", "@a.route()\n", "from flask import (", '"', "\n"])
def test_what_code_needs_is_found_in_linear_time(words):
    """A search whose time grows with the square of the length reaches the limit of all tests."""
    text = words * (MAX_BYTES // len(words))
    patterns = [row["pattern"] for row in distributions_table()["implied"]]

    assert not [pattern for pattern in patterns if re.search(pattern, text, re.MULTILINE)]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n\n  # flask\n", "\ufeff"])
def test_a_list_that_lists_nothing_is_none(propose, text):
    code = "from flask import Flask\nimport djcelery\napp = Flask(__name__)\n"
    proposal = propose({"app.py": code, "requirements.txt": text})
    assert (("django-celery", "flask"), ()) == (proposal.python.packages, proposal.python.requirements)
    assert "nothing is listed in requirements.txt; from its imports: django-celery, flask" in [
        note.text for note in proposal.notes
    ]


@pytest.mark.parametrize("text", ["-r more.txt\n", "-e .\n", "https://example.test/shop.tar.gz\n"])
def test_a_list_that_leads_elsewhere_lists_something(propose, text):
    code = "from flask import Flask\napp = Flask(__name__)\n"
    assert propose({"app.py": code, "requirements.txt": text, "more.txt": "flask\n"}).python.requirements
