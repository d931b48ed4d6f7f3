"""Which files say what packages and which Python are needed."""

import pytest

from devboot.onboarding import detect

APP = {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"uv.lock": "", "pyproject.toml": "", "requirements.txt": "x\n"}, ["uv.lock"]),
        ({"poetry.lock": "", "requirements.txt": "x\n"}, ["poetry.lock"]),
        ({"Pipfile": "", "requirements.txt": "x\n"}, ["requirements.txt"]),
        ({"requirement.txt": "x\n"}, ["requirement.txt"]),
        ({"pdm.lock": "[metadata]\nstrategy = ['inherit_metadata']\n"}, ["pdm.lock"]),
        ({"pdm.lock": "", "pyproject.toml": "[project]\ndependencies = ['x']\n"}, ["pyproject.toml"]),
        ({"pyproject.toml": "[tool.ruff]\n", "requirements.txt": "x\n"}, ["requirements.txt"]),
        ({"pyproject.toml": "[project]\ndependencies = ['x']\n"}, ["pyproject.toml"]),
        ({"requirements/base.txt": "x\n", "requirements/local.txt": "-r base.txt\n", "requirements/production.txt": "x\n"},  # noqa: E501
         ["requirements/local.txt"]),
        ({"requirements.txt": "-r requirements/prod.txt\n", "requirements/prod.txt": "x\n", "requirements/dev.txt": "-r prod.txt\n"},  # noqa: E501
         ["requirements/dev.txt"]),
        ({"requirements.txt": "x\n", "requirements-dev.txt": "pytest\n"}, ["requirements.txt"]),
        ({"requirements/base.txt": "x\n", "requirements/dev.txt": "pytest\n"}, ["requirements/base.txt", "requirements/dev.txt"]),  # noqa: E501
    ],
)  # fmt: skip
def test_the_source_of_the_packages_is_chosen(propose, files, expected):
    assert list(propose({**APP, **files}).python.requirements) == expected


@pytest.mark.parametrize(
    ("procfile", "expected"),
    [
        ("web: gunicorn shop.wsgi\n", ["requirements/local.txt", "requirements/production.txt"]),
        ("web: A=1 exec uwsgi etc/uwsgi.ini\n", ["requirements/local.txt", "requirements/uwsgi.txt"]),
        ("web: daphne shop.asgi:app\n", ["requirements/local.txt"]),
        ("web: uvicorn shop.asgi:app\n", ["requirements/local.txt"]),
        ("web: python serve.py\n", ["requirements/local.txt"]),
        ("web: hypercorn shop.asgi:app\n", ["requirements/local.txt"]),
    ],
)
def test_the_list_of_a_server_that_the_procfile_starts_is_added(propose, procfile, expected):
    files = {
        "requirements.txt": "-r requirements/production.txt\n",
        "requirements/base.txt": "x\n",
        "requirements/local.txt": "-r base.txt\nuvicorn\n",
        "requirements/production.txt": "-r base.txt\ngunicorn\nboto3\n",
        "requirements/uwsgi.txt": "pyuwsgi\n",
        "requirements/test.txt": "hypercorn\n",
    }
    assert list(propose({**APP, **files, "Procfile": procfile}).python.requirements) == expected


def test_nothing_is_added_to_a_lock_for_a_server(propose):
    files = {"uv.lock": "", "requirements.txt": "gunicorn\n", "Procfile": "web: gunicorn main:app\n"}
    assert list(propose({**APP, **files}).python.requirements) == ["uv.lock"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".python-version": "# ours\n3.13\n"}, ("3.13", ".python-version:2")),
        ({"runtime.txt": "python-3.9.x"}, ("3.9.x", "runtime.txt:1")),
        ({"Pipfile": "[requires]\npython_version = '3.11'\n"}, ("3.11", "Pipfile:2")),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.11, <3.13'\n"}, (">=3.11, <3.13", "pyproject.toml:2")),
        ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.10'\n"}, ("^3.10", "pyproject.toml:2")),
        ({}, (None, "None")),
    ],
)
def test_the_version_is_the_first_that_is_stated(propose, files, expected):
    python = propose({**APP, "requirements.txt": "x\n", **files}).python
    assert (python.version, str(python.version_from)) == expected


def test_groups_are_named_where_everything_stands_in_groups(propose):
    project = "[dependency-groups]\nmain = ['fastapi']\ndev = ['ruff']\ntests = ['pytest']\n"
    assert propose({**APP, "uv.lock": "", "pyproject.toml": project}).python.groups == ("main", "dev")


