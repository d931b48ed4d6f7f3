"""What runs: the Procfile, or what framework, libraries and compose imply; and the migration before it."""

import pytest

from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.onboarding import render

MANAGE = """
import os
from django.core.management import execute_from_command_line
os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.settings')
"""
FACTORY = "from {lib} import {kind}\ndef create_app():\n    app = {kind}()\n    return app\n"
FASTAPI_FACTORY = FACTORY.format(lib="fastapi", kind="FastAPI")
FLASK_FACTORY = FACTORY.format(lib="flask", kind="Flask")
OWN_CLASS = "from flask import Flask\nclass Site(Flask):\n    pass\ndef create_app():\n    return Site(__name__)\n"
HOLDER = "from {} import create_app\napp = create_app()\n"
MAKES_CELERY = """
from shop import create_app
from shop.tasks import make
flask_app = create_app()
celery = make(flask_app)
def later(sender):
    sender.add_periodic_task(10.0, 'shop.ping')
"""
APP = "from fastapi import FastAPI\napp = FastAPI()\n"
CELERY = "from celery import Celery\napp = Celery('x', broker='redis://localhost:6379/0')\n"


def commands(proposal):
    return {process.name: process.command for process in proposal.processes}


def folders(proposal):
    return {process.name: process.cwd for process in proposal.processes}


def site(settings="", **more):
    return {"manage.py": MANAGE, "site_/__init__.py": "", "site_/settings.py": settings, "requirements.txt": "django\n"}


def test_django_serves_and_migrates(propose):
    proposal = propose(
        site("DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}}\n")
    )
    assert commands(proposal) == {"web": "python manage.py runserver 127.0.0.1:$PORT"}
    (task,) = proposal.tasks
    assert (task.name, task.run, task.inputs, task.depends_on) == (
        "migrate",
        "python manage.py migrate --noinput",
        ("**/migrations/*.py",),
        ("default",),
    )


@pytest.mark.parametrize(
    ("files", "command", "cwd"),
    [
        ({"main.py": APP}, "uvicorn main:app", "."),
        ({"app/main.py": APP, "app/__init__.py": ""}, "uvicorn app.main:app", "."),
        ({"src/main.py": APP + "from src.other import x\n", "src/other.py": "x = 1\n"}, "uvicorn src.main:app", "."),
        ({"backend/app/main.py": APP + "from app.api import x\n", "backend/app/api.py": "x = 1\n"},
         "uvicorn app.main:app", "backend"),
        ({"pack/web.py": FASTAPI_FACTORY, "pack/__init__.py": ""},
         "uvicorn pack.web:create_app --factory", "."),
        ({"pack/web.py": FASTAPI_FACTORY, "pack/__init__.py": "", "pack/main.py": HOLDER.format("pack.web")}, "uvicorn pack.main:app", "."),  # noqa: E501
    ],
)  # fmt: skip
def test_fastapis_application_is_named_from_where_its_imports_resolve(propose, files, command, cwd):
    proposal = propose({**files, "requirements.txt": "fastapi\nuvicorn\n"})
    assert commands(proposal) == {"web": f"{command} --host 127.0.0.1 --port $PORT"}
    assert folders(proposal) == {"web": cwd}


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"app.py": "from flask import Flask\napp = Flask(__name__)\n"}, "flask run -p $PORT --reload"),
        ({"site_/__init__.py": FLASK_FACTORY},
         "flask --app site_ run -p $PORT --reload"),
        ({"run.py": "import flask\nserver = flask.Flask(__name__)\n"}, "flask --app run:server run -p $PORT --reload"),
        ({"site_/web.py": OWN_CLASS, "site_/__init__.py": "", "wsgi.py": HOLDER.format("site_.web")}, "flask run -p $PORT --reload"),  # noqa: E501
    ],
)  # fmt: skip
def test_flask_is_told_its_application_where_it_finds_none(propose, files, command):
    assert commands(propose({**files, "requirements.txt": "flask\n"})) == {"web": command}


@pytest.mark.parametrize(("inside", "program"), [({}, "flask"), ({"__init__.py": ""}, "python -m flask")])
def test_flask_finds_modules_of_a_folder_that_is_a_package_by_mistake(propose, inside, program):
    code = "from flask import Flask\nfrom pages import home\napp = Flask(__name__)\n"
    (web,) = propose({"app.py": code, "pages.py": "home = 1\n", "requirements.txt": "flask\n", **inside}).processes
    assert web.command == f"{program} run -p $PORT --reload"


