"""Code that demands TLS of PostgreSQL is led to the server's socket, where its clients ask for none."""

import pytest

SOCKET = "${databases.default.socket}"
LOGIN = "${databases.default.user}:${databases.default.password}@/${databases.default.name}"
LOCAL = '"HOST": "localhost", "NAME": "shop"'
OWN = f'DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", {LOCAL}}}}}\n'
TOLD = {"DATABASE_URL": f"postgresql://{LOGIN}", "PGHOST": SOCKET}


def variables(proposal):
    """What is set for the database."""
    return {each.name: each.value for each in proposal.env if each.name not in ("PORT", "SECRET_KEY")}


@pytest.mark.parametrize(
    "settings",
    [
        f"import django_heroku\n{OWN}django_heroku.settings(locals())\n",
        f"import django_on_heroku\n{OWN}django_on_heroku.settings(config=locals(), logging=False)\n",
        f"from django_heroku import settings as on_heroku\n{OWN}on_heroku(globals())\n",
        "import dj_database_url\nDATABASES = {'default': dj_database_url.config(ssl_require=True)}\n",
        (
            "import dj_database_url\nDATABASES = {'default': dj_database_url.config(conn_max_age=600)}\n"
            "DATABASES['default']['OPTIONS'] = {'sslmode': 'verify-full'}\n"
        ),
        (
            f"import dj_database_url\n{OWN}if 'DATABASE_URL' in os.environ:\n"
            "    DATABASES['default'] = dj_database_url.config(ssl_require=True)\n"
        ),
        f"import dj_database_url\n{OWN}DATABASES['default'].update(dj_database_url.config(ssl_require=True))\n",
        (
            "import dj_database_url\nURL = f'sqlite:///{BASE_DIR}/db.sqlite3'  # with TLS this can't work\n"
            "DATABASES = {'default': dj_database_url.config(default=URL, ssl_require=True)}\n"
        ),
        "import environ\nDATABASES = {'default': {**environ.Env().db(), 'OPTIONS': {'sslmode': 'require'}}}\n",
    ],
)
def test_settings_that_demand_tls_get_an_address_without_a_host(django, settings):
    proposal = django(settings, "django\npsycopg2-binary\ndj-database-url\n")

    assert variables(proposal) == TOLD
    assert [(service.name, service.port) for service in proposal.services] == [("postgres", None)]
    assert any("the code requires TLS: PGHOST leads to the socket" in note.text for note in proposal.notes)


@pytest.mark.parametrize(
    "settings",
    [
        f"import django_heroku\n{OWN}django_heroku.settings(locals(), databases=False)\n",
        f"{OWN}if 'DYNO' in os.environ:\n    import django_heroku\n    django_heroku.settings(locals())\n",
        (
            f"import django_heroku\n{OWN}django_heroku.settings(locals())\n"
            "DATABASES['default'].get('OPTIONS', {}).pop('sslmode', None)\n"
        ),
        "import dj_database_url\nDATABASES = {'default': dj_database_url.config(ssl_require=False)}\n",
        (
            "import dj_database_url\nDEBUG = True\n"
            "DATABASES = {'default': dj_database_url.config(ssl_require=not DEBUG)}\n"
        ),
        (
            "import dj_database_url\nDATABASES = {'default': dj_database_url.config()}\n"
            "DATABASES['default']['OPTIONS'] = {'sslmode': os.environ.get('SSLMODE', 'prefer')}\n"
        ),
    ],
)
def test_settings_that_do_without_tls_are_told_the_port(django, settings):
    proposal = django(settings, "django\npsycopg2-binary\ndj-database-url\n")

    assert "PGHOST" not in variables(proposal)
    assert [service.name for service in proposal.services] == ["postgres"]


def test_sqlite_stays_beside_settings_for_heroku(django):
    settings = """
        import django_heroku
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
        django_heroku.settings(locals())
    """
    proposal = django(settings, "django\npsycopg2-binary\ndj-database-url\ndjango-heroku\n")

    assert (list(proposal.services), variables(proposal)) == ([], {})
    assert [database.path for database in proposal.databases] == ["db.sqlite3"]