def test_a_member_of_a_workspace_uses_the_lock_at_its_root(propose, tmp_path):
    proposal = propose(
        {
            "uv.lock": "",
            "pyproject.toml": "[tool.uv.workspace]\nmembers = ['api']\n",
            "api/pyproject.toml": "[project]\nrequires-python = '>=3.12'\ndependencies = ['fastapi']\n",
            "api/app/main.py": "from fastapi import FastAPI\nfrom app.x import y\napp = FastAPI()\n",
            "api/app/x.py": "y = 1\n",
        }
    )
    assert (proposal.root, proposal.python.requirements, proposal.python.version) == (tmp_path, ("uv.lock",), ">=3.12")
    assert proposal.processes[0].cwd == "api"


FLASK = "from flask import Flask\napp = Flask(__name__)\n"


def test_a_file_that_is_no_list_to_install_from_is_named(propose):
    proposal = propose({"app.py": FLASK, "environment.yml": "name: shop\n"})
    assert proposal.python.requirements == ()
    assert [note.text for note in proposal.notes] == [
        "packages are listed only in environment.yml, from which devboot can't install",
        "no list of packages in the clone; from its imports: flask",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [("setup.py", "from setuptools import setup\nsetup()\n"), ("Pipfile", "[packages]\nflask = '*'\n")],
)
def test_setup_py_and_a_pipfile_without_lock_are_lists(propose, name, text):
    proposal = propose({"app.py": FLASK, name: text})
    assert (proposal.python.requirements, proposal.python.packages) == ((name,), ())


def test_a_pipfile_without_packages_is_no_list(propose):
    proposal = propose({"app.py": FLASK, "Pipfile": "[requires]\npython_version = '3.12'\n"})
    assert (proposal.python.requirements, proposal.python.packages) == ((), ("flask",))


SHOP = "import redis\nfrom fastapi import FastAPI\napp = FastAPI()\n"


EXTRAS = """[project.optional-dependencies]
all = ['fastapi', 'redis', 'uvicorn', 'y']
web = ['fastapi', 'uvicorn']
q = ['redis']
"""
CONFLICT = """[dependency-groups]
a = ['redis']
b = ['fastapi']
[tool.uv]
conflicts = [[{ group = 'a' }, { group = 'b' }]]
"""
MALFORMED = """[project.optional-dependencies]
q = 'redis'
[dependency-groups]
odd = 3
bot = ['redis', { include-group = 4 }]
[tool.uv]
conflicts = 'none'
default-groups = 7
"""


@pytest.mark.parametrize(
    ("packages", "rest", "lock", "groups", "extras"),
    [
        (["web", "redis"], "[dependency-groups]\nbot = ['redis']\n", "", (), ()),
        (["web"], "[dependency-groups]\nbot = ['Redis>4']\n", "", ("bot",), ()),
        (["web"], "[dependency-groups]\ndev = []\nbot = ['redis']\n", "", ("dev", "bot"), ()),
        (["web"], "[dependency-groups]\ndev = ['redis']\nbot = ['redis']\n", "", (), ()),
        (["web"], "[dependency-groups]\nbot = ['redis']\n[tool.uv]\ndefault-groups = 'all'\n", "", (), ()),
        (["web"], "[dependency-groups]\nq = ['y']\n", "", (), ()),
        (["x"], EXTRAS, "", (), ("q", "web")),
        (["web", "x"], EXTRAS, "[[package]]\nname = 'x'\ndependencies = [{ name = 'redis' }]\n", (), ()),
        (["x"], CONFLICT, "", ("a",), ()),
        (["web"], MALFORMED, "[[package]]\nversion = '1'\n[[package]]\nname = 'x'\ndependencies = [1]\n", ("bot",), ()),
    ],
)
def test_groups_and_extras_that_alone_hold_what_is_imported_are_named(propose, packages, rest, lock, groups, extras):
    listed = [name for each in packages for name in (["fastapi", "uvicorn"] if each == "web" else [each])]
    project = f"[project]\ndependencies = {listed}\n{rest}"
    python = propose({"main.py": SHOP, "pyproject.toml": project, "uv.lock": lock}).python
    assert (python.groups, python.extras) == (groups, extras)


def test_what_modules_of_the_application_import_counts_and_tests_do_not(propose):
    files = {
        "main.py": "from fastapi import FastAPI\nfrom shop import stock\napp = FastAPI()\n",
        "shop/stock.py": "from .base import db\n",
        "shop/base.py": "import yaml\ntry:\n    import orjson\nexcept ImportError:\n    pass\n",
        "tests/test_shop.py": "import httpx\n",
        "pyproject.toml": "[project]\ndependencies = ['fastapi', 'uvicorn']\n[project.optional-dependencies]\n"
        "files = ['PyYAML']\nfast = ['orjson']\ntest = ['httpx']\n",
    }
    assert propose(files).python.extras == ("files",)


