"""Addresses in the form that the library which opens them accepts, and the drivers for them."""

import pytest

from devboot.onboarding.libraries import known_servers
from devboot.onboarding.services.drivers import lacking_driver
from devboot.onboarding.tables import load_table

START = "import os\nfrom fastapi import FastAPI\napp = FastAPI()\nURL = os.environ['DATABASE_URL']\n"
SYNC = START + "from sqlalchemy import create_engine\nengine = create_engine(URL)\n"
ASYNC = START + "from sqlalchemy.ext.asyncio import create_async_engine\nengine = create_async_engine(URL)\n"
BOTH = ASYNC + "from sqlalchemy import create_engine\nother = create_engine(os.environ['SYNC_DATABASE_URL'])\n"
OLD = START + "from sqlalchemy import create_engine\nengine = AsyncEngine(create_engine(URL))\n"
DATABASES = START + "import databases\nstore = databases.Database(URL)\n"
TORTOISE = START + "from tortoise.contrib.fastapi import register_tortoise\nregister_tortoise(app, db_url=URL)\n"
FILE = "db.sqlite3"


@pytest.mark.parametrize(
    ("code", "listed", "address", "added"),
    [
        (SYNC, "sqlalchemy", f"sqlite:///{FILE}", ()),
        (ASYNC, "sqlalchemy", f"sqlite+aiosqlite:///{FILE}", ("aiosqlite",)),
        (ASYNC, "sqlalchemy aiosqlite", f"sqlite+aiosqlite:///{FILE}", ()),
        (ASYNC, "sqlmodel", f"sqlite+aiosqlite:///{FILE}", ("aiosqlite",)),
        (OLD, "sqlmodel aiosqlite", f"sqlite+aiosqlite:///{FILE}", ()),
        (ASYNC + "from sqlalchemy import create_engine\ncreate_engine(URL)\n", "sqlalchemy", f"sqlite:///{FILE}", ()),
        (
            ASYNC.replace("_URL']", "_URL'].replace('sqlite:', 'sqlite+aiosqlite:')"),
            "sqlalchemy aiosqlite",
            f"sqlite:///{FILE}",
            (),
        ),
        (DATABASES, "databases", f"sqlite:///{FILE}", ("aiosqlite",)),
        (DATABASES, "databases[sqlite]", f"sqlite:///{FILE}", ()),
        (TORTOISE, "tortoise-orm", f"sqlite://{FILE}", ()),
    ],
)
def test_the_address_of_a_file_suits_the_library_that_opens_it(propose, code, listed, address, added):
    proposal = propose({"main.py": code, "requirements.txt": f"fastapi\nuvicorn\n{listed.replace(' ', chr(10))}\n"})

    assert {each.name: each.value for each in proposal.env}["DATABASE_URL"] == address
    assert proposal.python.packages == added
    said = [each.text for each in proposal.notes if each.text.endswith("added for the address in `DATABASE_URL`")]
    assert [each.partition(":")[0] for each in said] == list(added)


@pytest.mark.parametrize(
    ("code", "listed", "scheme"),
    [
        (SYNC, "sqlalchemy psycopg2", "postgresql+psycopg2"),
        (SYNC, "sqlalchemy psycopg", "postgresql+psycopg"),
        (ASYNC, "sqlalchemy asyncpg", "postgresql+asyncpg"),
        (ASYNC, "sqlalchemy psycopg", "postgresql+psycopg"),
        (ASYNC, "sqlalchemy asyncpg psycopg2-binary", "postgresql+asyncpg"),
        (BOTH, "sqlalchemy asyncpg psycopg2-binary", "postgresql+asyncpg"),
        (DATABASES, "databases asyncpg", "${databases.default.url}"),
        (TORTOISE, "tortoise-orm asyncpg", "asyncpg"),
        (TORTOISE, "tortoise-orm psycopg", "psycopg"),
        (SYNC, "sqlalchemy pymysql", "mysql+pymysql"),
        (SYNC, "sqlalchemy mysqlclient", "mysql+mysqldb"),
        (SYNC, "sqlalchemy mysql-connector-python", "mysql+mysqlconnector"),
        (ASYNC, "sqlalchemy aiomysql", "mysql+aiomysql"),
        (ASYNC, "sqlalchemy asyncmy", "mysql+asyncmy"),
        (DATABASES, "databases aiomysql", "${databases.default.url}"),
        (TORTOISE, "tortoise-orm asyncmy", "${databases.default.url}"),
    ],
)
@pytest.mark.parametrize("has_example", [False, True])
def test_the_address_of_a_server_names_a_driver_that_the_library_takes(propose, code, listed, scheme, has_example):
    files = {"main.py": code, "requirements.txt": f"fastapi\nuvicorn\n{listed.replace(' ', chr(10))}\n"}
    if has_example:
        kind = "mysql" if "my" in listed else "postgresql"
        files[".env.example"] = f"DATABASE_URL={kind}://me:secret@db/shop\n"
    proposal = propose(files)

    value = {each.name: each.value or "" for each in proposal.env}["DATABASE_URL"]
    if has_example and scheme == "mysql+mysqldb":
        scheme = "${databases.default.url}"  # SQLAlchemy takes it where an address names none
    assert value.partition("://")[0] == scheme
    assert proposal.python.packages == ()


def test_an_empty_address_of_asyncios_engine_with_the_wrong_default_gets_the_driver(propose):
    code = ASYNC.replace("os.environ['DATABASE_URL']", "os.getenv('DATABASE_URL', 'sqlite:///shop.db')")
    proposal = propose({"main.py": code, "requirements.txt": "fastapi\nuvicorn\nsqlalchemy\n"})

    assert {each.name: each.value for each in proposal.env}["DATABASE_URL"] == f"sqlite+aiosqlite:///{FILE}"
    assert proposal.python.packages == ("aiosqlite",)


def test_each_scheme_of_the_table_is_one_of_its_server_and_each_driver_can_be_added():
    servers = known_servers()
    for library, kinds in load_table("drivers").items():
        for kind, schemes in kinds.items():
            assert all(kind == "sqlite" or servers[kind].schemes.match(f"{each}://x") for each in schemes), (
                library,
                kind,
            )
            assert all(kind == "sqlite" or drivers for drivers in schemes.values()), (library, kind)


@pytest.mark.parametrize("library", ["sqlalchemy", "databases", "tortoise-orm"])
def test_no_driver_lacks_where_one_of_its_distributions_is_installed(library, write):
    from devboot.onboarding.reading.tree import Tree

    tree = Tree(write({"main.py": "Database('x')\n"}))
    tree.text("main.py")
    for kind in load_table("drivers")[library].values():
        for scheme, drivers in kind.items():
            for each in drivers:
                name = each.partition("[")[0]
                assert lacking_driver(f"{scheme}://x", {library: "", name: ""}, tree) == ""
            if drivers and library != "databases":
                assert lacking_driver(f"{scheme}://x", {library: ""}, tree) == drivers[0]
