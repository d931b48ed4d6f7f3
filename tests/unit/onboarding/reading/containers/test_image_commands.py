"""What images and containers start, led back to the files of the clone."""

from __future__ import annotations

import pytest

BOT = "import discord\nclient = discord.Client()\nif __name__ == '__main__':\n    client.run('x')\n"
PAGE = "from flask import Flask\napp = Flask(__name__)\n@app.route('/')\ndef index(): return 'x'\n"
APP = "from fastapi import FastAPI\napp = FastAPI()\n"
CELERY = "from celery import Celery\napp = Celery('x', broker='redis://localhost:6379/0')\n"


def commands(proposal):
    return {process.name: process.command for process in proposal.processes}


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        ('WORKDIR /code\nCOPY . .\nCMD ["python", "feed.py"]', "python feed.py"),
        ('WORKDIR /code\nCOPY . .\nCMD ["python", "-u", "/code/feed.py", "--all"]', "python -u feed.py --all"),
        ('COPY . /srv/feed/\nCMD ["/usr/local/bin/python3", "/srv/feed/feed.py"]', "python feed.py"),
        ("COPY tools /opt/tools\nCMD python3.11 /opt/tools/poll.py", "python tools/poll.py"),
        ('WORKDIR /opt\nCOPY tools .\nCMD ["python", "poll.py"]', "python tools/poll.py"),
        ('COPY feed.py /bin/feed.py\nENTRYPOINT ["python", "/bin/feed.py"]\nCMD ["--all"]', "python feed.py --all"),
        ('WORKDIR /code\nCOPY . .\nCMD ["sh", "-c", "python setup_db.py && exec python feed.py"]', "python feed.py"),
        ('WORKDIR /code\nCOPY . .\nCMD ["uv", "run", "gunicorn", "-b", "0.0.0.0:8000", "feed:serve"]',
         "gunicorn -b 127.0.0.1:8000 feed:serve"),
        ('FROM a\nCMD ["python", "feed.py"]\nFROM b\nWORKDIR /code\nCOPY . .\nCMD ["python", "tools/poll.py"]',
         "python tools/poll.py"),
    ],
)  # fmt: skip
def test_what_the_image_starts_is_a_command_of_the_clone(propose, lines, command):
    files = {"feed.py": "print(1)\n", "tools/poll.py": "print(1)\n", "requirements.txt": "requests\n"}

    assert commands(propose({**files, "Dockerfile": f"FROM python:3.13\n{lines}\n"})) == {"app": command}


@pytest.mark.parametrize(
    "lines", ['CMD ["/app/server"]', 'COPY . /code\nCMD ["python", "/elsewhere/feed.py"]', 'CMD ["./start.sh"]']
)
def test_what_the_clone_does_not_have_is_not_taken_for_its_program(propose, lines):
    files = {"feed.py": "print(1)\n", "requirements.txt": "requests\n", "Dockerfile": f"FROM python:3.13\n{lines}\n"}

    assert commands(propose(files)) == {}


def test_a_container_that_runs_a_path_of_its_own_runs_the_file_of_the_clone(propose):
    compose = """
        services:
          bot:
            build: .
            volumes: ["./:/code"]
            command: python /code/tools/bot.py
    """
    files = {"main.py": APP, "tools/bot.py": BOT, "compose.yaml": compose, "requirements.txt": "fastapi\ndiscord.py\n"}

    assert commands(propose(files))["bot"] == "python tools/bot.py"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Dockerfile", 'CMD ["uvicorn", "shop.service:app", "--host", "0.0.0.0"]\n'),
        ("compose.yaml", "services:\n  web:\n    build: .\n    command: uvicorn shop.service:app --reload\n"),
    ],
)
def test_the_application_that_a_server_is_given_elsewhere_counts_before_the_likeliest_name(propose, name, text):
    files = {"main.py": APP, "shop/service.py": APP, "shop/__init__.py": "", "requirements.txt": "fastapi\n"}

    assert commands(propose(files))["web"].startswith("uvicorn main:app ")
    assert commands(propose({**files, name: text}))["web"].startswith("uvicorn shop.service:app ")


def test_a_flask_whose_pages_are_added_elsewhere_is_entered_there(propose):
    bare = "from flask import Flask\napp = Flask(__name__)\n"
    adds = "from shop import app\nfrom shop.pages import pages\napp.register_blueprint(pages)\n"
    files = {"shop/__init__.py": bare, "shop/pages.py": "pages = 1\n", "run.py": adds, "requirements.txt": "flask\n"}

    assert commands(propose(files)) == {"web": "flask --app run run -p $PORT --reload"}


def test_a_flask_that_imports_its_pages_itself_stays_the_entry(propose):
    bare = "from flask import Flask\napp = Flask(__name__)\nfrom app import routes\n"
    files = {"app/__init__.py": bare, "app/routes.py": "from app import app\n@app.route('/')\ndef index(): pass\n"}

    assert commands(propose({**files, "requirements.txt": "flask\n"})) == {"web": "flask run -p $PORT --reload"}


def test_queues_are_those_of_the_clones_own_scripts(propose):
    files = {
        "main.py": APP, "jobs.py": CELERY, "requirements.txt": "fastapi\ncelery\nredis\n",
        "start.sh": "celery -A jobs worker -Q fast,slow\n#celery -A jobs worker -Q old\n",
        "Makefile": "worker:\n\tcelery -A jobs worker --queues=default\n",
    }  # fmt: skip
    assert commands(propose(files))["worker"] == "celery -A jobs worker -l info -Q default,fast,slow,celery"
