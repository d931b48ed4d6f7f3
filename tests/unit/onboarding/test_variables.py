"""What is written for each variable that the application needs."""

from textwrap import dedent

import pytest


def entries(proposal):
    return {
        v.name: f"generate {v.generate}" if v.generate else "required" if v.required else v.value for v in proposal.env
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SECRET_KEY", "generate token"),
        ("DJANGO_SECRET_KEY", "generate token"),
        ("JWT_SECRET_KEY", "generate token"),
        ("HASHID_FIELD_SALT", "generate token"),
        ("SITE_USER_TOKEN", "generate token"),
        ("FERNET_KEY", "generate fernet"),
        ("ADMIN_PASSWORD", "generate password"),
        ("ALLOWED_HOSTS", "localhost,127.0.0.1"),
        ("USE_DOCKER", "no"),
        ("SITE_PROTOCOL", "http"),
        ("JWT_ALGORITHM", "HS256"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "30"),
        ("APP_ENV", "development"),
        ("LOG_LEVEL", "info"),
        ("GOOGLE_CLIENT_ID", "required"),
        ("GOOGLE_CLIENT_SECRET", "required"),
        ("STRIPE_SECRET_KEY", "required"),
        ("NOTIFY_API_KEY", "required"),
        ("SOME_SERVICE_URL", "required"),
    ],
)
def test_a_needed_variable_is_made_filled_in_or_asked_for(django, name, expected):
    assert entries(django(f"X = os.environ['{name}']"))[name] == expected


def test_an_encryption_key_is_fernets_where_the_project_uses_fernet(django):
    settings = "from cryptography.fernet import Fernet\nBOX = Fernet(os.environ['ENCRYPTION_KEY'])"
    assert entries(django(settings)) == {"ENCRYPTION_KEY": "generate fernet"}


def test_what_is_asked_for_names_the_place_and_the_file(django):
    (variable,) = django("\n\nX = os.environ['GOOGLE_CLIENT_ID']").env
    assert variable.description == "read at site_/settings.py:6, put it in .env"


@pytest.mark.parametrize(("kind", "form"), [("int", " as a number"), ("HttpUrl", " as a URL"), ("str", "")])
def test_what_is_asked_for_says_how_it_is_read(propose, kind, form):
    code = f"""
        from fastapi import FastAPI
        from pydantic import HttpUrl
        from pydantic_settings import BaseSettings
        class Settings(BaseSettings):
            partner: {kind}
        settings = Settings()
        app = FastAPI()
    """
    (variable,) = [each for each in propose({"main.py": code}).env if each.required]
    assert variable.description == f"read at main.py:5{form}, put it in .env"


def test_the_template_gives_values_for_development_but_no_placeholders(django):
    template = (
        "export API_URL=http://api:9000  # local\nAPI_TOKEN=your-token\nMAIL_FROM='me@example.test'\nOTHER=<fill in>\n"
    )
    proposal = django(
        "A = [os.environ[name] for name in ('API_URL', 'API_TOKEN', 'MAIL_FROM', 'OTHER')]",
        more={".env.example": template, "compose.yaml": "services:\n  api:\n    build: .\n"},
    )
    assert entries(proposal) == {
        "API_TOKEN": "required",
        "API_URL": "http://127.0.0.1:9000",
        "MAIL_FROM": "me@example.test",
        "OTHER": "required",
    }


def test_a_committed_env_file_gives_what_it_sets(django):
    assert django("X = os.environ['CLIENT_ID']", more={".env": "CLIENT_ID=abc\n"}).env == ()


def test_only_a_variable_for_a_host_takes_this_machine_for_a_container(django):
    committed = "DB_HOST=db\nDB_USER=postgres\nDB_NAME=postgres\nCACHE_KIND=redis\nAPI_URL=http://db:9000\n"
    assert entries(django("", more={".env": committed})) == {
        "DB_HOST": "127.0.0.1",
        "API_URL": "http://127.0.0.1:9000",
    }


def test_a_template_names_this_machine_for_a_container_only_where_a_host_belongs(django):
    template = {".env.example": "DB_HOST=db\nDB_USER=postgres\n"}
    settings = "A = [os.environ[name] for name in ('DB_HOST', 'DB_USER')]"
    assert entries(django(settings, more=template)) == {"DB_HOST": "127.0.0.1", "DB_USER": "postgres"}


