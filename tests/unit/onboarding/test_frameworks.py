"""Frameworks, worker libraries and tools: what each is told, and that nothing outside of their room names one."""

import ast
from pathlib import Path

import pytest

import devboot
from devboot.onboarding.frameworks.known import FRAMEWORKS, TOOLS

PACKAGE = Path(devboot.__file__).parent
ROOM = PACKAGE / "onboarding" / "frameworks"
EVERY = [each for row in FRAMEWORKS for each in row] + list(TOOLS)


def compares_framework(node):
    """Whether a comparison has a framework's name on one side."""
    sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
    return any(isinstance(side, ast.Attribute | ast.Name) and ast.unparse(side).endswith("framework") for side in sides)


def test_no_module_outside_of_the_room_asks_which_framework_it_is():
    modules = [path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(ROOM)]
    found = [
        f"{path}:{node.lineno}"
        for path in modules
        for node in ast.walk(ast.parse(path.read_text()))
        if compares_framework(node)
    ]
    assert [] == found


@pytest.mark.parametrize("line", ["app.framework == 'django'", "'flask' != framework", "x.framework in ('a', 'b')"])
def test_such_a_question_is_seen(line):
    assert compares_framework(ast.parse(line, mode="eval").body)


def test_every_module_of_the_room_is_in_the_list():
    classes = {
        node.name
        for folder in ("web", "scripts", "workers", "migrations")
        for path in (ROOM / folder).glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
        and any(isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "name" for each in node.body)
    }
    assert classes == {type(each).__name__ for each in EVERY}


def test_names_are_told_apart():
    names = [each.name for each in EVERY]
    assert sorted(set(names)) == sorted(names)


def commands(proposal):
    return {process.name: process.command for process in proposal.processes}