def test_a_host_in_a_variable_of_its_own_becomes_the_folder_of_the_socket(django):
    settings = """
        DATABASES = {
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": os.environ["DB_NAME"],
                "HOST": os.environ.get("DB_HOST", "localhost"),
                "OPTIONS": {"sslmode": "require"},
            }
        }
    """
    proposal = django(settings, "django\npsycopg\n")
    told = variables(proposal)

    assert not any(note.warns for note in proposal.notes)
    assert (told["DB_HOST"], told["PGHOST"], told["DB_NAME"]) == (SOCKET, SOCKET, "${databases.default.name}")


FLASK = "import os\nfrom flask import Flask\napp = Flask(__name__)\nURL = os.environ['DATABASE_URL']\n"
ENGINE = "from sqlalchemy import create_engine\nengine = create_engine"


@pytest.mark.parametrize(
    ("packages", "code", "address"),
    [
        ("psycopg2", "import psycopg2\ndb = psycopg2.connect(URL, sslmode='require')\n", f"postgresql://{LOGIN}"),
        ("psycopg2", "import psycopg2\ndb = psycopg2.connect(URL + '?sslmode=require')\n", f"postgresql://{LOGIN}"),
        (
            "sqlalchemy psycopg2",
            f"{ENGINE}(URL, connect_args={{'sslmode': 'require'}})\n",
            f"postgresql+psycopg2://{LOGIN}",
        ),
        ("sqlalchemy psycopg", f"{ENGINE}(f'{{URL}}?sslmode=verify-full')\n", f"postgresql+psycopg://{LOGIN}"),
        (
            "flask-sqlalchemy psycopg2",
            (
                "app.config['SQLALCHEMY_DATABASE_URI'] = URL\n"
                "app.config['SQLALCHEMY_ENGINE_OPTIONS'] = {'connect_args': {'sslmode': 'require'}}\n"
            ),
            f"postgresql+psycopg2://{LOGIN}",
        ),
        (
            "asyncpg",
            "import asyncpg\nasync def start():\n    return await asyncpg.create_pool(URL, ssl='require')\n",
            f"postgresql://{LOGIN}",
        ),
        (
            "asyncpg",
            (
                "import asyncpg, ssl\ncontext = ssl.create_default_context()\n"
                "async def start():\n    return await asyncpg.connect(dsn=URL, ssl=context)\n"
            ),
            f"postgresql://{LOGIN}",
        ),
    ],
)
def test_clients_that_are_given_an_address_find_the_socket(propose, packages, code, address):
    proposal = propose({"app.py": FLASK + code, "requirements.txt": "\n".join(["flask", *packages.split()]) + "\n"})

    assert variables(proposal) == {"DATABASE_URL": address, "PGHOST": SOCKET}


def test_a_host_that_the_code_puts_into_an_address_is_left_out(propose):
    code = """
        import os
        from flask import Flask
        from sqlalchemy import create_engine
        app = Flask(__name__)
        HOST = os.environ["DB_HOST"]
        engine = create_engine(f"postgresql://ada:word@{HOST}:{os.environ['DB_PORT']}/shop?sslmode=require")
    """
    told = variables(propose({"app.py": code, "requirements.txt": "flask\nsqlalchemy\npsycopg2-binary\n"}))

    assert (told["DB_HOST"], told["PGHOST"]) == ("", SOCKET)


def test_an_address_in_the_code_that_demands_tls_is_warned_of(django):
    entry = f'{{"ENGINE": "django.db.backends.postgresql", {LOCAL}, "OPTIONS": {{"sslmode": "require"}}}}'
    proposal = django(f'DATABASES = {{"default": {entry}}}\n', "django\npsycopg\n")

    assert [note.text for note in proposal.notes if note.warns] == [
        "postgres: the code requires TLS, which isn't available here: read the host from a variable"
    ]


def test_a_client_that_knows_no_socket_keeps_its_address(propose):
    code = FLASK + f"{ENGINE}(URL, connect_args={{'sslmode': 'require'}})\n"

    assert "PGHOST" not in variables(propose({"app.py": code, "requirements.txt": "flask\nsqlalchemy\npg8000\n"}))