def test_djangos_secret_key_may_not_be_empty(django):
    assert entries(django("SECRET_KEY = os.environ.get('KEY_OF_SITE')")) == {"KEY_OF_SITE": "required"}
    assert entries(django("SECRET_KEY = os.environ.get('DJANGO_SECRET_KEY', '')")) == {
        "DJANGO_SECRET_KEY": "generate token"
    }


def test_what_a_library_refuses_as_none_is_a_variable_that_is_needed(django):
    settings = """
        INSTALLED_APPS = ["django_recaptcha"]
        RECAPTCHA_PUBLIC_KEY = os.environ.get("SITE_KEY")
        RECAPTCHA_PRIVATE_KEY = os.environ.get("CAPTCHA_KEY", "")
        """
    example = {".env.example": "SITE_KEY=6LeIx\n"}
    assert entries(django(settings)) == {"SITE_KEY": "required"}
    assert entries(django(settings, more=example)) == {"SITE_KEY": "6LeIx"}
    assert entries(django(settings.replace("django_recaptcha", "shop"))) == {}
    shared = settings.replace('"CAPTCHA_KEY", ""', '"A_KEY") or os.environ.get("SITE_KEY"')
    assert entries(django(shared, more=example)) == {"SITE_KEY": "6LeIx"}


def test_debug_is_switched_on_where_a_variable_does_it(django):
    proposal = django(
        """
        DEBUG = os.environ.get("SITE_DEBUG", "").lower() == "true"
        if not DEBUG:
            DSN = os.environ["SENTRY_DSN"]
        """
    )
    assert entries(proposal) == {"SITE_DEBUG": "True"}


def test_a_switch_is_left_alone_where_more_would_be_needed(django):
    proposal = django(
        """
        DEBUG = os.environ.get("SITE_DEBUG", "").lower() == "true"
        if DEBUG:
            TOKEN = os.environ["PROFILER_CLIENT_ID"]
        """
    )
    assert entries(proposal) == {}


def test_the_mode_comes_from_the_template(propose):
    proposal = propose(
        {
            "app.py": """
                import os
                from flask import Flask
                app = Flask(__name__)
                if os.environ.get("APP_ENV", "production") == "production":
                    KEY = os.environ["PAYMENT_CLIENT_ID"]
            """,
            "env.example": "APP_ENV=development\n",
            "requirements.txt": "flask\n",
        }
    )
    assert entries(proposal) == {"APP_ENV": "development"}


def test_a_variable_of_a_command_is_needed_too(propose):
    proposal = propose(
        {
            "Procfile": "web: gunicorn app:app -b :$PORT --log-level $LOG_LEVEL $GUNICORN_OPTS --name ${NAME:-x}\nworker: A=1 run $A $QUEUE\n",  # noqa: E501
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "requirements.txt": "flask\n",
        }
    )
    assert entries(proposal) == {"LOG_LEVEL": "info", "QUEUE": "required"}


def test_an_ignored_file_that_a_command_reads_is_named(propose):
    proposal = propose(
        {
            "Procfile": "web: env $(cat secrets.env) python app.py\n",
            "app.py": "import os\nfrom flask import Flask\napp = Flask(__name__)\nX = os.environ['GITHUB_CLIENT_ID']\n",
            "requirements.txt": "flask\n",
        }
    )
    assert proposal.env_files == (".env", ".env.local", "secrets.env")
    assert proposal.env[0].description == "read at app.py:4, put it in secrets.env"
    assert [note.text for note in proposal.notes] == [
        "`secrets.env` is read but not in the clone: put its variables there"
    ]


def test_a_server_of_the_procfile_loads_the_settings_of_manage_py(django):
    proposal = django(
        "X = 1",
        more={
            "Procfile": "web: gunicorn site_.wsgi\n",
            "site_/wsgi.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.production')\n",
        },
    )
    assert entries(proposal) == {"DJANGO_SETTINGS_MODULE": "site_.settings"}