def test_a_manage_py_is_not_django_because_of_its_name(propose):
    proposal = propose(
        {
            "manage.py": "from flask.cli import FlaskGroup\nfrom site_ import create_app\ncli = FlaskGroup()\n",
            "site_/__init__.py": FLASK_FACTORY,
            "requirements.txt": "flask\n",
        }
    )
    assert (proposal.framework, proposal.tasks) == ("flask", ())


def test_celery_gets_a_worker_and_beat_only_with_a_schedule(propose):
    files = {
        "main.py": APP,
        "jobs/celery.py": CELERY,
        "jobs/__init__.py": "",
        "requirements.txt": "fastapi\ncelery\nredis\n",
    }
    assert list(commands(propose(files)).items())[1:] == [("worker", "celery -A jobs worker -l info")]
    files["jobs/celery.py"] += "app.conf.beat_schedule = {'x': {'task': 'y', 'schedule': 5}}\n"
    assert list(commands(propose(files)).items())[1:] == [
        ("worker", "celery -A jobs worker -l info"),
        ("beat", "celery -A jobs beat -l info"),
    ]


@pytest.mark.parametrize(
    "made", ["Celery('jobs', broker='memory://')", "Celery('jobs')\njobs.conf.broker_url = 'memory://'\n"]
)
def test_a_celery_whose_broker_is_in_memory_gets_no_worker_of_its_own(propose, made):
    code = f"from celery import Celery\nfrom fastapi import FastAPI\napp = FastAPI()\njobs = {made}\n"
    assert list(commands(propose({"main.py": code, "requirements.txt": "fastapi\ncelery\n"}))) == ["web"]


def test_celery_is_named_where_the_module_has_another_app(propose):
    code = "from celery import Celery\nfrom flask import Flask\n\napp = Flask(__name__)\n"
    code += "celery = Celery(app.name, broker='redis://localhost:6379/0')\n"
    proposal = propose({"app.py": code, "requirements.txt": "flask\ncelery\nredis\n"})

    assert commands(proposal)["worker"] == "celery -A app.celery worker -l info"


@pytest.mark.parametrize(
    ("path", "text", "command"),
    [
        ("celery_worker.py", "from shop import celery, create_app\napp = create_app()\n", "celery_worker.celery"),
        (
            "shop/worker.py",
            MAKES_CELERY,
            "shop.worker.celery",
        ),
        ("wsgi.py", "from shop import (\n    celery,\n    create_app,\n)\napp = create_app()\n", "wsgi.celery"),
        ("shop/celery_tasks.py", "from shop import celery\n@celery.task\ndef ping(): ...\n", "shop"),
    ],
)
def test_celery_starts_where_its_app_and_flasks_application_meet(propose, path, text, command):
    code = "from celery import Celery\nfrom flask import Flask\ncelery = Celery('shop', broker='redis://localhost')\n"
    code += "def create_app():\n    app = Flask('shop')\n    celery.conf.update(app.config)\n    return app\n"
    files = {"shop/__init__.py": code, "wsgi.py": "from shop import create_app\napp = create_app()\n", path: text}
    found = commands(propose({**files, "requirements.txt": "flask\ncelery\nredis\n"}))

    assert found["worker"] == f"celery -A {command} worker -l info"
    assert found.get("beat") == (f"celery -A {command} beat -l info" if "periodic" in text else None)


def test_composes_command_wins_over_the_convention(propose):
    compose = """
        services:
          web:
            build: .
            command: uvicorn main:app --host 0.0.0.0
          jobs:
            build: .
            command: ["celery", "-A", "jobs", "--workdir=/code", "worker", "-Q", "slow", "--logfile=/var/log/x"]
          flower:
            build: .
            command: celery -A jobs flower
          poster:
            build: .
            working_dir: /code/tools
            volumes: [".:/code"]
            command: python poster.py
          redis:
            image: redis:7
    """
    proposal = propose(
        {
            "main.py": APP, "jobs.py": CELERY, "compose.yaml": compose, "tools/poster.py": "",
            "requirements.txt": "fastapi\ncelery\nredis\n",
        }
    )  # fmt: skip
    assert list(commands(proposal).items())[1:] == [
        ("worker", "celery -A jobs worker -Q slow"),
        ("poster", "python poster.py"),
    ]
    assert folders(proposal)["poster"] == "tools"