MANAGE = "from django.core.management import execute_from_command_line\n"
INI = "[app:main]\nuse = egg:my-shop\n[server:main]\nuse = egg:waitress#main\nlisten = localhost:6543\n"
UVICORN = "uvicorn main:app --host 127.0.0.1 --port $PORT"
# Name, packages, the files of a project, the command that serves, the port that the code fixes
SERVES = "def main():\n    HTTPServer({}, H).serve_forever()\nif __name__ == '__main__':\n    main()\n"
STARTS = [
    ("django", "django", {"manage.py": MANAGE}, "python manage.py runserver 127.0.0.1:$PORT", None),
    ("fastapi", "fastapi uvicorn", {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}, UVICORN, None),
    ("fastapi", "fastapi uvicorn[standard]", {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n"},
     f"{UVICORN} --reload", None),
    ("fastapi", "fastapi hypercorn", {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n"},
     "hypercorn main:app --bind 127.0.0.1:$PORT --reload", None),
    ("flask", "flask", {"app.py": "from flask import Flask\napp = Flask(__name__)\n"},
     "flask run -p $PORT --reload", None),
    ("quart", "quart", {"app.py": "from quart import Quart\napp = Quart(__name__)\n"},
     "hypercorn app:app --bind 127.0.0.1:$PORT --reload", None),
    ("starlette", "starlette uvicorn", {"main.py": "from starlette.applications import Starlette\napp = Starlette()\n"},
     UVICORN, None),
    ("litestar", "litestar[standard]", {"app.py": "from litestar import Litestar\ndef create_app():\n    return Litestar([])\n"},  # noqa: E501
     "uvicorn app:create_app --factory --host 127.0.0.1 --port $PORT --reload", None),
    ("falcon", "falcon gunicorn", {"api/app.py": "import falcon\napp = falcon.App()\n", "api/__init__.py": ""},
     "gunicorn api.app:app --bind 127.0.0.1:$PORT --reload", None),
    ("falcon", "falcon uvicorn", {"main.py": "import falcon.asgi\napp = falcon.asgi.App()\n"}, UVICORN, None),
    ("streamlit", "streamlit", {"page.py": "import streamlit as st\nst.write(1)\n"},
     "streamlit run page.py --server.port $PORT --server.headless true", None),
    ("aiohttp", "aiohttp", {"main.py": "from aiohttp import web\nweb.run_app(web.Application())\n"},
     "python main.py", 8080),
    ("gradio", "gradio", {"ui/page.py": "import gradio as gr\ngr.Blocks().launch()\n"}, "python page.py", 7860),
    ("gradio", "gradio", {"main.py": "import gradio as gr\nwith gr.Blocks() as demo:\n    pass\ndemo.launch()\n"},
     "python main.py", 7860),
    ("dash", "dash", {"app.py": "from dash import Dash\napp = Dash(__name__)\napp.run()\n"}, "python app.py", 8050),
    ("sanic", "sanic", {"app.py": "from sanic import Sanic\napp = Sanic('a')\n"},
     "sanic app:app --host 127.0.0.1 --port $PORT --reload", None),
    ("websockets", "websockets", {"talk.py": "import asyncio, websockets\nasync def main():\n    async with websockets.serve(f, '', 8765):\n        await stop\nasyncio.run(main())\n"},  # noqa: E501
     "python talk.py", 8765),
    ("websockets", "websockets", {"talk.py": "from websockets.sync.server import serve\nwith serve(f, 'localhost', port=81) as s:\n    s.serve_forever()\n"},  # noqa: E501
     "python talk.py", 81),
    ("mcp", "fastmcp", {"tools.py": "from fastmcp import FastMCP\nmcp = FastMCP('a')\nmcp.run(transport='http', port=8811)\n"},  # noqa: E501
     "python tools.py", 8811),
    ("mcp", "fastmcp", {"tools.py": "import os\nfrom fastmcp import FastMCP\nmcp = FastMCP('a')\nmcp.run(\n    host=os.getenv('HOST'),\n    transport='sse',\n    port=8812,\n)\n"},  # noqa: E501
     "python tools.py", 8812),
    ("chainlit", "chainlit", {"talk.py": "import chainlit as cl\n@cl.on_message\nasync def on(m):\n    pass\n"},
     "chainlit run talk.py --host 127.0.0.1 --port $PORT --headless --watch", None),
    ("web.py", "web.py", {"site.py": "import web\napp = web.application((), globals())\napp.run()\n"},
     "python site.py", None),
    ("flask", "flask", {"app.py": "from flask import Flask\napp = Flask (__name__)\n"},
     "flask run -p $PORT --reload", None),
    ("bottle", "bottle", {"my shop.py": "from bottle import run\nrun(port=8080)\n"}, "python 'my shop.py'", 8080),
    ("wsgi", "gunicorn", {"wsgi.py": "def application(env, start_response):\n    return []\n"},
     "gunicorn wsgi:application --bind 127.0.0.1:$PORT --reload", None),
    ("cherrypy", "cherrypy", {"site.py": "import cherrypy\ncherrypy.quickstart(object())\n"}, "python site.py", None),
    ("tornado", "tornado", {"site.py": "from tornado.ioloop import IOLoop\na.listen(8888)\nIOLoop.current().start()\n"},
     "python site.py", 8888),
    ("bottle", "bottle", {"site.py": "from bottle import route, run\nrun(host='localhost', port=8081)\n"},
     "python site.py", 8081),
    ("uvicorn", "uvicorn", {"serve.py": "import uvicorn\nif __name__ == '__main__':\n    uvicorn.run('a:b', port=9001)\n"},  # noqa: E501
     "python serve.py", 9001),
    ("http.server", "requests", {"shop/main.py": SERVES.format("('', 8123)"), "shop/__init__.py": ""},
     "python -m shop.main", 8123),
    ("http.server", "requests", {"serve.py": "PORT = 8124\nwith socketserver.TCPServer(('', PORT), H) as s:\n    s.serve_forever()\n"},  # noqa: E501
     "python serve.py", 8124),
    ("http.server", "requests", {"api.py": "s = wsgiref.simple_server.make_server('', 8125, app)\ns.serve_forever()\n"},
     "python api.py", 8125),
    ("http.server", "requests", {"main.py": SERVES.format("('', int(os.environ['PORT']))")}, "python main.py", None),
    ("pyramid", "pyramid waitress", {"development.ini": INI, "my_shop/__init__.py": "def main(config):\n    pass\n"},
     "pserve development.ini --reload", 6543),
]  # fmt: skip
NOT_SERVED = {"bot", "scrapy", "static pages"}  # or not by a command for an application


@pytest.mark.parametrize(("name", "packages", "files", "command", "port"), STARTS)
def test_a_framework_is_recognised_and_served(propose, name, packages, files, command, port):
    proposal = propose({**files, "requirements.txt": packages.replace(" ", "\n") + "\n"})
    (web,) = proposal.processes
    assert (proposal.framework, web.name, web.command, web.port) == (name, "web", command, port)


def test_every_framework_has_a_line():
    assert {each.name for row in FRAMEWORKS for each in row} - NOT_SERVED == {name for name, *_ in STARTS}


APP = "from fastapi import FastAPI\napp = FastAPI()\n"
CELERY = "from celery import Celery\napp = Celery('x', broker='redis://localhost:6379/0')\n"
ARQ = "from arq.connections import RedisSettings\nclass WorkerSettings:\n    redis_settings = RedisSettings()\n"
DRAMATIQ = "from dramatiq.brokers.redis import RedisBroker\nbroker = RedisBroker(url='redis://localhost')\n"
RQ = "import redis\nfrom rq import Worker\nWorker(['default'], connection=redis.Redis())\n"
TASKIQ = "from taskiq_redis import ListQueueBroker\nbroker = ListQueueBroker('redis://localhost')\n"
BLOCKS = "from apscheduler.schedulers.blocking import BlockingScheduler\ns = BlockingScheduler()\ns.start()\n"
AERICH = "[tool.aerich]\ntortoise_orm = 'main.ORM'\nlocation = './moves'\n"
# Name, the files beside an application, the command of the worker, or of the task
WORKS = [
    ("celery", {"jobs.py": CELERY}, "celery -A jobs worker -l info"),
    ("celery", {"jobs.py": "import make\ncelery = make.celery_of(app)\nfrom celery import Celery\nCelery('a', broker=b)\n"},  # noqa: E501
     "celery -A jobs worker -l info"),
    ("rq", {"worker.py": RQ}, "python worker.py"),
    ("rq", {"start_async_worker.py": "from main import rq\nrq.get_worker('default').work()\n", "worker.py": ""},
     "python start_async_worker.py"),
    ("huey", {"jobs.py": "from huey import RedisHuey\nqueue = RedisHuey('x')\n"}, "huey_consumer jobs.queue"),
    ("dramatiq", {"jobs.py": DRAMATIQ}, "dramatiq jobs"),
    ("arq", {"jobs.py": ARQ}, "arq jobs.WorkerSettings"),
    ("taskiq", {"jobs.py": TASKIQ}, "taskiq worker jobs:broker"),
    ("apscheduler", {"clock.py": BLOCKS}, "python clock.py"),
    ("alembic", {"alembic.ini": "[alembic]\nscript_location = moves\n", "moves/env.py": ""},
     "python -m alembic upgrade head"),
    ("tortoise", {"pyproject.toml": AERICH}, "aerich init-db"),
    ("tortoise", {"pyproject.toml": AERICH, "moves/models/0_init.py": ""}, "aerich upgrade"),
]  # fmt: skip
# Name, the application of Django, settings, the command of manage.py
MANAGED = [
    ("rq", "django_rq", "RQ_QUEUES = {'default': {'URL': 'redis://localhost'}}\n", "rqworker default"),
    ("huey", "huey.contrib.djhuey", "HUEY = {'huey_class': 'huey.SqliteHuey'}\n", "run_huey"),
    ("django-q", "django_q", "Q_CLUSTER = {'orm': 'default'}\n", "qcluster"),
    ("dramatiq", "django_dramatiq", "", "rundramatiq"),
    ("procrastinate", "procrastinate.contrib.django", "", "procrastinate worker"),
    ("django-tasks", "django_tasks.backends.database", "", "db_worker"),
]
OF_FLASK_AND_LITESTAR = {"flask-migrate", "flask-tables", "advanced-alchemy"}  # test_processes.py, test_tables.py


@pytest.mark.parametrize(("name", "files", "command"), WORKS)
def test_a_worker_or_a_migration_is_started(propose, name, files, command):
    packages = "fastapi\nuvicorn\ncelery\nredis\narq\ndramatiq\nhuey\nrq\ntaskiq\n"
    proposal = propose({"main.py": APP, "requirements.txt": packages, **files})
    found = [each.command for each in proposal.processes if each.name != "web"] + [each.run for each in proposal.tasks]
    assert found == [command]


@pytest.mark.parametrize(("name", "app", "settings", "command"), MANAGED)
def test_djangos_queues_bring_their_commands(propose, name, app, settings, command):
    manage = f"import os\n{MANAGE}os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.settings')\n"
    files = {
        "manage.py": manage,
        "site_/__init__.py": "",
        "site_/settings.py": f"INSTALLED_APPS = ['{app}']\n{settings}",
    }
    assert commands(propose({**files, "requirements.txt": "django\n"}))["worker"] == f"python manage.py {command}"


def test_every_tool_has_a_line():
    named = {name for name, *_ in (*WORKS, *MANAGED)} | OF_FLASK_AND_LITESTAR
    assert {each.name for each in TOOLS} == named


def test_a_scheduler_inside_of_a_package_runs_as_a_module(propose):
    blocks = "from shop import x\nfrom apscheduler.schedulers.blocking import BlockingScheduler\n"
    files = {"shop/__init__.py": "x = 1\n", "shop/clock.py": blocks + "BlockingScheduler().start()\n"}
    files |= {"app.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask\napscheduler\n"}
    assert commands(propose(files))["scheduler"] == "python -m shop.clock"


def test_workers_of_two_libraries_are_both_started(propose):
    celery = "from celery import Celery\napp = Celery('x', broker='redis://localhost:6379/0')\n"
    huey = "from huey import RedisHuey\nqueue = RedisHuey(host='localhost')\n"
    flask = "from flask import Flask\nfrom jobs import app as c\nfrom later import queue\napp = Flask(__name__)\n"
    files = {"app.py": flask, "jobs.py": celery, "later.py": huey, "requirements.txt": "flask\ncelery\nhuey\nredis\n"}
    found = commands(propose(files))
    assert found["worker"] == "celery -A jobs worker -l info"
    assert found["huey-worker"] == "huey_consumer later.queue"


@pytest.mark.parametrize(
    ("code", "server"),
    [("falcon\napp = falcon.App()", "gunicorn"), ("falcon.asgi\napp = falcon.asgi.App()", "uvicorn")],
)
def test_the_server_of_an_application_that_no_list_has_is_added(propose, code, server):
    proposal = propose({"main.py": f"import {code}\n", "requirements.txt": "falcon\n"})
    assert proposal.python.packages == (server,)
    assert proposal.processes[0].command.startswith(f"{server} main:app ")


@pytest.mark.parametrize(
    ("spiders", "command"),
    [(("quotes",), "scrapy crawl quotes"), (("quotes", "books"), "scrapy list"), ((), "scrapy list")],
)
def test_scrapy_says_how_its_spiders_are_started(propose, spiders, command):
    code = "import scrapy\nclass S(scrapy.Spider):\n    start = ()\n\n    name = '{}'\n"
    files = {f"shop/spiders/{each}.py": code.format(each) for each in spiders}
    proposal = propose({"scrapy.cfg": "[settings]\ndefault = shop.settings\n", "requirements.txt": "scrapy\n", **files})
    assert (proposal.framework, proposal.processes) == ("scrapy", ())
    assert proposal.program.command == f"devboot run -- {command}"


def test_pages_without_a_server_are_served_by_pythons(propose):
    proposal = propose({"index.html": "<h1>Shop</h1>", "css/shop.css": "h1 {}"})
    assert commands(proposal) == {"web": "python3 -m http.server $PORT --bind 127.0.0.1"}
    assert not proposal.has_virtualenv


@pytest.mark.parametrize("other", ["build.py", "package.json", "_config.yml", "go.mod", "requirements.txt"])
def test_a_page_beside_something_that_may_make_it_is_left_to_that(propose, other):
    assert "http.server" not in str(commands(propose({"index.html": "<h1>Shop</h1>", other: ""})))


def test_static_pages_are_told_as_such(propose):
    assert "static pages" == propose({"index.html": "<h1>hello</h1>\n"}).framework
