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
        for folder in ("web", "workers", "migrations")
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


# Name, packages, the files of a project, the command that serves, the port that the code fixes
STARTS = [
    ("starlette", "starlette uvicorn", {"main.py": "from starlette.applications import Starlette\napp = Starlette()\n"},
     "uvicorn main:app --host 127.0.0.1 --port $PORT", None),
    ("bottle", "bottle", {"site.py": "from bottle import route, run\nrun(host='localhost', port=8081)\n"},
     "python site.py", 8081),
    ("falcon", "falcon gunicorn", {"api/app.py": "import falcon\napp = falcon.App()\n", "api/__init__.py": ""},
     "gunicorn api.app:app --bind 127.0.0.1:$PORT --reload", None),
    ("falcon", "falcon uvicorn", {"main.py": "import falcon.asgi\napp = falcon.asgi.App()\n"},
     "uvicorn main:app --host 127.0.0.1 --port $PORT", None),
    ("gradio", "gradio", {"main.py": "import gradio as gr\nwith gr.Blocks() as demo:\n    pass\ndemo.launch()\n"},
     "python main.py", 7860),
]  # fmt: skip


@pytest.mark.parametrize(("name", "packages", "files", "command", "port"), STARTS)
def test_a_framework_is_recognised_and_served(propose, name, packages, files, command, port):
    proposal = propose({**files, "requirements.txt": packages.replace(" ", "\n") + "\n"})
    (web,) = proposal.processes
    assert (proposal.framework, web.name, web.command, web.port) == (name, "web", command, port)


def test_a_scheduler_that_blocks_is_a_process(propose):
    blocks = "from apscheduler.schedulers.blocking import BlockingScheduler\ns = BlockingScheduler()\ns.start()\n"
    files = {"app.py": "from flask import Flask\napp = Flask(__name__)\n", "clock.py": blocks}
    found = commands(propose({**files, "requirements.txt": "flask\napscheduler\n"}))
    assert found == {"web": "flask run -p $PORT --reload", "scheduler": "python clock.py"}


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


def test_pyramid_is_served_by_its_settings(propose):
    ini = "[app:main]\nuse = egg:my-shop\n[server:main]\nuse = egg:waitress#main\nlisten = localhost:6543\n"
    files = {"development.ini": ini, "my_shop/__init__.py": "def main(config, **settings):\n    pass\n"}
    proposal = propose({**files, "requirements.txt": "pyramid\nwaitress\n"})
    assert (proposal.framework, proposal.framework_evidence.line) == ("pyramid", 1)
    (web,) = proposal.processes
    assert (web.command, web.port) == ("pserve development.ini --reload", 6543)


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
    assert proposal.program == f"devboot run -- {command}"


def test_pages_without_a_server_are_served_by_pythons(propose):
    proposal = propose({"index.html": "<h1>Shop</h1>", "css/shop.css": "h1 {}"})
    assert commands(proposal) == {"web": "python3 -m http.server $PORT --bind 127.0.0.1"}
    assert not proposal.has_virtualenv


@pytest.mark.parametrize("other", ["build.py", "package.json", "_config.yml", "go.mod", "requirements.txt"])
def test_a_page_beside_something_that_may_make_it_is_left_to_that(propose, other):
    assert "http.server" not in str(commands(propose({"index.html": "<h1>Shop</h1>", other: ""})))