def test_each_container_whose_worker_serves_queues_of_its_own_is_a_worker(propose):
    compose = """
        services:
          crawl:
            build: .
            command: celery -A jobs worker --loglevel=$LEVEL -Q crawl -c ${MANY} --uid=nobody --gid=nogroup
          downloads:
            build: .
            command: celery -A jobs worker --queues big-files,small -n ${NAME}
          downloads-again:
            build: .
            command: celery -A jobs worker --queues small
          all:
            build: .
            command: celery -A jobs worker
    """
    proposal = propose(
        {
            "main.py": APP, "jobs.py": CELERY, "compose.yaml": compose, ".env.example": "LEVEL=info\nMANY=\n",
            "requirements.txt": "fastapi\ncelery\nredis\n",
        }
    )  # fmt: skip
    assert list(commands(proposal).items())[1:] == [
        ("worker", "celery -A jobs worker --loglevel=$LEVEL -Q crawl -c ${MANY}"),
        ("worker-big-files", "celery -A jobs worker --queues big-files,small -n ${NAME}"),
    ]
    told = {each.name: each.value for each in proposal.env}
    assert told["LEVEL"] == "info"  # what the template leaves empty, compose does, too
    assert not told.keys() & {"MANY", "NAME"}


@pytest.mark.parametrize(
    ("command", "files", "is_started"),
    [
        ("python -m scheduler.main", {}, False),
        ("python -m scheduler.main", {"scheduler/main.py": ""}, True),
        ("python -m scheduler", {"scheduler.py": ""}, True),
        ("python -m celery -A main worker", {}, True),
    ],
)
def test_a_container_whose_module_the_clone_lacks_is_named_and_not_started(propose, command, files, is_started):
    compose = f"services:\n  jobs:\n    build: .\n    command: {command}\n"
    listed = {"main.py": APP, "requirements.txt": "fastapi\nuvicorn\ncelery\n", "compose.yaml": compose}
    proposal = propose({**listed, **files})

    assert (len(proposal.processes) == 2) is is_started
    assert any(each.text.startswith("compose: `jobs` isn't started") for each in proposal.notes) is not is_started


def test_a_program_of_a_container_runs_where_it_lies(propose):
    compose = """
        services:
          bot:
            build: .
            command: python -m bot.main
          poster:
            build: .
            command: python poster.py
        """
    files = {
        "web/manage.py": MANAGE, "web/site_/__init__.py": "", "web/site_/settings.py": "", "web/poster.py": "",
        "bot/main.py": "", "requirements.txt": "django\n", "compose.yaml": compose,
    }  # fmt: skip
    assert folders(propose(files)) == {"web": "web", "bot": ".", "poster": "web"}


def test_a_worker_of_a_container_runs_in_the_folder_that_its_image_has(propose):
    compose = """
        services:
          queue:
            build: .
            command: celery -A shop.main.queue worker
        """
    files = {
        "shop/main.py": "import celery, fastapi\napp = fastapi.FastAPI()\nqueue = celery.Celery('shop')\n",
        "Dockerfile": "FROM python:3.13\nWORKDIR /srv/it\nCOPY . .\n",
        "requirements.txt": "fastapi\nuvicorn\ncelery\n",
        "compose.yaml": compose,
    }
    assert folders(propose(files))["worker"] == "."


def test_a_worker_whose_library_is_not_required_is_not_started(propose):
    proposal = propose({**site(), "site_/celery.py": CELERY})
    assert list(commands(proposal)) == ["web"]


def test_procfile_dev_counts_before_procfile_and_implies_nothing_more(propose):
    proposal = propose(
        {
            "main.py": APP,
            "jobs.py": CELERY,
            "requirements.txt": "fastapi\ncelery\n",
            "Procfile": "web: a\n",
            "Procfile.dev": "web: b\n",
        }
    )
    assert (proposal.procfile, proposal.processes) == ("Procfile.dev", ())


