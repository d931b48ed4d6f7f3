"""devboot.toml that is right: the values that come of it, their places, their schema."""

import os

import pytest
from pydantic import BaseModel

from devboot.errors import Problems
from devboot.model.edge.manifest.manifest import (
    Manifest,
    load_procfile,
    load_sources,
    parse_manifest,
)
from devboot.model.edge.manifest.probes import ExecProbe, HttpProbe, LogProbe, TcpProbe
from devboot.model.edge.manifest.tables import Dependency
from devboot.model.edge.manifest.variables import FromShell, Generated, Required
from tests.fakes.rendering import render

WHOLE = """\
[project]
name = "feedreader"
requires-devboot = ">=0.0.1"
silence = ["python/patch-version"]

[python]
version = 3.10
exact = true
requirements = ["requirements.txt", "pyproject.toml"]
groups = ["dev", "test"]
extras = ["redis"]
venv = ".venv"
exclude-newer = 2026-01-31

[packages]
node = 24

[services.redis]
version = "8"
port = 6379
settings = { maxmemory = "64mb", save = ["900 1", "60 100"], databases = 32 }
source = "host"
[services.cache]
recipe = "valkey"
port = "auto"

[databases.default]
path = "db.sqlite3"
pragmas = { journal_mode = "wal", page_size = 8192 }
migrations = "migrations/*.sql"
seed = "seed.sql"

[env]
DJANGO_SETTINGS_MODULE = "feedreader.settings"
CELERY_BROKER_URL = "${services.redis.url}/0"
DATABASE = "${databases.default.path}:${project.root}:${processes.app.port}"
MODE = 0o755
THOUSAND = 1_000
PI = 3.10
SECRET_KEY = { generate = "token", description = "signs the cookies" }
CLIENT_ID = { required = true, description = "see docs/oauth.md", secret = true }
EDITOR = { from = "shell", default = "vi" }
[env-files]
read = [".env", ".env.local"]

[tasks.migrate]
run = "./manage.py migrate --noinput"
cwd = "src"
inputs = ["*/migrations/*.py"]
before = ["processes"]
depends_on = ["default"]
[tasks.demo-data]
run = "./manage.py loaddata demo"
once = true
depends_on = ["migrate"]

[procfile]
path = "Procfile.dev"
[processes.app]
cwd = "src"
depends_on = ["redis", { name = "docs", until = "started" }]
port = 8000
ready = { http = "/health", status = 200, initial_delay = "500ms" }
alive = { exec = "true", period = "2m", timeout = "1.5s", failure_threshold = 5 }
restart = "always"
max_restarts = 9
window = "1h"
pty = false
stop_signal = "INT"
stop_timeout = "10s"
stop_command = "kill"
exit_ends_all = true
expected_exit = [0, 143]
env = { LOG_LEVEL = "debug", WORKERS = 2 }
[processes.docs]
command = "mkdocs serve -a 127.0.0.1:$PORT"
ready = { tcp = 8001 }
alive = { log = "ready\\\\." }

[ui]
detach-keys = "ctrl-a d"
"""


@pytest.fixture(scope="module")
def whole():
    return parse_manifest(WHOLE, "devboot.toml", procfile=("app",))


def test_project_and_python_are_read(whole):
    project, python = whole.project, whole.python

    assert ("feedreader", ">=0.0.1", ("python/patch-version",)) == (
        project.name,
        project.requires_devboot,
        project.silence,
    )
    assert ("3.10", True, ("requirements.txt", "pyproject.toml")) == (python.version, python.exact, python.requirements)
    assert (("dev", "test"), ("redis",), ".venv", "2026-01-31") == (
        python.groups,
        python.extras,
        python.venv,
        python.exclude_newer,
    )


