"""Commands that a clone's own files offer for starting it."""

import pytest

SCRIPT = "import time\nwhile True: time.sleep(1)\n"


def commands(proposal):
    return {process.name: (process.command, str(process.evidence)) for process in proposal.processes}


@pytest.mark.parametrize(
    ("name", "text", "command", "where"),
    [
        (
            "Makefile",
            "build:\n\tpip install .\n\nrun: build\n\t@poetry run python poll.py\n",
            "python poll.py",
            "Makefile:5",
        ),
        ("justfile", "dev port='1':\n    uv run python -u poll.py --fast\n", "python -u poll.py --fast", "justfile:2"),
        ("README.md", "Start\n\n```bash\npip install .\npython3 poll.py\n```\n", "python poll.py", "README.md:5"),
        ("README.md", "```\n$ chainlit run poll.py\n```\n", "chainlit run poll.py", "README.md:2"),
        (
            "pyproject.toml",
            "[tool.poe.tasks]\nrun = { cmd = 'python poll.py' }\n",
            "python poll.py",
            "pyproject.toml:2",
        ),
        ("pyproject.toml", "[tool.pdm.scripts]\nstart = 'python poll.py'\n", "python poll.py", "pyproject.toml:2"),
    ],
)
def test_the_command_that_a_file_offers_is_the_process(propose, name, text, command, where):
    proposal = propose({"poll.py": SCRIPT, "requirements.txt": "requests\n", name: text})
    assert {"app": (command, where)} == commands(proposal)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Makefile", "run:\n\tdocker compose up\n"),
        ("Makefile", "test:\n\tpython poll.py\n"),
        ("README.md", "Run `python poll.py` by hand\n"),
        ("README.md", "```\npython elsewhere.py\n```\n"),
        ("README.md", "```\npython -m http.server\n```\n"),
    ],
)
def test_other_commands_are_no_process(propose, name, text):
    assert {} == commands(propose({"poll.py": "print('done')\n", "requirements.txt": "requests\n", name: text}))


def test_a_package_that_can_be_run_is_started(propose):
    proposal = propose({"shop/__init__.py": "", "shop/__main__.py": SCRIPT, "requirements.txt": "requests\n"})
    assert {"app": ("python -m shop", "shop/__main__.py")} == commands(proposal)


def test_a_program_that_asks_at_the_terminal_is_named_and_not_started(propose):
    files = {"play.py": "name = input('who? ')\n", "requirements.txt": "requests\n"}
    proposal = propose({**files, "README.md": "```\npython play.py\n```\n"})
    assert ({}, True) == (commands(proposal), "`devboot run -- python play.py` runs" in proposal.notes[0].text)


def test_a_library_has_nothing_to_run(propose):
    proposal = propose({"pyproject.toml": "[project]\nname = 'six'\ndependencies = ['attrs']\n", "six.py": "x = 1\n"})
    assert ({}, True) == (commands(proposal), proposal.notes[0].warns)


@pytest.mark.parametrize(
    "command", ["flask run", "uvicorn hello:app --reload", "streamlit run hello.py", "gunicorn 'hello:create()'"]
)
def test_a_command_of_a_readme_that_names_what_the_clone_does_not_have_is_that_of_its_users(propose, command):
    files = {
        "src/kit/__init__.py": "",
        "pyproject.toml": '[project]\nname = "kit"\nversion = "1"\ndependencies = ["x"]\n',
    }
    proposal = propose({**files, "README.md": f"# kit\n```\n$ {command}\n```\n"})

    assert proposal.processes == ()
    assert any(note.text.startswith("no start command found in the clone") for note in proposal.notes)


SERVES = "def main():\n    while True:\n        pass\n"
INSTALLED = "[build-system]\nrequires = ['hatchling']\n[project]\nname = 'shop'\ndependencies = ['x']\n"