def test_settings_that_are_made_at_the_first_request_count(propose):
    proposal = propose(
        {
            "main.py": """
                from functools import lru_cache
                from fastapi import Depends, FastAPI
                from pydantic_settings import BaseSettings
                class Settings(BaseSettings):
                    oauth_client_id: str
                @lru_cache
                def get_settings():
                    return Settings()
                app = FastAPI()
                @app.get("/")
                def index(settings = Depends(get_settings)):
                    return settings.oauth_client_id
            """,
            "requirements.txt": "fastapi\npydantic-settings\n",
            "Procfile": "web: uvicorn main:app\n",
        }
    )
    assert entries(proposal) == {"OAUTH_CLIENT_ID": "required"}


IMAGE = "FROM node:24 AS assets\nFROM python:3.14.5-slim AS build\nFROM python:3.14.6-slim AS app\n"


@pytest.mark.parametrize(
    ("read", "image", "expected"),
    [
        ('os.environ["PYTHON_VERSION"]', IMAGE, {"PYTHON_VERSION": "3.14.6"}),
        ('os.environ.get("PYTHON_VERSION")', IMAGE, {}),
        ('os.environ["PYTHON_VERSION"]', "FROM python:slim\n", {}),
    ],
)
def test_what_the_image_of_python_sets_is_there_where_a_page_insists(propose, read, image, expected):
    proposal = propose(
        {
            "app.py": f"""
                import os
                from flask import Flask
                app = Flask(__name__)
                @app.get("/")
                def home():
                    return {read} or ""
            """,
            "requirements.txt": "flask\n",
            "Dockerfile": image,
        }
    )
    assert entries(proposal) == expected
    assert [str(each.evidence) for each in proposal.env if each.name in expected] == ["Dockerfile:3"] * len(expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_SERVER", "127.0.0.1"),
        ("SMTP_PORT", "1025"),
        ("EMAIL_HOST_USER", "development"),
        ("MAIL_FROM", "development@example.com"),
        ("ADMIN_EMAIL", "development@example.com"),
        ("DOMAIN", "localhost"),
    ],
)
def test_where_mail_goes_is_not_asked_for_while_developing(propose, name, value):
    code = f"import os\nfrom flask import Flask\napp = Flask(__name__)\nX = os.environ['{name}']\n"
    assert [(each.name, each.value) for each in propose({"app.py": code, "requirements.txt": "flask\n"}).env] == [
        (name, value)
    ]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("os.environ.get('HOSTS', 'blog.example.test,localhost').split(',')", "blog.example.test,localhost,127.0.0.1"),
        ("os.environ.get('HOSTS', '').split(',')", "localhost,127.0.0.1"),
        ("os.environ.get('HOSTS', '').split(';')", "localhost;127.0.0.1"),
        ("os.environ.get('HOSTS', 'blog.example.test').split()", "blog.example.test localhost 127.0.0.1"),
        ("[os.environ.get('HOSTS', 'blog.example.test')]", "127.0.0.1"),
        ("['blog.example.test', os.environ.get('HOSTS', 'localhost')]", "127.0.0.1"),
        ("[os.environ.get('HOSTS')]", "127.0.0.1"),
        ("json.loads(os.environ.get('HOSTS', '[\"blog.example.test\"]'))", '["localhost", "127.0.0.1"]'),
    ],
)
def test_a_page_that_answers_to_other_hosts_only_is_told_of_this_one(django, hosts, expected):
    assert entries(django(f"import json\nDEBUG = True\nALLOWED_HOSTS = {hosts}")) == {"HOSTS": expected}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("localhost,127.0.0.1", "localhost,127.0.0.1"),
        ("shop.test, localhost", "shop.test,localhost,127.0.0.1"),
        ("shop.test:8000", "shop.test:8000,localhost,127.0.0.1"),
        ("*", "*,localhost,127.0.0.1"),
        ("", "localhost,127.0.0.1"),
        ("<your host>", "localhost,127.0.0.1"),
    ],
)
def test_hosts_of_a_template_are_kept_beside_both_names_of_this_machine(propose, template, expected):
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\n"
        "from django.core.management import execute_from_command_line\nexecute_from_command_line()\n",
        "site/settings.py": "import os\nINSTALLED_APPS = []\nDEBUG = True\n"
        "ALLOWED_HOSTS = os.environ.get('HOSTS', '').split(',')\n",
        "requirements.txt": "django\n",
        ".env.example": f"HOSTS={template}\n",
    }
    assert {each.name: each.value for each in propose(files).env}["HOSTS"] == expected


