"""`doctor --probe`: imports the code of a project in its environment, within a limit, and leaves nothing behind."""

from __future__ import annotations

import os

import pytest

from devboot.app.commands.doctor import Reach, doctor, examine
from devboot.app.commands.doctor_probe import entries_of, probe
from devboot.model.observation import FAILED, SETTING
from devboot.model.process import ProcessSpec
from devboot.supervisor.system import proctable
from tests.fakes.broken_projects import Shop
from tests.fakes.processes import AS_LONG_AS_NEEDED, wait_until


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path, tmp_path / "uv-cache")
    shop.edit("python -m http.server", "gunicorn shop.wsgi:application")
    (shop.root / "shop").mkdir()
    (shop.root / "shop/__init__.py").write_text("")
    return shop


def files(folder):
    return sorted(str(path) for path in folder.rglob("*") if ".venv" not in path.parts)


def test_the_code_is_imported_in_the_environment_of_its_process(shop):
    shop.add('[env]\nCACHE = "redis://:s3cret@localhost:6380/${project.name}"')
    (shop.root / "shop/wsgi.py").write_text(
        'import os\nimport shelf\nREDIS_URL = os.environ["CACHE"]\nprint(REDIS_URL)\n'
    )
    assert shop.up() == ""
    before = files(shop.root)

    report = doctor(shop.context(), ["settings"], reach=Reach(probes=True))

    assert before == files(shop.root)
    assert [] == list((shop.state).glob("devboot-scratch-*"))
    (answer,) = [outcome.answer for area in report.areas for outcome in area.outcomes]
    assert ("localhost:6380 (shop/wsgi.py:3)",) == answer.details
    assert "s3cret" not in repr(report)


def test_doctor_runs_no_code_without_the_flag_or_for_other_checks(shop):
    (shop.root / "shop/wsgi.py").write_text(f"open({str(shop.folder / 'ran')!r}, 'w')\n")
    assert shop.up() == ""

    shop.report()
    doctor(shop.context(), ["ports"], reach=Reach(probes=True))
    assert not (shop.folder / "ran").exists()
    doctor(shop.context(), ["settings"], reach=Reach(probes=True))
    assert (shop.folder / "ran").exists()


def test_at_the_limit_the_whole_group_ends_and_what_was_seen_counts(shop):
    pid = shop.folder / "pid"
    (shop.root / "shop/wsgi.py").write_text(
        "import os, socket, subprocess\n"
        "try:\n    socket.create_connection(('127.0.0.1', 6380))\nexcept OSError:\n    pass\n"
        f"child = subprocess.Popen(['sleep', '600'])\nopen({str(pid)!r}, 'w').write(str(child.pid))\n"
        "while True:\n    try:\n        import time; time.sleep(600)\n    except BaseException:\n        pass\n"
    )
    assert shop.up() == ""

    for limit in AS_LONG_AS_NEEDED:
        found = probe(examine(shop.context()), limit=limit)
        if pid.exists() and pid.read_text():
            break

    assert [f"shop.wsgi could not be imported within {limit:.0f} s"] == [
        each.name for each in found if each.kind == FAILED
    ]
    assert ["connect"] == [each.kind for each in found if each.name == "127.0.0.1:6380"]
    child = int(pid.read_text())
    wait_until(lambda: (seen := proctable.look(child)) is None or seen.state == "Z")


def test_a_project_that_was_never_prepared_has_to_be_prepared_first(shop):
    (found,) = probe(examine(shop.context()))
    assert (FAILED, "`devboot sync` has to prepare the project first") == (found.kind, found.name)


def test_an_import_that_fails_is_named_with_the_settings_that_it_has_reached(shop):
    (shop.root / "shop/wsgi.py").write_text('REDIS_URL = "redis://localhost:6380"\nimport nothing\n')
    assert shop.up() == ""

    found = {each.kind: (each.name, each.place) for each in probe(examine(shop.context()))}

    assert ("redis://localhost:6380", "shop/wsgi.py:1") == found[SETTING]
    assert ("the import of shop.wsgi ended with ModuleNotFoundError", "shop/wsgi.py:2") == found[FAILED]


def test_a_variable_that_the_code_needs_is_found_where_nothing_declares_it(shop):
    shop.edit("gunicorn shop.wsgi:application", "flask --app shop run -p $PORT")
    (shop.root / "requirements.txt").write_text("flask\n")
    (shop.root / "shop/__init__.py").write_text(
        'import os\nfrom flask import Flask\napp = Flask(__name__)\nAPI_TOKEN = os.environ["ACME_API_KEY"]\n'
    )

    report = doctor(shop.context(), ["settings"], reach=Reach(probes=True))

    assert ["variables without a value: ACME_API_KEY (shop/__init__.py:4)"] == [
        each.what for _, each in report.findings
    ]
    (shop.root / ".env").write_text("ACME_API_KEY=1\n")
    assert () == doctor(shop.context(), ["settings"], reach=Reach(probes=True)).findings


@pytest.mark.parametrize(
    ("command", "entries"),
    [
        ("gunicorn -b 127.0.0.1:$PORT shop.wsgi:application", ["shop.wsgi"]),
        ("exec uvicorn main:app --port $PORT", ["main"]),
        ("DEBUG=1 uvicorn 'main:create_app()' --factory", ["main"]),
        ("python -m uvicorn api.main:app", ["api.main"]),
        ("flask --app shop run", ["shop"]),
        ("flask run", ["app.py"]),
        ("celery -A shop worker -l info", ["shop"]),
        ("celery --app=shop.celery:app beat", ["shop.celery"]),
        ("./manage.py runserver", ["manage.py"]),
        ("python manage.py qcluster", ["manage.py"]),
        ("django-admin runserver", ["manage.py"]),
        ("fastapi dev main.py", ["main.py"]),
        ("streamlit run pages/home.py", ["pages/home.py"]),
        ("python -u bot.py", ["bot.py"]),
        ("python3 -m bot", ["bot"]),
        ("npm run dev", []),
        ("node server.js", []),
        ("unclosed 'quote", []),
        ("", []),
    ],
)
def test_the_command_of_a_process_shows_what_it_imports(command, entries, tmp_path):
    (tmp_path / "app.py").write_text("")
    spec = ProcessSpec("web", "process", str(tmp_path), command=command)
    assert entries == list(entries_of(spec, {"PATH": os.defpath}))


def test_a_variable_names_the_application_of_flask(tmp_path):
    spec = ProcessSpec("web", "process", str(tmp_path), command="flask run")
    assert ["shop"] == list(entries_of(spec, {"FLASK_APP": "shop:create_app"}))
