"""PostgreSQL: proposed where development uses it, and the variables that the code really reads lead there."""

import pytest

ENV = {
    "url": "${databases.default.url}",
    "host": "${databases.default.host}",
    "port": "${databases.default.port}",
    "password": "${databases.default.password}",
    "name": "${databases.default.name}",
    "user": "${databases.default.user}",
}
PARTS = """
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ.get("DB_NAME", "shop"),
            "USER": os.environ.get("DB_USER", "ada"),
            "PASSWORD": os.environ.get("DB_PASSWORD", "secret"),
            "HOST": os.environ.get("DB_HOST", "db"),
            "PORT": os.environ.get("DB_PORT", "5432"),
        }
    }
"""


def served(proposal):
    """Services with their fixed ports; databases as (name, service, database, user); variables that are set."""
    return (
        {service.name: service.port for service in proposal.services},
        [(item.name, item.service, item.database, item.user) for item in proposal.databases],
        {variable.name: variable.value for variable in proposal.env if variable.name not in ("PORT", "SECRET_KEY")},
    )


def test_parts_with_defaults_need_host_port_and_password_alone(django):
    proposal = django(PARTS, "django\npsycopg\n")

    assert served(proposal) == (
        {"postgres": None},
        [("default", "postgres", "shop", "ada")],
        {"DB_HOST": ENV["host"], "DB_PASSWORD": ENV["password"], "DB_PORT": ENV["port"]},
    )
    assert [str(note) for note in proposal.notes] == []


def test_parts_without_defaults_are_all_set(django):
    settings = PARTS.replace('.get("DB_NAME", "shop")', '["DB_NAME"]').replace('.get("DB_USER", "ada")', '["DB_USER"]')
    settings = settings.replace('.get("DB_PASSWORD", "secret")', '["DB_PASSWORD"]')
    more = {".env.example": "DB_NAME=store\nDB_USER=clerk\nDB_PASSWORD=\n"}

    assert served(django(settings, "django\npsycopg\n", more)) == (
        {"postgres": None},
        [("default", "postgres", "store", "clerk")],
        {
            "DB_HOST": ENV["host"],
            "DB_NAME": ENV["name"],
            "DB_PASSWORD": ENV["password"],
            "DB_PORT": ENV["port"],
            "DB_USER": ENV["user"],
        },
    )


@pytest.mark.parametrize(
    "settings",
    [
        "import environ\nDATABASES = {'default': environ.Env().db('DATABASE_URL')}\n",
        (
            "import environ\nenv = environ.Env()\nurl = env.str('DATABASE_URL', default='postgresql://localhost/app')\n"
            "DATABASES = {'default': env.db_url_config(url)}\n"
        ),
        "import dj_database_url\nDATABASES = {'default': dj_database_url.config()}\n",
        "import dj_database_url\nDATABASES = {'default': dj_database_url.config(default='postgres://db/app')}\n",
    ],
)
def test_an_address_in_one_piece_is_set(django, settings):
    assert served(django(settings, "django\npsycopg2-binary\n")) == (
        {"postgres": None},
        [("default", "postgres", "app", "")],
        {"DATABASE_URL": ENV["url"]},
    )


def test_a_literal_port_is_pinned_and_a_container_is_named(django):
    literal = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'a', 'HOST': '%s'%s}}"

    pinned = django(literal % ("localhost", ", 'PORT': 5433"), "django\npsycopg\n")
    assert served(pinned) == ({"postgres": 5433}, [("default", "postgres", "a", "")], {})
    # libpq finds it by PGHOST and PGPORT
    assert served(django(literal % ("", ""), "django\npsycopg\n"))[0] == {"postgres": None}
    contained = django(literal % ("db", ""), "django\npsycopg\n")
    assert (contained.python.hosts, served(contained)[2]) == (("db",), {"PGHOSTADDR": "127.0.0.1"})
    assert [str(note) for note in django(literal % ("nas", ""), "django\npsycopg\n").notes] == [
        (
            "postgres: the code connects to `nas`, a name that only containers have: read it from a variable "
            "(site_/settings.py:4)"
        )
    ]


