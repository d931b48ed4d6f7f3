"""A start of a clone without a manifest: what its programs ask for, in the project's own virtualenv."""

import re
import subprocess
import textwrap

import pytest

from tests.e2e.conftest import fetch
from tests.fakes.ports import free_ports
from tests.fakes.wheels import write_wheel

PAGE = """
import http.server
import os
import sys


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"shop")


def serve(port):
    http.server.ThreadingHTTPServer(("0.0.0.0", port), Page).serve_forever()
"""
PACKAGE = """
import os

with open(os.path.join(os.path.dirname(__file__), ".env")) as file:
    for line in file:
        name, _, value = line.strip().partition("=")
        os.environ.setdefault(name, value)
"""
# Written in hexadecimal, so that nobody who reads the code knows the name, SMTP_HOST
MAIL = """
import os

server = os.environ.get(bytes.fromhex("534d54505f484f5354").decode())
host = server.split(":")
"""


@pytest.fixture
def shop(machine, tmp_path):
    """Make a clone of these files, which needs a package."""

    def make(procfile, **files):
        folder = tmp_path / "plan/shop"
        folder.mkdir(parents=True)
        write_wheel(str(folder / "wheels"), "greeting", "1.0")
        (folder / "requirements.txt").write_text("--no-index\n--find-links ./wheels\ngreeting==1.0\n")
        (folder / "Procfile").write_text(f"{procfile}\n")
        for name, text in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text).lstrip("\n"))
        return machine(folder)

    return make


def files_of(here):
    return sorted(str(path.relative_to(here.root)) for path in here.root.rglob("*") if ".venv" not in path.parts)


def test_what_is_missing_is_named_with_its_line_and_the_command_works_when_pasted(shop):
    here = shop(
        "web: python app.py",
        **{
            "app.py": "import shop\nimport mail\nimport page\n\npage.serve(int(page.os.environ['PORT']))\n",
            "page.py": PAGE,
            "mail.py": MAIL,
            "shop__settings.txt": "",
        },
    )
    (here.root / "shop/__init__.py").write_text(PACKAGE.lstrip("\n"))
    (here.root / "shop/.env").write_text("GREETING=hello")
    before = files_of(here)

    failed = here.devboot("up", "-d", code=1, PYTHONDONTWRITEBYTECODE="1").stderr

    assert ": web read SMTP_HOST (mail.py:3), which has no value\n" in failed
    command = re.search(r"^help: (printf .*)$", failed, re.MULTILINE)[1]
    assert "printf '\\n%s\\n' 'SMTP_HOST=…' >> shop/.env" == command
    assert before == files_of(here)

    subprocess.run(["/bin/sh", "-c", command.replace("…", "mail:25")], cwd=here.root, check=True)
    assert "GREETING=hello\nSMTP_HOST=mail:25\n" == (here.root / "shop/.env").read_text()
    here.devboot("up", "-d")
    assert "shop" == fetch(here.url("web"))
    assert "bind\t0.0.0.0:" in (here.state / "observed/web").read_text()


def test_a_worker_of_asyncio_that_finds_no_server_ends_with_its_line(shop):
    port = free_ports(2)
    here = shop(
        "worker: python worker.py",
        **{
            "worker.py": f"""
            import asyncio


            async def main():
                await asyncio.open_connection("localhost", {port})


            asyncio.run(main())
            """
        },
    )

    failed = here.devboot("up", "-d", code=1).stderr

    assert f": worker connects to localhost:{port} (worker.py:5), where nothing listens\n" in failed


def test_a_page_that_ignores_the_port_that_it_is_given_is_shown_where_it_listens(shop):
    port = free_ports(2)
    here = shop(
        "web: python app.py --port $PORT",
        **{"app.py": f"import page\n\npage.serve({port})\n", "page.py": PAGE},
    )

    assert f"  web     http://127.0.0.1:{port}  200\n" in here.devboot("up", "-d").stderr


@pytest.mark.parametrize(("manifest", "switch"), [(False, "0"), (True, "1")])
def test_nothing_is_recorded_with_a_manifest_or_where_it_is_switched_off(manifest, switch, shop):
    here = shop(
        "web: python app.py",
        **{
            "app.py": "import os\nimport page\n\nos.getenv('SMTP_' + 'HOST')\npage.serve(int(os.environ['PORT']))\n",
            "page.py": PAGE.replace('b"shop"', 'os.environ.get("PYTHONPATH", "").encode()'),
        },
    )
    if manifest:
        here.devboot("init")

    here.devboot("up", "-d", DEVBOOT_OBSERVE=switch)

    assert "" == fetch(here.url("web"))
    assert not (here.state / "observed/web").exists()


@pytest.mark.network
def test_a_flask_application_that_reloads_itself_is_recorded_and_served(shop):
    here = shop(
        "web: flask run --debug --port $PORT",
        **{
            "app.py": """
            import os

            from flask import Flask

            app = Flask(__name__)
            mail = os.environ.get("SMTP_" + "HOST")


            @app.get("/")
            def index():
                return str(mail)
            """
        },
    )
    (here.root / "requirements.txt").write_text("flask\n")

    said = here.devboot("up", "-d").stderr

    assert re.search(r"^  web     http://127\.0\.0\.1:\d+  200$", said, re.MULTILINE)
    assert "None" == fetch(here.url("web"))
    assert "variables without a value: SMTP_HOST (app.py:6)\n" in here.devboot("doctor", "observed").stdout
    assert "unset\tSMTP_HOST\tnone\tapp.py:6\n" in (here.state / "observed/web").read_text()
    assert "at the latest start: variables without a value: SMTP_HOST (app.py:6)" in here.devboot("init").stderr
