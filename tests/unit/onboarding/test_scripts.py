"""Programs that run by themselves."""

import pytest

BOT = "import discord\nbot = discord.Client()\n"
RUN = "if __name__ == '__main__':\n    bot.run('x')\n"


def commands(proposal):
    return {process.name: process.command for process in proposal.processes}


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"bot.py": BOT + RUN}, "python bot.py"),
        ({"bot.py": BOT + "bot.run('x')\n", "cogs/play.py": BOT}, "python bot.py"),
        ({"main.py": "import chat\n" + RUN, "chat.py": BOT + "def go():\n    bot.run('x')\n"}, "python main.py"),
        ({"talk/__main__.py": BOT + RUN, "talk/__init__.py": ""}, "python -m talk"),
        ({"talk/bot.py": "from . import words\n" + BOT + RUN, "talk/words.py": ""}, "python -m talk.bot"),
        ({"a.py": "from aiogram import Bot\nasync def go():\n    await dp.start_polling(b)\n" + RUN}, "python a.py"),
        ({"bot.py": BOT + RUN, "go.py": "", "Dockerfile": 'FROM python:3.12\nCMD ["python3", "-u", "go.py"]\n'},
         "python -u go.py"),
    ],
)  # fmt: skip
def test_a_bot_is_the_program_of_its_clone(propose, files, command):
    assert commands(propose({**files, "requirements.txt": "discord.py\naiogram\n"})) == {"bot": command}


def test_a_bot_beside_a_site_is_left_to_the_procfile(propose):
    site = "from flask import Flask\napp = Flask(__name__)\n"
    files = {"app.py": site, "bot.py": BOT + RUN, "requirements.txt": "flask\ndiscord.py\n"}
    assert commands(propose(files)) == {"web": "flask run -p $PORT"}


@pytest.mark.parametrize(
    ("start", "command"),
    [
        ('CMD ["python", "collect.py", "--all"]', "python collect.py --all"),
        ("CMD python3.12 -u collect.py", "python -u collect.py"),
        ('ENTRYPOINT ["uv", "run", "python", "-m", "collect"]', "python -m collect"),
        ("CMD python \\\n  collect.py", "python    collect.py"),
        ('CMD ["python", "elsewhere.py"]', None),
        ('CMD ["/entrypoint.sh"]', None),
    ],
)
def test_what_the_image_starts_runs_where_nothing_else_says(propose, start, command):
    files = {"collect.py": "print(1)\n", "requirements.txt": "requests\n", "Dockerfile": f"FROM python:3.12\n{start}\n"}
    assert commands(propose(files)) == ({"app": command} if command else {})


def test_where_nothing_says_what_should_run_that_is_said(propose):
    proposal = propose({"main.py": "print(1)\n", "requirements.txt": "requests\n"})
    text = "nothing in the clone says what should run: write `web: python main.py` into a file `Procfile`"
    assert [(note.text, note.warns) for note in proposal.notes] == [(text, True)]


def test_a_bot_needs_its_token(propose):
    code = "import os\nfrom telebot import TeleBot\nbot = TeleBot(os.getenv('CHAT_TOKEN'))\nbot.infinity_polling()\n"
    variable = propose({"bot.py": code, "requirements.txt": "pytelegrambotapi\n"}).env[0]
    assert (variable.name, variable.required, variable.description) == (
        "CHAT_TOKEN", True, "read at bot.py:3, put it in .env",
    )  # fmt: skip
