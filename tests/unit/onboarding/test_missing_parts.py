"""What of a proposal a written manifest lacks: the same thing under another name is there."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.model.edge.toml.insert import insert_tables
from devboot.onboarding import Proposal, lacking, render, tables
from devboot.onboarding.proposal_values import Database, Process, PythonInput, Service, Task, Variable

SHOP = Proposal(
    root=Path("/shop"),
    name="shop",
    python=PythonInput(("requirements.txt",), "3.12", packages=("uvicorn",), hosts=("db",)),
    services=(Service("redis", "redis"), Service("postgres", "postgres")),
    databases=(Database("default", "db.sqlite3"), Database("main", "", None, "postgres", "shop")),
    env=(
        Variable("REDIS_URL", value="${services.redis.url}/0"),
        Variable("DSN", value="${databases.main.url}?x=${databases.default.path}"),
    ),
    env_files=(".env", "dev.env"),
    tasks=(Task("migrate", "python manage.py migrate --noinput", depends_on=("default", "main")),),
    processes=(
        Process("web", "python manage.py runserver 127.0.0.1:$PORT"),
        Process("worker", "celery -A shop worker -l info"),
        Process("beat", "celery -A shop beat -l info"),
    ),
)


def added(text, proposal=SHOP):
    return tomllib.loads("\n".join(line for table in tables(lacking(proposal, tomllib.loads(text))) for line in table))


def test_a_manifest_that_has_all_of_it_lacks_nothing():
    assert added(render(SHOP)) == {}


@pytest.mark.parametrize("name", ["services.redis", "databases.default", "env", "tasks.migrate", "processes.beat"])
def test_a_table_that_is_left_out_is_missing_and_nothing_else(name):
    kept = [table for table in tables(SHOP) if not table[0].startswith(f"[{name}]")]
    gone = [table for table in tables(SHOP) if table[0].startswith(f"[{name}]")]
    assert added("\n".join(line for table in kept for line in table)) == tomllib.loads("\n".join(gone[0]))


def test_the_same_thing_under_another_name_is_there_and_the_rest_speaks_of_it_by_that():
    found = added("""
        [services.cache]
        recipe = "redis"
        [services.postgres.databases.own]
        name = "shop"
        [databases.file]
        path = "./db.sqlite3"
        [processes.site]
        command = "gunicorn shop.wsgi -b 127.0.0.1:$PORT"
        [processes.jobs]
        command = "celery --app shop worker -Q mail"
    """)
    assert "services" not in found
    assert "databases" not in found
    assert found["env"] == {
        "REDIS_URL": "${services.cache.url}/0",
        "DSN": "${databases.own.url}?x=${databases.file.path}",
    }
    assert found["tasks"]["migrate"]["depends_on"] == ["file", "own"]
    assert found["processes"] == {"beat": {"command": "celery -A shop beat -l info"}}


@pytest.mark.parametrize("text", ["[processes]\n", "[procfile]\npath = 'Procfile.local'\n"])
def test_a_manifest_that_says_what_runs_gets_no_process(text):
    assert "processes" not in added(text)


def test_a_task_that_migrates_is_there_whatever_it_is_called():
    assert "tasks" not in added("[tasks.tables]\nrun = './manage.py migrate'\n")


def test_what_goes_with_a_list_that_the_manifest_does_not_name_is_left_out():
    assert added("[python]\nrequirements = ['dev.txt']\n")["python"] == {"hosts": ["db"]}


def test_a_name_that_stands_for_something_else_is_not_taken():
    found = added("[tasks.web]\nrun = 'x'\n[tasks.redis]\nrun = 'y'\n")
    assert "redis" not in found["services"]
    assert "web" not in found["processes"]


PAGES = replace(
    SHOP,
    env=(
        *SHOP.env,
        Variable("USER", value="${databases.main.user}"),
        Variable("ORIGIN", value="http://localhost:${processes.frontend.port}"),
    ),
    tasks=(*SHOP.tasks, Task("npm-frontend", "npm ci", "frontend", before=("frontend",))),
    processes=(
        *SHOP.processes,
        Process(
            "frontend",
            "npm run dev -- --port $PORT",
            "frontend",
            env={"VITE_API": "http://localhost:${processes.web.port}/"},
            listens="localhost:${processes.frontend.port}",
        ),
    ),
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[processes.api]\ncommand = 'uvicorn shop:app --port $PORT'\n",
        "[processes.pages]\ncommand = 'cd frontend && npm run dev'\n",
        "[processes.web]\ncommand = 'npm run dev'\n[processes.api]\ncommand = './serve $PORT'\n",
        "[processes]\n",
        "[tasks.frontend]\nrun = 'x'\n",
        "[tasks.web]\nrun = 'x'\n",
        "[databases.main]\npath = 'other.db'\n",
        "[services.main]\nrecipe = 'redis'\n",
        "[tasks.tables]\nrun = './manage.py migrate'\n",
        "[processes.main]\ncommand = 'python -m shop.default'\n",
    ],
)
def test_what_is_added_refers_to_nothing_that_is_not_there(text):
    after = insert_tables(text, tables(lacking(PAGES, tomllib.loads(text))), list(tomllib.loads(render(PAGES))))
    assert parse_manifest(after, "devboot.toml", procfile=())


def test_a_front_end_is_added_beside_an_api_that_serves_under_another_name():
    found = added("[processes.api]\ncommand = 'uvicorn shop:app --port $PORT'\n", PAGES)
    assert "web" not in found["processes"]
    assert found["processes"]["frontend"]["env"] == {"VITE_API": "http://localhost:${processes.api.port}/"}
    assert found["tasks"]["npm-frontend"]["before"] == ["frontend"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("procrastinate worker --concurrency=4", "procrastinate worker"),
        ("python manage.py db_worker -v 2", "python manage.py db_worker"),
        ("python -u -m shop.scheduler", "python shop/scheduler.py"),
        ("taskiq scheduler shop:s", "taskiq scheduler shop.tasks:s"),
        ("celery -A shop worker --beat", "celery -A shop.celery worker"),
        *((f"x {each}", each) for each in ("rqworker", "run_huey", "rundramatiq", "qcluster", "arq shop.Settings")),
    ],
)
def test_a_worker_of_every_library_is_there_under_another_name(theirs, ours):
    proposal = Proposal(root=Path("/shop"), name="shop", processes=(Process("worker", ours),))
    assert added(f"[processes.jobs]\ncommand = '{theirs}'\n", proposal) == {}