@pytest.mark.parametrize(
    "hosts",
    [
        "os.environ.get('HOSTS', '*').split(',')",
        "os.environ.get('HOSTS', 'localhost,127.0.0.1').split(',')",
        "os.environ.get('HOSTS', '').split()",
        "['blog.example.test']",
    ],
)
def test_hosts_that_answer_here_or_stand_in_the_code_are_left_alone(django, hosts):
    assert entries(django(f"DEBUG = True\nALLOWED_HOSTS = {hosts}")) == {}


@pytest.mark.parametrize("name", ["DEBUG", "DEVELOPMENT", "SHOP_DEV", "LOCAL"])
@pytest.mark.parametrize("read", ["os.environ.get('{}', False)", "os.getenv('{}', '')", "'{}' in os.environ"])
def test_debug_that_any_text_switches_on_is_switched_on(django, name, read):
    assert entries(django(f"DEBUG = {read.format(name)}")) == {name: "True"}


@pytest.mark.parametrize("name", ["PRODUCTION", "DEVICE", "LOCALE", "HOST"])
def test_a_variable_that_names_no_stage_is_not_debugs(django, name):
    assert entries(django(f"DEBUG = os.environ.get('{name}', False)")) == {}


def test_hosts_that_a_variable_replaces_where_it_is_set_get_this_machine_too(django):
    settings = """
        def listed(name, default):
            found = default
            value = os.environ.get(name)
            if value:
                found = value.split(",")
            return found
        DEBUG = True
        ALLOWED_HOSTS = listed("ALLOWED_HOSTS", ["shop.example", "localhost"])
        """
    assert entries(django(settings)) == {"ALLOWED_HOSTS": "shop.example,localhost,127.0.0.1"}
    assert entries(django(settings.replace('"localhost"', '"127.0.0.1"'))) == {}


def test_an_unknown_reader_of_variables_is_read_as_the_others_are(django):
    settings = (
        "from lib import Env\nenv = Env()\nSECRET_KEY = env('SECRET_KEY')\nDEBUG = env.bool('DEBUG', default=True)"
    )
    assert entries(django(settings)) == {"SECRET_KEY": "generate token"}


@pytest.mark.parametrize(
    ("reading", "config", "expected"),
    [
        ("os.environ['APP_SETTINGS']", "class DevelopmentConfig(Config):\n    DEBUG = True\n", "DevelopmentConfig"),
        ("os.getenv('SITE_OBJECT')", "class ProductionConfig(Config):\n    pass\n", "Config"),
    ],
)
def test_a_configuration_that_only_a_variable_names_is_that_for_development(propose, reading, config, expected):
    name = reading.split("'")[1]
    proposal = propose(
        {
            "site_/__init__.py": f"""
                import os
                from flask import Flask
                def create_app():
                    app = Flask(__name__)
                    app.config.from_object({reading})
                    return app
            """,
            "site_/config.py": f"""
import os
class Config:
    SECRET_KEY = os.environ['SECRET_KEY']
    RQ_REDIS_URL = os.environ.get('QUEUE', 'redis://localhost:6379')
{config}""",
            "wsgi.py": "from site_ import create_app\napp = create_app()\n",
            "requirements.txt": "flask\n",
        }
    )
    found = {variable.name: variable for variable in proposal.env}
    assert found[name].value == f"site_.config.{expected}"
    assert found["SECRET_KEY"].generate == "token"
    assert found["QUEUE"].value == "${services.redis.url}"


def test_what_migrations_import_needs_its_variables_too(propose):
    settings = "import os\nTOKEN = os.environ['SHOP_TOKEN']\n"
    files = {
        "main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "bot/settings.py": settings,
        "migrations/env.py": "from bot.settings import TOKEN\n",
        "migrations/script.py.mako": "",
        "tests/migrations/env.py": "import other\n",
        "tests/migrations/script.py.mako": "",
        "other.py": settings.replace("SHOP", "OTHER"),
        "requirements.txt": "fastapi\nalembic\n",
    }
    assert [each.name for each in propose(files).env if each.name.endswith("TOKEN")] == ["SHOP_TOKEN"]