def test_a_group_that_alone_holds_django_or_what_its_settings_import_is_named(propose):
    files = {
        "manage.py": """
            import os
            def main():
                os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings.local")
                from django.core.management import execute_from_command_line
            """,
        "site_/__init__.py": "",
        "site_/settings/local.py": "from .base import *\n",
        "site_/settings/base.py": "import os\nfrom environ import Env\nfrom decouple import config\n",
        "site_/settings/cloud.py": "import boto3\n",
        "uv.lock": "",
        "pyproject.toml": """
            [project]
            dependencies = ["requests"]
            [dependency-groups]
            web = ["django"]
            plain = ["python-decouple"]
            cloud = ["boto3"]
            settings = ["django-environ"]
            """,
    }
    assert propose(files).python.groups == ("settings", "plain", "web")


def test_a_list_for_something_else_does_not_stand_for_the_packages_of_the_project(propose):
    project = "[project]\nname = 'shop'\ndependencies = ['fastapi']\n"
    listed = {"requirements_migrations.txt": "psycopg2-binary\n"}
    assert propose({**APP, **listed, "pyproject.toml": project}).python.requirements == ("pyproject.toml",)
    assert propose({**APP, **listed, "pyproject.toml": ""}).python.requirements == ("requirements_migrations.txt",)


def test_the_extra_that_brings_an_application_of_djangos_settings_is_named(propose):
    files = {
        "pyproject.toml": "[project]\nname = 'shop'\ndependencies = ['django']\n[project.optional-dependencies]\n"
        "login = ['django-allauth']\nlogs = ['structlog']\n",
        "manage.py": "import os\nfrom django.core.management import execute_from_command_line\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\nexecute_from_command_line()\n",
        "shop/__init__.py": "",
        "shop/settings.py": "INSTALLED_APPS = ['django.contrib.admin', 'allauth.account']\nLOG = 'structlog'\n",
    }
    assert propose(files).python.extras == ("login",)


POETRY = """
[tool.poetry.dependencies]
python = "^3.11"
django = "*"
{dependencies}
[tool.poetry.group.dev.dependencies]
pytest = "*"
{rest}
"""
DJANGO = {
    "manage.py": "import os\nfrom django.core.management import execute_from_command_line\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\nexecute_from_command_line()\n",
    "shop/__init__.py": "",
    "shop/settings.py": "INSTALLED_APPS = ['django.contrib.admin', 'allauth.account']\n",
}


@pytest.mark.parametrize(
    ("dependencies", "rest", "groups", "extras"),
    [
        (
            "django-allauth = { version = '*', optional = true }",
            "[tool.poetry.extras]\nlogin = ['django-allauth']",
            (),
            ("login",),
        ),
        ("django-allauth = '*'", "[tool.poetry.extras]\nlogin = ['django-allauth']", (), ()),
        (
            "",
            "[tool.poetry.group.login]\noptional = true\n[tool.poetry.group.login.dependencies]\ndjango-allauth = '*'",
            ("dev", "login"),
            (),
        ),
        ("", "[tool.poetry.group.login.dependencies]\ndjango-allauth = '*'", (), ()),
    ],
    ids=["extra", "not optional", "optional group", "group"],
)
@pytest.mark.parametrize("lock", [{}, {"poetry.lock": ""}], ids=["open", "locked"])
def test_poetrys_extras_and_optional_groups_are_named_like_the_standards(
    propose, lock, dependencies, rest, groups, extras
):
    project = POETRY.format(dependencies=dependencies, rest=rest)
    python = propose({**DJANGO, **lock, "pyproject.toml": project}).python
    assert (python.groups, python.extras) == (groups, extras)


def test_what_a_named_extra_brings_is_not_added_once_more(propose):
    project = "[project]\nname = 'shop'\ndependencies = ['fastapi']\n[project.optional-dependencies]\nq = ['uvicorn']\n"
    python = propose({**APP, "pyproject.toml": project}).python
    assert (python.extras, python.packages) == (("q",), ())


@pytest.mark.parametrize(
    ("lists", "requirements", "packages"),
    [
        ({"requirements-dev.txt": "-r requirements.txt\ndjango-allauth\n"}, ("requirements-dev.txt",), ()),
        ({"login.txt": "django-allauth\n"}, ("requirements.txt",), ("django-allauth",)),
        ({"reqs-login.txt": "django-allauth\n"}, ("requirements.txt", "reqs-login.txt"), ()),
        ({}, ("requirements.txt",), ("django-allauth",)),
    ],
    ids=["includes", "no list", "beside", "nowhere"],
)
def test_an_application_of_djangos_settings_comes_from_the_list_that_has_it(propose, lists, requirements, packages):
    python = propose({**DJANGO, "requirements.txt": "django\n", **lists}).python
    assert (python.requirements or ("requirements.txt",), python.packages) == (requirements, packages)


