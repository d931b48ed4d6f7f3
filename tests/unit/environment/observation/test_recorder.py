"""What is recorded of a Python program that starts: its own lines, names without values, and nothing that breaks it."""

import ast
import os
import socket
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import pytest

from devboot.environment.observation import recorder
from devboot.environment.observation.startup_module import HOSTS, write_startup
from devboot.model.observation import RECORD, read_observations


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A virtualenv without packages, beside the project."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    return folder


class Project:
    """A project of one file whose programs are recorded."""

    def __init__(self, root, state, place):
        self.root = root
        self.place = place
        self.record = state / "web"
        self.modules = write_startup(str(state), str(place), str(root))
        self.environ = {"PATH": os.defpath, RECORD: str(self.record), "PYTHONPATH": self.modules, "SECRET": "s3cr3t"}

    def add(self, name, code):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(code).lstrip("\n"))
        return path

    def start(self, *words, **environ):
        python = str(self.place / "bin" / "python")
        words = words or ("app.py",)
        return subprocess.run(
            [python, *words],
            cwd=self.root,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, code, *words, **environ):
        """What a program of this code records, each fact in one string; it has to end well and silently."""
        self.add("app.py", code)
        done = self.start(*words, **environ)
        assert (done.stderr, done.returncode) == ("", 0)
        return self.facts()

    def facts(self):
        return [" ".join(filter(None, fact)) for fact in read_observations(str(self.record))]

    def library(self, name, code):
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.add(self.place / "lib" / version / "site-packages" / name, code)


@pytest.fixture
def project(tmp_path, place):
    (tmp_path / "clone").mkdir()
    return Project(tmp_path / "clone", tmp_path / "state", place)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("os.environ.get('MAIL')", "unset MAIL none app.py:3"),
        ("os.environ.get('MAIL', '')", "unset MAIL none app.py:3"),
        ("os.environ.get('MAIL', 'localhost')", "unset MAIL default app.py:3"),
        ("os.getenv('MAIL')", "unset MAIL none app.py:3"),
        ("os.getenv('MAIL', 8)", "unset MAIL default app.py:3"),
        ("getenv('MAIL')", "unset MAIL none app.py:3"),
        ("'MAIL' in environ", "unset MAIL tested app.py:3"),
        ("environ.pop('MAIL', None)", "unset MAIL default app.py:3"),
        ("os.environb.get(b'MAIL')", "unset MAIL none app.py:3"),
    ],
)
def test_a_variable_that_is_not_there_is_recorded_with_the_line_that_asks(line, expected, project):
    assert [expected] == project.run(f"import os\nfrom os import environ, getenv\n{line}\n")


def test_a_variable_without_which_a_program_ends_leaves_the_traceback_as_it_is(project):
    project.add("app.py", "import os\nos.environ['MAIL']\n")
    recorded = project.start()
    plain = project.start(PYTHONPATH="")

    assert recorded.stderr == plain.stderr
    assert "KeyError: 'MAIL'" in recorded.stderr
    assert ["unset MAIL required app.py:2"] == project.facts()


def test_variables_that_are_there_or_get_a_value_are_not_recorded_and_no_value_ever(project):
    facts = project.run(
        """
        import os
        os.environ.setdefault("A", "1"), os.environ["A"], os.environ["SECRET"], os.environ.get("SECRET")
        os.environ["B"] = "2"
        assert os.environ.get("B") == "2" and dict(os.environ)["B"] == "2"
        assert {**os.environ}["SECRET"] == os.environ.copy()["SECRET"] == "s3cr3t"
        os.environ.get("MISSING", os.environ["SECRET"])
        del os.environ["B"]
        """
    )

    assert ["unset MISSING default app.py:6"] == facts
    assert "s3cr3t" not in project.record.read_text()


@pytest.mark.faults(220)
@pytest.mark.parametrize(
    ("value", "line"),
    [
        ('{"type": "account", "key": "s3cr3t"}', "open(value)"),
        ("MIIEvQs3cr3t/AAAA", "open(value)"),
        ("/9j/s3cr3t/AAAA", "open(value)"),
        ("-----BEGIN KEY-----\\ns3cr3t", "open(value)"),
        ("eyJhbGciOi.eyJzdWIi.s3cr3tsignature", "open(value)"),
        ("postgres://shop:s3cr3t@db/shop", "open(value)"),
        ("postgres://shop:s3cr3t@db/shop", "open('./' + value)"),
        ("s3cr3t@db", "socket.getaddrinfo(value, 5432)"),
        ("shop:s3cr3t@db", "socket.getaddrinfo(value, 5432)"),
    ],
)
def test_a_value_that_is_taken_for_the_name_of_a_file_or_host_is_not_recorded(value, line, project):
    code = f"import os, socket\nvalue = os.environ['KEY']\ntry:\n    {line}\nexcept OSError:\n    pass\n"

    assert project.run(f"{code}os.environ.get('END')\n", KEY=value) == ["unset END none app.py:7"]


