"""Programs without a framework: followed as Python runs them, for the variables and servers that they ask for."""

import pytest

from devboot.onboarding.proposal_values import Program

LOOP = """
    import os, time
    import redis
    queue = redis.from_url(os.environ["QUEUE_URL"])
    while True:
        print(queue.blpop("jobs"), os.environ["JOBS_KEY"])
        time.sleep(1)
"""


def asked(proposal):
    """The variables that somebody must set."""
    return {each.name for each in proposal.env if each.required}


def test_a_program_asks_for_what_it_reads_when_it_is_run(propose):
    code = """
        import os
        def main():
            print(os.environ["SHOP_TOKEN"])
        def other():
            print(os.environ["NEVER_READ"])
        if __name__ == "__main__":
            main()
    """
    proposal = propose({"main.py": code, "requirements.txt": "requests\n"})

    assert (proposal.program.command, asked(proposal)) == ("devboot run -- python main.py", {"SHOP_TOKEN"})


def test_a_client_without_a_key_makes_a_program_ask_for_it(propose):
    code = "from openai import OpenAI\nclient = OpenAI()\nprint(client)\n"

    assert asked(propose({"chat.py": code, "README.md": "```\npython chat.py  # talk to it\n```\n",
                          "requirements.txt": "openai\n"})) == {"OPENAI_API_KEY"}  # fmt: skip


def test_a_program_that_goes_round_gets_its_servers_and_variables(propose):
    proposal = propose({"poll.py": LOOP, "requirements.txt": "redis\n"})

    assert [each.command for each in proposal.processes] == ["python poll.py"]
    assert [each.recipe for each in proposal.services] == ["redis"]
    assert {each.name: each.value for each in proposal.env}["QUEUE_URL"] == "${services.redis.url}/0"
    assert "JOBS_KEY" in {each.name for each in proposal.env}


def test_programs_of_a_procfile_are_followed(propose):
    files = {"a.py": "import os\nos.environ['A_KEY_OF_ONE']\n", "b.py": "import os\nos.environ['A_KEY_OF_TWO']\n"}
    proposal = propose({**files, "requirements.txt": "requests\n", "Procfile": "one: python a.py\ntwo: python3 b.py\n"})

    assert asked(proposal) == {"A_KEY_OF_ONE", "A_KEY_OF_TWO"}


def test_scripts_beside_an_application_are_left_alone(propose):
    files = {"app.py": "from flask import Flask\napp = Flask(__name__)\n", "main.py": "import os\nos.environ['KEY']\n"}

    assert asked(propose({**files, "requirements.txt": "flask\n"})) == set()


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("python tell.py        # then answer the questions", "python tell.py"),
        ("$ python3 tell.py --name '#1'", "python tell.py --name '#1'"),
    ],
)
def test_a_remark_behind_a_command_is_no_part_of_it(propose, line, program):
    files = {"tell.py": "name = input()\n", "README.md": f"```sh\n{line}\n```\n", "requirements.txt": "requests\n"}

    proposal = propose(files)

    assert proposal.program.command == f"devboot run -- {program}"
    assert proposal.notes[-1].text.endswith("runs its program, which asks questions at the terminal")


KINDS = [
    ("print(1)\n", "", ""),
    ("import pygame\npygame.init()\n", "opens a window", ""),
    ("from tkinter import Tk\nTk().mainloop()\n", "opens a window", ""),
    ("import turtle\nwhile True:\n    turtle.forward(1)\n    sleep(1)\n", "opens a window", ""),
    ("import curses\ncurses.wrapper(main)\n", "draws on the whole terminal", ""),
    ("import time\nfrom textual.app import App\nwhile True:\n    time.sleep(1)\n", "draws on the whole terminal", ""),
    ("age = int(input('age: '))\n", "asks questions at the terminal", ""),
    ("from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('a')\nif __name__ == '__main__':\n    mcp.run()\n",
     "waits for a client of MCP at its standard input", ""),
    ("class Shop:\n    def ask(self):\n        self.name: str = input()\n", "asks questions at the terminal", ""),
    ("p = argparse.ArgumentParser()\np.add_argument('path', help='x')\n", "takes arguments", " --help"),
    ("p = argparse.ArgumentParser()\np.add_argument('path', nargs='?')\n", "", ""),
    ("p = argparse.ArgumentParser()\np.add_argument('--path', required=True)\n", "takes arguments", " --help"),
    ("p = argparse.ArgumentParser()\np.add_argument('--path')\n", "", ""),
    ("@click.command()\n@click.argument('path')\ndef main(path): ...\n", "takes arguments", " --help"),
    ("import sys\nprint(open(sys.argv[1]).read())\n", "takes arguments", ""),
]  # fmt: skip


def test_a_program_opens_a_window_if_a_module_that_it_imports_does(propose):
    files = {
        "src/__main__.py": "from .ui.window import show\nif __name__ == '__main__':\n    show()\n",
        "src/ui/window.py": "import customtkinter\n",
        "src/__init__.py": "", "src/ui/__init__.py": "",
        "README.md": "```\npython -m src\n```\n",
        "requirements.txt": "customtkinter\n",
    }  # fmt: skip
    proposal = propose(files)

    assert (proposal.processes, proposal.program.kind) == ((), "opens a window")


@pytest.mark.parametrize(("code", "kind", "option"), KINDS)
@pytest.mark.parametrize("listed", ["requests\n", None])
def test_a_program_for_a_person_is_named_with_what_it_does(propose, code, kind, option, listed):
    files = {"main.py": code, **({"requirements.txt": listed} if listed else {})}
    proposal = propose(files)

    assert (proposal.processes, proposal.is_useful, proposal.program.kind) == ((), True, kind)
    python = "python" if listed or proposal.python.packages else "python3"
    assert proposal.program.command == f"devboot run -- {python} main.py{option}"
    (note,) = [each.text for each in proposal.notes if "no long-running process" in each.text]
    assert proposal.program.command in note
    assert not kind or note.endswith(f", which {kind}")


@pytest.mark.parametrize("name", ["manage.py", "vault.py"])
def test_the_only_program_of_a_clone_may_have_any_name(propose, name):
    files = {name: "import words\nif __name__ == '__main__':\n    key = input(words.ASK)\n", "words.py": "ASK = ''\n"}
    proposal = propose({**files, "test_words.py": files[name], "requirements.txt": "requests\n"})

    assert proposal.program == Program(f"devboot run -- python {name}", "asks questions at the terminal")


def test_of_several_programs_with_any_names_none_is_taken(propose):
    code = "if __name__ == '__main__':\n    print(1)\n"

    assert not propose({"one.py": code, "two.py": code, "requirements.txt": "requests\n"}).program.command


def test_a_module_that_a_server_loads_is_no_program(propose):
    code = "if __name__ == '__main__':\n    print(1)\n"

    assert not propose({"celery_app.py": code, "requirements.txt": "requests\n"}).program.command


def test_the_packages_of_a_program_without_a_list_are_those_that_it_imports(propose):
    files = {
        "app.py": "import pygame\nfrom shop import prices\n",
        "shop/__init__.py": "",
        "shop/prices.py": "import numpy\n",
    }
    proposal = propose(files)

    assert (proposal.python.packages, proposal.program.kind) == (("numpy", "pygame"), "opens a window")


def test_a_server_that_only_others_start_is_no_application(propose):
    health = "def answer():\n    http.server.HTTPServer(('', 8080), H).serve_forever()\n"

    assert propose({"job/health.py": health, "job/__init__.py": "", "requirements.txt": "requests\n"}).processes == ()
