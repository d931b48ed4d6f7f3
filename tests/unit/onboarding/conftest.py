"""Small projects, written into a temporary folder and read."""

from textwrap import dedent

import pytest

from devboot.onboarding import detect
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.symbolic_eval.evaluate import RULES
from devboot.onboarding.symbolic_eval.machine import Machine

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""


@pytest.fixture
def write(tmp_path):
    """Writes a project from a table of paths and texts."""

    def write_project(files):
        for path, text in files.items():
            full = tmp_path / path
            full.parent.mkdir(parents=True, exist_ok=True)
            full.write_text(dedent(text).lstrip("\n"))
        return tmp_path

    return write_project


@pytest.fixture
def propose(write):
    """Detects a project from a table of paths and texts."""
    return lambda files: detect(write(files), environ={})


@pytest.fixture
def django(propose):
    """Detects a Django project with these settings and further files."""

    def propose_django(settings, requirements="django\n", more=()):
        base = "import os\nfrom pathlib import Path\nBASE_DIR = Path(__file__).resolve().parent.parent\n"
        return propose(
            {
                "manage.py": MANAGE.format(settings="site_.settings"),
                "site_/__init__.py": "",
                "site_/settings.py": base + dedent(settings),
                "requirements.txt": requirements,
                "Procfile": "web: python manage.py runserver\n",
                **dict(more),
            }
        )

    return propose_django


@pytest.fixture
def follow(write):
    """Follows the import of `app` and gives the machine with what it found."""

    def follow_module(text, files=()):
        machine = Machine(RULES, Tree(write({"app.py": text, **dict(files)})), ["."], {}, {})
        machine.load(machine.module("app"))
        return machine

    return follow_module
