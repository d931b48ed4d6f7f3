"""Commands that restart themselves."""

from __future__ import annotations

import pytest

from devboot.environment.reloaders import EVERYTHING, PYTHON, left_to_itself


@pytest.mark.parametrize(
    ("command", "globs"),
    [
        ("./manage.py runserver $PORT", PYTHON),
        ("python manage.py runserver", PYTHON),
        ("python manage.py runserver --noreload $PORT", ()),
        ("python manage.py runserver_plus 8000", PYTHON),
        ("uvicorn shop:app --port $PORT --reload", PYTHON),
        (".venv/bin/uvicorn --reload shop:app", PYTHON),
        ("uvicorn shop:app", ()),
        ("gunicorn --reload shop.wsgi", PYTHON),
        ("fastapi dev main.py", PYTHON),
        ("fastapi run main.py", ()),
        ("flask --app shop run --debug", PYTHON),
        ("flask --app shop --debug run", PYTHON),
        ("flask run --debug --no-reload", ()),
        ("FLASK_DEBUG=1 flask run", PYTHON),
        ("flask run", ()),
        ("watchfiles 'celery -A shop worker' shop", EVERYTHING),
        ("watchmedo auto-restart -- celery -A shop worker", EVERYTHING),
        ("tailwindcss -i a.css -o b.css --watch", EVERYTHING),
        ("npx vite --port $PORT", EVERYTHING),
        ("celery -A shop worker", ()),
        ("python worker.py", ()),
    ],
)
def test_what_a_command_watches_by_itself(command, globs):
    assert globs == left_to_itself(command)
