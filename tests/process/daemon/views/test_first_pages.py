"""What the end of `up` says of pages: the address that listens, and what it answers."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path

import pytest

from devboot.model.process import Probe
from tests.fakes.ports import free_ports

CERTIFICATE = Path(__file__).parents[3] / "fakes" / "certificates" / "expired.pem"
SERVER = """
import http.server, sys, time

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("asked", "a") as file:
            print(self.headers["Host"], self.path, file=file)
        {answer}

    def page(self, status, headers=(), reason=None):
        self.send_response(status, reason)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer(("{host}", int(sys.argv[1])), Page).serve_forever()
"""


@pytest.fixture
def port():
    """A port on which nobody listens."""
    return free_ports()


@pytest.fixture
def web(project, port):
    """Add a process `web` whose page is answered by a statement; it isn't told where it listens unless `told`."""

    def add(answer, *, told=True, host="127.0.0.1", **more):
        with open(f"{project.root}/web.py", "w") as file:
            file.write(SERVER.format(answer=answer, host=host))
        options = {"ready": Probe("listen", port=port), "gates": True, "scheme": "http"} if told else {}
        if told:
            options |= {"port": port, "address": f"127.0.0.1:{port}"}
        return project.spec("web", f"exec {sys.executable} web.py {port}", **{**options, **more}).write()

    yield add
    project.devboot("down", code=None)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("self.page(200)", "200"),
        ("self.page(302, [('Location', '/login/')])", "302 → /login/"),
        ("self.page(404)", "404, as an API may"),
        ("self.page(401)", "401, it wants a login"),
        ("self.page(418, reason='short and stout')", "418 short and stout"),
        ("self.wfile.write(b'SSH-2.0-toy\\r\\n')", "no HTTP answer"),
    ],
)
def test_what_the_first_page_answers_stands_beside_its_address(web, project, port, answer, text):
    web(answer)

    said = project.devboot("up", "-d").stderr

    assert f"  web     http://127.0.0.1:{port}  {text}\n" in said


def test_a_page_for_people_is_shown_before_an_api(project, port):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        other = probe.getsockname()[1]
    answers = {"web": "self.page(404)", "pages": "self.page(200, [('Content-Type', 'text/html; charset=utf-8')])"}
    for (name, answer), number in zip(answers.items(), (port, other), strict=True):
        with open(f"{project.root}/{name}.py", "w") as file:
            file.write(SERVER.format(answer=answer, host="127.0.0.1"))
        told = {"ready": Probe("listen", port=number), "gates": True, "scheme": "http", "port": number}
        command = f"exec {sys.executable} {name}.py {number}"
        project.spec(name, command, **told, address=f"localhost:{number}").write()

    said = project.devboot("up", "-d").stderr
    project.devboot("down")

    shown = [line.split()[:2] for line in said.splitlines() if "http://" in line]
    assert shown == [["pages", f"http://localhost:{other}"], ["web", f"http://localhost:{port}"]]


def test_a_page_is_asked_once_for_each_report_by_its_address(web, project):
    web("self.page(200)")
    project.devboot("up", "-d")

    with open(f"{project.root}/asked") as file:
        assert file.read() == "127.0.0.1 /\n"
    assert "  200\n" in project.devboot("up", "-d").stderr
    with open(f"{project.root}/asked") as file:
        assert file.read() == "127.0.0.1 /\n" * 2


def test_a_page_that_an_edit_has_broken_since_the_start_fails_the_next_up(web, project):
    web("import os; self.page(500 if os.path.exists('broken') else 200)")
    project.devboot("up", "-d")
    Path(project.root, "broken").touch()

    said = project.devboot("up", "-d", code=1).stderr

    assert said.startswith("error[process/error-page]: web answers 500 Internal Server Error\n")
    assert "nothing changed" not in said