@pytest.mark.parametrize(
    "line",
    [
        "os.environ.get(value)",
        "open('x' + value + '.json')",
        "open('x' + value + '/secret.json')",
        "open('there/../' + value + '/.env')",
        "open('/none/' + value)",
        "socket.getaddrinfo(value + '.example.test', 5432)",
        "socket.create_connection((value + '-db.example.test', 5432))",
        "socket.socket(socket.AF_UNIX).connect('/tmp/none/' + value)",
    ],
)
def test_a_name_that_contains_a_value_is_not_recorded(line, project):
    code = f"import os, socket\nvalue = os.environ['KEY']\ntry:\n    {line}\nexcept OSError:\n    pass\n"

    assert project.run(f"{code}os.environ.get('END')\n", KEY="hunter2") == ["unset END none app.py:7"]
    assert "hunter2" not in project.record.read_text()


def test_usual_values_folders_that_are_there_and_whole_hosts_hide_nothing(project):
    (project.root / "shop").mkdir()
    code = """
    import os, socket
    for path in ("conf/production.json", "shop/mail.json"):
        try: open(path)
        except OSError: pass
    socket.socket().connect_ex(("127.0.0.1", 9))
    """
    values = {"HOME": str(project.root), "ENV": "production", "APP": "shop", "HOST": "127.0.0.1", "PORT": "9000"}

    assert project.run(code, **values) == [
        "no-file conf/production.json app.py:3",
        "no-file shop/mail.json app.py:3",
        "connect 127.0.0.1:9 app.py:5",
    ]


@pytest.mark.parametrize("path", ["etc/shop (new).yaml", ".env.local", "/usr/none/shop-key"])
def test_a_path_in_a_variable_is_recorded_where_no_file_is_there(path, project):
    code = "import os\ntry:\n    open(os.environ['CONFIG'])\nexcept OSError:\n    pass\n"

    assert project.run(code, CONFIG=path) == [f"no-file {path} app.py:3"]


@pytest.mark.faults(221)
@pytest.mark.parametrize("copied", ["os.environ", "os.environb", "{'env': os.environ}", "os.environ.copy()"])
@pytest.mark.parametrize("environ", [{}, {"EMPTY": ""}])
def test_the_environment_can_be_copied_whole(copied, environ, project):
    code = f"import copy, os\nassert copy.deepcopy({copied}) == {copied}\nos.environ.get('MAIL')\n"

    assert project.run(code, **environ) == ["unset MAIL none app.py:3"]


@pytest.mark.faults(222)
@pytest.mark.parametrize("call", ["open('none')", "os.environ.get('NONE')", "sock.connect(('127.0.0.1', 1))"])
def test_what_a_signal_handler_raises_while_something_is_recorded_reaches_the_program(call, project):
    project.run(
        f"""
        import os, signal, socket
        sock = socket.socket()
        class Limit(Exception):
            pass
        def end(*_):
            raise Limit
        signal.signal(signal.SIGUSR1, end)
        import _devboot_recorder
        def write(*_, original=_devboot_recorder._plain):
            os.kill(os.getpid(), signal.SIGUSR1)
            return original(*_)
        _devboot_recorder._plain = write
        try:
            {call}
        except Limit:
            os._exit(0)
        except (OSError, KeyError):
            pass
        raise SystemExit("the program never got it")
        """
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("os.environ.get('EMPTY', 'x') and 0", ["unset EMPTY none app.py:2"]),
        ("os.getenv('EMPTY'), os.getenv('MAIL')", ["unset EMPTY none app.py:2", "unset MAIL none app.py:2"]),
        ("{**os.environ}, dict(os.environ.items()), list(os.environ.values()), 'EMPTY' in os.environ", []),
        ("os.environ.setdefault('EMPTY', '1'), os.environ.copy()", []),
    ],
)
def test_a_variable_without_a_value_is_recorded_where_it_is_asked_for_by_name(line, expected, project):
    assert expected == project.run(f"import os\n{line}\n", EMPTY="")