def test_sqlite_stays_where_development_uses_it(django):
    settings = (
        "import dj_database_url\nDATABASES = {'default': dj_database_url.config(default='sqlite:///db.sqlite3')}\n"
    )
    proposal = django(settings, "django\npsycopg\n", {"compose.yml": "services:\n  db:\n    image: postgres:16\n"})

    assert served(proposal)[0] == {}
    assert [database.path for database in proposal.databases] == ["db.sqlite3"]


APP = """
    import os
    from fastapi import FastAPI
    from sqlalchemy.ext.asyncio import create_async_engine
    URL = os.environ.get("DATABASE_URL") or "postgresql+asyncpg://" + os.environ.get("DB_HOST", "db") + "/shop"
    engine = create_async_engine(URL)
    app = FastAPI()
"""


def test_the_driver_of_the_code_stays_in_the_address(propose):
    proposal = propose({"main.py": APP, "requirements.txt": "fastapi\nsqlalchemy\nasyncpg\n"})

    assert served(proposal) == (
        {"postgres": None},
        [("default", "postgres", "shop", "")],
        {
            "DATABASE_URL": f"postgresql+asyncpg://{LOGIN}",
        },
    )


SHOP = "import os\nfrom flask import Flask\napp = Flask(__name__)\nURL = os.environ['DATABASE_URL']\n"
MAKES = "from sqlmodel import create_engine\nengine = AsyncEngine(create_engine(url=URL))"
LOGIN = f"{ENV['user']}:{ENV['password']}@{ENV['host']}:{ENV['port']}/{ENV['name']}"


@pytest.mark.parametrize(
    ("packages", "code", "expected"),
    [
        ("flask-sqlalchemy psycopg2-binary", SHOP, f"postgresql+psycopg2://{LOGIN}"),
        ("flask-sqlalchemy psycopg2-binary", f"{SHOP}import psycopg2\ndb = psycopg2.connect(URL)\n", ENV["url"]),
        ("flask-sqlalchemy psycopg2-binary psycopg", SHOP, ENV["url"]),
        ("flask-sqlalchemy psycopg", SHOP, f"postgresql+psycopg://{LOGIN}"),
        ("psycopg2-binary", SHOP, ENV["url"]),
        ("sqlmodel psycopg2-binary asyncpg", f"{SHOP}{MAKES}\n", f"postgresql+asyncpg://{LOGIN}"),
        ("sqlmodel psycopg2-binary asyncpg", f"{SHOP}{MAKES}\nsync = create_engine(URL)\n", ENV["url"]),
        ("sqlmodel psycopg2-binary asyncpg", f"{SHOP}{MAKES}\n# postgresql+asyncpg\n", ENV["url"]),
        *(
            ("sqlmodel psycopg2-binary asyncpg", f"{SHOP}{MAKES}\n{takes_out}\n", f"postgresql+asyncpg://{LOGIN}")
            for takes_out in (
                "sync = create_engine(URL.replace('+asyncpg', ''))",
                'sync = create_engine(URL.replace("postgresql+asyncpg", "postgresql"))',
                "import re\nsync = create_engine(re.sub(r'\\+asyncpg', '', URL))",
            )
        ),
        (
            "sqlmodel psycopg2-binary asyncpg",
            f"{SHOP}from sqlmodel import create_engine\nsync = create_engine(URL.replace('+asyncpg', ''))\n",
            ENV["url"],
        ),
    ],
)
def test_sqlalchemy_is_told_the_driver_that_is_installed(propose, packages, code, expected):
    """It takes psycopg by itself since 2.1, and psycopg2 before."""
    proposal = propose({"app.py": code, "requirements.txt": "\n".join(["flask", *packages.split(" ")]) + "\n"})

    assert served(proposal)[2] == {"DATABASE_URL": expected}