def test_a_release_that_migrates_is_the_migration(propose):
    files = {**site("DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'x'}}\n")}
    assert (
        propose(
            {**files, "Procfile": "release: ./release.sh\nweb: x\n", "release.sh": "python manage.py migrate\n"}
        ).tasks
        == ()
    )
    assert len(propose({**files, "Procfile": "release: python manage.py collectstatic\nweb: x\n"}).tasks) == 1


def test_a_line_that_cannot_run_here_is_named(propose):
    proposal = propose(
        {"main.py": APP, "requirements.txt": "fastapi\n", "Procfile": "web: bin/start-nginx gunicorn main:app\n"}
    )
    assert [note.text for note in proposal.notes] == [
        "Procfile `web` can't run here: `bin/start-nginx` is not in the clone"
    ]


@pytest.mark.parametrize(
    ("line", "env"),
    [
        ("gunicorn site_.wsgi -c gunicorn_config.py", {"PYTHONPATH": "shop"}),
        ("gunicorn site_.wsgi:application", {"PYTHONPATH": "shop"}),
        ("celery --app=site_.celery worker", {"PYTHONPATH": "shop"}),
        ("gunicorn shop.site_.wsgi", None),
        ("gunicorn --chdir shop site_.wsgi", None),
        ("gunicorn elsewhere.wsgi", None),
    ],
)
def test_a_server_in_the_procfile_finds_the_modules_of_an_application_below_it(propose, line, env):
    files = {f"shop/{path}": text for path, text in site().items()} | {
        "shop/site_/celery.py": "",
        "shop/site_/wsgi.py": "",
    }
    listed = {"requirements.txt": "django\ngunicorn\ncelery\n", "gunicorn_config.py": ""}
    proposal = propose({**files, **listed, "Procfile": f"web: {line}\nshop: cat shop/x\n"})

    assert [(each.name, each.command, each.cwd, dict(each.env)) for each in proposal.processes] == (
        [("web", None, ".", env)] if env else []
    )


@pytest.mark.parametrize("port", ["$", "\\$", "\\$PORT", "%PORT%", "$env:PORT"])
def test_a_port_in_the_notation_of_another_shell_is_the_processs_port(propose, port):
    procfile = f"\ufeffweb: gunicorn app:app -b 0.0.0.0:{port}\nworker: python work.py $HOME\n"
    files = {
        "app.py": "from flask import Flask\napp = Flask('a')\n",
        "work.py": "",
        "requirements.txt": "flask\ngunicorn\n",
    }
    (web,) = propose({**files, "Procfile": procfile}).processes

    assert (web.name, web.command) == ("web", "gunicorn app:app -b 0.0.0.0:$PORT")


def test_alembic_runs_where_its_scripts_are_found(propose):
    app = {"main.py": APP, "requirements.txt": "fastapi\nalembic\n"}
    ini = "[alembic]\nscript_location = {}\nprepend_sys_path = .\n"
    at_root = propose({**app, "alembic.ini": ini.format("migrations"), "migrations/env.py": ""})
    assert (at_root.tasks[0].run, at_root.tasks[0].inputs) == ("alembic upgrade head", ("migrations/versions/*.py",))


def test_alembic_inside_the_package_is_named(propose):
    proposal = propose(
        {
            "pack/main.py": APP, "pack/__init__.py": "", "requirements.txt": "fastapi\n", "pack/scripts/env.py": "",
            "pack/alembic.ini": "[alembic]\nscript_location = %(here)s/scripts\nprepend_sys_path = .\n",
        }
    )  # fmt: skip
    assert (proposal.tasks[0].run, proposal.tasks[0].cwd) == ("alembic -c pack/alembic.ini upgrade head", ".")


def test_flask_migrate_needs_its_folder(propose):
    app = {"app.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask\nflask-migrate\n"}
    assert propose(app).tasks == ()
    assert propose({**app, "migrations/env.py": ""}).tasks[0].run == "flask db upgrade"


def test_the_application_may_lie_below_the_root(propose, tmp_path):
    files = {f"src/{path}": text for path, text in site().items() if path != "requirements.txt"}
    proposal = propose(
        {**files, "requirements.txt": "django\n", "src/site_/settings.py": "DATABASES = {'default': {'ENGINE': 'x'}}\n"}
    )
    assert (proposal.root, proposal.tasks[0].cwd, folders(proposal)) == (tmp_path, "src", {"web": "src"})


