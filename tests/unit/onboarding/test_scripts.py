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
        ({"talk/main.py": "from talk import words\n" + BOT + RUN, "talk/words.py": ""}, "python -m talk.main"),
        ({"talk/__main__.py": "import discord\nwith b as _bot:\n    _bot.start('x')\n", "talk/__init__.py": ""},
         "python -m talk"),
        ({"bot.py": BOT + RUN, "go.py": "", "Dockerfile": 'FROM python:3.12\nCMD ["python3", "-u", "go.py"]\n'},
         "python -u go.py"),
    ],
)  # fmt: skip
def test_a_bot_is_the_program_of_its_clone(propose, files, command):
    assert commands(propose({**files, "requirements.txt": "discord.py\naiogram\n"})) == {"bot": command}


def test_a_bot_beside_a_site_is_left_to_the_procfile(propose):
    site = "from flask import Flask\napp = Flask(__name__)\n"
    files = {"app.py": site, "bot.py": BOT + RUN, "requirements.txt": "flask\ndiscord.py\n"}
    assert commands(propose(files)) == {"web": "flask run -p $PORT --reload"}


@pytest.mark.parametrize(
    ("start", "command"),
    [
        ('CMD ["python", "collect.py", "--all"]', "python collect.py --all"),
        ("CMD python3.12 -u collect.py", "python -u collect.py"),
        ('ENTRYPOINT ["uv", "run", "python", "-m", "collect"]', "python -m collect"),
        ("CMD python \\\n  collect.py", "python    collect.py"),
        ('ENTRYPOINT ["python", "-m"]\nCMD ["collect"]', "python -m collect"),
        ('CMD ["python", "elsewhere.py"]', None),
        ('CMD ["/entrypoint.sh"]', None),
    ],
)
def test_what_the_image_starts_runs_where_nothing_else_says(propose, start, command):
    files = {"collect.py": "print(1)\n", "requirements.txt": "requests\n", "Dockerfile": f"FROM python:3.12\n{start}\n"}
    assert commands(propose(files)) == ({"app": command} if command else {})


@pytest.mark.parametrize("path", ["main.py", "app/main.py"])
def test_where_nothing_says_what_should_run_that_is_said(propose, path):
    proposal = propose({path: "def start():\n    print(1)\n\nstart()\n", "requirements.txt": "requests\n"})
    text = f"no long-running process found in the clone: `devboot run -- python {path}` runs its program, "
    text += "`web: COMMAND` in a file `Procfile` makes it a process"
    assert [(note.text, note.warns) for note in proposal.notes] == [(text, True)]


def test_a_bot_needs_its_token(propose):
    code = "import os\nfrom telebot import TeleBot\nbot = TeleBot(os.getenv('CHAT_TOKEN'))\nbot.infinity_polling()\n"
    variable = propose({"bot.py": code, "requirements.txt": "pytelegrambotapi\n"}).env[0]
    assert (variable.name, variable.required, variable.description) == (
        "CHAT_TOKEN", True, "read at bot.py:3, put it in .env",
    )  # fmt: skip


SERVES = "from aiohttp import web\n\ndef main():\n    web.run_app(web.Application())\n"
MAIN = "if __name__ == '__main__':\n    main()\n"


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"shop/__main__.py": SERVES + MAIN, "shop/__init__.py": ""}, "python -m shop"),
        ({"shop/main.py": "from shop import db\n" + SERVES + MAIN, "shop/db.py": ""}, "python -m shop.main"),
        ({"shop/main.py": SERVES, "serve.py": "from shop import main\n" + SERVES + MAIN}, "python serve.py"),
        ({"app.py": "from sanic import Sanic\n\nclass Shop(Sanic):\n    pass\n" + MAIN}, "python app.py"),
        ({"shop/page.py": "import streamlit as st\nimport shop.data\nst.title('Shop')\n", "shop/data.py": ""},
         "python -m streamlit run shop/page.py --server.port $PORT --server.headless true"),
        ({"page.py": "import streamlit as st\n", "parts/table.py": "import streamlit as st\n"},
         "streamlit run page.py --server.port $PORT --server.headless true"),
    ],
)  # fmt: skip
def test_a_script_that_serves_is_found_wherever_it_lies(propose, files, command):
    proposal = propose({**files, "requirements.txt": "aiohttp\n"})
    assert commands(proposal) == {"web": command}