BESIDE = {
    "DB_HOST": "${databases.default.host}",
    "DB_PORT": "${databases.default.port}",
    "DB_USER": "${databases.default.user}",
    "DB_PASSWORD": "${databases.default.password}",
    "POSTGRES_DB": "${databases.default.name}",
}
DEMANDS = """
    import sqlalchemy
    from fastapi import FastAPI
    from pydantic_settings import BaseSettings
    class Settings(BaseSettings):
        DB_HOST: str
        DB_PORT: int
        DB_USER: str
        DB_PASSWORD: str
        POSTGRES_DB: str
        MYSQL_HOST: str
        DATABASE_URL: str
        EXPORT_HOST: str
        DB_POOL_SIZE: int
    settings = Settings()
    {opens}
    app = FastAPI()
"""


def test_parts_that_settings_demand_beside_an_address_are_those_of_its_database(propose):
    code = DEMANDS.replace("{opens}", "engine = sqlalchemy.create_engine(settings.DATABASE_URL)")
    proposal = propose({"main.py": code, "requirements.txt": "fastapi\nsqlalchemy\npsycopg\npydantic-settings\n"})

    told = served(proposal)[2]
    assert {name: told[name] for name in BESIDE} == BESIDE
    demanded = {variable.name for variable in proposal.env if variable.required}
    assert demanded == {"MYSQL_HOST", "EXPORT_HOST", "DB_POOL_SIZE"}


def test_names_of_the_container_count_where_the_code_has_none(propose):
    code = "import os, psycopg\nfrom flask import Flask\napp = Flask(__name__)\nURL = os.environ['DATABASE_URL']\n"
    compose = """
        services:
          db:
            image: postgres:16
            environment:
              POSTGRES_DB: shop
              POSTGRES_USER: ada
    """
    proposal = propose({"app.py": code, "requirements.txt": "flask\npsycopg\n", "compose.yml": compose})

    assert served(proposal) == (
        {"postgres": None},
        [("default", "postgres", "shop", "ada")],
        {"DATABASE_URL": ENV["url"]},
    )


def test_what_only_tests_open_is_left_to_them(propose):
    proposal = propose(
        {
            "main.py": APP.replace("app = FastAPI", "other = create_async_engine(URL + '_test')\n    app = FastAPI"),
            "requirements.txt": "fastapi\nsqlalchemy\nasyncpg\n",
        }
    )

    assert [item.database for item in proposal.databases] == ["shop"]


def passwords(proposal):
    return [(item.service, item.user, item.password) for item in proposal.databases]


def test_mysql_is_served_by_mariadb_with_a_password_of_its_own(django):
    settings = PARTS.replace("postgresql", "mysql").replace("5432", "3306")
    proposal = django(settings, "django\nmysqlclient\n")

    assert (passwords(proposal), served(proposal)[2]) == (
        [("mariadb", "ada", "")],
        {"DB_HOST": ENV["host"], "DB_PASSWORD": ENV["password"], "DB_PORT": ENV["port"]},
    )
    unset = django(settings.replace('.get("DB_PASSWORD", "secret")', '["DB_PASSWORD"]'), "django\nmysqlclient\n")
    assert passwords(unset) == [("mariadb", "ada", "")]
    assert served(unset)[2]["DB_PASSWORD"] == "${databases.default.password}"


def test_an_address_of_mysql_keeps_driver_and_password(propose):
    code = APP.replace("postgresql+asyncpg://", "mysql+aiomysql://ada:secret@").replace("/shop", ":3306/shop")
    proposal = propose({"main.py": code, "requirements.txt": "fastapi\nsqlalchemy\naiomysql\n"})

    login = "${databases.default.user}:${databases.default.password}"
    assert (passwords(proposal), served(proposal)) == (
        [("mariadb", "ada", "")],
        (
            {"mariadb": None},
            [("default", "mariadb", "shop", "ada")],
            {"DATABASE_URL": f"mysql+aiomysql://{login}@{ENV['host']}:{ENV['port']}/{ENV['name']}"},
        ),
    )