def test_a_route_may_not_be_none(django):
    proposal = django(
        "ROOT_URLCONF = 'site_.urls'\nADMIN_URL = os.getenv('DJANGO_ADMIN_URL')\nOTHER = os.getenv('OTHER_URL')\n",
        more={
            "site_/urls.py": """
                from django.conf import settings
                from django.urls import include, path
                urlpatterns = [path(settings.ADMIN_URL, include("x")), path("", include("y"))]
                """
        },
    )
    assert entries(proposal) == {"DJANGO_ADMIN_URL": "admin/"}


@pytest.mark.parametrize(
    ("jwt", "expected"),
    [
        ("{'SIGNING_KEY': os.getenv('SIGNING_KEY')}", {"SIGNING_KEY": "generate token"}),
        ("{'SIGNING_KEY': os.getenv('SIGNING_KEY'), 'ALGORITHM': 'RS256'}", {}),
        ("{'SIGNING_KEY': os.getenv('SIGNING_KEY', 'x')}", {}),
        ("{}", {}),
    ],
)
def test_the_key_that_signs_logins_is_made_where_nobody_gives_it(django, jwt, expected):
    assert entries(django(f"SIMPLE_JWT = {jwt}")) == expected


def test_what_compose_insists_on_has_no_value(django):
    compose = (
        "services:\n  web:\n    build: .\n    environment:\n      - API_URL=${SCHEME:?is required}://x/${PATH_:-a}\n"
    )
    settings = "X = os.environ['API_URL']"
    assert entries(django(settings, more={"compose.yaml": compose})) == {"API_URL": "required"}


def test_a_template_among_the_files_of_docker_is_found(django):
    template = {"docker/config/server.env.template": "API_URL=http://here\n"}
    assert entries(django("X = os.environ['API_URL']", more=template)) == {"API_URL": "http://here"}


@pytest.mark.parametrize(
    "text",
    [
        "changeme?", "True for dev environment|False for production", "True|False", "true/false", "...", "None",
        "<secret>", "your_db_name", "youropenaiapikey", "yourAPIKey", "???", "dev or prod", "db_name",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("os.environ['APP_DEBUG']", "True"),
        ("os.environ['SIGNING_KEY']", "generate token"),
        ("os.environ['PARTNER_NAME']", "required"),
        ("int(os.environ['SMTP_PORT'])", "1025"),
        ("int(os.environ['PARTNER_NUMBER'])", "required"),
    ],
)
def test_example_text_is_no_value(django, text, read, expected):
    name = read.split("'")[1]
    proposal = django(f"X = {read}", more={".env.example": f"{name}={text}\n"})

    assert entries(proposal)[name] == expected


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        ("int(os.environ['RETRY_COUNT'])", "three", "required"),
        ("int(os.environ['RETRY_COUNT'])", "3", "3"),
        ("float(os.environ['RATE'])", "0.5", "0.5"),
        ("float(os.environ['RATE'])", "fast", "required"),
        ("os.environ['SMTP_PORT']", "smtp", "1025"),
        ("os.environ['APP_DEBUG']", "maybe later", "True"),
        ("os.environ['APP_DEBUG']", "off", "off"),
        ("os.environ['GREETING']", "hello or good bye", "hello or good bye"),
    ],
)
def test_a_value_of_a_template_must_be_what_reads_it_can_parse(django, read, text, expected):
    name = read.split("'")[1]
    composed = f"services:\n  web:\n    build: .\n    environment:\n      {name}: '{text}'\n"

    assert entries(django(f"X = {read}", more={".env.example": f"{name}={text}\n"}))[name] == expected
    assert entries(django(f"X = {read}", more={".env.example": "", "compose.yml": composed}))[name] == expected


def test_a_placeholder_names_no_database(django):
    parts = {part: f"os.environ['DB_{part}']" for part in ("NAME", "USER", "PASSWORD", "HOST")}
    settings = ", ".join(f"'{part}': {read}" for part, read in parts.items())
    template = "DB_NAME=your_db_name\nDB_USER=your_user\nDB_PASSWORD=changeme\nDB_HOST=your_host\n"
    proposal = django(
        f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.postgresql', {settings}}}}}",
        "django\npsycopg\n",
        {".env.example": template},
    )

    assert [(each.database, each.user) for each in proposal.databases] == [("app", "")]