@pytest.mark.parametrize(
    ("admitted", "text"),
    [("localhost", "400, but 200 at http://localhost:{port}"), ("shop.example", "400 Bad Request")],
)
def test_a_page_that_refuses_its_address_is_asked_by_the_name_localhost(web, project, port, admitted, text):
    web(f"self.page(200 if self.headers['Host'] == '{admitted}' else 400)")

    said = project.devboot("up", "-d").stderr

    assert f"http://127.0.0.1:{port}  {text.format(port=port)}\n" in said
    with open(f"{project.root}/asked") as file:
        assert ["127.0.0.1 /\n", "localhost /\n"] == file.readlines()


def test_a_page_that_is_an_error_fails_the_start_with_its_reason_and_everything_stays_up(web, project, port):
    trace = 'Traceback (most recent call last):\\n  File "shop.py"\\nLookupError: no such table: cart'
    web(f"print({trace!r}, flush=True); self.page(500)".replace("\\\\", "\\"))
    project.spec("worker").write()

    said = project.devboot("up", "-d", code=1).stderr

    assert said.startswith(
        "error[process/error-page]: web answers 500 Internal Server Error: LookupError: no such table: cart\n"
        f"  http://127.0.0.1:{port}\n"
    )
    assert "| LookupError: no such table: cart\n" in said
    assert "is up" not in said
    assert re.search(r"^web +\S* ?ready", project.devboot("ps").stdout, re.MULTILINE)


def test_a_web_that_closes_each_connection_is_not_called_up(web, project, port):
    web("print('no folder for logs', flush=True); self.connection.close()")

    said = project.devboot("up", "-d", code=1).stderr

    assert said.startswith(
        f"error[process/error-page]: web closes the connection without an answer\n  http://127.0.0.1:{port}\n"
    )
    assert "| no folder for logs\n" in said
    assert "is up" not in said


def test_another_process_that_closes_each_connection_is_up(web, project, port):
    web("self.connection.close()")
    project.specs[0] = project.specs[0]._replace(name="feed")
    project.write()

    assert f"http://127.0.0.1:{port}  closes the connection without an answer\n" in project.devboot("up", "-d").stderr


def test_a_server_that_talks_tls_alone_is_asked_over_https(web, project, port):
    web("self.page(200)")
    with open(f"{project.root}/web.py") as file:
        code = file.read()
    secure = f"""import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain({str(CERTIFICATE)!r})

class Secure(http.server.ThreadingHTTPServer):
    def get_request(self):
        connection, address = super().get_request()
        first = connection.recv(1, 2)  # MSG_PEEK
        if first != b"\\x16":
            connection.close()
        return (context.wrap_socket(connection, server_side=True), address)

Secure("""
    with open(f"{project.root}/web.py", "w") as file:
        file.write(code.replace("http.server.ThreadingHTTPServer(", secure))

    assert f"http://127.0.0.1:{port}  200, over https\n" in project.devboot("up", "-d").stderr


def test_a_page_that_was_an_error_is_asked_again_by_the_next_up(web, project):
    web("self.page(500 if len(open('asked').readlines()) == 1 else 200)")
    project.devboot("up", "-d", code=1)

    assert "  200\n" in project.devboot("up", "-d").stderr


def test_where_a_probe_of_the_manifest_decides_the_page_only_informs(web, project, port):
    web("self.page(500 if self.path == '/' else 200)", ready=Probe("http", port=port, path="/health"))

    assert f"http://127.0.0.1:{port}  500 Internal Server Error\n" in project.devboot("up", "-d").stderr


def test_a_server_that_listens_elsewhere_than_it_was_told_to_is_shown_and_asked_there(web, project, port):
    told = port + 1 if port < 65535 else port - 1
    web("self.page(200)", host="0.0.0.0", ready=Probe("listen", port=told), port=told, address=f"127.0.0.1:{told}")

    assert f"  web     http://127.0.0.1:{port}  200\n" in project.devboot("up", "-d").stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_server_that_nobody_told_where_to_listen_is_shown_where_it_does(web, project, port, host):
    web("self.page(200)", told=False, host=host)

    assert f"  web     http://127.0.0.1:{port}  200\n" in project.devboot("up", "-d").stderr
    assert f"127.0.0.1:{port}" in project.devboot("ps").stdout