def test_the_manifest_lies_beside_the_only_requirements(propose, tmp_path):
    proposal = propose({f"project/{path}": text for path, text in site().items()})
    assert (proposal.root, folders(proposal)) == (tmp_path / "project", {"web": "."})


@pytest.mark.parametrize(
    ("files", "port"),
    [
        (site(), "8000"),
        ({"app.py": APP, "requirements.txt": "fastapi\nuvicorn\n"}, "8000"),
        (
            {"app.py": f"import os\nPORT = os.environ.get('PORT', '9001')\n{APP}", "requirements.txt": "fastapi\n"},
            "9001",
        ),
        ({**site("import os\nPORT = os.environ.get('PORT', '80')\n")}, "8000"),
        ({"app.py": "import flask\napp = flask.Flask(__name__)\n", "requirements.txt": "flask\n"}, None),
        ({**site(), ".env": "PORT=7000\n"}, None),
        ({**site(), "Procfile": "web: gunicorn site_.wsgi\n"}, None),
    ],
    ids=["django", "fastapi", "the code's default", "a port for root", "flask", "an env-file says it", "a procfile"],
)
def test_an_implied_web_process_listens_where_the_code_or_its_framework_would(propose, files, port):
    found = {variable.name: variable.value for variable in propose(files).env}

    assert found.get("PORT") == port


def test_a_script_that_serves_nothing_is_no_process(propose):
    assert commands(propose({"main.py": "print('hi')\n", "requirements.txt": "requests\n"})) == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "Flask==1.1.2\nFlask-Migrate\n"),
        ("requirements.txt", "-r base.txt\n"),
        ("uv.lock", '[[package]]\nname = "flask"\nversion = "2.1.3"\n\n[[package]]\nname = "flask-migrate"\n'),
        ("poetry.lock", '[[package]]\nname = "Flask"\nversion = "1.0"\n\n[[package]]\nname = "flask-migrate"\n'),
        ("Pipfile.lock", '{"default": {"flask": {"version": "==1.0.2"}, "flask-migrate": {"version": "==2.5"}}}'),
    ],
)
def test_a_flask_without_the_option_is_told_by_the_variable(propose, name, text):
    code = {"shop.py": "from flask import Flask\napp = Flask(__name__)\n", "migrations/env.py": ""}
    proposal = propose({**code, "base.txt": "flask<2\nflask-migrate\n", name: text})
    assert (proposal.processes[0].command, proposal.tasks[0].run) == ("flask run -p $PORT --reload", "flask db upgrade")
    assert [(each.name, each.value) for each in proposal.env] == [("FLASK_APP", "shop")]


@pytest.mark.parametrize("file", ["shop.py", "app.py"])
def test_a_flask_of_long_ago_is_given_the_file(propose, file):
    proposal = propose({file: "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask==0.12.2"})
    assert [(each.name, each.value) for each in proposal.env] == [("FLASK_APP", file)]


@pytest.mark.parametrize("line", ["Flask", "flask==2.2.0", "flask<3", "flask>=1.0", "flask-login==0.4"])
def test_a_flask_of_today_is_told_by_the_option(propose, line):
    proposal = propose({"shop.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": line})
    assert (proposal.processes[0].command, proposal.env) == ("flask --app shop run -p $PORT --reload", ())


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("migrations/alembic.ini", "[alembic]\nfile_template = %%(rev)s\n"),  # as Flask-Migrate writes it
        ("alembic.ini", "[alembic]\nscript_location = scripts\n"),  # which is not in the clone
        ("pack/{{ name }}/alembic.ini", "[alembic]\nscript_location = alembic\n"),  # what others are made from
    ],
)
def test_an_alembic_that_could_not_find_its_scripts_is_no_task(propose, path, text):
    assert propose({"app.py": APP, "requirements.txt": "fastapi\nalembic\n", path: text}).tasks == ()


@pytest.mark.parametrize(("line", "module"), [("alembic==1.4.2", "alembic.config"), ("alembic==1.5", "alembic")])
def test_an_alembic_that_is_no_program_of_its_own_yet_is_run_by_a_part(propose, line, module):
    files = {"alembic.ini": "[alembic]\nscript_location = scripts\n", "scripts/env.py": ""}
    proposal = propose({"app.py": APP, "requirements.txt": f"fastapi\n{line}\n", **files})
    assert proposal.tasks[0].run == f"python -m {module} upgrade head"