@pytest.mark.parametrize("read", ["values['NOTIFY_URL']", "values.get('NOTIFY_URL')"])
def test_what_is_read_out_of_an_env_file_is_asked_for_as_from_the_environment(django, read):
    settings = f"from dotenv import dotenv_values\nvalues = dotenv_values('.env')\nKEY = {read}\n"
    proposal = django(settings + "if not KEY:\n    raise ValueError('no key')\n")
    assert entries(proposal)["NOTIFY_URL"] == "required"


@pytest.mark.parametrize(
    ("test", "entry"),
    [
        ("not CHAT_CLIENT_ID", "generate token"),
        ("CHAT_CLIENT_ID is None", "generate token"),
        ("CHAT_CLIENT_ID in (None, '') or not CHAT_CLIENT_ID.startswith('id-')", "required"),
        ("len(CHAT_CLIENT_ID or '') < 4", "required"),
    ],
)
def test_a_key_of_an_account_that_only_has_to_be_there_is_made_up_and_a_note_says_so(propose, test, entry):
    code = f"""
        import os
        from flask import Flask
        class Config:
            CHAT_CLIENT_ID = os.environ.get("CHAT_CLIENT_ID")
            if {test}:
                raise ValueError("CHAT_CLIENT_ID is required")
        app = Flask(__name__)
        app.config.from_object(Config)
    """
    proposal = propose({"app.py": dedent(code), "requirements.txt": "flask\n"})
    assert entries(proposal)["CHAT_CLIENT_ID"] == entry
    said = [str(note) for note in proposal.notes if "CHAT_CLIENT_ID" in note.text]
    assert len(said) == (entry != "required")


def test_the_address_of_a_server_is_never_made_up(propose):
    code = "import os\nimport flask\nif not os.environ.get('BILLING_URL'):\n    exit(1)\na = flask.Flask(__name__)\n"
    assert entries(propose({"app.py": code, "requirements.txt": "flask\n"}))["BILLING_URL"] == "required"


@pytest.mark.parametrize("cast", ["int", "float"])
def test_a_switch_that_is_read_as_a_number_is_one(django, cast):
    assert entries(django(f"X = {cast}(os.getenv('USE_DOCKER'))"))["USE_DOCKER"] == "0"


def test_all_that_is_missing_is_asked_for_at_once(django):
    code = "ID = int(os.getenv('CHAT_ID', '0'))\nURL = os.getenv('CHAT_URL', '')\nOTHER = os.getenv('OTHER', 'x')\n"
    found = entries(django(f"{code}if not ID or not URL or not OTHER:\n    raise RuntimeError('incomplete')\n"))
    assert {"CHAT_ID", "CHAT_URL"} <= found.keys()
    assert "OTHER" not in found


def test_a_part_of_a_test_that_the_program_never_comes_to_hides_no_other(django):
    code = "URL = os.getenv('CHAT_URL', '')\ntry:\n    if not URL or not os.environ['CHAT_NAME']:\n"
    code += "        raise RuntimeError('incomplete')\nexcept KeyError:\n    pass\n"
    assert "CHAT_URL" in entries(django(code))


@pytest.mark.parametrize("setting", ["CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST", "CSRF_TRUSTED_ORIGINS"])
@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("os.environ.get('PAGES', '').split(',')", "http://localhost:3000"),
        ("[os.environ.get('PAGES')]", "http://localhost:3000"),
        ("json.loads(os.environ.get('PAGES', '[\"\"]'))", '["http://localhost:3000"]'),
        ("[each for each in os.environ.get('PAGES', '').split(',') if each]", None),
        ("os.environ.get('PAGES', 'https://shop.example').split(',')", None),
    ],
)
def test_an_origin_that_django_would_refuse_gets_an_address(django, setting, read, expected):
    assert entries(django(f"import json\n{setting} = {read}\n")).get("PAGES") == expected


