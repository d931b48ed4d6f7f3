"""Packages that are held back since the code doesn't support newer versions."""

import pytest

from devboot.model.distributions import distributions_table

# package, further packages of the list, code that newer versions don't take
OLD = [
    ("starlette", "fastapi jinja2", "pages.TemplateResponse('home.html', {'request': request})"),
    ("pydantic", "fastapi pydantic", "from pydantic import BaseModel, BaseSettings"),
    ("pydantic", "fastapi pydantic", "from pydantic import (\n    BaseModel,\n    BaseSettings,\n)"),
    ("flask", "flask", "from flask import Markup, request"),
    ("flask", "flask", "@app.before_first_request\ndef first(): pass"),
    ("flask-migrate", "flask-migrate", "from flask_migrate import Migrate, MigrateCommand"),
    ("werkzeug", "flask werkzeug", "from werkzeug.urls import url_parse"),
    ("django", "django", "from django.conf.urls import include, url"),
    ("django", "django", "from django.utils.translation import ugettext_lazy as _"),
    ("python-telegram-bot", "python-telegram-bot", "from telegram.ext import Filters, Updater"),
    ("moviepy", "moviepy", "from moviepy.editor import VideoFileClip"),
    ("langchain", "langchain", "from langchain.chains import LLMChain"),
]
# Code of today
NEW = [
    ("fastapi jinja2", "pages.TemplateResponse(request, 'home.html', {'a': 1})"),
    ("fastapi jinja2", "pages.TemplateResponse('home.html', context)"),
    ("fastapi pydantic", "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings"),
    ("flask", "from flask import request\nfrom markupsafe import Markup"),
    ("flask-migrate", "from flask_migrate import Migrate, upgrade"),
    ("django", "from django.urls import re_path as url"),
    ("langchain", "from langchain.agents import create_agent"),
]


def held(propose, packages, code):
    app = "import flask\napp = flask.Flask(__name__)\n"
    lines = f"{packages.replace(' ', chr(10))}\nflask\n"
    python = propose({"app.py": f"{app}{code}\n", "requirements.txt": lines}).python
    return [each for each in python.packages if "<" in each]


@pytest.mark.parametrize(("package", "packages", "code"), OLD)
def test_what_newer_versions_no_longer_take_is_held_back(propose, package, packages, code):
    limit = next(row["limit"] for row in distributions_table()["written_for"] if row["package"] == package)
    assert held(propose, packages, code) == [f"{package}{limit}"]


@pytest.mark.parametrize(("packages", "code"), NEW)
def test_code_of_today_holds_nothing_back(propose, packages, code):
    assert held(propose, packages, code) == []


@pytest.mark.parametrize(
    "packages",
    [
        "pydantic==1.10.2",
        "pydantic>=1",
        "fastapi==0.100 pydantic",
        "pydantic[email]~=2.0",
        "pydantic@https://x.test/p.whl",
    ],
)
def test_a_list_that_says_something_of_versions_counts(propose, packages):
    assert held(propose, packages, "from pydantic import BaseSettings") == []


def test_a_limit_comes_with_the_line_for_whose_sake_it_is(propose):
    code = "from flask import Flask, escape\napp = Flask(__name__)\n"
    proposal = propose({"app.py": code, "requirements.txt": "flask\n"})
    assert ["flask<2.3: the code doesn't support newer versions (app.py:1)"] == [str(note) for note in proposal.notes]


def test_every_row_has_a_line():
    assert {row["package"] for row in distributions_table()["written_for"]} == {package for package, _, _ in OLD}
