"""What containers of compose come to run, through entrypoints, images and shell scripts: processes and once-tasks."""

import pytest

from devboot.onboarding.reading.containers.compose import read_compose
from devboot.onboarding.reading.containers.shell_scripts import read_script
from devboot.onboarding.reading.tree import Tree

APP = "from fastapi import FastAPI\napp = FastAPI()\n"
CELERY = "from celery import Celery\napp = Celery('x', broker='redis://localhost:6379/0')\n"
LOOP = "while True:\n    pass\n"
SQL = "import os, psycopg2\nclient = psycopg2.connect(os.environ['DATABASE_URL'])\n"


def commands(proposal):
    return {process.name: process.command for process in proposal.processes}


def notes(proposal):
    return [note.text for note in proposal.notes]


def feed(entry, **files):
    """A program that no library shows, with a compose file that has the one service `feed`."""
    more = {name.replace("__", "/").replace("_sh", ".sh"): text for name, text in files.items()}
    compose = f"services:\n  feed:\n    build: .\n    volumes: ['.:/code']\n{entry}"
    return {"feed.py": LOOP, "tools/poll.py": LOOP, "requirements.txt": "requests\n", "compose.yml": compose, **more}


@pytest.mark.parametrize(
    ("entry", "command"),
    [
        ("    entrypoint: python feed.py\n", "python feed.py"),
        ("    entrypoint: [python, -u, /code/feed.py]\n", "python -u feed.py"),
        ("    entrypoint: [python, feed.py]\n    command: [--all, 'a b']\n", "python feed.py --all 'a b'"),
        ("    entrypoint: [python]\n    command: /code/tools/poll.py\n", "python tools/poll.py"),
        ("    entrypoint: ['sh', '-c', 'exec python feed.py']\n", "python feed.py"),
        ("    entrypoint: /usr/bin/tini -- python3 /code/feed.py\n", "python feed.py"),
        ("    entrypoint: ['gosu', 'app', 'python', 'feed.py']\n", "python feed.py"),
        ("    entrypoint: ./wait-for-it.sh db:5432 -t 30 -- python feed.py\n", "python feed.py"),
        ("    working_dir: /code/tools\n    entrypoint: python poll.py\n", "python tools/poll.py"),
        ("    command: python feed.py\n", "python feed.py"),
        ("    entrypoint: ''\n    command: python feed.py\n", "python feed.py"),
    ],
)
def test_entrypoint_and_command_together_are_what_runs(propose, entry, command):
    assert commands(propose(feed(entry))) == {"feed": command}


@pytest.mark.parametrize(
    ("entry", "script", "command"),
    [
        ("    entrypoint: /code/start.sh\n    command: python feed.py\n", 'set -e\nexec "$@"', "python feed.py"),
        ("    entrypoint: [sh, /code/start.sh]\n", "cd /code\nexec python /code/tools/poll.py", "python tools/poll.py"),
        ("    entrypoint: bash start.sh --all\n", "exec python feed.py $*", "python feed.py --all"),
        ("    entrypoint: /code/start.sh\n    command: [poll, -v]\n",
         'case "$1" in\n  poll)\n    shift\n    exec python tools/poll.py "$@";;\n  *) exec python feed.py;;\nesac',
         "python tools/poll.py -v"),
        ("    entrypoint: /code/start.sh\n    command: [poll, -v]\n",
         'if [ "$1" = "poll" ]; then\n  exec python tools/poll.py "${@:2}"\nelse\n  exec python feed.py\nfi',
         "python tools/poll.py -v"),
        ("    entrypoint: /code/start.sh\n",
         'case "${1:-all}" in\n  poll) exec python tools/poll.py;;\n  *) exec python feed.py;;\nesac',
         "python feed.py"),
        ("    entrypoint: /code/start.sh\n", 'exec python "${1:-feed.py}"', "python feed.py"),
        ("    entrypoint: /code/start.sh\n", "python - <<END\nimport tools\nEND\n/code/run.sh", "python tools/poll.py"),
        ("    command: bash -c 'python feed.py --check && ./run.sh'\n", "", "python tools/poll.py"),
    ],
)  # fmt: skip
def test_a_script_of_the_clone_is_followed_to_what_it_becomes(propose, entry, script, command):
    files = feed(entry, start_sh=f"#!/bin/sh\n{script}\n", run_sh="#!/bin/sh\nexec python tools/poll.py\n")

    assert commands(propose(files)) == {"feed": command}


