"""Which migrations of the code a database lacks, by the tables of Django and Alembic."""

import sqlite3
from contextlib import closing

import pytest

from devboot.environment.databases import unapplied

SHOP = ("0001_initial", "0002_price", "0003_tax", "__init__")
DJANGO = tuple(f"shop/migrations/{name}.py" for name in SHOP)


@pytest.fixture
def database(tmp_path):
    """`database(*statements)`: the path of a database after these statements."""

    def make(*statements):
        with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        return str(tmp_path / "db.sqlite3")

    return make


def django(database, *applied):
    rows = ", ".join(f"('{app}', '{name}')" for app, name in applied)
    return database("create table django_migrations (app, name)", f"insert into django_migrations values {rows}")


@pytest.mark.parametrize(
    ("applied", "expected"),
    [
        ([("shop", "0001_initial"), ("shop", "0002_price"), ("shop", "0003_tax")], ()),
        ([("shop", "0001_initial")], DJANGO[1:3]),
        ([("store", "0001_initial"), ("store", "0002_price")], DJANGO[2:3]),  # another label: names alone count
        ([("auth", "0001_initial")], ()),  # `shop` may not be installed: then they would be pending for ever
        ([("shop", "0001_initial"), ("shop", "0002_price"), ("shop", "0003_tax"), ("shop", "0004_later")], ()),
    ],
)
def test_migrations_of_django_that_its_table_does_not_name_are_pending(applied, expected, database, tmp_path):
    assert expected == unapplied(django(database, *applied), str(tmp_path), DJANGO)


@pytest.mark.parametrize(
    ("current", "expected"),
    [("b", ()), ("a", ("alembic/versions/b.py",)), ("of_another_branch", ())],
)
def test_revisions_of_alembic_after_the_current_one_are_pending(current, expected, database, tmp_path):
    folder = tmp_path / "alembic/versions"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("revision = 'a'\ndown_revision = None\n")
    (folder / "b.py").write_text('revision: str = "b"\ndown_revision: str | None = "a"\n')
    path = database("create table alembic_version (version_num)", f"insert into alembic_version values ('{current}')")

    assert expected == unapplied(path, str(tmp_path), ["alembic/versions/a.py", "alembic/versions/b.py"])


@pytest.mark.parametrize("before", ['("a", "b")', '(\n    "a",  # one\n    "b",\n)', "[\n    'a',\n    'b']"])
def test_a_merged_revision_of_alembic_has_those_before_it_applied(before, database, tmp_path):
    folder = tmp_path / "alembic/versions"
    folder.mkdir(parents=True)
    for name, down in (("a", "None"), ("b", "None"), ("c", before)):
        (folder / f"{name}.py").write_text(f'revision: str = "{name}"\ndown_revision: object = {down}\n')
    path = database("create table alembic_version (version_num)", "insert into alembic_version values ('c')")

    assert () == unapplied(path, str(tmp_path), [f"alembic/versions/{name}.py" for name in "abc"])


def test_nothing_is_pending_where_that_can_not_be_known(database, tmp_path):
    path = django(database, ("shop", "0001_initial"))
    (tmp_path / "db.sqlite3-wal").touch()

    assert () == unapplied(path, str(tmp_path), DJANGO)
    assert () == unapplied(str(tmp_path / "gone"), str(tmp_path), DJANGO)
    (tmp_path / "db.sqlite3-wal").unlink()
    (tmp_path / "db.sqlite3").write_bytes(b"garbage")
    assert () == unapplied(path, str(tmp_path), DJANGO)