INI = """
    [alembic]
    script_location = migrations
    prepend_sys_path = .
    # version_locations = %(here)s/bar
    sqlalchemy.url = postgresql+asyncpg://ada:secret@db:5432/shop
"""
REDIRECTED = (
    """(umask 077 && awk '/^sqlalchemy.url/ { $0 = "sqlalchemy.url = " ENVIRON["DATABASE_URL"] } 1' """
    'alembic.ini > "$DEVBOOT_STATE/alembic.ini") && alembic -c "$DEVBOOT_STATE/alembic.ini" upgrade head'
)
SCRIPT = "url = context.config.get_main_option('sqlalchemy.url')\n"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (SCRIPT, REDIRECTED),
        ("context.config.set_main_option('sqlalchemy.url', settings.url)\n" + SCRIPT, "alembic upgrade head"),
    ],
)
def test_alembics_own_address_is_replaced_where_nothing_else_does_it(propose, script, expected):
    files = {"main.py": APP, "requirements.txt": "fastapi\nsqlalchemy\nasyncpg\nalembic\n", "alembic.ini": INI}
    proposal = propose({**files, "migrations/env.py": script, "migrations/versions/1.py": ""})

    assert [task.run for task in proposal.tasks] == [expected]


AWAY = INI.replace("+asyncpg", "").replace("@db:5432", "@db.example.test")
IN_PARTS = """
    import os, sqlalchemy
    from fastapi import FastAPI
    app = FastAPI()
    engine = sqlalchemy.create_engine("postgresql://ada:secret@" + os.environ.get("DB_HOST", "db") + "/shop")
"""
OTHERWISE = "import os\nfrom fastapi import FastAPI\napp = FastAPI()\n"


def of_alembic(propose, code, ini, script=SCRIPT):
    files = {"main.py": code, "requirements.txt": "fastapi\nsqlalchemy\npsycopg2\nalembic\n", "alembic.ini": ini}
    return propose({**files, "migrations/env.py": script, "migrations/versions/1.py": ""})


def test_migrations_whose_file_names_another_machine_go_to_the_database_that_is_provided(propose):
    assert [task.run for task in of_alembic(propose, IN_PARTS, AWAY).tasks] == [REDIRECTED]


def test_migrations_that_would_change_a_database_on_another_machine_are_left_out(propose):
    proposal = of_alembic(propose, OTHERWISE, AWAY)

    assert proposal.tasks == ()
    (note,) = (note for note in proposal.notes if "alembic" in note.text)
    assert note.warns
    assert str(note.evidence) == "alembic.ini:5"
    assert note.text == (
        "`alembic upgrade head` is left out: it would change the database of db.example.test; "
        "to run it, read the address from a variable"
    )


@pytest.mark.parametrize(
    ("ini", "script"),
    [
        (AWAY, "context.config.set_main_option('sqlalchemy.url', settings.url)\n" + SCRIPT),
        (AWAY.replace("db.example.test", "localhost"), SCRIPT),
        (AWAY.replace("db.example.test", "127.0.0.1:5433"), SCRIPT),
        (AWAY.replace("db.example.test", "db"), SCRIPT),
        (AWAY.replace("postgresql://ada:secret@db.example.test/shop", "sqlite:///shop.example.db"), SCRIPT),
        (AWAY.replace("postgresql://ada:secret@db.example.test/shop", "%(url.of.it)s"), SCRIPT),
    ],
)
def test_migrations_are_kept_whose_file_names_no_other_machine_or_is_not_read(propose, ini, script):
    assert [task.run for task in of_alembic(propose, OTHERWISE, ini, script).tasks] == ["alembic upgrade head"]


def test_an_example_for_a_server_that_no_library_talks_to_is_not_believed(django):
    settings = "import environ\nDATABASES = {'default': environ.Env().db('DATABASE_URL')}\n"
    more = {".env.example": "DATABASE_URL=mysql://ada:secret@localhost/shop\n"}

    assert served(django(settings, "django\npsycopg2\n", more)) == (
        {"postgres": None},
        [("default", "postgres", "shop", "ada")],
        {"DATABASE_URL": ENV["url"]},
    )


