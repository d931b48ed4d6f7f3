"""Small repositories with the layouts of real ones come up from a fresh clone, without a manifest and with one."""

from __future__ import annotations

import sqlite3

import pytest

from tests.e2e.conftest import eventually, fetch

pytestmark = pytest.mark.network

BOTH = pytest.mark.parametrize("manifest", [False, True], ids=["detected", "manifest"])


def rows(path, query):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def is_up(machine, *names):
    phases = {name: entry["phase"] for name, entry in machine.ps().items()}
    assert {name: phases.get(name) for name in names if phases.get(name) not in ("ready", "running")} == {}


def goes_down(machine):
    machine.devboot("down")
    assert [] == machine.left()


@BOTH
def test_pipenv_with_django_celery_and_a_missing_secrets_file(machine, manifest):
    here = machine("guestbook", manifest=manifest)

    refused = here.devboot("up", "-d", code=3)

    assert "GOOGLE_CLIENT_ID" in refused.stderr
    assert "secrets.env" in refused.stderr
    assert not (here.root / "data").exists()
    assert [] == here.left()

    (here.root / "secrets.env").write_text("export GOOGLE_CLIENT_ID='client-7'\n")
    here.devboot("up", "-d")
    is_up(here, "redis", "web", "worker")
    fetch(here.url("web", "/sign?text=hello"))
    eventually(lambda: "HELLO" in fetch(here.url("web")))
    assert [("hello", "HELLO")] == rows(here.root / "data/guestbook.sqlite3", "select text, shouted from entries_entry")
    goes_down(here)

    here.devboot("up", "-d")
    assert "HELLO" in fetch(here.url("web"))
    goes_down(here)


@BOTH
def test_requirements_with_flask_and_rq(machine, manifest):
    here = machine("shortener", manifest=manifest)

    here.devboot("up", "-d")

    is_up(here, "redis", "web", "worker")
    number = fetch(here.url("web"), post={"url": here.url("web")})
    fetch(here.url("web", f"/{number}"))
    eventually(lambda: fetch(here.url("web")).endswith(" 1"))
    goes_down(here)

    here.devboot("up", "-d")
    assert fetch(here.url("web")).endswith(" 1")
    goes_down(here)


@BOTH
def test_poetry_with_fastapi_celery_and_alembic(machine, manifest):
    here = machine("orders", manifest=manifest)

    here.devboot("up", "-d")

    names = here.ps()
    web = next(name for name, entry in names.items() if entry["kind"] == "process" and entry["address"])
    fetch(here.url(web, "/orders/book"), post={})
    eventually(lambda: "1 book shipped" in fetch(here.url(web)))
    assert [("book", "shipped")] == rows(here.root / "orders.db", "select item, state from orders")
    goes_down(here)

    here.devboot("up", "-d")
    assert "1 book shipped" in fetch(here.url(web))
    goes_down(here)


@BOTH
def test_uv_with_django_and_huey_on_sqlite_without_a_procfile(machine, manifest):
    here = machine("thumbnails", manifest=manifest)

    here.devboot("up", "-d")

    assert not [name for name, entry in here.ps().items() if entry["kind"] == "service"]
    web = next(name for name, entry in here.ps().items() if entry["kind"] == "process" and entry["address"])
    fetch(here.url(web, "/add/cat"))
    eventually(lambda: "small-cat" in fetch(here.url(web)))
    assert [("small-cat",)] == rows(here.root / "server/db.sqlite3", "select small from pictures_picture")
    goes_down(here)

    here.devboot("up", "-d")
    assert "small-cat" in fetch(here.url(web))
    goes_down(here)


@BOTH
def test_a_pyproject_alone_in_a_src_layout(machine, manifest):
    here = machine("notes", manifest=manifest)

    here.devboot("up", "-d")

    web = next(name for name, entry in here.ps().items() if entry["kind"] == "process")
    fetch(here.url(web, "/remember"), post={})
    assert "remember" in fetch(here.url(web))
    goes_down(here)

    here.devboot("up", "-d")
    assert "remember" in fetch(here.url(web))
    goes_down(here)


def test_a_second_up_changes_nothing_and_keeps_the_processes(machine):
    here = machine("notes", manifest=True)
    here.devboot("up", "-d")
    before = {name: entry["pid"] for name, entry in here.ps().items()}

    here.devboot("up", "-d")

    assert before == {name: entry["pid"] for name, entry in here.ps().items()}
    goes_down(here)
