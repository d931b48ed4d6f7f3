"""Commands with which a clone prepares a new database, by its own files."""

import pytest

from devboot.onboarding.frameworks.tasks import once_commands
from devboot.onboarding.reading.containers.compose import Compose
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.reading.tree import Tree

FLASK = """
from flask import Flask
from sqlalchemy import create_engine
engine = create_engine("sqlite:///shop.db")
app = Flask(__name__)

@app.cli.command("initdb")
def make():
    engine.connect()
"""
DATABASE = "import sys\nif sys.argv[1] == 'init':\n    print()\n"
FILES = {
    "app.py": FLASK,
    "shop/database.py": DATABASE,
    "shop/__init__.py": "",
    "requirements.txt": "flask\nsqlalchemy\n",
}


def tasks(propose, files):
    return [(task.name, task.run, str(task.evidence), task.once) for task in propose({**FILES, **files}).tasks]


@pytest.mark.parametrize(
    ("name", "text", "run", "where"),
    [
        ("README.md", "```\n$ flask initdb\n$ flask run\n```\n", "flask initdb", "README.md:2"),
        (
            "README.rst",
            "Run\n---\n\n.. code-block:: text\n\n    $ flask initdb\n    $ flask run\n",
            "flask initdb",
            "README.rst:6",
        ),
        ("README.rst", "The tables::\n\n    flask initdb\n\nThen the rest.\n", "flask initdb", "README.rst:3"),
        (
            "Makefile",
            "dev:\n\tpython3 -m shop.database init\n\tflask run\n",
            "python -m shop.database init",
            "Makefile:2",
        ),
        ("justfile", "setup:\n    uv run flask initdb\n", "flask initdb", "justfile:2"),
        ("pyproject.toml", "[tool.poe.tasks]\ninitdb = 'flask initdb'\n", "flask initdb", "pyproject.toml:2"),
        (
            "pyproject.toml",
            "[tool.pdm.scripts]\ndev = { composite = ['make-it', 'flask run'] }\nmake-it.cmd = ['flask', 'initdb']\n",
            "flask initdb",
            "pyproject.toml:2",
        ),
        ("app.json", '{"scripts": {"postdeploy": "flask initdb && echo done"}}', "flask initdb", "app.json:1"),
    ],
)
def test_the_command_that_makes_a_database_is_run_once(propose, name, text, run, where):
    assert tasks(propose, {name: text}) == [("init", run, where, True)]


@pytest.mark.parametrize(
    ("dockerfile", "script"),
    [
        ('COPY . /code\nWORKDIR /code\nENTRYPOINT ["/code/start.sh"]\n', '#!/bin/sh\nset -e\n{}\nexec "$@"\n'),
        ("WORKDIR /code\nCOPY . .\nCMD sh start.sh\n", "#!/usr/bin/env bash\n# {}\n{} && flask run\n"),
    ],
)
def test_what_an_entry_script_runs_before_it_hands_over_is_run_once(propose, dockerfile, script):
    files = {"Dockerfile": f"FROM python\n{dockerfile}", "start.sh": script.replace("{}", "flask initdb")}
    assert [each[:2] for each in tasks(propose, files)] == [("init", "flask initdb")]


@pytest.mark.parametrize(
    "text",
    [
        "```\nflask create-tables\n```\n",  # which the clone doesn't have
        "```\npython -m shop.database drop-and-init-db\n```\n",
        "```\npython -m other.database init\n```\n",
        "Run `flask initdb`\n",
    ],
)
def test_what_is_not_here_or_takes_data_away_is_not_run(propose, text):
    assert tasks(propose, {"README.md": text}) == []


def test_a_release_prepares_and_nothing_else(propose):
    assert tasks(propose, {"Makefile": "db:\n\tflask initdb\n", "Procfile": "release: ./x\nweb: flask run\n"}) == []


INI = "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n"


@pytest.mark.parametrize(
    ("upgrade", "stamp", "expected"),
    [
        ("op.create_table('pets')", "", [("migrate", ())]),
        ("op.add_column('pets', x)", "", [("init", ())]),
        ("op.add_column('pets', x)", "command.stamp(config, 'head')\n", [("init", ()), ("migrate", ("init",))]),
    ],
)
def test_migrations_that_change_tables_which_none_makes_come_behind_the_projects_own_command(
    propose, upgrade, stamp, expected
):
    version = f"down_revision = None\ndef upgrade():\n    {upgrade}\n"
    found = propose(
        {
            **FILES,
            "requirements.txt": "flask\nsqlalchemy\nalembic\n",
            "alembic.ini": INI,
            "migrations/env.py": "",
            "migrations/versions/one.py": version,
            "shop/database.py": DATABASE + stamp,
            "README.md": "```\npython -m shop.database init\n```\n",
        }
    )
    assert [(task.name, tuple(n for n in task.depends_on if n != "default")) for task in found.tasks] == expected


@pytest.mark.parametrize("decorators", ["@" * 80, "@a\n" * 80, "@ " * 80], ids=["line", "lines", "spaces"])
def test_a_command_of_flask_is_looked_for_behind_any_decorators(write, decorators):
    code = f"@app.cli.command()\n{decorators}\nx\n@app.cli.command()\n@with_appcontext\ndef init_db():\n    pass\n"
    tree = Tree(write({"app.py": code, "Makefile": "db:\n\tflask init-db\nother:\n\tflask create-db\n"}))
    app = Application("flask", ".", ".", (".",), "app", path="app.py")

    assert [command for command, _ in once_commands(tree, app, Compose())] == ["flask init-db"]