@pytest.mark.parametrize(
    ("code", "target"),
    [
        ("from quart import Quart\napp = Quart(__name__)\n", "serve:app"),
        (
            "from quart import Quart\ndef create_app():\n    app = Quart(__name__)\n    return app\n",
            "'serve:create_app()'",
        ),
    ],
)
def test_a_quart_application_is_served_whatever_it_brings_along(propose, code, target):
    proposal = propose({"serve.py": code, "requirements.txt": "quart\nflask\nhypercorn\n"})
    assert proposal.processes[0].command == f"hypercorn {target} --bind 127.0.0.1:$PORT --reload"


def test_other_applications_of_a_clone_are_named_with_how_they_start(propose):
    manage = "from django.core.management import execute_from_command_line\nexecute_from_command_line([])\n"
    files = {f"{name}/manage.py": manage for name in ("chat", "news", "tests/site", "chat/inner")}
    lists = {f"{name}/requirements.txt": "django\n" for name in ("chat", "news", "tests/site")}

    together = propose({**files, "requirements.txt": "django\n"})
    apart = propose(lists)

    assert () == together.notes
    assert "news is an application, too: `devboot -C news up` starts it (news/manage.py)" in map(str, apart.notes)
    assert 1 == len([note for note in apart.notes if "application, too" in note.text])


SCRIPT = """from flask_migrate import Migrate, MigrateCommand
migrate = Migrate(app, db)
manager.add_command('db', MigrateCommand)
"""


@pytest.mark.parametrize(
    ("elsewhere", "command"),
    [("", "python manage.py db upgrade"), ("migrate = Migrate(app)\n", "flask db upgrade")],
)
def test_a_script_that_alone_knows_the_migrations_runs_them(propose, elsewhere, command):
    files = {
        "app.py": f"from flask import Flask\napp = Flask(__name__)\n{elsewhere}",
        "manage.py": SCRIPT,
        "migrations/env.py": "",
        "requirements.txt": "flask\nflask-migrate\nflask-script\n",
    }
    assert [task.run for task in propose(files).tasks] == [command]


def test_a_module_whose_name_is_only_known_when_it_runs_is_not_missed(propose):
    code = "from importlib import import_module\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    code += "import_module(f'shop.{unknown()}.x')\n"
    proposal = propose({"main.py": code, "shop/__init__.py": "", "requirements.txt": "fastapi\nuvicorn\n"})
    assert [note.text for note in proposal.notes] == []


@pytest.mark.parametrize(
    ("code", "packages", "tasks"),
    [
        (
            "AlembicAsyncConfig()\n",
            "advanced-alchemy\n",
            ["litestar --app app:create_app database upgrade --no-prompt"],
        ),
        ("", "advanced-alchemy\n", []),
        ("AlembicAsyncConfig()\n", "", []),
    ],
)
def test_litestar_migrates_by_a_command_of_its_own(propose, code, packages, tasks):
    files = {
        "app.py": f"from litestar import Litestar\n{code}\ndef create_app():\n    return Litestar([])\n",
        "shop/migrations/env.py": "",
        "shop/migrations/script.py.mako": "",
        "requirements.txt": f"litestar\n{packages}",
    }
    proposal = propose(files)
    assert [task.run for task in proposal.tasks] == tasks
    assert [task.inputs for task in proposal.tasks] == [("shop/migrations/versions/*.py",)] * len(tasks)


@pytest.mark.parametrize(
    ("listed", "reloads"),
    [
        ("fastapi\nuvicorn\n", False),
        ("fastapi\nuvicorn[standard]\n", True),
        ("fastapi[standard]\n", True),
        ("fastapi\nuvicorn\nwatchfiles\n", True),
    ],
)
def test_uvicorn_reloads_by_itself_where_it_need_not_look_at_every_file_of_the_virtualenv(propose, listed, reloads):
    files = {"api/main.py": "from fastapi import FastAPI\napp = FastAPI()\n", "api/requirements.txt": listed}
    (web,) = propose({**files, "Procfile.txt": ""}).processes
    assert (web.command or "").endswith(" --reload") == reloads
    assert web.watch == (() if reloads else ("**/*.py",))