def test_services_databases_and_packages_are_read(whole):
    redis, cache, database = whole.services["redis"], whole.services["cache"], whole.databases["default"]

    assert ("8", 6379, "host", None) == (redis.version, redis.port, redis.source, redis.recipe)
    assert {"maxmemory": ("64mb",), "save": ("900 1", "60 100"), "databases": ("32",)} == redis.settings
    assert (None, "auto", "valkey") == (cache.version, cache.port, cache.recipe)
    assert ("db.sqlite3", {"journal_mode": "wal", "page_size": "8192"}) == (database.path, database.pragmas)
    assert {"node": "24"} == whole.packages


def test_variables_are_text_or_say_where_they_come_from(whole):
    assert {
        "DJANGO_SETTINGS_MODULE": "feedreader.settings",
        "CELERY_BROKER_URL": "${services.redis.url}/0",
        "DATABASE": "${databases.default.path}:${project.root}:${processes.app.port}",
        "MODE": "0o755",
        "THOUSAND": "1_000",
        "PI": "3.10",
        "SECRET_KEY": Generated(generate="token", description="signs the cookies"),
        "CLIENT_ID": Required(required=True, description="see docs/oauth.md", secret=True),
        "EDITOR": FromShell(**{"from": "shell", "default": "vi"}),
    } == whole.env
    assert (".env", ".env.local") == whole.env_files.read


def test_what_is_secret_is_told_by_its_source(whole):
    assert [True, True, False] == [whole.env[name].is_secret for name in ("SECRET_KEY", "CLIENT_ID", "EDITOR")]


def test_tasks_and_processes_are_read(whole):
    app, docs, migrate = whole.processes["app"], whole.processes["docs"], whole.tasks["migrate"]

    assert ("src", ("*/migrations/*.py",), False, ("processes",)) == (
        migrate.cwd,
        migrate.inputs,
        migrate.once,
        migrate.before,
    )
    assert whole.tasks["demo-data"].once
    assert (Dependency(name="redis"), Dependency(name="docs", until="started")) == app.depends_on
    assert docs.depends_on is None
    assert HttpProbe(http="/health", status=[200], initial_delay=0.5) == app.ready
    assert ExecProbe(exec="true", period=120.0, timeout=1.5, failure_threshold=5) == app.alive
    assert (TcpProbe(tcp="8001"), LogProbe(log="ready\\.")) == (docs.ready, docs.alive)
    assert ("always", 9, 3600.0, False, "SIGINT", 10.0, True, (0, 143)) == (
        app.restart,
        app.max_restarts,
        app.window,
        app.pty,
        app.stop_signal,
        app.stop_timeout,
        app.exit_ends_all,
        app.expected_exit,
    )
    assert {"LOG_LEVEL": "debug", "WORKERS": "2"} == app.env
    assert "ctrl-a d" == whole.ui.detach_keys


def test_an_empty_manifest_has_the_defaults():
    assert Manifest().model_dump() == parse_manifest("", "devboot.toml").model_dump()
    assert ("on-failure", 5, 60.0, "SIGTERM", 5.0, (0,)) == (
        (process := parse_manifest("[processes.a]", "devboot.toml").processes["a"]).restart,
        process.max_restarts,
        process.window,
        process.stop_signal,
        process.stop_timeout,
        process.expected_exit,
    )


def test_values_are_frozen(whole):
    with pytest.raises(ValueError, match="frozen"):
        whole.project.name = "x"


def test_later_errors_find_the_place_of_a_value_its_key_or_the_table_around(whole):
    value = whole.place(("services", "redis", "port"), label="held")
    key = whole.place(("services", "redis", "port"), key=True)
    missing = whole.place(("services", "cache", "port", 0))
    absent = whole.place(("services", "cache", "settings"))

    assert ("devboot.toml", 20, 8, 4, "held", "port = 6379") == (
        value.file,
        value.line,
        value.column,
        value.width,
        value.label,
        value.source,
    )
    assert (20, 1, 4) == (key.line, key.column, key.width)
    assert (25, 8) == (missing.line, missing.column)
    assert (23, 1, len("[services.cache]")) == (absent.line, absent.column, absent.width)
    assert 0 == whole.place(("nothing",)).line
    assert repr(value) == repr(whole.at(("services", "redis", "port")))