def test_a_server_on_another_machine_is_not_replaced(django):
    settings = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': 'db.example.test'}}"
    proposal = django(settings, "django\npsycopg\n")

    assert served(proposal) == ({}, [], {})
    assert [note.text for note in proposal.notes] == [
        "postgres: PostgreSQL at `db.example.test` is needed; no variable holds its address"
    ]


CONFIG = """
import os
class Base:
    def __init__(self):
        self.SQLALCHEMY_DATABASE_URI = os.environ.get("SQLALCHEMY_DATABASE_URI")
class Development(Base):
    def __init__(self):
        {}.__init__()
        self.DEBUG = True
config = {{"default": Development()}}
"""


@pytest.mark.parametrize("parent", ["super()", "super(Development, self)"])
def test_a_configuration_that_its_base_makes_without_an_address_is_given_one(propose, parent):
    app = "from flask import Flask\nfrom config import config\napp = Flask(__name__)\n"
    app += "app.config.from_object(config['default'])\n"
    packages = "flask\nflask-sqlalchemy\npsycopg2-binary\n"
    proposal = propose({"app.py": app, "config.py": CONFIG.format(parent), "requirements.txt": packages})

    assert served(proposal)[2] == {"SQLALCHEMY_DATABASE_URI": f"postgresql+psycopg2://{LOGIN}"}


@pytest.mark.parametrize(
    ("driver", "services", "url"),
    [
        ("asyncpg", ["postgres"], "postgresql+asyncpg://${databases.default.user}:${databases.default.password}@"),
        ("aiosqlite", [], "sqlite+aiosqlite:///db.sqlite3"),
    ],
)
def test_an_address_of_sqlite_that_asyncio_cannot_open_gives_way_to_the_driver(propose, driver, services, url):
    code = """
        import os
        from fastapi import FastAPI
        from sqlalchemy.ext.asyncio import create_async_engine
        app = FastAPI()
        engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite:///./shop.db"))
    """
    example = "DATABASE_URL=postgresql+asyncpg://ada:secret@db:5432/shop\n"
    proposal = propose(
        {"main.py": code, ".env.example": example, "requirements.txt": f"fastapi\nsqlalchemy\n{driver}\n"}
    )
    assert [service.name for service in proposal.services] == services
    assert {each.name: each.value for each in proposal.env}["DATABASE_URL"].startswith(url)


ORM = (
    "import os\nfrom fastapi import FastAPI\nORM = {'connections': {'default': os.environ.get('DATABASE_URL')}}\n"
    "app = FastAPI()\n"
)
ASYNCPG = "asyncpg://${databases.default.user}:${databases.default.password}@${databases.default.host}:${databases.default.port}/${databases.default.name}"
COMPOSED = (
    "services:\n  web:\n    build: .\n    environment:\n      DATABASE_URL: postgres://shop:shop@db:5432/shop_dev\n"
    "  db:\n    image: postgres\n"
)


@pytest.mark.parametrize(
    ("code", "packages", "found"),
    [
        (ORM, "fastapi\nasyncpg\n", {"DATABASE_URL": "${databases.default.url}"}),
        (ORM, "fastapi\ntortoise-orm\nasyncpg\n", {"DATABASE_URL": ASYNCPG}),
        (ORM, "fastapi\n", {}),
        (ORM.replace("'DATABASE_URL'", "'DATABASE_URL', ''"), "fastapi\nasyncpg\n", {}),
        ("import sqlite3\nsqlite3.connect('shop.db')\n" + ORM, "fastapi\nasyncpg\n", {}),
    ],
)
def test_an_address_that_compose_alone_has_is_led_to_a_server(propose, code, packages, found):
    files = {"main.py": code, "requirements.txt": packages, "docker-compose.yml": COMPOSED}
    env = {each.name: each.value for each in propose(files).env}
    assert {name: value for name, value in env.items() if name != "PORT"} == found


