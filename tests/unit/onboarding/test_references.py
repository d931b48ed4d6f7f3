"""A `${` that is text of a clone never makes a manifest that can't be loaded."""

from dataclasses import replace
from pathlib import Path

import pytest

from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.onboarding import Proposal, detect, render
from devboot.onboarding.proposal_values import Database, Evidence, Process, Service, Variable

CLONE = Proposal(
    root=Path("/shop"),
    name="shop",
    services=(Service("redis", "redis"), Service("postgres", "postgres")),
    databases=(Database("main", "", None, "postgres", "shop"), Database("file", "db.sqlite3")),
    processes=(Process("web", "flask run -p $PORT"),),
)
GOOD = ("${services.redis.url}/0", "${databases.main.host}", "${databases.file.path}", "http://x:${processes.web.port}")
HOSTILE = (
    "${",
    "a ${ b",
    "$${x",
    "${}",
    "${a-b}",
    "${a:-b}",
    "${services}x${services.redis.url",
    "${services.redis}",
    "${services.redis.nothing}",
    "${services.nothing.url}",
    "${databases.file.host}",
    "${processes.other.port}",
    "${project.x.name}",
    "${unknown.name.url}",
    "${..}",
    "${${A}}",
    "${A",
    '"${\\',
    "${\n}",
)


def loaded(proposal):
    return parse_manifest(render(proposal), "devboot.toml", procfile=())


@pytest.mark.parametrize("text", [*GOOD, *HOSTILE])
def test_whatever_a_value_holds_the_manifest_is_loaded(text):
    env = (Variable("A", value=text, evidence=Evidence("app.py", 3)),)
    process = replace(CLONE.processes[0], env={"B": text})
    manifest = loaded(replace(CLONE, env=env, processes=(process,)))
    assert manifest.processes["web"].command == "flask run -p $PORT"
    assert (text in GOOD) == ("B" in manifest.processes["web"].env)


def test_variables_that_refer_to_each_other_have_to_be_given():
    env = (Variable("A", value="${B}"), Variable("B", value="x${A}"), Variable("C", value="${A}${C}"))
    text = render(replace(CLONE, env=env))
    assert parse_manifest(text, "devboot.toml", procfile=())
    assert 'C = "${A}${C}"' in text
    assert text.count("required = true") == 2


@pytest.mark.parametrize("path", ["/api/${v}", "/api/$v", "/{v}", "${path}"])
def test_the_address_of_an_api_ends_where_a_template_begins(tmp_path, path):
    (tmp_path / "requirements.txt").write_text("fastapi\nuvicorn\n")
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n")
    (tmp_path / "frontend" / "src").mkdir(parents=True)
    (tmp_path / "frontend/package.json").write_text(
        '{"scripts": {"dev": "vite"}, "devDependencies": {"vite": "5.0.0"}, "dependencies": {"react": "18.0.0"}}'
    )
    (tmp_path / "frontend/index.html").write_text("<p>")
    (tmp_path / "frontend/src/api.js").write_text(
        f"export const api = import.meta.env.VITE_API_URL || `http://localhost:8000{path}`\n"
    )
    text = render(detect(tmp_path, environ={}))
    manifest = parse_manifest(text, "devboot.toml", procfile=())
    begin = "/api/" if path.startswith("/api") else "/" if path.startswith("/") else ""
    assert manifest.processes["frontend"].env["VITE_API_URL"] == "http://localhost:${processes.web.port}" + begin