@pytest.mark.parametrize(
    "settings",
    [
        "INSTALLED_APPS = []\nif os.environ.get('LOGIN'):\n    INSTALLED_APPS += ['allauth.account']\n",
        "INSTALLED_APPS = ['shop']\nTEXT = 'allauth.account'\n",
    ],
)
def test_an_application_that_settings_may_do_without_is_not_added(propose, settings):
    python = propose({**DJANGO, "shop/settings.py": f"import os\n{settings}", "requirements.txt": "django\n"}).python
    assert python.packages == ()


@pytest.mark.parametrize(
    ("listed", "packages"),
    [
        ("install_requires=['fastapi', 'uvicorn[standard]>=0.1']", ()),
        ("install_requires=NEEDS", ("uvicorn",)),
        ("install_requires=open('needs.txt').read()", ()),
    ],
    ids=["all", "server missing", "unknown"],
)
def test_what_a_setup_py_lists_one_by_one_is_known(propose, listed, packages):
    setup = f"from setuptools import setup\nNEEDS = ['fastapi']\nsetup(name='shop', py_modules=['main'], {listed})\n"
    files = {"setup.py": setup, "main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}
    assert propose(files).python.packages == packages


@pytest.mark.parametrize(
    "project", ["tool = 1\n", "project = 1\n", "[project]\ndynamic = 1\n", "[tool]\npoetry = []\n"]
)
def test_a_pyproject_whose_tables_are_no_tables_lists_nothing(propose, project):
    assert propose({**APP, "pyproject.toml": project}).python.requirements == ()


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn", "fastapi-cli"])
@pytest.mark.parametrize(
    ("framework", "maker"), [("fastapi", "FastAPI"), ("starlette.applications", "Starlette"), ("litestar", "Litestar")]
)
def test_an_extra_that_brings_a_server_for_the_framework_is_wanted(propose, framework, maker, server):
    package = framework.partition(".")[0]
    project = f"[project]\nname = 'shop'\ndependencies = ['{package}']\n"
    project += f"[project.optional-dependencies]\nserving = ['{server}']\nother = ['black']\n"
    code = f"from {framework} import {maker}\napp = {maker}()\n"
    assert ("serving",) == propose({"main.py": code, "pyproject.toml": project}).python.extras


BROKEN = '[project]\ndependencies = ["x"\n'


@pytest.mark.parametrize("name", ["pyproject.toml", "Pipfile"])
@pytest.mark.parametrize("text", [BROKEN, "[project\n", "a = 1\na = 2\n", f"x = {'[' * 5000}", f"x = {'1' * 9000}\n"])
def test_a_broken_list_is_chosen_so_that_reading_it_reports_the_mistake_and_a_warning_names_its_line(
    propose, name, text
):
    proposal = propose({**APP, name: text})

    assert ((name,), ()) == (proposal.python.requirements, proposal.python.packages)
    assert [each.evidence.path for each in proposal.notes if each.warns] == [name]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_pyproject_of_another_encoding_is_chosen_with_a_warning(write, encoding):
    root = write(APP)
    (root / "pyproject.toml").write_text("[tool.x]\na = 1\n", encoding=encoding)
    proposal = detect(root, environ={})

    assert ("pyproject.toml",) == proposal.python.requirements
    assert any(each.warns and "pyproject.toml can't be read" in each.text for each in proposal.notes)


def test_a_broken_pyproject_beside_a_list_is_a_warning_with_its_line(propose):
    proposal = propose({**APP, "pyproject.toml": "[tool.x]\na = \n", "requirements.txt": "fastapi\n"})

    assert ("requirements.txt",) == proposal.python.requirements
    (warning,) = [each for each in proposal.notes if each.warns]
    assert "pyproject.toml isn't valid TOML: expected a value; nothing was read from it (pyproject.toml:2)" == str(
        warning
    )


def test_a_broken_lock_of_pdm_is_a_warning_with_its_line(propose):
    proposal = propose({**APP, "pyproject.toml": "[project]\ndependencies = ['fastapi']\n", "pdm.lock": "a = \n"})

    (warning,) = [str(note) for note in proposal.notes if note.warns]
    assert warning == "pdm.lock isn't valid TOML: expected a value; nothing was read from it (pdm.lock:1)"


def test_an_entry_with_a_syntax_error_is_named_when_another_module_is_taken_instead(propose):
    flask = "from flask import Flask\napp = Flask('a')\n"
    files = {"app.py": f"{flask}\nexport default app;\n", "small.py": flask, "requirements.txt": "flask\n"}
    proposal = propose(files)

    assert [each.command for each in proposal.processes] == ["flask --app small run -p $PORT --reload"]
    (warning,) = [str(note) for note in proposal.notes if note.warns]
    assert warning == "app.py isn't valid Python: invalid syntax; nothing was read from it (app.py:4)"
