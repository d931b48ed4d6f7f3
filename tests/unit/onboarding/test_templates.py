"""Modules of settings that the clone has as templates alone: they are read as if they had been copied."""

import pytest

from tests.unit.onboarding.conftest import MANAGE

TEMPLATE = "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'shop.db'}}\n"
SETTINGS = "INSTALLED_APPS = []\n"


def found(proposal):
    return [database.path for database in proposal.databases], list(proposal.templates)


@pytest.mark.parametrize(
    "name", ["settings.py.example", "settings.example.py", "settings.template", "settings-dist.py"]
)
def test_settings_that_are_a_template_alone_are_read(propose, name):
    files = {"manage.py": MANAGE.format(settings="site_.settings"), "requirements.txt": "django\n"}
    proposal = propose({**files, "site_/__init__.py": "", f"site_/{name}": SETTINGS + TEMPLATE})
    assert (["shop.db"], [(f"site_/{name}", "site_/settings.py")]) == found(proposal)
    text = f"`site_/settings.py` is needed but not in the clone: make it from site_/{name}"
    assert [text] == [note.text for note in proposal.notes]


@pytest.mark.parametrize(
    "statement",
    [
        "from .local_settings import *",
        "from site_.local_settings import DATABASES",
        "from site_ import local_settings\nDATABASES = local_settings.DATABASES",
        "import site_.local_settings",
    ],
)
def test_a_module_that_is_imported_counts_however_it_is_imported(django, statement):
    name = "site_/local_settings.template"
    proposal = django(f"{SETTINGS}{statement}\n", more={name: TEMPLATE})
    assert [(name, "site_/local_settings.py")] == list(proposal.templates)


def test_flasks_configuration_by_name_counts(propose):
    code = "from flask import Flask\napp = Flask(__name__)\napp.config.from_object('config')\n"
    template = "SQLALCHEMY_DATABASE_URI = 'sqlite:///shop.db'\n"
    proposal = propose({"app.py": code, "config.example.py": template, "requirements.txt": "flask\n"})
    assert (["instance/shop.db"], [("config.example.py", "config.py")]) == found(proposal)


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("try:\n    from .local_settings import *\nexcept ImportError:\n    pass\n", {}),
        ("def show(request):\n    from . import local_settings\n", {}),
        ("from .local_settings import *\n", {"site_/local_settings.py": ""}),
        ("from .goods import *\n", {"site_/goods.example.py": TEMPLATE}),
    ],
    ids=["optional", "later", "there", "no settings"],
)
def test_what_the_start_does_without_is_left_alone(django, code, more):
    proposal = django(f"{SETTINGS}{code}", more={"site_/local_settings.example.py": TEMPLATE, **more})
    assert ([], []) == found(proposal)


def test_a_template_of_something_else_is_no_python(django):
    proposal = django(f"{SETTINGS}from .local_settings import *\n", more={"site_/local_settings.template": "a: [b\n"})
    assert ([], []) == found(proposal)
