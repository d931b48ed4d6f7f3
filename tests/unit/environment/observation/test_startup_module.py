"""What runs first in Python programs of the virtualenv, and in these alone: names of containers lead here."""

import os
import socket
import subprocess
import sys
import venv

import pytest

from devboot.environment.observation.startup_module import HOSTS, as_variable, write_startup

LOOK_UP = """
import socket
def found(look_up):
    try:
        return look_up()
    except OSError:
        return None
"""
OF_NAME = {
    "getaddrinfo": "socket.getaddrinfo({host!r}, 80, type=socket.SOCK_STREAM)[0][4][0]",
    "getaddrinfo of bytes": "socket.getaddrinfo({host!r}.encode(), 80)[0][4][0]",
    "getaddrinfo by keywords": "socket.getaddrinfo(host={host!r}, port=80)[0][4][0]",
    "gethostbyname": "socket.gethostbyname({host!r})",
    "gethostbyname_ex": "socket.gethostbyname_ex({host!r})[2][0]",
}


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a virtualenv without packages."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    return folder


def run(code, place, state, *more, interpreter=None, hosts=("db", "redis-main")):
    folder = write_startup(str(state), str(place), str(state))
    environ = {"PATH": os.defpath, HOSTS: as_variable(hosts), "PYTHONPATH": os.pathsep.join([folder, *map(str, more)])}
    done = subprocess.run(
        [interpreter or str(place / "bin" / "python"), "-c", code],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("call", OF_NAME)
@pytest.mark.parametrize("host", ["db", "DB", "db.", "redis-main"])
def test_a_name_of_the_list_is_this_machine(call, host, python, tmp_path):
    code = f"{LOOK_UP}print(found(lambda: {OF_NAME[call].format(host=host)}))"

    assert run(code, python, tmp_path) == "127.0.0.1"


@pytest.mark.parametrize("host", ["dbx", "db.example.invalid", "xdb"])
def test_other_names_are_looked_up_as_ever(host, python, tmp_path):
    code = f"{LOOK_UP}print(found(lambda: socket.gethostbyname({host!r})))"

    assert run(code, python, tmp_path) != "127.0.0.1"


def test_a_client_connects_to_a_server_of_this_machine_under_the_name(python, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; print(socket.create_connection(('db', {port}), timeout=60).getpeername())"

        assert run(code, python, tmp_path) == str(("127.0.0.1", port))


def test_a_loop_of_asyncio_connects_under_the_name(python, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = (
            "import asyncio\nasync def main():\n"
            f"    _, writer = await asyncio.open_connection('db', {port})\n"
            "    print(writer.get_extra_info('peername'))\n    writer.close()\nasyncio.run(main())\n"
        )

        assert run(code, python, tmp_path) == str(("127.0.0.1", port))


def test_uvloop_is_given_the_address_since_it_looks_up_names_by_itself(python, tmp_path):
    loop = (
        "class Loop:\n"
        "    def create_connection(self, protocol_factory, host=None, port=None, **more):\n"
        "        return host, port, more\n"
        "    def getaddrinfo(self, host, port):\n        return host\n"
    )
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "uvloop.py").write_text(loop)
    code = (
        "import uvloop; loop = uvloop.Loop()\n"
        "print(loop.create_connection(None, 'db', 1), loop.create_connection(None, 'other', port=2, ssl=True), "
        "loop.create_connection(None, host='db', ssl=True), loop.getaddrinfo('db', 3))"
    )

    told = ("127.0.0.1", 1, {}), ("other", 2, {"ssl": True, "server_hostname": "other"})
    safe = ("127.0.0.1", None, {"ssl": True, "server_hostname": "db"})
    assert run(code, python, tmp_path, tmp_path / "lib") == f"{told[0]} {told[1]} {safe} 127.0.0.1"


def test_another_python_is_left_alone(python, tmp_path):
    code = f"{LOOK_UP}print(socket.getaddrinfo.__module__, __import__('_socket').getaddrinfo.__name__)"

    assert run(code, python, tmp_path, interpreter=sys.executable) == "socket getaddrinfo"


def test_a_sitecustomize_of_the_project_still_runs(python, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sitecustomize.py").write_text("print('own', __name__)\n")

    assert run("import sitecustomize; print(sitecustomize.__file__)", python, tmp_path, tmp_path / "lib") == (
        f"own sitecustomize\n{tmp_path / 'lib' / 'sitecustomize.py'}"
    )


def test_the_module_can_be_read_by_old_interpreters(tmp_path):
    import ast

    folder = write_startup(str(tmp_path), "/project/.venv", "/project")
    with open(os.path.join(folder, "sitecustomize.py"), encoding="utf-8") as file:
        ast.parse(file.read(), feature_version=(3, 5))