@pytest.mark.parametrize(
    ("readme", "script", "folder"),
    [
        ("```sh\nstreamlit run app/main.py\n```\n", "app/main.py", "."),
        ("```sh\n$ streamlit run ./app/main.py --server.port 80\n```\n", "app/main.py", "."),
        ("```sh\ncd app\nstreamlit run main.py\n```\n", "main.py", "app"),
        ("", "main.py", "app"),
    ],
)
def test_a_page_of_streamlit_is_started_where_the_readme_starts_it(propose, readme, script, folder):
    page = "import streamlit as st\nfrom chains import links\nst.title('Shop')\n"
    files = {"app/main.py": page, "app/chains.py": "links = []\n", "README.md": readme}
    (web,) = propose({**files, "requirements.txt": "streamlit\n"}).processes
    assert web.command == f"streamlit run {script} --server.port $PORT --server.headless true"
    assert web.cwd == folder


@pytest.mark.parametrize("files", [{"shop/main.py": SERVES}, {"examples/main.py": SERVES + MAIN}])
def test_what_is_not_run_serves_nothing(propose, files):
    assert commands(propose({**files, "requirements.txt": "aiohttp\n"})) == {}


def test_the_settings_of_a_script_that_serves_are_followed(propose):
    settings = "import os\nREDIS_URL = os.getenv('SHOP_REDIS', 'redis://localhost:6379')\n"
    app = "from redis import Redis\nimport settings\ndb = Redis.from_url(settings.REDIS_URL)\nweb.run_app(db)\n"
    proposal = propose({"app.py": app, "settings.py": settings, "requirements.txt": "aiohttp\nredis\n"})
    assert [(each.name, each.value) for each in proposal.env if each.name == "SHOP_REDIS"] == [
        ("SHOP_REDIS", "${services.redis.url}")
    ]


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ("from aiohttp import web\nweb.run_app(app)\n", 8080),
        ("from aiohttp import web\nweb.run_app(app, port=9001)\n", 9001),
        ("from aiohttp import web\nweb.run_app(app, port=PORT)\n", None),
        ("from aiohttp import web\nweb.run_app(app, **options)\n", None),
        ("from sanic import Sanic\napp = Sanic('a')\nasyncio.run(setup())\napp.run(port=8001)\n", 8001),
        ("import tornado.web\nfrom tornado.ioloop import IOLoop\napp.listen(8888)\nIOLoop.current().start()\n", 8888),
        ("from tornado.ioloop import IOLoop\napp.listen(options.port)\nIOLoop.current().start()\n", None),
        ("import gradio as gr\ndemo = gr.Blocks()\ndemo.launch()\n", 7860),
        ("from aiohttp import web\nweb.run_app(app, port=0)\n", None),
        ("from aiohttp import web\nweb.run_app(app, port=True)\n", None),
        ("from sanic import Sanic\napp = Sanic('a')\napp.run('0.0.0.0', 8001)\n", 8001),
        ("from sanic import Sanic\napp = Sanic('a')\napp.run(*where)\n", None),
        ("import dash\napp = dash.Dash(__name__)\napp.run('0.0.0.0')\n", 8050),
        ("import uvicorn\ndef main():\n    uvicorn.run(app, port=9001)\ntyper.run(main)\n", 9001),
        ("import uvicorn\nasync def app(scope, receive, send): ...\n\nuvicorn.run(app, port=9001)\n", 9001),
        ("import uvicorn\nfrom api import app\nuvicorn.run(app)\n", 8000),
        ("import streamlit as st\n", None),
    ],
)
def test_a_port_that_a_script_has_by_itself_is_known(propose, code, port):
    assert [each.port for each in propose({"main.py": code, "requirements.txt": "x\n"}).processes] == [port]
