"""Which migrations of the code a database lacks, by the tables of Django and Alembic."""

import sqlite3
from contextlib import closing

import pytest

from devboot.environment.databases import unapplied

DJANGO = ("shop/migrations/0001_initial.py", "shop/migrations/0002_price.py", "shop/migrations/__init__.py")


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
        ([("shop", "0001_initial"), ("shop", "0002_price")], ()),
        ([("shop", "0001_initial")], ("shop/migrations/0002_price.py",)),
        ([("auth", "0001_initial")], ("shop/migrations/0002_price.py",)),  # another label: names alone count
        ([("shop", "0001_initial"), ("shop", "0002_price"), ("shop", "0003_later")], ()),
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


def test_nothing_is_pending_where_that_can_not_be_known(database, tmp_path):
    path = django(database, ("shop", "0001_initial"))
    (tmp_path / "db.sqlite3-wal").touch()

    assert () == unapplied(path, str(tmp_path), DJANGO)
    assert () == unapplied(str(tmp_path / "gone"), str(tmp_path), DJANGO)
    (tmp_path / "db.sqlite3-wal").unlink()
    (tmp_path / "db.sqlite3").write_bytes(b"garbage")
    assert () == unapplied(path, str(tmp_path), DJANGO)