def test_a_server_that_devboot_watches_watches_the_folder_that_it_runs_in(propose):
    files = {"api/main.py": "from fastapi import FastAPI\napp = FastAPI()\n", "requirements.txt": "fastapi\nuvicorn\n"}
    proposal = propose(files)
    assert proposal.processes[0].watch == ("api/**/*.py",)
    assert '\nwatch = ["api/**/*.py"]  # restarts after changes\n' in render(proposal)


def test_each_application_of_a_clone_with_several_is_named_and_none_of_its_own_parts(propose):
    api = "from fastapi import FastAPI\napp = FastAPI()\n"
    files = {
        "orders/main.py": api,
        "orders/requirements.txt": "fastapi\n",
        "users/app.py": "import flask\napp = flask.Flask(__name__)\n",
        "users/requirements.txt": "",
    }
    more = {"orders/pages/main.py": api, "docs/main.py": api, "docs/requirements.txt": "", "tool/main.py": api}
    said = [str(note) for note in propose({**files, **more}).notes if "application, too" in note.text]
    assert said == ["users is an application, too: `devboot -C users up` starts it (users/app.py)"]


MODELS = "from django.db import models\nclass Post(models.Model):\n    pass\n"


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"blog/migrations/0001_initial.py": "", "blog/migrations/__init__.py": ""}, "migrate --noinput"),
        ({}, "migrate --noinput --run-syncdb"),
        ({"blog/migrations/__init__.py": ""}, "makemigrations --noinput && python manage.py migrate --noinput"),
    ],
)
def test_tables_of_django_are_made_where_migrations_are_not_in_the_clone(write, files, command):
    from devboot.onboarding import detect
    from tests.unit.onboarding.conftest import MANAGE

    settings = (
        "INSTALLED_APPS = ['blog.apps.BlogConfig']\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3'}}\n"
    )
    root = write({"manage.py": MANAGE.format(settings="site_.settings"), "site_/settings.py": settings,
                  "site_/__init__.py": "", "blog/__init__.py": "", "blog/models.py": MODELS, **files})  # fmt: skip
    assert [task.run for task in detect(root, environ={}).tasks] == [f"python manage.py {command}"]


@pytest.mark.parametrize("way", ["on_after_configure", "on_after_finalize"])
def test_a_schedule_that_celery_gets_once_it_is_configured_has_beat(propose, way):
    code = f"{CELERY}\n@app.{way}.connect\ndef plan(sender, **kwargs):\n    sender.add_periodic_task(9.0, ping.s())\n"
    proposal = propose({"tasks.py": code, "requirements.txt": "celery\nredis\n"})
    assert commands(proposal)["beat"] == "celery -A tasks beat -l info"


@pytest.mark.parametrize(
    "line",
    [
        "web: cd api && uvicorn main:app --port $PORT",
        "web: uvicorn --app-dir api main:app --port $PORT",
        "web: uvicorn api.main:app --port $PORT",
        "web: sh -c 'cd ./api; exec uvicorn main:app'",
    ],
)
def test_a_procfile_above_the_folder_that_it_names_counts(propose, tmp_path, line):
    proposal = propose({"Procfile": f"{line}\n", "api/main.py": APP, "api/requirements.txt": "fastapi\nuvicorn\n"})
    assert (tmp_path, "Procfile") == (proposal.root, proposal.procfile)
    assert (("api/requirements.txt",), ()) == (proposal.python.requirements, proposal.processes)


@pytest.mark.parametrize("line", ["web: node server.js", "web: cd site && npm start", "web: uvicorn papi.main:app"])
def test_a_procfile_of_something_else_above_does_not(propose, tmp_path, line):
    proposal = propose({"Procfile": f"{line}\n", "api/main.py": APP, "api/requirements.txt": "fastapi\nuvicorn\n"})
    assert (tmp_path / "api", None) == (proposal.root, proposal.procfile)


def test_a_dash_application_is_the_module_that_runs_it(propose):
    files = {
        "server.py": "from dash import Dash\napp = Dash(__name__)\n",
        "layout.py": "from server import app\napp.layout = None\n",
        "index.py": "from server import app\nimport layout\nif __name__ == '__main__':\n    app.run()\n",
        "requirements.txt": "dash\n",
    }
    assert commands(propose(files)) == {"web": "python index.py"}
    files |= {"server.py": files["server.py"] + "if __name__ == '__main__':\n    app.run()\n"}
    assert commands(propose(files)) == {"web": "python server.py"}


