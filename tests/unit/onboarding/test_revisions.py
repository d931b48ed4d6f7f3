"""Migrations of Alembic's that fail on an empty database, and what makes the tables then."""

from textwrap import dedent, indent

import pytest

from devboot.onboarding.frameworks.migrations.revisions import contradiction
from devboot.onboarding.reading.tree import Tree

HEAD = "from alembic import op\nimport sqlalchemy as sa\nrevision = '{name}'\ndown_revision = {before!r}\n"
SHOP = "op.create_table('shop', sa.Column('id', sa.Integer()), sa.Column('name', sa.Text()))\n"


def revision(name, before, steps):
    return HEAD.format(name=name, before=before) + "\n\ndef upgrade():\n" + indent(dedent(steps), "    ")


def steps_of(write, *steps, more=None):
    """What is wrong with revisions of these steps, one after the other; the first file is the last one."""
    names = [f"r{number}" for number in range(len(steps))]
    files = {
        f"versions/{len(steps) - place}_x.py": revision(name, names[place - 1] if place else None, text)
        for place, (name, text) in enumerate(zip(names, steps, strict=True))
    }
    found = contradiction(Tree(write({**files, **(more or {})})), "versions")
    return found.text if found else ""


@pytest.mark.parametrize(
    "steps",
    [
        (SHOP, "op.add_column('shop', sa.Column('owner', sa.Text()))"),
        (SHOP, "op.drop_column('shop', 'name')\nop.add_column('shop', sa.Column('name', sa.Integer()))"),
        (SHOP, "op.rename_table('shop', 'store')\nop.create_index('ix', 'store', ['id'])"),
        (SHOP, "op.alter_column('shop', 'name', new_column_name='title')\nop.add_column('shop', sa.Column('name', sa.Text()))"),  # noqa: E501
        (SHOP, "with op.batch_alter_table('shop') as batch:\n    batch.add_column(sa.Column('owner', sa.Text()))\n"),
        (SHOP, "op.drop_table('shop')", SHOP),
        (SHOP, "op.execute('UPDATE shop SET name = 1')\nop.drop_table('shop', if_exists=True)"),
        ("op.drop_table('gone', if_exists=True)",),
        # what isn't understood may do anything
        ("op.execute('CREATE TABLE stock (id integer)')", "op.add_column('stock', sa.Column('a', sa.Text()))"),
        ("make_tables(op)", "op.add_column('stock', sa.Column('a', sa.Text()))"),
        ("if is_old():\n    pass\n", "op.drop_table('stock')"),
        ("op.drop_table(NAME)", "op.drop_table('stock')"),
        ("for each in TABLES:\n    op.create_table(each)\n", "op.drop_table('stock')"),
    ],
)  # fmt: skip
def test_migrations_that_build_an_empty_database_are_right(write, steps):
    assert steps_of(write, *steps) == ""


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ((SHOP, SHOP), "`shop` is created twice"),
        ((SHOP, "op.add_column('shop', sa.Column('name', sa.Text()))"), "`shop` gets column `name` twice"),
        (("op.add_column('shop', sa.Column('name', sa.Text()))",), "`shop` is changed, but no migration creates it"),
        (("op.drop_table('shop')", SHOP), "`shop` is changed, but no migration creates it"),
        (("with op.batch_alter_table('shop') as b:\n    b.drop_column('x')\n",), "`shop` is changed, but no migration creates it"),  # noqa: E501
        (("op.create_foreign_key('fk', 'shop', 'owner', ['a'], ['id'])",), "`shop` is changed, but no migration creates it"),  # noqa: E501
        (("'''Words.'''\nop.create_index('ix', 'shop', ['id'])",), "`shop` is changed, but no migration creates it"),
    ],
)  # fmt: skip
def test_a_step_that_fails_on_an_empty_database_is_found(write, steps, text):
    assert steps_of(write, *steps) == text


def test_a_database_that_comes_with_the_clone_may_have_the_tables(write):
    assert steps_of(write, "op.drop_table('shop')", more={"shop.db": "SQLite format 3"}) == ""


def test_revisions_that_lack_one_are_not_judged(write):
    root = write({"versions/a.py": revision("b", "a", "op.drop_table('shop')")})
    assert contradiction(Tree(root), "versions") is None


FLASK = """
    from flask import Flask
    from flask_migrate import Migrate
    from flask_sqlalchemy import SQLAlchemy
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///shop.db"
    db = SQLAlchemy(app)
    Migrate(app, db)
"""
STUCK = {
    "migrations/env.py": "",
    "migrations/script.py.mako": "",
    "migrations/versions/1.py": revision("a", None, "op.drop_table('shop')"),
    "requirements.txt": "flask\nflask-migrate\nflask-sqlalchemy\n",
}


def test_tables_of_flask_are_made_as_the_code_has_them_where_migrations_cannot_begin(propose):
    proposal = propose({"app.py": FLASK, **STUCK})
    tables, migrate = proposal.tasks
    assert tables.run.endswith("app.extensions['migrate'].db.create_all()\" && flask db stamp head")
    assert (tables.once, migrate.name, migrate.depends_on) == (True, "migrate", ("default", "tables"))
    assert "migrations fail on an empty database: `shop` is changed, but no migration creates it" in [
        note.text for note in proposal.notes
    ]


def test_the_projects_own_command_makes_the_tables_before_a_general_one(propose):
    readme = "```\npython init_db.py\n```\n"
    files = {"init_db.py": "from app import db\ndb.create_all()\n", "README.md": readme}
    assert [task.run for task in propose({"app.py": FLASK, **STUCK, **files}).tasks] == ["python init_db.py"]


@pytest.mark.parametrize(("before", "names"), [(SHOP, ["migrate"]), ("", [])])
def test_an_application_that_makes_its_tables_needs_no_migrations_that_fail(propose, before, names):
    code = """
        from fastapi import FastAPI
        from sqlalchemy import MetaData, create_engine
        engine = create_engine("sqlite:///./shop.db")
        MetaData().create_all(bind=engine)
        app = FastAPI()
    """
    files = {
        "main.py": code,
        "alembic.ini": "[alembic]\nscript_location = changes\n",
        "changes/env.py": "",
        "changes/versions/1.py": revision("a", None, before + "op.drop_table('shop')"),
        "requirements.txt": "alembic\nfastapi\nsqlalchemy\nuvicorn\n",
    }
    assert [task.name for task in propose(files).tasks] == names