@pytest.mark.parametrize(("line", "is_meant"), [("PAGES=\n", True), ("PAGES=https://shop.example\n", False)])
def test_an_empty_origin_in_a_committed_file_gets_an_address_too(django, line, is_meant):
    settings = "from dotenv import load_dotenv\nload_dotenv()\nCORS_ALLOWED_ORIGINS = os.environ['PAGES'].split(',')\n"
    proposal = django(settings, "django\npython-dotenv\n", {".env": line})
    assert ("PAGES" in entries(proposal)) == is_meant


@pytest.mark.parametrize(
    ("read", "is_needed"),
    [
        ("os.environ['FIRST_CLERK']", True),
        ("os.environ['FIRST_CLERK'] = 'ada'", False),
        ("os.environ.get('FIRST_CLERK')", False),
        ("os.environ['FIRST_CLERK'] if 'FIRST_CLERK' in os.environ else 'ada'", False),
    ],
)
def test_what_a_migration_reads_when_it_runs_is_needed(django, read, is_needed):
    migration = f"import os\nfrom django.db import migrations\ndef fill(apps, editor):\n    {read}\n"
    more = {"goods/__init__.py": "", "goods/migrations/__init__.py": "", "goods/migrations/0002_clerk.py": migration}
    assert ("FIRST_CLERK" in entries(django("INSTALLED_APPS = ['goods']\n", more=more))) == is_needed


def test_the_default_of_a_variable_may_be_the_one_that_is_needed(django):
    settings = "import environ\nenv = environ.Env()\nA = env('MAIL_API_KEY', default=env('ACCOUNT_TOKEN'))\n"
    assert entries(django(settings)) == {"ACCOUNT_TOKEN": "required"}


def test_direnvs_files_are_read_and_the_template_of_one_that_is_missing_is_named(django):
    more = {".envrc": "dotenv\ndotenv secrets.env\n", "secrets.env.example": "SHOP_TOKEN=\n"}
    proposal = django("A = os.environ['SHOP_TOKEN']\n", more=more)
    assert proposal.env_files == (".env", ".env.local", "secrets.env")
    assert [str(note) for note in proposal.notes] == [
        "`secrets.env` is read but not in the clone: make it from secrets.env.example (.envrc:2)"
    ]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("bool", "", {"SHOP_DEBUG": "True"}),
        ("bool", "off", {}),
        ("str", "", {}),
    ],
)
def test_an_empty_text_in_an_env_file_gives_way_to_a_value_where_it_is_none_of_the_fields_type(
    propose, kind, text, expected
):
    code = f"""
        from fastapi import FastAPI
        from pydantic_settings import BaseSettings
        class Settings(BaseSettings):
            shop_debug: {kind} = {"False" if kind == "bool" else "''"}
        settings = Settings()
        app = FastAPI()
    """
    files = {"main.py": code, ".env": f"SHOP_DEBUG={text}\n", "requirements.txt": "fastapi\npydantic-settings\n"}
    found = entries(propose(files))
    assert {name: value for name, value in found.items() if name != "PORT"} == expected


@pytest.mark.parametrize(
    ("call", "entry"),
    [
        ("OpenAI(api_key=os.getenv('MODEL_API_KEY'))", {"MODEL_API_KEY": "generate token"}),
        ("OpenAI(api_key=os.environ.get('MODEL_API_KEY'), timeout=3)", {"MODEL_API_KEY": "generate token"}),
        ("OpenAI()", {"OPENAI_API_KEY": "generate token"}),
        ("ChatGroq(model='m')", {"GROQ_API_KEY": "generate token"}),
        ("OpenAI(base_url='http://localhost:9', api_key='any')", {}),
        ("OpenAI(api_key=os.getenv('MODEL_API_KEY', 'any'))", {}),
        ("(lambda: OpenAI())", {}),
    ],
)
def test_a_client_that_only_asks_for_its_key_starts_with_any(propose, call, entry):
    code = "import os\nfrom fastapi import FastAPI\nfrom openai import OpenAI\nfrom langchain_groq import ChatGroq\n"
    packages = "fastapi\nuvicorn\nopenai\nlangchain-groq\n"
    proposal = propose({"main.py": f"{code}app = FastAPI()\nclient = {call}\n", "requirements.txt": packages})
    found = {name: value for name, value in entries(proposal).items() if name.endswith("API_KEY")}
    assert entry == found
    assert bool(entry) == any(note.text.startswith("generated values for") for note in proposal.notes)