@pytest.mark.parametrize("folder", ["{{cookiecutter.name}}", "{% if web %}web{% endif %}"])
def test_an_application_that_a_template_makes_is_not_the_clones_own(propose, folder):
    files = {f"{folder}/main.py": APP, f"{folder}/requirements.txt": "fastapi\n", "requirements.txt": "cookiecutter\n"}
    proposal = propose(files)
    assert (None, ()) == (proposal.framework, proposal.processes)


def test_a_procfile_above_brings_the_list_beside_it_too(propose):
    files = {"Procfile": "web: uvicorn api.main:app\nbot: python bot.py\n", "requirements.txt": "redis\n"}
    files |= {"api/main.py": APP, "api/requirements.txt": "fastapi\nuvicorn\n", "bot.py": "import redis\n"}
    assert ("requirements.txt", "api/requirements.txt") == propose(files).python.requirements


@pytest.mark.parametrize(("start", "counts"), [("", False), ("import sys\nsys.path.insert(0, 'api')\n", True)])
def test_a_procfile_above_whose_module_cannot_be_imported_there_does_not_count(propose, start, counts):
    files = {
        "Procfile": "web: uvicorn api.main:app\n",
        "api/goods.py": "",
        "api/requirements.txt": "fastapi\nuvicorn\n",
    }
    proposal = propose({**files, "api/main.py": f"{start}import goods\n{APP}"})
    assert (proposal.procfile == "Procfile") == counts


def test_a_list_above_that_contradicts_the_applications_own_is_left_out(propose):
    files = {"Procfile": "web: uvicorn api.main:app\n", "requirements.txt": "redis==5.0.1\nhttpx\n"}
    files |= {"api/main.py": APP, "api/requirements.txt": "fastapi\nuvicorn\nRedis[hiredis] == 4.6\n"}
    assert ("api/requirements.txt",) == propose(files).python.requirements


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("gunicorn --env DJANGO_SETTINGS_MODULE={} site_.wsgi", "site_.settings_aws"),
        ("DJANGO_SETTINGS_MODULE={} daphne site_.asgi:application", "site_.production"),
        ("python manage.py rqworker --settings={} high", "site_.prod"),
        ("python manage.py rqworker --settings {}", "site_.prod"),
    ],
)
def test_a_line_that_names_production_settings_gets_those_of_manage_py(propose, line, settings):
    proposal = propose({**stages(), "Procfile": f"web: {line.format(settings)}\n"})
    assert [each.command for each in proposal.processes] == [line.format("site_.settings")]
    parse_manifest(render(proposal), "devboot.toml", procfile=("web",))


@pytest.mark.parametrize(
    "line",
    [
        "gunicorn --env DJANGO_SETTINGS_MODULE=site_.settings site_.wsgi",
        "python manage.py rqworker --settings=site_.worker_settings",
        "gunicorn site_.wsgi --settings-of=site_.prod",
    ],
)
def test_a_line_with_other_settings_stays_as_it_is(propose, line):
    assert not propose({**stages(), "Procfile": f"web: {line}\n"}).processes


@pytest.mark.parametrize(
    ("first", "is_told"), [("import os", True), ("DJANGO_SETTINGS_MODULE = 'site_.settings'", False)]
)
def test_a_celery_application_that_names_no_settings_is_told_them(propose, first, is_told):
    code = (
        f"{first}\nfrom celery import Celery\napp = Celery('site_')\napp.config_from_object('django.conf:settings')\n"
    )
    proposal = propose({**stages(), "site_/celery.py": code, "requirements.txt": "django\ncelery\n"})

    assert "celery -A site_ worker -l info" in [each.command for each in proposal.processes]
    assert ("DJANGO_SETTINGS_MODULE" in [each.name for each in proposal.env]) is is_told


def stages():
    """A Django site with settings for several stages."""
    more = ("settings_aws", "production", "prod", "worker_settings")
    code = "import os\nSECRET_KEY = os.environ['SECRET_KEY']\nINSTALLED_APPS = []\n"
    return {**site("INSTALLED_APPS = []\n"), **{f"site_/{name}.py": code for name in more}}
