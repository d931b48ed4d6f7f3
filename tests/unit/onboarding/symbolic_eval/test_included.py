"""Settings that django-split-settings puts together."""

import pytest

FIRST = """
import os
from split_settings.tools import include, optional
include(
    "components/*.py",
    "environments/{0}.py".format(os.environ.get("SITE_ENV", "production")),
    optional("environments/local.py"),
)
"""
SERVER = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': os.environ['DB_HOST']}}\n"
FILE = "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'site.db'}}\n"


@pytest.fixture
def split(propose):
    """Detects a project whose settings lie in these files of one folder."""

    def propose_split(files):
        manage = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.settings')\n"
        return propose(
            {
                "manage.py": manage + "from django.core.management import execute_from_command_line\n",
                "site_/__init__.py": "",
                "site_/settings/__init__.py": FIRST,
                "requirements.txt": "django\ndjango-split-settings\n",
                **{f"site_/settings/{path}": text for path, text in files.items()},
            }
        )

    return propose_split


COMPONENTS = {
    "components/a.py": "from pathlib import Path\nBASE_DIR = Path(__file__).parent.parent.parent\n",
    "components/b.py": "SECRET_KEY = os.environ['SITE_KEY']\nfrom ..names import NAME\n",
}


def test_files_run_in_the_names_of_the_first_one(split):
    proposal = split({**COMPONENTS, "environments/production.py": FILE})
    assert [database.path for database in proposal.databases] == ["site.db"]
    assert [(each.name, str(each.evidence)) for each in proposal.env if each.required] == [
        ("SITE_KEY", "site_/settings/components/b.py:1")
    ]


def test_the_stage_for_development_is_taken_where_its_file_lies_beside_that_for_production(split):
    proposal = split({**COMPONENTS, "environments/production.py": SERVER, "environments/development.py": FILE})
    assert {each.name: each.value for each in proposal.env}["SITE_ENV"] == "development"
    assert [database.path for database in proposal.databases] == ["site.db"]


def test_files_that_include_all_of_their_folder_are_read_once_each(split):
    again = "from split_settings.tools import include\ninclude('*.py')\n"
    files = {f"components/{name}.py": again for name in "cdefghi"}
    proposal = split({**COMPONENTS, **files, "environments/production.py": FILE})
    assert [database.path for database in proposal.databases] == ["site.db"]


def test_files_that_include_each_other_come_to_an_end(split):
    again = "from split_settings.tools import include\ninclude('../environments/production.py')\n"
    proposal = split({"components/a.py": again, "environments/production.py": again})
    assert proposal.framework == "django"
