"""Large files of one repeated text, and lists that contain each other many times: none may keep detection busy."""

import pytest

from devboot.onboarding import render
from devboot.onboarding.reading.containers.shell_scripts import read_script
from devboot.onboarding.reading.tree import Tree

SIZE = 200_000
BEGINNINGS = {
    "app.py": "import flask, os, redis\napp = flask.Flask(__name__)\nkey = os.environ['KEY']\n",
    "bot.py": "import discord\nbot.run(token)\n",
    "requirements.txt": "redis\nflask ",
    ".env": "A=",
    ".env.example": "B=",
    ".envrc": "dotenv ",
    "compose.yaml": "services:\n  web:\n    build: .\nx: |\n  ",
    "Dockerfile": "FROM python:3.13\nCMD flask run\n",
    "alembic.ini": "[alembic]\nscript_location = versions\n",
    "Makefile": "run:\n\tpython app.py\n",
    "setup.py": "from setuptools import setup\n",
    "README.md": "# Shop\n",
}


@pytest.mark.parametrize("text", ["\n", "<", "\\\n", "from a import b\n", "COPY a b\n", "else\n", "a=", " "])
def test_files_of_one_repeated_text_are_read_in_a_moment(propose, text):
    assert render(propose({name: begin + text * (SIZE // len(text)) for name, begin in BEGINNINGS.items()}))


NESTED = "\n".join(
    [
        "import json, os, flask, redis",
        "app = flask.Flask(__name__)",
        "a = [1]",
        *(f"a = [{'a, ' * 20}]" for _ in range(9)),
    ]
)


@pytest.mark.parametrize(
    "use",
    [
        "str(a)",
        "'%s' % a",
        "'{}'.format(a)",
        "len(a)",
        "a == a",
        "a in a",
        "unknown(a)",
        "json.dumps(a)",
        "sorted(a)",
        "a * 2",
        "app.config.update(X=a)",
        "redis.Redis(**{'host': a})",
        "os.environ.setdefault('A', a)",
    ],
)
def test_lists_that_contain_one_list_many_times_are_not_written_out(propose, use):
    assert propose({"app.py": f"{NESTED}\nx = {use}\n", "requirements.txt": "flask\n"}).framework == "flask"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("case $1 in\n" * 800, []),
        ("if [ $1 = web ]; then\n" * 400 + "else\n" * 200, []),
        ('case "$1" in\n((web) run ;;\nesac\nlast\n', ["run", "last"]),
        ("if [ $1 = web ]; then\none\nelse\ntwo\nfi\nlast\n", ["one", "last"]),
        ("if [ $1 = api ]; then\none\nelse\ntwo\nfi\nlast\n", ["two", "last"]),
        ("if [ $1 = api ]; then\none\nfi\nlast\n", ["last"]),
    ],
)
def test_a_script_keeps_the_branches_of_its_argument(write, script, expected):
    read = read_script(Tree(write({"start.sh": f"#!/bin/sh\n{script}"})), "start.sh", ["web"])
    assert [line for _, line in read.lines] == expected
