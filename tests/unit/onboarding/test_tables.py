"""The command that makes the tables of a Flask project."""

import pytest

APP = "from flask import Flask\nfrom flask_sqlalchemy import SQLAlchemy\napp = Flask(__name__)\ndb = SQLAlchemy(app)\n"


def task(propose, code, **files):
    proposal = propose({"app.py": APP + code, "requirements.txt": "flask\nflask-sqlalchemy\n", **files})
    return [(each.name, each.run, each.once) for each in proposal.tasks]


@pytest.mark.parametrize(
    ("decorator", "function", "command"),
    [
        ("@app.cli.command()", "initdb", "flask initdb"),
        ("@app.cli.command", "make_tables", "flask make-tables"),
        ("@app.cli.command('init-db')", "anything", "flask init-db"),
        ("@click.command(name='init-db')\n@with_appcontext", "anything", "flask init-db"),
        ("@manager.command", "create_db", "python app.py create_db"),
    ],
)
def test_the_command_that_makes_the_tables_is_a_task(propose, decorator, function, command):
    assert task(propose, f"{decorator}\ndef {function}():\n    db.create_all()\n") == [("tables", command, True)]


def test_of_several_commands_the_shortest_that_is_called_so_counts(propose):
    code = """
@app.cli.command()
def forge():
    db.create_all()
@app.cli.command()
def init():
    print(1)
    db.create_all()
@app.cli.command()
def initdb():
    db.create_all()
"""
    assert task(propose, code) == [("tables", "flask initdb", True)]


@pytest.mark.parametrize(
    "code",
    [
        "@app.cli.command()\ndef initdb():\n    db.drop_all()\n    db.create_all()\n",  # data would go
        "@app.cli.command()\n@click.option('--name', prompt=True)\ndef initdb(name):\n    db.create_all()\n",
        "@app.cli.command()\n@click.argument('name')\ndef initdb(name):\n    db.create_all()\n",
        "def initdb():\n    db.create_all()\n",
    ],
)
def test_a_command_that_drops_or_asks_is_left_to_people(propose, code):
    assert task(propose, code) == []


def test_a_command_that_drops_only_when_told_is_taken(propose):
    code = "@app.cli.command()\n@click.option('--drop', is_flag=True)\ndef initdb(drop):\n"
    code += "    if drop:\n        db.drop_all()\n    db.create_all()\n"
    assert task(propose, code) == [("tables", "flask initdb", True)]


def test_migrations_come_first(propose):
    code = "@app.cli.command()\ndef initdb():\n    db.create_all()\n"
    files = {"migrations/env.py": "", "requirements.txt": "flask\nflask-migrate\n"}
    assert task(propose, code, **files) == [("migrate", "flask db upgrade", False)]
