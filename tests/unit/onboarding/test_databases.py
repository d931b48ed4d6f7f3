"""SQLite files where development uses them, and a word about servers."""

import pytest


def paths(proposal):
    return {database.name: database.path for database in proposal.databases}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BASE_DIR / 'db.sqlite3'", "db.sqlite3"),
        ("os.path.join(BASE_DIR, 'data', 'x.db')", "data/x.db"),
        ("'database.db'", "database.db"),
        ("os.environ.get('DB_NAME', BASE_DIR / 'y.sqlite')", "y.sqlite"),
        ("Path(os.environ.get('DATA', BASE_DIR / 'data')) / 'db.sqlite3'", "data/db.sqlite3"),
    ],
)
def test_djangos_path_is_folded(django, name, expected):
    settings = f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': {name}}}}}"
    assert paths(django(settings)) == {"default": expected}


@pytest.mark.parametrize(
    "settings",
    [
        "import dj_database_url\nDATABASES = {'default': dj_database_url.config(default='sqlite:///db.sqlite3')}",
        "import environ\nenv = environ.Env()\nDATABASES = {'default': env.db('DATABASE_URL', default='sqlite:///db.sqlite3')}",
        "import environ\nenv = environ.Env()\nDATABASES = {'default': env.db(default=f'sqlite:///{BASE_DIR}/db.sqlite3')}",
        (
            "if os.environ.get('DB') == 'postgres':\n"
            "    DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql'}}\n"
            "else:\n"
            "    DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'db.sqlite3'}}"
        ),
    ],
)
def test_the_default_counts_and_no_address_is_set(django, settings):
    proposal = django(settings, "django\npsycopg\n")
    assert (paths(proposal), proposal.env) == ({"default": "db.sqlite3"}, ())


def test_a_server_without_a_recipe_is_a_note(django):
    proposal = django("DATABASES = {'default': {'ENGINE': 'django.db.backends.oracle', 'HOST': 'db'}}")
    assert (paths(proposal), [note.text for note in proposal.notes]) == (
        {},
        ["oracle: Oracle at `db` is needed; there is no recipe for it yet"],
    )


def test_an_engine_of_the_project_may_be_sqlite(django):
    proposal = django(
        "DATABASES = {'default': {'ENGINE': 'site_.backend', 'NAME': 'x.db'}}",
        more={
            "site_/backend/__init__.py": "",
            "site_/backend/base.py": "from django.db.backends.sqlite3 import base\n",
        },
    )
    assert paths(proposal) == {"default": "x.db"}


def test_memory_and_what_lies_elsewhere_are_none(django):
    engine = "'ENGINE': 'django.db.backends.sqlite3'"
    proposal = django(f"DATABASES = {{'a': {{{engine}, 'NAME': ':memory:'}}, 'b': {{{engine}, 'NAME': '/var/x.db'}}}}")
    assert (paths(proposal), [note.text for note in proposal.notes]) == (
        {},
        ["sqlite: `/var/x.db` is outside the clone"],
    )


def test_djangos_own_database_in_memory_is_warned_of(django):
    proposal = django("DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}")
    expected = "sqlite: in memory, where tables made by `migrate` are lost: the settings have to name a file"
    assert (paths(proposal), [note.text for note in proposal.notes]) == ({}, [expected])


@pytest.mark.parametrize(
    ("database", "name", "value"),
    [
        ("environ.Env().db('STORE', default='sqlite://:memory:')", "STORE", "sqlite:///db.sqlite3"),
        ("environ.Env().db('STORE', default='sqlite://')", "STORE", "sqlite:///db.sqlite3"),
        ("dj_database_url.config(default='sqlite://:memory:')", "DATABASE_URL", "sqlite:///db.sqlite3"),
        (
            "{'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.environ.get('STORE', ':memory:')}",
            "STORE",
            "db.sqlite3",
        ),
    ],
)
def test_djangos_database_in_memory_that_a_variable_replaces_is_a_file(django, database, name, value):
    proposal = django(f"import environ, dj_database_url\nDATABASES = {{'default': {database}}}\n")
    assert ({name: value}, {"default": "db.sqlite3"}) == ({v.name: v.value for v in proposal.env}, paths(proposal))