def test_the_image_of_a_container_says_how_it_starts_where_compose_does_not(propose):
    image = (
        'FROM python AS base\nCMD ["a"]\nFROM base AS dev\nWORKDIR /srv\nCOPY . .\n'
        'ENTRYPOINT ["python", "-u"]\nCMD ["feed.py"]\nFROM dev\n'
    )
    compose = (
        "services:\n  feed:\n    build: {context: ., dockerfile: images/feed, target: dev}\n"
        "  poll:\n    build: {context: ., dockerfile: images/feed, target: dev}\n    command: /srv/tools/poll.py\n"
    )
    files = {**feed(""), "images/feed": image, "compose.yml": compose}

    assert commands(propose(files)) == {"feed": "python -u feed.py", "poll": "python -u tools/poll.py"}


def test_a_worker_behind_an_entrypoint_replaces_the_one_that_the_code_implies(propose):
    compose = """
        services:
          web: {build: ., command: uvicorn main:app}
          jobs:
            build: .
            entrypoint: ["/code/start.sh"]
            command: ["worker"]
    """
    files = {
        "main.py": APP, "jobs.py": CELERY, "requirements.txt": "fastapi\nuvicorn\ncelery\nredis\n",
        "Dockerfile": "FROM python\nWORKDIR /code\nCOPY . .\n", "compose.yml": compose,
        "start.sh": '#!/bin/sh\nif [ "$1" = worker ]; then\n  exec celery -A jobs worker -c 2\nfi\nexec "$@"\n',
    }  # fmt: skip

    assert commands(propose(files))["worker"] == "celery -A jobs worker -c 2"


def test_the_command_counts_where_the_images_own_script_would_drop_it(propose):
    compose = "services:\n  jobs:\n    build: .\n    command: celery -A jobs worker -c 2\n"
    files = {
        "main.py": APP, "jobs.py": CELERY, "requirements.txt": "fastapi\nuvicorn\ncelery\nredis\n",
        "Dockerfile": 'FROM python\nWORKDIR /code\nCOPY . .\nENTRYPOINT ["./start.sh"]\n', "compose.yml": compose,
        "start.sh": "#!/bin/sh\nexec gunicorn main:app\n",
    }  # fmt: skip

    assert commands(propose(files))["worker"] == "celery -A jobs worker -c 2"


@pytest.mark.parametrize(
    ("entry", "script"),
    [
        ("    entrypoint: /code/start.sh\n    command: python feed.py\n", '{}\nexec "$@"'),
        ("    entrypoint: [sh, -c, 'sh start.sh && python feed.py']\n", "{}"),
        ("    command: bash -c '{} && python feed.py'\n", ""),
    ],
)
@pytest.mark.parametrize("command", ["python /code/tools/migrate.py", "python tools/init_db.py", "yoyo apply"])
def test_migrations_before_the_program_are_a_task_that_runs_once(propose, entry, script, command):
    files = feed(entry.format(command), start_sh=f"#!/bin/sh\nset -e\n{script.format(command)}\n")
    files |= {"main.py": SQL + APP, "requirements.txt": "fastapi\nuvicorn\npsycopg2-binary\n"}
    proposal = propose({**files, "tools/migrate.py": "", "tools/init_db.py": ""})

    assert [(task.run, task.once) for task in proposal.tasks] == [(command.replace("/code/", ""), True)]
    assert not [text for text in notes(proposal) if "first" in text]


def test_what_else_an_entrypoint_runs_first_is_a_note_and_what_only_images_need_is_none(propose):
    script = (
        "#!/bin/sh\nuntil nc -z db 5432; do\n  sleep 1\ndone\npython manage.py collectstatic --noinput\n"
        'python /code/load.py --all\nexport A=1\nmkdir -p logs\nexec "$@"\n'
    )
    files = feed("    entrypoint: /code/start.sh\n    command: python feed.py\n", start_sh=script)
    proposal = propose({**files, "load.py": ""})

    assert [text for text in notes(proposal) if "first" in text] == [
        "compose: `feed` first runs a command of its own; to run it here: `devboot run -- python load.py --all`"
    ]
    (note,) = [note for note in proposal.notes if "first" in note.text]
    assert str(note.evidence) == "start.sh:6"


def test_a_container_that_only_migrates_is_the_task_and_no_process_that_lacks(propose):
    compose = """
        services:
          web: {build: ., command: uvicorn main:app}
          migrations: {build: ., command: alembic upgrade head}
    """
    files = {
        "main.py": APP + SQL, "requirements.txt": "fastapi\nuvicorn\nalembic\npsycopg2-binary\n",
        "alembic.ini": "[alembic]\nscript_location = migrations\n", "migrations/env.py": "", "compose.yml": compose,
    }  # fmt: skip
    proposal = propose(files)

    assert [task.run for task in proposal.tasks] == ["python -m alembic upgrade head"]
    assert not [text for text in notes(proposal) if "migrations" in text]