def test_the_procfile_is_checked_when_it_is_known():
    parse_manifest(WHOLE, "devboot.toml", procfile=("app",))
    with pytest.raises(Problems) as raised:
        parse_manifest(WHOLE, "devboot.toml", procfile=())

    assert ["process `app` is not in the Procfile and has no `command`"] == [e.what for e in raised.value.errors]


@pytest.mark.faults(44)
@pytest.mark.parametrize(
    ("data", "what", "line", "column"),
    [
        (b"\xff\xfe[\0p\0", "file is UTF-16, expected UTF-8", 1, 1),
        (b"\xfe\xff\0[", "file is UTF-16, expected UTF-8", 1, 1),
        (b"\xef\xbb\xbf[project]\n", "file starts with a byte order mark", 1, 1),
        (b"[project]\nname = 'h\xc3\xa9 caf\xe9'\n", "byte 0xe9 is not UTF-8", 2, 15),
        (b"[\0p\0r\0o\0", "expected a key", 1, 2),
    ],
)
def test_another_encoding_is_named_with_its_place(tmp_path, data, what, line, column):
    path = tmp_path / "devboot.toml"
    path.write_bytes(data)
    with pytest.raises(Problems) as raised:
        load_sources(str(path))

    (error,) = raised.value.errors
    assert (what, line, column) == (error.what, error.place.line, error.place.column)


@pytest.mark.faults(52)
def test_a_manifest_that_is_not_there_or_not_readable_says_so(tmp_path):
    with pytest.raises(Problems) as missing:
        load_sources(str(tmp_path / "devboot.toml"))
    (tmp_path / "devboot.toml").mkdir()
    with pytest.raises(Problems) as folder:
        load_sources(str(tmp_path / "devboot.toml"))

    assert ("manifest/not-found", ("`devboot init` writes one",)) == (missing.value.slug, missing.value.errors[0].help)
    assert ("manifest/unreadable", "`devboot.toml` can't be read: it is a directory, not a regular file") == (
        folder.value.slug,
        folder.value.errors[0].what,
    )


@pytest.mark.faults(52)
def test_a_manifest_that_is_a_link_to_nothing_is_not_said_to_be_missing(tmp_path):
    (tmp_path / "devboot.toml").symlink_to("../shared/devboot.toml")

    with pytest.raises(Problems) as caught:
        load_sources(str(tmp_path / "devboot.toml"))

    (error,) = caught.value.errors
    assert error.slug == "manifest/unreadable"
    assert error.what == "`devboot.toml` is a link to `../shared/devboot.toml`, which isn't there"


@pytest.mark.faults(50)
def test_a_procfile_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "Procfile")

    with pytest.raises(Problems) as caught:
        load_procfile(str(tmp_path), None)

    (error,) = caught.value.errors
    assert error.what == "`Procfile` can't be read: it is a named pipe, not a regular file"


@pytest.mark.faults(47, 50)
def test_manifest_and_procfile_tell_their_mistakes_together(tmp_path):
    (tmp_path / "devboot.toml").write_text("[processes.web]\nprot = 1\n")
    (tmp_path / "Procfile").write_text("web python app.py\n")
    with pytest.raises(Problems) as raised:
        load_sources(str(tmp_path / "devboot.toml"), prefix="../")

    assert """\
error[procfile/bad-line]: expected `name: command`
  --> ../Procfile:1:1
   |
 1 | web python app.py
   | ^^^^^^^^^^^^^^^^^ no colon
   |
help: sed -i.bak '1s/web */web: /' ../Procfile   # `web: python app.py`
help: write `# web python app.py` if it is a comment

error[manifest/unknown-key]: unknown key `prot` in `[processes.web]`
  --> ../devboot.toml:2:1
   |
 1 | [processes.web]
 2 | prot = 1
   | ^^^^ not a key of a process
   |
help: did you mean `port`?

2 problems in ../Procfile and ../devboot.toml; nothing was started, running processes unchanged
""" == render(raised.value)