def test_what_libraries_ask_for_is_not_recorded_but_what_they_are_told_to_ask_for(project):
    project.library(
        "chatty.py", "import os\nos.environ.get('CHATTY_DEBUG')\ndef ask(name): return os.environ.get(name)\n"
    )
    ask = "import os\ndef config(name): return os.environ.get(name), os.environ.get('PYTHON_DOTENV_DISABLED')\n"
    project.library("decouple.py", ask)

    facts = project.run("import chatty, decouple, logging\nchatty.ask('X')\ndecouple.config('MAIL')\n")

    assert ["unset MAIL asked app.py:3"] == facts


def test_a_fact_is_recorded_once_and_only_so_many_of_them(project):
    facts = project.run("import os\nfor at in range(500):\n    os.environ.get(f'V{at}'); os.environ.get('SAME')\n")

    assert recorder.MOST == len(facts) == len(set(facts))


def test_the_file_does_not_grow_without_end(project):
    project.record.write_bytes(b"x" * recorder.LARGEST)

    project.run("import os\nos.environ.get('MAIL')\n")

    assert recorder.LARGEST == project.record.stat().st_size


@pytest.mark.parametrize("call", ["open('lost/{}.json')", "pathlib.Path('lost', '{}.json').read_text()"])
def test_a_file_that_is_not_there_is_recorded_and_files_that_are_or_are_made_are_not(call, project):
    (project.root / "here.json").touch()
    name = call.format("settings")

    facts = project.run(
        f"""
        import os, pathlib
        open("here.json").close(); open("made.json", "w").close()
        try:
            {name}
        except FileNotFoundError:
            pass
        """
    )

    assert ["no-file lost/settings.json app.py:4"] == facts


def test_a_file_outside_of_the_project_is_recorded_where_its_own_code_opens_it(project):
    project.library(
        "probing.py", "def probe():\n    try:\n        open('/nowhere/library.conf')\n    except OSError: pass\n"
    )

    facts = project.run("import probing\nprobing.probe()\ntry:\n    open('/code/data.csv')\nexcept OSError: pass\n")

    assert ["no-file /code/data.csv app.py:4"] == facts


def test_the_env_file_that_is_read_is_recorded(project):
    project.add("shop/.env", "A=1\n")
    project.add("shop/__init__.py", "import os\nopen(os.path.join(os.path.dirname(__file__), '.env')).close()\n")

    assert ["file shop/.env shop/__init__.py:2"] == project.run("import shop\n")


def test_connections_are_recorded_by_the_name_that_was_looked_up(project):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        facts = project.run(f"import socket\nsocket.create_connection(('localhost', {port})).close()\n")

    assert f"lookup localhost:{port} app.py:2" == facts[0]
    assert {f"connect localhost:{port} app.py:2"} == set(facts[1:])


def test_a_connection_of_asyncio_is_recorded_with_the_coroutine_that_makes_it(project):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"""
        import asyncio
        async def inner():
            reader, writer = await asyncio.open_connection("127.0.0.1", {port})
            writer.close()
        async def main():
            await asyncio.gather(inner())
        asyncio.run(main())
        """

        assert [f"connect 127.0.0.1:{port} app.py:3"] == project.run(code)


def test_uvloop_which_makes_its_own_connections_is_recorded_too(project):
    project.add(
        "uvloop.py",
        "class Loop:\n    def create_connection(self, *a, **k): pass\n    def getaddrinfo(self, *a): pass\n",
    )

    facts = project.run("import uvloop\nuvloop.Loop().create_connection(None, 'db', 5432)\n")

    assert ["connect db:5432 app.py:2"] == facts


def test_datagrams_are_no_connections(project):
    code = "from socket import *\nwith socket(AF_INET, SOCK_DGRAM) as found: found.connect(('127.0.0.1', 9))\n"

    assert [] == project.run(code)


def test_where_a_server_listens_is_recorded(project):
    code = """
    import socket
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    socket.create_server(("", port)).close()
    print(port)
    """
    project.add("app.py", code)
    done = project.start()

    assert [f"bind 0.0.0.0:{done.stdout.strip()} app.py:4"] == project.facts()


@pytest.mark.parametrize(
    "follow",
    [
        "subprocess.run([sys.executable, 'inner.py'], check=True)",
        "subprocess.run(sys.executable + ' inner.py', shell=True, check=True, env=dict(os.environ))",
        "os.waitpid(os.fork() or (inner(), os._exit(0)), 0)",
        "(p := multiprocessing.get_context('spawn').Process(target=inner)).start() or p.join()",
    ],
)
def test_programs_that_it_starts_are_recorded_into_the_same_file(follow, project):
    project.add("inner.py", "import os\nos.environ.get('MAIL')\n")

    facts = project.run(
        "import multiprocessing, os, runpy, subprocess, sys\n"
        "def inner():\n    runpy.run_path('inner.py')\n"
        f"if __name__ == '__main__':\n    {follow}\n"
    )

    assert ["unset MAIL none inner.py:2"] == facts