@pytest.mark.parametrize("default", ["", ", 'some_local_url'"])
def test_an_example_that_puts_its_address_together_names_the_database(propose, default):
    code = f"""
        import os
        from fastapi import FastAPI
        from sqlalchemy import create_engine
        app = FastAPI()
        engine = create_engine(os.getenv("DATABASE_URL"{default}))
    """
    example = "DB_USER=ada\nDB_NAME=shop\nDATABASE_URL=postgresql+psycopg2://${DB_USER}:x@db:5432/${DB_NAME}\n"
    packages = "fastapi\nsqlalchemy\npsycopg2\n"
    proposal = propose({"main.py": code, ".env.example": example, "requirements.txt": packages})
    (database,) = proposal.databases
    assert (database.database, database.user) == ("shop", "ada")
    (url,) = (each.value for each in proposal.env if each.name == "DATABASE_URL")
    assert url.startswith("postgresql+psycopg2://${databases.default.user}:")


@pytest.mark.parametrize("file", [".env.example", ".env"])
def test_an_address_that_migrations_alone_need_leads_to_the_same_server(propose, file):
    settings = "import os\nHOST = os.getenv('DB_HOST', 'localhost')\nPORT = os.getenv('DB_PORT', '5432')\n"
    code = (
        "from fastapi import FastAPI\nfrom sqlalchemy import create_engine\nfrom settings import HOST, PORT\n"
        "engine = create_engine(f'postgresql://shop@{HOST}:{PORT}/test')\napp = FastAPI()\n"
        "if unknown():\n    create_engine('sqlite:///shop.db')\n"
    )
    files = {
        "main.py": code,
        "settings.py": settings,
        "migrations/env.py": "import os\nurl = os.environ['DB_URL']\n",
        "migrations/script.py.mako": "",
        file: "DB_URL=postgresql://shop:shop@localhost:5432/test\n",
        "requirements.txt": "fastapi\nalembic\nsqlalchemy\npsycopg2\n",
    }
    env = {each.name: each.value for each in propose(files).env}
    assert env["DB_URL"] == "${databases.test.url}"
    assert env["DB_HOST"] == "${databases.test.host}"


@pytest.mark.parametrize(
    ("packages", "scheme"),
    [("psycopg\nsqlalchemy\n", "postgresql+psycopg://"), ("psycopg2\nsqlalchemy\n", ""), ("psycopg\n", "")],
)
def test_an_example_without_a_driver_gets_the_one_that_is_installed(propose, packages, scheme):
    code = (
        "import os\nfrom fastapi import FastAPI\nfrom sqlalchemy import create_engine\n"
        "create_engine(os.environ['DATABASE_URL'])\napp = FastAPI()\n"
    )
    if "sqlalchemy" not in packages:
        code = code.replace("from sqlalchemy import create_engine", "import psycopg").replace(
            "create_engine", "psycopg.connect"
        )
    files = {
        "main.py": code,
        ".env.example": "DATABASE_URL=postgresql://shop:shop@localhost:5432/shop\n",
        "requirements.txt": f"fastapi\n{packages}",
    }
    value = next(each.value for each in propose(files).env if each.name == "DATABASE_URL")
    assert value.startswith(scheme) if scheme else value == "${databases.default.url}"


@pytest.mark.faults(173)
@pytest.mark.parametrize(
    ("engine", "client", "password", "expected"),
    [
        ("postgresql", "psycopg", "", (False, "")),  # libpq finds it by itself
        ("postgresql", "psycopg", "hunter22", (False, "hunter22")),
        ("mysql", "mysqlclient", "", (True, "")),
        ("mysql", "mysqlclient", "hunter22", (False, "hunter22")),
    ],
)
def test_a_login_that_the_code_fixes_goes_on_working_with_a_warning(django, engine, client, password, expected):
    settings = f"""
    DATABASES = {{
        "default": {{
            "ENGINE": "django.db.backends.{engine}",
            "NAME": "shop",
            "USER": "ada",
            "PASSWORD": "{password}",
            "HOST": "localhost",
        }}
    }}
    """
    proposal = django(settings, f"django\n{client}\n")
    (service,), (database,) = proposal.services, proposal.databases

    assert (service.is_open, database.password) == expected
    assert [note.warns for note in proposal.notes] == [True] * any(expected)