def test_a_server_that_takes_any_port_is_up_once_it_listens(web, project, port):
    web("self.page(200)", told=False, ready=Probe("listen"), gates=True, scheme="http", port=port + 1)

    assert f"  web     http://127.0.0.1:{port}  200\n" in project.devboot("up", "-d").stderr


def test_a_worker_that_listens_for_something_else_than_pages_has_an_address_and_no_answer(web, project, port):
    code = (
        f"import socket,time; s = socket.create_server(('127.0.0.1', {port}));"
        " c = s.accept()[0]; c.send(b'*0'); c.close(); time.sleep(99)"
    )
    project.spec("worker", f'exec {sys.executable} -c "{code}"').write()

    assert f"  worker  127.0.0.1:{port}  no HTTP answer\n" in project.devboot("up", "-d").stderr
    project.devboot("down")


def test_a_page_that_does_not_answer_holds_the_start_up_for_a_moment_only(web, project, port):
    web("time.sleep(99)")

    assert f"http://127.0.0.1:{port}  no answer in time\n" in project.devboot("up", "-d").stderr


@pytest.mark.parametrize("kind", ["ThreadingHTTPServer", "HTTPServer"])
def test_a_page_that_is_worked_on_is_asked_once_and_waited_for(web, project, port, kind):
    """Development servers compile what is asked for first: seconds of work, however long these take."""
    web("end = time.process_time() + 4.0; list(iter(lambda: time.process_time() < end, False)); self.page(200)")
    path = f"{project.root}/web.py"
    with open(path) as file:
        code = file.read().replace("ThreadingHTTPServer", kind)
    with open(path, "w") as file:
        file.write(code)

    assert f"  web     http://127.0.0.1:{port}  200\n" in project.devboot("up", "-d", timeout=90).stderr
    with open(f"{project.root}/asked") as file:
        assert file.read() == "127.0.0.1 /\n"


def test_a_server_that_ends_while_it_is_asked_is_not_called_up(web, project):
    web("__import__('os')._exit(3)", max_restarts=1)

    said = project.devboot("up", "-d", code=1).stderr

    assert "error[process/crash-loop]: web exited " in said


def test_what_is_said_of_a_hostile_page_is_printable(web, project):
    web("self.page(302, [('Location', '/\\x1b]52;c;aGk=\\x07' + 'x' * 200)])")

    said = project.devboot("up", "-d").stderr

    assert "\x1b" not in said
    assert "302 → /" in said


def test_a_web_that_listens_on_nothing_is_said_to(web, project):
    web("self.page(200)", told=False)
    project.specs[0] = project.specs[0]._replace(command="exec sleep 1000")
    project.write()

    assert "  web     listens on no port\n" in project.devboot("up", "-d").stderr


def test_what_a_stranger_answers_on_the_same_port_is_not_taken_for_the_page(web, project, port):
    web("self.page(200)", ready=None, gates=False)
    project.specs[0] = project.specs[0]._replace(command="exec sleep 1000")
    project.write()
    with socket.create_server(("127.0.0.1", port)):
        said = project.devboot("up", "-d").stderr

    assert f"  web     http://127.0.0.1:{port}  nothing listens there\n" in said


def test_a_server_that_a_process_connects_to_in_vain_is_noted_below_the_addresses(web, project, port):
    record, gone = f"{project.state}/observed/web", port + 1 if port < 65535 else port - 1
    os.makedirs(os.path.dirname(record))
    web("self.page(200)", observed=("", record))
    with open(f"{project.root}/web.py", "r+") as file:
        code = file.read()
        file.seek(0)
        fact = f"connect\tlocalhost:{gone}\t\tcart.py:8\n"
        file.write(f"open({record!r}, 'w').write({fact!r})\n{code}")

    said = project.devboot("up", "-d").stderr

    assert f"  note    web connects to localhost:{gone} (cart.py:8), where nothing listens\n" in said
