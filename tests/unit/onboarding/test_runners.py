"""Frameworks that are served by a runner of their own."""

from __future__ import annotations

import pytest

INI = """[app:main]
use = egg:shop

[server:main]
use = egg:waitress#main
listen = localhost:6543
"""
SANIC = "from sanic import Sanic\napp = Sanic('shop')\n"


def web(proposal):
    (process,) = proposal.processes
    return process.command, process.port


def test_pyramid_is_served_by_its_development_settings_where_these_say(propose):
    files = {"setup.py": "", "requirements.txt": "pyramid\nwaitress\n", "shop/__init__.py": "def main(): pass\n"}

    assert web(propose({**files, "development.ini": INI})) == ("pserve development.ini --reload", 6543)


def test_other_settings_of_that_name_serve_nothing(propose):
    assert propose({"requirements.txt": "requests\n", "development.ini": "[shop]\nport = 1\n"}).processes == ()


@pytest.mark.parametrize(
    ("more", "command"),
    [
        ("", "sanic server:app --host 127.0.0.1 --port $PORT --reload"),
        ("if __name__ == '__main__':\n    app.run(port=8000)\n", "python server.py"),
    ],
)
def test_sanic_is_served_by_its_own_runner_where_the_module_does_not_run_it(propose, more, command):
    assert web(propose({"requirements.txt": "sanic\n", "server.py": SANIC + more}))[0] == command


def test_a_program_of_a_clone_without_packages_runs_by_the_name_that_every_machine_has(propose):
    image = 'FROM python:3.13\nWORKDIR /code\nCOPY . .\nCMD ["python", "poll.py"]\n'

    assert web(propose({"poll.py": "while True: pass\n", "Dockerfile": image}))[0] == "python3 poll.py"