def test_engine_and_credentials_of_tortoise_are_a_connection(propose):
    code = """
        import os
        from fastapi import FastAPI
        from tortoise.contrib.fastapi import register_tortoise
        app = FastAPI()
        where = {"host": os.getenv("STORE_HOST", "db"), "port": 5432, "user": "ada", "database": "shop"}
        where["password"] = os.getenv("STORE_WORD")
        main = {"engine": "tortoise.backends.asyncpg", "credentials": where}
        register_tortoise(app, config={"connections": {"default": main}})
    """
    proposal = propose({"main.py": code, "requirements.txt": "fastapi\nuvicorn\ntortoise-orm\nasyncpg\n"})
    assert served(proposal) == (
        {"postgres": 5432},
        [("default", "postgres", "shop", "ada")],
        {"STORE_HOST": ENV["host"], "STORE_WORD": ENV["password"]},
    )


@pytest.mark.parametrize(("library", "lines"), [("", []), ("pgvector", ['extensions = ["vector"]'])])
def test_an_extension_that_a_library_needs_is_made_in_the_database(django, library, lines):
    from devboot.onboarding import render

    settings = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop'}}"
    text = render(django(settings, f"django\npsycopg2\n{library}\n"))
    assert [line for line in text.splitlines() if line.startswith("extensions")] == lines


def test_a_server_that_only_the_migrations_name_is_proposed(propose):
    env = """
        import os
        from alembic import context
        config = context.config
        def url():
            return os.environ.get("DATABASE_URL", "postgresql+psycopg://me:secret@localhost:5432/shop")
        def run():
            config.set_main_option("sqlalchemy.url", url())
        run()
    """
    proposal = propose(
        {
            "main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "requirements.txt": "fastapi\nuvicorn\nsqlalchemy\nalembic\npsycopg[binary]\n",
            "alembic.ini": "[alembic]\nscript_location = alembic\n",
            "alembic/env.py": env,
            "alembic/script.py.mako": "",
            "alembic/versions/1_first.py": "def upgrade(): ...\n",
        }
    )

    services, databases, env = served(proposal)
    assert (services, databases) == ({"postgres": None}, [("default", "postgres", "shop", "me")])
    assert env == {"DATABASE_URL": f"postgresql+psycopg://{LOGIN}"}


@pytest.mark.parametrize("password", ["os.getenv('DB_PASSWORD')", "quote_plus(os.getenv('DB_PASSWORD'))"])
@pytest.mark.parametrize("scheme", ["'mysql', 'pymysql'", "os.getenv('DB_CONNECTION'), os.environ['DB_DRIVER']"])
def test_an_address_put_together_by_percent_is_led_to_its_server_part_by_part(propose, scheme, password):
    names = ("DB_USERNAME", "DB_PASSWORD", "DB_HOST", "DB_PORT", "DB_DATABASE")
    parts = ", ".join(password if name == "DB_PASSWORD" else f"os.getenv('{name}')" for name in names)
    code = (
        "import os\nfrom urllib.parse import quote_plus\n"
        "from flask import Flask\nfrom sqlalchemy import create_engine\n"
        f"engine = create_engine('%s+%s://%s:%s@%s:%s/%s' % ({scheme}, {parts}))\napp = Flask(__name__)\n"
    )
    template = "DB_CONNECTION=mysql\nDB_DRIVER=pymysql\nDB_PASSWORD=p@ss\nDB_HOST=main_db\n"
    proposal = propose({"app.py": code, "requirements.txt": "flask\nsqlalchemy\npymysql\n", ".env.example": template})

    values = {each.name: each.value for each in proposal.env}
    assert [each.recipe for each in proposal.services] == ["mariadb"]
    assert {name: values[name] for name in names} == {
        name: f"${{databases.default.{part}}}"
        for name, part in zip(names, ("user", "password", "host", "port", "name"), strict=True)
    }