def test_the_procfile_for_development_comes_first(tmp_path):
    (tmp_path / "devboot.toml").write_text("")
    (tmp_path / "Procfile").write_text("web: a\n")
    (tmp_path / "Procfile.dev").write_text("web: b\n")

    assert "Procfile.dev" == load_sources(str(tmp_path / "devboot.toml")).procfile.file


def test_a_detected_manifest_outside_of_the_project_is_named_by_its_whole_path(tmp_path):
    detected = tmp_path / "state/detected.toml"
    detected.parent.mkdir()
    detected.write_text("[processes.web]\n")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/Procfile").write_text("web: a\n")
    sources = load_sources(str(detected), root=str(tmp_path / "shop"), prefix="../")

    assert ("../Procfile", str(detected)) == (sources.procfile.file, sources.manifest.place(()).file)


def test_a_procfile_that_cannot_be_read_says_so(tmp_path):
    (tmp_path / "devboot.toml").write_text("[procfile]\npath = '.'\n")
    with pytest.raises(Problems) as raised:
        load_sources(str(tmp_path / "devboot.toml"), prefix="shop/")

    (error,) = raised.value.errors
    assert "`shop/.` can't be read: it is a directory, not a regular file" == error.what


def test_a_manifest_that_is_no_toml_is_told_alone(tmp_path):
    (tmp_path / "devboot.toml").write_text("[procfile\n")
    with pytest.raises(Problems) as raised:
        load_sources(str(tmp_path / "devboot.toml"))

    assert ["manifest/syntax"] == [error.slug for error in raised.value.errors]


def test_models_take_models(whole):
    again = Manifest(**{name: getattr(whole, name) for name in ("env", "processes", "services")})

    assert (whole.env, whole.processes, whole.services) == (again.env, again.processes, again.services)


def test_without_a_procfile_there_is_none(tmp_path):
    (tmp_path / "devboot.toml").write_text("")

    assert load_sources(str(tmp_path / "devboot.toml")).procfile is None


def test_a_procfile_that_the_manifest_names_has_to_be_there(tmp_path):
    (tmp_path / "devboot.toml").write_text("[procfile]\npath = 'Procfile.x'\n")
    with pytest.raises(Problems) as raised:
        load_sources(str(tmp_path / "devboot.toml"))

    assert """\
error[procfile/not-found]: there is no Procfile `Procfile.x`
  --> devboot.toml:2:8
   |
 2 | path = 'Procfile.x'
   |        ^^^^^^^^^^^^ no such file
   |
help: correct `path`, or remove it

1 problem in devboot.toml; nothing was started, running processes unchanged
""" == render(raised.value)


def test_every_field_has_a_description():
    seen = {Manifest}
    waiting = [Manifest]
    while waiting:
        for name, field in waiting.pop().model_fields.items():
            assert field.description, name
            inner = set(_models_in(field.annotation)) - seen
            seen |= inner
            waiting += inner

    assert {"Process", "HttpProbe", "Generated", "Dependency"} <= {model.__name__ for model in seen}


def _models_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inner = [
        *getattr(annotation, "__args__", ()),
        *([annotation.__origin__] if hasattr(annotation, "__metadata__") else []),
    ]
    return [found for argument in inner for found in _models_in(argument)]


@pytest.mark.parametrize("package", ["django >", "two words", "", "-e ."])
def test_what_is_no_package_is_refused(package):
    with pytest.raises(Problems):
        parse_manifest(f"[python]\npackages = ['{package}']\n", "devboot.toml")

    assert ("django>=5",) == parse_manifest("[python]\npackages = ['django>=5']\n", "devboot.toml").python.packages