@pytest.mark.parametrize(
    ("project", "module", "command"),
    [
        (f"{INSTALLED}[project.scripts]\nshop-run = 'shop.run:main'\n", SERVES, "shop-run"),
        (f"{INSTALLED}[tool.poetry.scripts]\nshop-run = 'shop.run:main'\n", SERVES, "shop-run"),
        (
            "[project]\nname = 'shop'\ndependencies = ['x']\n[project.scripts]\nserve = 'shop.run:main'\n",
            SERVES,
            "python -c 'from shop.run import main; main()'",
        ),
        (
            f"{INSTALLED}[project.scripts]\nshop-run = 'shop.run:main'\n",
            f"{SERVES}if __name__ == '__main__':\n    main()\n",
            "python -m shop.run",
        ),
    ],
)
def test_a_console_script_that_keeps_running_is_the_process(propose, project, module, command):
    proposal = propose({"pyproject.toml": project, "shop/__init__.py": "", "shop/run.py": module})
    assert [process.command for process in proposal.processes] == [command]


@pytest.mark.parametrize(
    "module", ["def main():\n    print(1)\n", f"import click\n@click.group()\ndef main(): ...\n{SERVES}"]
)
def test_a_console_script_for_the_terminal_is_no_process(propose, module):
    project = f"{INSTALLED}[project.scripts]\nshop = 'shop.run:main'\n"
    assert {} == commands(propose({"pyproject.toml": project, "shop/__init__.py": "", "shop/run.py": module}))


def test_an_image_that_starts_through_a_script_starts_what_that_ends_with(propose):
    script = "#!/bin/bash\npython prepare.py\nexec python -u poll.py \\\n  --fast\n"
    files = {"Dockerfile": 'FROM python\nCOPY . /app\nENTRYPOINT ["bash", "/app/go.sh"]\n', "go.sh": script}
    proposal = propose({**files, "prepare.py": "", "poll.py": SCRIPT, "requirements.txt": "requests\n"})
    assert {"app": ("python -u poll.py --fast", "go.sh:3")} == commands(proposal)


def test_a_dash_application_is_the_module_that_holds_the_pages(propose):
    page = "import dash\napp = dash.Dash(__name__)\ndash.register_page(__name__)\n"
    held = "from dash import Dash\napp = Dash(__name__, use_pages=True)\nif __name__ == '__main__':\n    app.run()\n"
    proposal = propose({"app.py": page, "site/start.py": held, "requirements.txt": "dash\n"})
    assert [process.command for process in proposal.processes] == ["python start.py"]


ROUND = "import time\n\n\ndef work():\n    while True:\n        {}\n        time.sleep(5)\n\n\n"
AS_PROGRAM = "if __name__ == '__main__':\n    work()\n"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("main.py", ROUND.format("pass") + AS_PROGRAM),
        ("trader.py", ROUND.format("for x in (1, 2):\n            break") + AS_PROGRAM),
        ("trader.py", "import schedule\nwhile True:\n    schedule.run_pending()\n"),
        ("trader.py", "from time import sleep\nwhile 1:\n    sleep(1)\n\nwhile True:\n    sleep(1)\n"),
    ],
)
def test_a_program_that_goes_round_forever_is_the_process(propose, name, code):
    proposal = propose({name: code, "requirements.txt": "schedule\n"})
    assert [each.command for each in proposal.processes] == [f"python {name}"]


def test_of_several_loops_only_one_with_a_usual_name_is_the_process(propose):
    files = {"led.py": SCRIPT, "motor.py": SCRIPT, "requirements.txt": "requests\n"}
    assert propose(files).processes == ()
    assert {"app": ("python run.py", "run.py:2")} == commands(propose({**files, "run.py": SCRIPT}))


@pytest.mark.parametrize(
    "code",
    [
        ROUND.format("pass"),  # a library
        ROUND.format("if done(): break") + AS_PROGRAM,
        ROUND.format("try:\n            return 1\n        except OSError: pass") + AS_PROGRAM,
        ROUND.format("answer = input('more? ')") + AS_PROGRAM,
        ROUND.format("pass").replace("time.sleep(5)", "print(1)") + AS_PROGRAM,
    ],
)
def test_a_loop_with_an_end_or_a_question_is_no_process(propose, code):
    assert propose({"main.py": code, "requirements.txt": "schedule\n"}).processes == ()