def test_a_program_that_is_started_again_and_again_repeats_nothing(project):
    project.add("inner.py", "import os\nos.environ.get('MAIL'); os.environ.get('COUNT' + os.environ['AT'])\n")
    inner = "subprocess.run([sys.executable, 'inner.py'], check=True, env={**os.environ, 'AT': str(at)})"

    project.run(f"import os, subprocess, sys\nfor at in range(3):\n    {inner}\n")

    assert ["MAIL", "COUNT0", "COUNT1", "COUNT2"] == [
        line.split("\t")[1] for line in project.record.read_text().splitlines()
    ]


def test_another_python_and_other_programs_are_left_alone(project):
    project.add("inner.py", "import os\nos.environ.get('MAIL')\n")
    code = (
        f"import subprocess\nsubprocess.run([{sys.executable!r}, 'inner.py'], check=True)\nsubprocess.run(['true'])\n"
    )

    assert [] == project.run(code)


def test_the_environment_of_programs_that_it_starts_is_as_ever(project):
    shown = "import os, sys; sys.stdout.write(repr(sorted(os.environ.items())))"
    project.add("app.py", f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {shown!r}])\n")

    recorded, plain = project.start(), project.start(**{RECORD: ""})

    assert recorded.stdout == plain.stdout.replace(f"('{RECORD}', '')", f"('{RECORD}', '{project.record}')")


@pytest.mark.parametrize("path", ["/nowhere/web", "/dev/full", "/", "\x01"])
def test_a_record_that_cannot_be_written_changes_nothing(path, project):
    project.add("app.py", "import os\nprint(os.environ.get('MAIL'))\nopen('app.py').close()\n")

    done = project.start(**{RECORD: path})

    assert (done.stdout, done.stderr, done.returncode) == ("None\n", "", 0)


@pytest.mark.parametrize(
    "odd",
    [
        "os.environ.get(Text('MAIL'))",
        "os.environ.get('MA\\tIL\\n')",
        "os.environ.get('MAIL' * 1000)",
        "os.environ.get('\\udcff')",
        "os.path.exists(Text('gone')) or open(Text('app.py')).close()",
        "os.open('app.py', os.O_RDONLY, dir_fd=None)",
        "open(0, closefd=False)",
        "sys.audit('open'), sys.audit('socket.connect', 1), sys.audit('socket.bind', None, None)",
        "sys.audit('open', 'x', None, None), sys.audit('socket.getaddrinfo', Loud(), 1)",
        "sys.audit('socket.connect', Loud(), (Loud(), Loud())), sys.audit('socket.bind', Loud(), (Loud(), 1))",
        "threading.stack_size(); deep(900)",
        "copy.copy(os.environ)['SECRET']",
    ],
)
def test_odd_calls_end_as_they_would(odd, project):
    project.add(
        "app.py",
        f"""
        import copy, os, sys, threading
        class Text(str): pass
        class Loud:
            def __getattr__(self, name): raise ValueError(name)
            def __str__(self): raise ValueError
            def __eq__(self, other): raise ValueError
            __hash__ = None
        def deep(left): return os.environ.get("DEEP") if not left else deep(left - 1)
        {odd}
        print("done")
        """,
    )

    done = project.start()

    assert (done.stdout, done.stderr, done.returncode) == ("done\n", "", 0)
    written = project.record.read_text().splitlines() if project.record.exists() else []
    assert [] == [line for line in written if len(line.split("\t")) != 4]


def test_a_sitecustomize_of_the_project_runs_and_is_recorded(project):
    project.add("lib/sitecustomize.py", "import os\nos.environ.get('OWN')\n")

    facts = project.run("", PYTHONPATH=os.pathsep.join([project.modules, str(project.root / "lib")]))

    assert ["unset OWN none lib/sitecustomize.py:2"] == facts


def test_names_of_containers_that_lead_here_are_recorded_as_this_machine(project):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        facts = project.run(f"import socket\nsocket.create_connection(('db', {port})).close()\n", **{HOSTS: "db"})

    assert [f"connect 127.0.0.1:{port} app.py:2"] == facts


def test_the_recorder_can_be_read_by_old_interpreters_and_needs_nothing_that_is_not_loaded():
    text = Path(recorder.__file__).read_text()
    imported = [each for each in ast.walk(ast.parse(text, feature_version=(3, 8))) if isinstance(each, ast.Import)]

    assert {"_thread", "os", "sys"} == {name.name for each in imported for name in each.names}
