"""Programs that read PORT by themselves."""

import os

import pytest

from devboot.app.preparation.project.recorded_reads import RecordedReads
from devboot.environment.ports.guess import reads_port, settings_digest, shell_script
from devboot.snapshot import are_current

FILES = {
    "server.py": "import os\nserve(port=os.environ.get('PORT', 3000))\n",
    "worker.py": "import os\nprint(os.environ['EXPORT'])\n",
    "server.js": "const port = process.env.PORT || 3000\n",
    "api/index.js": "listen(process.env['PORT'])\n",
    "app.rb": "set :port, ENV.fetch('PORT', 4567)\n",
    "etc/uwsgi.ini": "[uwsgi]\nhttp-socket = :$(PORT)\n",
    "fixed.ini": "[uwsgi]\nhttp-socket = :8000\n",
    "package.json": '{"scripts": {"start": "node server.js", "dev": "nodemon api", "odd": 1}}',
}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python server.py", True),
        ("python3 -u server.py --fast", True),
        ("DEBUG=1 exec python server.py", True),
        ("node server.js", True),
        ("node server", True),
        ("npm start", True),
        ("yarn dev", True),
        ("ruby app.rb", True),
        ("uwsgi ./etc/uwsgi.ini", True),
        ("A=1 exec .venv/bin/uwsgi --master --ini=etc/uwsgi.ini --need-app", True),
        ("uwsgi fixed.ini", False),
        ("uwsgi missing.yaml", False),
        ("python worker.py", False),
        ("python -m http.server", False),
        ("npm run odd", False),
        ("npm run none", False),
        ("python missing.py", False),
        ("celery -A shop worker", False),
    ],
)
def test_a_script_that_reads_its_port_is_seen(tmp_path, command, expected):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert reads_port(str(tmp_path), command) is expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("bash start.sh", "serve"),
        ("bash -ex ./start.sh --fast", "serve"),
        ("A=1 exec /bin/sh start.sh", "serve"),
        ("./start.sh", "serve"),
        ("bin/start", "serve"),
        ("bin/program", ""),
        ("start.sh", "serve"),
        ("start", ""),
        ("bash -c 'serve'", ""),
        ("bash missing.sh", ""),
        ("python start.sh", ""),
    ],
)
def test_the_shell_script_of_a_command_is_read(tmp_path, command, expected):
    (tmp_path / "bin").mkdir()
    (tmp_path / "start.sh").write_text("# not gunicorn\nserve\n")
    (tmp_path / "start").write_text("serve\n")
    (tmp_path / "bin" / "start").write_text("#!/usr/bin/env bash\nserve\n")
    (tmp_path / "bin" / "program").write_text("#!/usr/bin/python3\nserve()\n")
    assert shell_script(str(tmp_path), command) == expected


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("bash bin/start.sh --fast", ["bin/start.sh"]),
        ("exec ./serve.sh", ["./serve.sh"]),
        ("uwsgi --ini etc/uwsgi.ini", ["etc/uwsgi.ini"]),
        ("npm start", ["package.json"]),
    ],
)
@pytest.mark.parametrize("change", ["appears", "is edited"])
def test_an_edit_of_a_script_of_the_shell_or_of_settings_is_noted(tmp_path, command, files, change):
    path = tmp_path / files[0]
    if change == "is edited":
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    with RecordedReads() as watched:
        settings_digest(str(tmp_path), command)
    assert are_current(watched.stamps)

    path.parent.mkdir(exist_ok=True)
    path.write_text("# edited")

    assert not are_current(watched.stamps)


def test_a_program_is_noted_until_it_is_there_but_not_its_edits(tmp_path):
    def ask():
        with RecordedReads() as watched:
            reads_port(str(tmp_path), "python server.py")
        return watched.stamps

    absent = ask()
    (tmp_path / "server.py").touch()
    present = ask()
    (tmp_path / "server.py").write_text("edited")

    assert (are_current(absent), are_current(present)) == (False, True)


def test_the_digest_changes_with_what_the_script_does_and_not_with_its_comments(tmp_path):
    script = tmp_path / "start.sh"
    digests = []
    for text in ("exec sleep 1\n", "# why\nexec sleep 1\n", "exec sleep 2\n"):
        script.write_text(text)
        digests.append(settings_digest(str(tmp_path), "sh start.sh"))

    assert digests[0] == digests[1] != digests[2]
    assert "" == settings_digest(str(tmp_path), "sleep 1")


def test_a_pipe_in_place_of_a_script_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "start.sh")

    assert settings_digest(str(tmp_path), "sh start.sh") == ""