@pytest.mark.parametrize(
    "start",
    [
        "register_tortoise(app, config={'connections': {'default': URL}, 'apps': {}})",
        "@app.on_event('startup')\nasync def go():\n    await Tortoise.init(config={'connections': {'a': URL}})",
    ],
)
def test_tortoises_configuration_names_its_databases(propose, start):
    code = "import os\nfrom fastapi import FastAPI\nfrom tortoise import Tortoise\n"
    code += "from tortoise.contrib.fastapi import register_tortoise\napp = FastAPI()\n"
    code += f"URL = os.getenv('STORE', 'sqlite://:memory:')\n{start}\n"
    packages = "fastapi\nuvicorn\ntortoise-orm\n"
    proposal = propose({"main.py": code, "requirements.txt": packages})
    assert ("sqlite://db.sqlite3", {"default": "db.sqlite3"}) == (
        {v.name: v.value for v in proposal.env}["STORE"],
        paths(proposal),
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///x.db'", "instance/x.db"),
        (
            "app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///' + os.path.join(os.path.dirname(os.path.abspath(__file__)), 'x.db')",  # noqa: E501
            "x.db",
        ),
        ("app.config.from_mapping(DATABASE=os.path.join(app.instance_path, 'x.sqlite'))", "instance/x.sqlite"),
        ("import sqlite3\nsqlite3.connect('x.db')", "x.db"),
        ("from sqlalchemy import create_engine\nengine = create_engine('sqlite:///./x.db')", "x.db"),
    ],
)
def test_flasks_files_are_found(propose, body, expected):
    proposal = propose(
        {
            "app.py": f"import os\nfrom flask import Flask\napp = Flask(__name__)\n{body}\n",
            "requirements.txt": "flask\n",
        }
    )
    assert paths(proposal) == {"default": expected}


def test_developments_class_counts(propose):
    proposal = propose(
        {
            "config.py": """
                class Config:
                    SQLALCHEMY_DATABASE_URI = "sqlite:////nowhere/base.db"
                class Development(Config):
                    SQLALCHEMY_DATABASE_URI = "sqlite:///dev.db"
                class Production(Config):
                    SQLALCHEMY_DATABASE_URI = "postgresql://db/x"
                config = {"production": Production, "default": Development}
            """,
            "site_/__init__.py": """
                import os
                from flask import Flask
                from config import config
                def create_app(name=os.environ.get("FLASK_CONFIG", "default")):
                    app = Flask(__name__)
                    app.config.from_object(config[name])
                    return app
            """,
            "requirements.txt": "flask\n",
        }
    )
    assert paths(proposal) == {"default": "instance/dev.db"}


URL = "import environ\nDATABASES = {'default': environ.Env().db('DATABASE_URL')}\n"


def test_a_required_address_is_a_file_where_no_server_is_meant(django):
    proposal = django(URL)
    assert [(v.name, v.value) for v in proposal.env] == [("DATABASE_URL", "sqlite:///db.sqlite3")]
    assert paths(proposal) == {"default": "db.sqlite3"}


def test_an_engine_that_nobody_names_is_sqlite(django):
    proposal = django(
        "DATABASES = {'default': {'ENGINE': os.environ['SITE_DB_ENGINE'], 'NAME': os.environ['SITE_DB_NAME']}}\n",
        "django\npsycopg\n",
    )
    assert {v.name: v.value for v in proposal.env} == {
        "SITE_DB_ENGINE": "django.db.backends.sqlite3",
        "SITE_DB_NAME": "db.sqlite3",
    }
    assert paths(proposal) == {"default": "db.sqlite3"}


def test_an_address_that_decouple_hands_to_a_parser_is_a_database(django):
    head = "from decouple import config\nfrom dj_database_url import parse as db_url\n"
    call = "config('DATABASE_URL', default='{}', cast=db_url)"
    file = django(f"{head}DATABASES = {{'default': {call.format('sqlite:///data.sqlite3')}}}", "django\npsycopg\n")
    server = django(f"{head}DATABASES = {{'default': {call.format('postgres:///blog')}}}", "django\npsycopg\n")
    assert (paths(file), file.env) == ({"default": "data.sqlite3"}, ())
    assert {v.name: v.value for v in server.env} == {"DATABASE_URL": "${databases.default.url}"}


@pytest.mark.parametrize(
    ("flask", "more", "command"),
    [
        ("flask", {}, "devboot run -- flask --app shop db init"),
        ("flask==1.1", {}, "FLASK_APP=shop devboot run -- flask db init"),
        ("flask", {"migrations/env.py": ""}, None),
        ("flask", {"models.py": "def make(db):\n    db.create_all()\n"}, None),
    ],
)
def test_a_clone_that_lacks_its_migrations_says_how_they_are_made(propose, flask, more, command):
    code = "from flask import Flask\napp = Flask(__name__)\n"
    code += "app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///shop.db'\n"
    packages = f"{flask}\nflask-sqlalchemy\nflask-migrate\n"
    said = [note.text for note in propose({"shop.py": code, "requirements.txt": packages, **more}).notes]
    expected = "the clone has no migrations, so tables are missing: "
    assert said == ([f"{expected}`{command}`, then with `migrate`, then with `upgrade`"] if command else [])


