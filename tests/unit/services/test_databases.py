"""Databases of the manifest in a service: tasks that make them, addresses, variables."""

import pytest

from devboot.errors import ManifestError
from devboot.model.process import TASK, UNTIL_READY, UNTIL_SUCCEEDED, Dependency
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.services.account import Account
from devboot.services.data import made_before_start
from devboot.services.plan import WantedDatabase, database_exports, plan_service, provided_variables

RECIPES = RecipeFolders([bundled_folder()])
POSTGRES = RECIPES.get("postgres").recipe
SHOP, ARCHIVE = WantedDatabase("default", "shop", "ada", ("citext", "vector")), WantedDatabase("archive", "archive", "")


def plan(*databases, recipe=POSTGRES, name="postgres", settings=None, run_as=lambda _name, _data, _reaches: None):
    return plan_service(
        recipe,
        name,
        "18.6",
        settings or {},
        port=5432,
        root="/home/ada/shop",
        data="/home/ada/data",
        runtime="/run/user/1/devboot",
        programs="/store/x/bin",
        databases=databases,
        run_as=run_as,
    )


def test_settings_are_one_word_each_in_the_servers_own_form():
    argv = plan(settings={"shared_preload_libraries": ("auto_explain, vector",)}).spec.argv

    assert argv[argv.index("listen_addresses=127.0.0.1") :] == (
        *("listen_addresses=127.0.0.1", "-c", "shared_preload_libraries=auto_explain, vector"),
    )


def test_the_socket_lies_in_a_folder_that_is_made_before_the_start():
    service = plan()
    folder = service.exports["socket"]

    assert service.listens == f"{folder}/.s.PGSQL.5432"
    assert len(folder) == len("/run/user/1/devboot/") + len("01234567.d")
    assert list(made_before_start(service)) == [
        *(service.data, f"{service.data}/PG_VERSION", f"{service.data}/access/pg_hba.conf", folder)
    ]


def test_each_database_is_a_task_and_they_take_turns():
    first, second = plan(SHOP, ARCHIVE).databases

    assert (first.name, first.kind, first.restart, first.pty) == ("default", TASK, "never", False)
    assert (first.notes, second.notes) == (("database shop in postgres",), ("database archive in postgres",))
    assert first.depends_on == (Dependency("postgres", UNTIL_READY),)
    assert second.depends_on == (Dependency("default", UNTIL_SUCCEEDED),)
    assert [dict(task.env)[word] for task in (first, second) for word in ("database", "user", "extensions")] == [
        *("shop", "ada", "citext vector"),
        *("archive", "postgres", ""),
    ]


def test_variables_are_those_of_the_first_database():
    assert provided_variables(POSTGRES, plan(SHOP, ARCHIVE).exports, ["psycopg"]) == {
        "DATABASE_URL": "postgresql://ada@127.0.0.1:5432/shop",
        "PGHOST": "127.0.0.1",
        "PGPORT": "5432",
        "PGUSER": "ada",
        "PGDATABASE": "shop",
    }
    assert provided_variables(POSTGRES, plan().exports, [])["DATABASE_URL"] == (
        "postgresql://postgres@127.0.0.1:5432/postgres"
    )


def test_each_database_has_an_address_of_its_own():
    exports = plan(SHOP, ARCHIVE).exports

    assert database_exports(POSTGRES, exports, ARCHIVE) == {
        "url": "postgresql://postgres@127.0.0.1:5432/archive",
        "name": "archive",
        "user": "postgres",
        "password": "",
        "host": "127.0.0.1",
        "port": "5432",
        "socket": exports["socket"],
    }


def test_what_refuses_to_be_root_is_started_as_somebody_else():
    asked = []

    def run_as(name, data, reaches):
        asked.append((name, data, reaches))
        return Account(99, 98, reaches=True)

    service = plan(run_as=run_as)

    assert service.spec.argv[4:8] == ("99", "98", "1", "/store/x/bin/postgres")
    assert service.first.argv[4:8] == ("99", "98", "1", "/store/x/bin/initdb")
    assert asked == [("postgres", service.data, ("/store/x/bin", service.exports["socket"]))]
    assert plan(recipe=RECIPES.get("redis").recipe, name="redis", run_as=run_as).account is None


def test_a_server_without_databases_of_its_own_refuses_them():
    with pytest.raises(ManifestError) as caught:
        plan(SHOP, recipe=RECIPES.get("redis").recipe, name="redis")

    assert (caught.value.slug, caught.value.what) == (
        "manifest/no-databases",
        "`redis` does not support databases, so `default` can't be created in it",
    )
