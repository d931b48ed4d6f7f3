"""Folders that an application's logging opens files in."""

import pytest

LOGGING = "LOGGING = {{'version': 1, 'handlers': {{'f': {{'class': '{}', 'filename': {}, {}}}}}}}\n"
DATABASES = "INSTALLED_APPS = []\nDATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'x.db'}}\n"


@pytest.mark.parametrize(
    ("kind", "filename", "more"),
    [
        ("logging.FileHandler", "'log/info.log'", ""),
        ("logging.handlers.RotatingFileHandler", "BASE_DIR / 'log' / 'info.log'", "'backupCount': 3"),
        ("logging.FileHandler", "os.path.join(BASE_DIR, 'log', 'info.log')", ""),
    ],
)
def test_a_folder_for_logs_that_the_clone_lacks_is_made_before_all_else(django, kind, filename, more):
    tasks = django(DATABASES + LOGGING.format(kind, filename, more)).tasks
    assert (tasks[0].name, tasks[0].run, tasks[0].inputs) == ("folders", "mkdir -p log", ())
    assert tasks[1].depends_on[-1] == "folders"


@pytest.mark.parametrize(
    ("settings", "files"),
    [
        (LOGGING.format("logging.FileHandler", "'log/info.log'", ""), {"log/.gitkeep": ""}),
        (LOGGING.format("logging.FileHandler", "'info.log'", ""), {}),
        (LOGGING.format("logging.FileHandler", "'/var/log/info.log'", ""), {}),
        (LOGGING.format("logging.FileHandler", "'log/info.log'", "'delay': True"), {}),
        (LOGGING.format("logging.StreamHandler", "'log/info.log'", ""), {}),
        ("os.makedirs('log', exist_ok=True)\n" + LOGGING.format("logging.FileHandler", "'log/info.log'", ""), {}),
        (
            LOGGING.format("logging.FileHandler", "'log/info.log'", ""),
            {"Procfile": "release: python manage.py migrate\nweb: python manage.py runserver\n"},
        ),
    ],
)
def test_no_other_folder_is_made(django, settings, files):
    assert "folders" not in [task.name for task in django(DATABASES + settings, more=files).tasks]


@pytest.mark.parametrize(
    "code",
    [
        "logging.basicConfig(filename='log/shop.log', level=logging.INFO)",
        "handler = logging.FileHandler('log/shop.log')",
        "handler = RotatingFileHandler(os.path.join(os.path.dirname(__file__), 'log', 'shop.log'), maxBytes=1)",
        "handler = TimedRotatingFileHandler(filename='./log/shop.log')",
        "handler = logging.FileHandler(f'log/shop_{os.getpid()}.log')",
        "dictConfig({'version': 1, 'handlers': {'f': {'class': 'logging.FileHandler', 'filename': 'log/shop.log'}}})",
    ],
)
@pytest.mark.parametrize("is_in_factory", [False, True])
def test_a_folder_is_made_for_handlers_of_any_framework(propose, code, is_in_factory):
    imports = (
        "import logging, os\nfrom logging.config import dictConfig\n"
        "from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler\n"
    )
    body = f"def set_up():\n    {code}\n" if is_in_factory else f"{code}\n"
    call = "    set_up()\n" if is_in_factory else ""
    main = (
        f"import flask\nfrom logs import *\ndef create_app():\n{call}    app = flask.Flask(__name__)\n    return app\n"
    )
    proposal = propose({"app.py": main, "logs.py": imports + body, "requirements.txt": "flask\n"})
    assert [(task.name, task.run, task.evidence.path) for task in proposal.tasks] == [
        ("folders", "mkdir -p log", "logs.py")
    ]


@pytest.mark.parametrize(
    "code",
    [
        "logging.basicConfig(level=logging.INFO)",
        "logging.basicConfig(filename=os.environ['LOG_FILE'])",
        "logging.basicConfig(filename='shop.log')",
        "handler = logging.FileHandler('/var/log/shop.log')",
        "handler = logging.FileHandler('../log/shop.log')",
        "handler = logging.FileHandler('log/shop.log', delay=True)",
        "os.makedirs('log', exist_ok=True)\nhandler = logging.FileHandler('log/shop.log')",
        "if os.environ.get('LOGS') == 'file':\n    handler = logging.FileHandler('log/shop.log')",
    ],
)
def test_no_folder_is_made_for_handlers_that_need_none(propose, code):
    main = f"import logging, os\nimport flask\napp = flask.Flask(__name__)\n{code}\n"
    assert propose({"app.py": main, "requirements.txt": "flask\n"}).tasks == ()