@pytest.mark.parametrize(
    ("default", "told"),
    [
        ("sqlite:///:memory:", "sqlite:///db.sqlite3"),
        ("sqlite://", "sqlite:///db.sqlite3"),
        ("sqlite://:memory:", "sqlite:///db.sqlite3"),
        ("sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite:///db.sqlite3"),
    ],
)
def test_a_database_in_memory_that_a_variable_replaces_is_a_file(propose, default, told):
    code = (
        "import os\nfrom fastapi import FastAPI\nfrom sqlalchemy import create_engine\napp = FastAPI()\n"
        f"engine = create_engine(os.getenv('STORE', '{default}'))\n"
    )
    proposal = propose({"main.py": code, "requirements.txt": "fastapi\nuvicorn\nsqlalchemy\n"})

    assert {each.name: each.value for each in proposal.env}["STORE"] == told
    assert [each.path for each in proposal.databases] == ["db.sqlite3"]


@pytest.mark.parametrize(
    "code",
    [
        "engine = create_engine(os.environ['STORE_ADDRESS'])\n",
        "import psycopg2\npsycopg2.connect(host=os.environ['H'], dbname='shop')\nX = os.environ['DATABASE_URL']\n",
    ],
)
def test_an_address_is_not_asked_for_where_a_server_is_proposed(propose, code):
    start = "import os\nfrom flask import Flask\nfrom sqlalchemy import create_engine\napp = Flask(__name__)\n"
    proposal = propose({"app.py": start + code, "requirements.txt": "flask\nsqlalchemy\npsycopg2-binary\n"})

    assert [each.recipe for each in proposal.services] == ["postgres"]
    assert [each.name for each in proposal.env if each.required] == []
    assert len(proposal.databases) == 1


def test_a_bare_dotenv_of_direnv_reads_no_file_called_dotenv(propose):
    files = {"app.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask\n"}

    assert propose({**files, ".envrc": "dotenv\ndotenv secrets.env\n"}).env_files == (
        ".env", ".env.local", "secrets.env",
    )  # fmt: skip


def test_a_default_that_is_another_variable_makes_that_one_needed(propose):
    code = "from environs import Env\nfrom flask import Flask\nenv = Env()\napp = Flask(__name__)\n"
    code += "X = env('PARTNER_A', default=env('PARTNER_B'))\n"
    proposal = propose({"app.py": code, "requirements.txt": "flask\nenvirons\n"})

    assert [each.name for each in proposal.env if each.required] == ["PARTNER_B"]


@pytest.mark.parametrize(
    ("packages", "files", "url"),
    [
        ("flask\nflask-sqlalchemy\n", {}, "sqlite:///db.sqlite3"),
        ("flask\nflask-sqlalchemy\n", {"instance/shop.db": ""}, "sqlite:///shop.db"),
        ("flask\nflask-sqlalchemy\npsycopg2-binary\n", {}, None),
    ],
)
def test_an_address_without_a_default_is_a_file_where_no_server_can_be_meant(propose, packages, files, url):
    code = "import os\nfrom flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\napp = Flask(__name__)\n"
    code += "app.config['SQLALCHEMY_DATABASE_URI'] = os.getenv('SHOP_URI')\ndb = SQLAlchemy(app)\n"
    proposal = propose({"app.py": code, "requirements.txt": packages, **files})
    found = {each.name: each.value for each in proposal.env}.get("SHOP_URI", "")
    assert found == url if url else not (found or "").startswith("sqlite")


@pytest.mark.parametrize(
    ("url", "value", "path"),
    [
        ("f\"sqlite:///{os.getenv('STORE', '/data')}/x.db\"", "data", "data/x.db"),
        ("os.getenv('STORE', 'sqlite:////app/store/x.db')", "sqlite:///store/x.db", "store/x.db"),
        ("f\"sqlite:///{os.getenv('STORE', '/home/ada/x.db')}\"", None, None),
        ("f\"sqlite:///{os.getenv('STORE', 'here')}/x.db\"", None, "here/x.db"),
    ],
)
def test_a_file_in_the_volume_of_a_container_lies_in_the_clone(propose, url, value, path):
    code = "import os\nfrom flask import Flask\nfrom sqlalchemy import create_engine\napp = Flask(__name__)\n"
    proposal = propose({"app.py": f"{code}engine = create_engine({url})\n", "requirements.txt": "flask\nsqlalchemy\n"})

    assert {each.name: each.value for each in proposal.env}.get("STORE") == value
    assert paths(proposal) == ({} if path is None else {"default": path})
