"""The manifest's text: the grammar, the evidence, the number of lines."""

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, strategies as st

from devboot.environment.venv import schema
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.onboarding import Proposal, detect, render
from devboot.onboarding.proposal.render import COLUMNS, HEAD, LINES, SCHEMA, quoted
from devboot.onboarding.proposal_values import (
    Database,
    Evidence,
    Note,
    Package,
    Process,
    ProcfileLine,
    PythonInput,
    Service,
    Task,
    Variable,
)

FLASK = "from flask import Flask\napp = Flask(__name__)\n"

SETTINGS = """
import os
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ["SECRET_KEY"]
GITHUB = os.environ["GITHUB_CLIENT_ID"]
INSTALLED_APPS = ["django_celery_beat"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "data" / "db.sqlite3"}}
CELERY_BROKER_URL = os.environ.get("REDIS_URL", "redis://redis:6379/0")
"""


def shop(write):
    return write(
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
            "from django.core.management import execute_from_command_line\n",
            "shop/__init__.py": "from shop.celery import app\n",
            "shop/celery.py": "from celery import Celery\napp = Celery('shop')\n"
            "app.config_from_object('django.conf:settings', namespace='CELERY')\n",
            "shop/settings.py": SETTINGS,
            "requirements.txt": "django\ncelery\ndjango-celery-beat\nredis\n",
            ".python-version": "3.12\n",
            "Procfile": "web: python manage.py runserver $PORT\nworker: celery -A shop worker\n",
        }
    )


def test_a_project_with_a_bit_of_everything(write):
    expected = """
        # `devboot up` runs this clone; to get devboot: `uv tool install .` in a clone of it
        #:schema ./.venv/devboot.schema.json
        # Python 3.12 (.python-version:1), packages of requirements.txt

        [services.redis]  # shop/settings.py:8

        [databases.default]
        path = "data/db.sqlite3"  # shop/settings.py:7

        [env]
        REDIS_URL = "${services.redis.url}/0"  # shop/settings.py:8
        SECRET_KEY = { generate = "token" }  # shop/settings.py:4
        GITHUB_CLIENT_ID = { required = true, description = "read at shop/settings.py:5, put it in .env" }

        [tasks.migrate]
        run = "python manage.py migrate --noinput"  # manage.py:3
        inputs = ["**/migrations/*.py"]
        before = ["processes"]
        depends_on = ["default"]

        # processes, from Procfile: web, worker
    """
    actual = render(detect(shop(write), environ={}))
    assert dedent(expected).lstrip("\n") == actual


def test_what_a_manifest_says_by_its_silence_is_not_written(write):
    usual = write({"requirements.txt": "flask\n", ".python-version": "3.12\n", "app.py": FLASK})
    assert "[python]" not in render(detect(usual, environ={}))
    (usual / ".python-version").unlink()
    (usual / "Dockerfile").write_text("FROM python:3.12\n")
    (usual / "requirements.txt").rename(usual / "more.txt")
    other = replace(detect(usual, environ={}), python=PythonInput(("more.txt",), "3.12"))
    assert '[python]\nrequirements = ["more.txt"]\n' in render(other)


def test_a_project_that_is_a_package_names_its_file_since_it_is_installed_by_that(write):
    text = '[build-system]\nrequires = []\n[project]\nname = "shop"\ndependencies = ["flask"]\n'
    assert 'requirements = ["pyproject.toml"]' in render(
        detect(write({"pyproject.toml": text, "app.py": FLASK}), environ={})
    )


def test_a_release_stands_in_the_text_with_when_it_runs(write):
    files = {"requirements.txt": "flask\n", "app.py": FLASK, "Procfile": "release: ./make-tables\nweb: flask run\n"}
    text = render(detect(write(files), environ={}))
    assert "# processes, from Procfile: web\n# its `release:` runs before they start: ./make-tables\n" in text


def test_a_clone_without_python_has_no_line_for_a_schema_that_no_virtualenv_holds(write):
    text = render(detect(write({"Procfile": "web: ruby app.rb\n"}), environ={}))
    assert text == f"{HEAD}\n\n# processes, from Procfile: web\n"


def test_the_schema_is_where_editors_look_by_the_manifest():
    assert SCHEMA == f"#:schema ./.venv/{schema.NAME}"


def test_the_manifest_parses_it(write):
    manifest = parse_manifest(render(detect(shop(write), environ={})), "devboot.toml", procfile=("web", "worker"))
    assert list(manifest.services) == ["redis"]


def big(count, *notes):
    return Proposal(
        root=Path("/x"),
        name="x",
        framework="flask",
        framework_evidence=Evidence("app.py", 3),
        python=PythonInput(("requirements.txt",), "3.12", Evidence("runtime.txt", 1)),
        env=tuple(Variable(f"NAME_{number}", value="x") for number in range(count)),
        notes=notes,
    )