@pytest.mark.parametrize(
    ("setting", "needed"),
    [
        ("SECRET_KEY = os.environ.get('A_KEY', '') + os.environ.get('SITE_SECRET', '')", "SITE_SECRET"),
        ("DATABASES = {'default': os.environ.get('A_NAME', '') + os.environ.get('MY_DATABASE', '')}", "MY_DATABASE"),
        ("SECRET_KEY = os.environ.get('Z_KEY', '') + os.environ.get('A_KEY', '')", "A_KEY"),
    ],
)
def test_of_several_variables_of_an_empty_setting_the_one_that_is_named_like_it_is_needed(django, setting, needed):
    assert needed in entries(django(f"SECRET_KEY = 'x'\n{setting}\n"))
    others = {"A_KEY", "SITE_SECRET", "A_NAME", "MY_DATABASE", "Z_KEY"} - {needed}
    assert not others & entries(django(f"SECRET_KEY = 'x'\n{setting}\n")).keys()


def test_an_entry_that_a_package_of_the_same_name_hides_is_read(propose):
    code = (
        "import os\nfrom flask import Flask\ndef make():\n    import conf\n    return Flask(__name__)\napp = make()\n"
    )
    conf = "import os\nKEY = os.environ.get('SECRET_KEY')\nif not KEY:\n    raise RuntimeError('SECRET_KEY')\n"
    files = {"app.py": code, "app/__init__.py": "", "app/more.py": "", "conf.py": conf, "requirements.txt": "flask\n"}

    assert [(each.name, each.generate) for each in propose(files).env] == [("SECRET_KEY", "token")]


def test_what_an_object_reads_when_it_is_called_is_needed(follow):
    code = "import os\nclass Load:\n    def __call__(self, name):\n        return os.environ[name]\n"
    code += "X = Load()('A_TOKEN')\n"
    assert ["A_TOKEN"] == list(follow(code).found.needs)


@pytest.mark.parametrize(
    ("settings", "is_given"),
    [
        ("", True),
        ("import os\nCLOUDINARY_STORAGE = {'CLOUDINARY_URL': os.environ.get('CLOUDINARY_URL')}\n", True),
        ("CLOUDINARY_STORAGE = {'CLOUD_NAME': 'a', 'API_KEY': 'b', 'API_SECRET': 'c'}\n", False),
    ],
)
def test_an_application_that_reads_its_account_itself_gets_one_to_start_with(django, settings, is_given):
    proposal = django(f"INSTALLED_APPS = ['cloudinary_storage', 'cloudinary']\n{settings}")
    values = {variable.name: variable.value for variable in proposal.env}
    expected = "cloudinary://development:development@development" if is_given else None
    assert values.get("CLOUDINARY_URL") == expected


def test_a_template_fills_what_the_code_cannot_do_without_and_a_note_names_the_rest(django):
    code = """
        BASE = os.environ["API_URL"]
        TITLE = os.environ.get("TITLE", "Shop")
        COLOUR = os.environ.get("COLOUR")
        SIZE = os.environ.get("SIZE", "10")
        KEY = os.environ.get("ADDITION", "")

        def footer():
            return os.environ["FOOTER"] + os.environ.get("HEADER", "") + os.environ["UNNAMED"]
    """
    template = "API_URL=http://a.example\nTITLE=Books\nCOLOUR=red\nSIZE=10\nADDITION=your_key\nFOOTER=bye\nHEADER=x\n"
    proposal = django(code, more={".env.example": template})

    assert {"API_URL": "http://a.example", "FOOTER": "bye"} == entries(proposal)
    text = ".env.example is used only where the code has no default: put TITLE, COLOUR into .env to use its values"
    assert text in [each.text for each in proposal.notes]


@pytest.mark.parametrize("code", ["os.environ['A']", "os.environ.get('A', 'x')", "os.environ.get('B', 'x')"])
def test_no_note_says_that_a_template_is_left_out_where_nothing_is(django, code):
    proposal = django(f"X = {code}", more={".env.example": "A=x\nB=your-key\n"})

    assert not [each.text for each in proposal.notes if ".env.example" in each.text]