@pytest.mark.parametrize("profile", ["debug", "monitoring"])
def test_a_container_of_a_profile_is_named_and_not_started(propose, profile):
    bot = f"  bot:\n    build: .\n    profiles: [{profile}]\n    command: python bot.py\n"
    compose = f"services:\n  web:\n    build: .\n{bot}"
    proposal = propose({"main.py": APP, "bot.py": LOOP, "requirements.txt": "fastapi\n", "compose.yml": compose})

    assert "bot" not in commands(proposal)
    assert (
        "compose: `bot` isn't started, as in compose without its profile; compose runs it as `python bot.py`"
        in notes(proposal)
    )


def test_a_container_of_developments_profile_is_started(propose):
    compose = "services:\n  bot:\n    build: .\n    profiles: [dev]\n    command: python bot.py\n"
    proposal = propose({"main.py": APP, "bot.py": LOOP, "requirements.txt": "fastapi\n", "compose.yml": compose})

    assert commands(proposal)["bot"] == "python bot.py"


@pytest.mark.parametrize(
    "text", ["exec", 'exec "$@"', "case $1 in", "if [ $1 = a ]; then", "<<A", "$(", "'", "exec ./start.sh"]
)
def test_a_script_that_makes_no_sense_is_no_reason_to_fail(propose, text):
    propose(feed("    entrypoint: /code/start.sh\n", start_sh=f"#!/bin/sh\n{text}\n"))


@pytest.mark.parametrize(
    "line", ["case $1 in\n", 'if [ "$1" = a ]; then\n', "cat <<A\n", "a;", "exec /code/start.sh\n", "'"]
)
def test_a_script_of_a_hundred_thousand_lines_is_left_alone(propose, line):
    propose(feed("    entrypoint: /code/start.sh\n", start_sh="#!/bin/sh\n" + line * 100_000))
    propose(feed(f"    command: {'a; ' * 100_000}\n"))


def test_sql_that_never_ends_its_statements_is_read_by_the_server_alone(propose):
    compose = "services:\n  db:\n    image: postgres\n    volumes: ['./a.sql:/docker-entrypoint-initdb.d/a.sql']\n"
    files = {"main.py": SQL + APP, "requirements.txt": "fastapi\npsycopg2\n", "compose.yml": compose}
    proposal = propose({**files, "a.sql": "CREATE USER a /* " * 20_000})

    assert [task.run for task in proposal.tasks] == ["psql -q -f a.sql"]


def test_a_script_is_read_once_for_the_same_arguments(write):
    tree = Tree(write({"start.sh": '#!/bin/sh\nexec "$@"\n'}))

    assert read_script(tree, "start.sh", ["a"]) is read_script(tree, "start.sh", ["a"])
    assert read_script(tree, "start.sh", ["b"]).last == ((2, "exec b"),)


def test_the_scripts_of_a_clone_are_read_up_to_a_number(write):
    tree = Tree(write({"start.sh": '#!/bin/sh\nexec "$@"\n'}))

    assert len([each for each in range(300) if read_script(tree, "start.sh", [str(each)])]) == 200


@pytest.mark.parametrize("script", ["./start.sh", "./x"])
def test_the_steps_before_what_a_container_runs_have_a_limit(write, script):
    lines = "#!/bin/sh\n" + "python tools/poll.py\n" * 20
    compose = "services:\n  feed:\n    build: .\n    volumes: ['.:/code']\n    working_dir: /code\n    command: {}\n"
    line = "&& ".join([*[f"{script} "] * (1900 // (len(script) + 4)), "python feed.py"])
    tree = Tree(write({"feed.py": LOOP, "start.sh": lines * 6, "compose.yml": compose.format(line)}))
    (container,) = read_compose(tree, (".",)).containers

    assert container.command == "python feed.py"
    assert len(container.before) <= 100


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("a <<E\nb\n  E\nc\n", [(2, "a <<E"), (5, "c")]),
        ("a <<E\nb\nc\n", [(2, "a <<E"), (3, "b"), (4, "c")]),
        ("a <<E\nb <<F\nE\nF\nc\n", [(2, "a <<E"), (5, "F"), (6, "c")]),
        ("a <<-'E' >x\n\tE\nb <<E\nE\n", [(2, "a <<-'E' >x"), (4, "b <<E")]),
        ("a <<E\n" * 1600 + "b\n", [*((number + 2, "a <<E") for number in range(1600)), (1602, "b")]),
        (f'case "$1" in\n{" " * 9000}x\nesac\na\n', [(5, "a")]),
    ],
    ids=["ended", "not ended", "two", "two ended", "many", "spaces of a case"],
)
def test_lines_of_here_documents_are_no_commands(write, script, lines):
    tree = Tree(write({"start.sh": f"#!/bin/sh\n{script}"}))

    assert list(read_script(tree, "start.sh", ["go"]).lines) == lines