def test_notes_fill_the_text_up_to_its_limit_and_warnings_are_never_left_out():
    notes = [Note(f"note {number}", Evidence("a.py", number)) for number in range(1, 30)]
    text = render(big(3, *notes, Note("it breaks", Evidence("a.py", 90), warns=True)))
    assert text.count("\n") == LINES
    assert "\n\n# it breaks (a.py:90)\n# note 1 (a.py:1)\n" in text
    text = render(big(30, *notes, Note("it breaks", Evidence("a.py", 90), warns=True)))
    assert "note" not in text
    assert text.endswith("\n\n# it breaks (a.py:90)\n")
    assert len(tomllib.loads(text)["env"]) == 30


@pytest.mark.parametrize("length", [1, 60, 80, 95, 99, 120, 300])
def test_a_comment_stands_behind_its_value_and_ends_before_the_limit_of_columns(length):
    evidence = Evidence("shop/settings.py", 44)
    name = "x" * length
    proposal = Proposal(
        root=Path("/x"),
        name="x",
        python=PythonInput((f"{name}.txt",), "3.12", evidence, hosts=(name,)),
        packages=(Package("node", name, evidence),),
        services=(Service(name, "redis", evidence=evidence), Service("pg", "postgres")),
        databases=(Database(name, name, evidence), Database("db", "", evidence, "pg", name)),
        env=(Variable("A", value=name, evidence=evidence),),
        tasks=(Task("t", name, evidence=evidence),),
        processes=(Process("web", name, evidence=evidence),),
        procfile="Procfile",
        lines=(ProcfileLine("web", ""), ProcfileLine("release", " ".join([name] * 9))),
        notes=(Note(" ".join([name] * 9), evidence, warns=True),),
    )
    lines = render(proposal).splitlines()
    commented = [line for line in lines if "# " in line and name not in line.partition("# ")[2]]
    assert [line for line in commented if len(line) > COLUMNS] == []
    assert [line for line in lines if line.startswith("#") and len(line) > COLUMNS and name not in line.split()] == []
    assert length > 60 or sum(str(evidence) in line for line in lines) >= 7


@given(st.data())
def test_tables_are_one_blank_line_apart_whatever_is_in_them(data):
    words = st.text('ab"\\\n#[]= é\x07', max_size=12)
    some = data.draw(st.lists(words.filter(bool), max_size=4, unique=True))
    proposal = Proposal(
        root=Path("/x"),
        name="x",
        services=tuple(Service(name, "redis") for name in some),
        env=tuple(Variable(name, value=name, evidence=Evidence(name, 1)) for name in some),
        tasks=tuple(Task(name, name) for name in some),
        notes=tuple(Note(name, warns=True) for name in some),
    )
    text = render(proposal)
    assert "\n\n\n" not in text
    headers = [number for number, line in enumerate(text.splitlines()) if line.startswith("[")]
    assert all(text.splitlines()[number - 1] == "" for number in headers)
    assert tomllib.loads(text).get("env", {}) == {name: name for name in some}


def test_texts_are_quoted_as_toml_wants_it():
    text = 'a "b" \\ \n \x07 é'
    assert tomllib.loads(f"x = {quoted(text)}")["x"] == text


def test_what_no_key_says_stands_in_a_comment(write):
    clone = write({"requirements.txt": "flask\n", "requirements-dev.txt": "black\n", "app.py": FLASK})
    assert "\n# packages of requirements.txt\n" in render(detect(clone, environ={}))
    (clone / ".python-version").write_text("3.12\n")
    assert "\n# Python 3.12 (.python-version:1), packages of requirements.txt\n" in render(detect(clone, environ={}))


PARTS = (
    ("python", PythonInput(("a.txt",), version="3.13", version_from=Evidence("b.txt"), oldest=">=3.9", hosts=("db",))),
    ("packages", Package("node", "24")),
    ("services", Service("cache", "redis")),
    ("services", Service("cache", "redis", 6380)),
    ("databases", Database("db", "db.sqlite3")),
    ("databases", Database("db", "", service="pg", database="stock")),
    ("env", Variable("KEY", value="x")),
    ("env", Variable("KEY", generate="token")),
    ("env", Variable("KEY", required=True, description="here")),
    ("tasks", Task("load", "load it")),
    ("processes", Process("web", "serve")),
)
OTHER = {"int | None": 7, "bool": True, "str": "other", "str | None": "other", "Evidence | None": Evidence("a.py", 7)}
OTHER |= {
    "tuple[str, ...]": ("other",),
    "Mapping[str, str]": {"OTHER": "x"},
    "Mapping[str, Option]": {"restart": "never"},
}


def test_every_field_of_a_proposal_is_rendered():
    rendered = set()
    for part, value in PARTS:
        for field in fields(value):
            changed = replace(value, **{field.name: OTHER[field.type]})
            before, after = (
                render(Proposal(Path("/x"), "x", **{part: each if part == "python" else (each,)}))
                for each in (value, changed)
            )
            if before != after:
                rendered.add(f"{part}.{field.name}")

    every = {f"{part}.{field.name}" for part, value in PARTS for field in fields(value)}
    assert {"env.file"} == every - rendered  # for messages: the file in which the value belongs
