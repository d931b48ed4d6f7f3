"""The schema that editors get has the same verdict as devboot."""

import json
import tomllib

import pytest
from pydantic import TypeAdapter

from devboot.errors import Problems
from devboot.model.edge.manifest.manifest import Manifest, manifest_schema, parse_manifest
from devboot.model.edge.recipe.recipe import Recipe
from devboot.model.edge.types import Seconds, Table
from tests.fakes.json_schema import Schema
from tests.fakes.manifest_keys import KEYS, PROCESS_KEYS, SERVICE_KEYS, TASK_KEYS

SCHEMA = Schema(manifest_schema())
# Keys with bounds: the least and the largest value that they take; None: there is none
BOUNDS = {
    "[services.redis]\nport = {}\n": (1, 65535),
    "[processes.web]\nport = {}\n": (1, 65535),
    "[processes.web]\ninstances = {}\n": (1, None),
    "[processes.web]\nmax_restarts = {}\n": (1, None),
    "[processes.web]\nexpected_exit = [{}]\n": (0, 255),
}

VALID = [
    "",
    "[project]\nname = 'shop'\nrequires-devboot = '>=0.0.1, <99'\n",
    "[python]\nversion = 3.10\nexact = true\nrequirements = []\nexclude-newer = '7 days'\n",
    "[packages]\nnode = 24\njust = '1.59'\n",
    "[services.redis]\nport = 'auto'\nsettings = { a = 1, b = 'x', c = ['y', 2] }\nsource = 'host'\n",
    "[services.cache]\nrecipe = 'valkey'\nport = 6379\n",
    "[databases.default]\npath = 'x'\npragmas = { journal_mode = 'wal' }\n",
    "[env]\nA = 'x'\nB = 3.10\nC = { generate = 'hex' }\nD = { required = true, secret = false }\n",
    "[env]\nE = { from = 'shell', default = 1, description = 'x' }\n[env-files]\nread = ['.env']\n",
    "[tasks.a]\nrun = 'x'\nbefore = ['processes']\ndepends_on = [{ name = 'b' }]\n[tasks.b]\nrun = 'y'\n",
    "[processes.web]\nready = { http = '/x', status = 200 }\nalive = { tcp = 80, period = '1.5s' }\n",
    "[processes.web]\nready = { http = '${services.redis.url}', status = [200, 301] }\n[services.redis]\n",
    "[processes.web]\nready = { log = 'x' }\nalive = { exec = 'true' }\nstop_signal = 'TERM'\nstop_timeout = '2m'\n",
    "[processes.web]\ndepends_on = []\nenv = { A = 1 }\nexpected_exit = [0, 143]\ncommand = 'x'\n",
]
INVALID = [
    "proceses = {}\n",
    "[project]\nname = 1\n",
    "[project]\nname = ' '\n",
    "[project]\nrequires-devboot = 'new'\n",
    "[python]\nexact = 'yes'\n",
    "[python]\ngroups = 'dev'\n",
    "[services.redis]\nprot = 1\n",
    "[services.redis]\nport = 0\n",
    "[services.redis]\nport = 'automatic'\n",
    "[services.redis]\nsettings = { a = true }\n",
    "[services.redis]\nsource = 'brew'\n",
    "[services.'a/b']\n",
    "[services]\nredis = '8'\n",
    "[databases.default]\n",
    "[databases.default]\npath = 'x'\npragmas = { foreign_keys = 'on' }\n",
    "[env]\nA = true\n",
    "[env]\n'A B' = 'x'\n",
    "[env]\nA = []\n",
    "[env]\nA = {}\n",
    "[env]\nA = { required = false }\n",
    "[env]\nA = { generate = 'word' }\n",
    "[env]\nA = { generate = 'hex', required = true }\n",
    "[tasks.a]\n",
    "[tasks.a]\nrun = 'x'\nbefore = 'processes'\n",
    "[tasks.a]\nrun = 'x'\ndepends_on = [{ until = 'ready' }]\n",
    "[tasks.a]\nrun = 'x'\ndepends_on = ['-b']\n",
    "[processes.web]\nready = {}\n",
    "[processes.web]\nready = { http = 'x' }\n",
    "[processes.web]\nready = { tcp = 'x' }\n",
    "[processes.web]\nready = { http = '/', log = 'x' }\n",
    "[processes.web]\nready = { http = '/', period = 10 }\n",
    "[processes.web]\nrestart = 'allways'\n",
    "[processes.web]\nwindow = '1 minute'\n",
    "[processes.web]\nmax_restarts = 0\n",
    "[processes.web]\nexpected_exit = [256]\n",
    "[processes.web]\nstop_signal = 'SIGFOO'\n",
    "[processes.web]\nenv = { A = false }\n",
]


def verdict(text):
    try:
        parse_manifest(text, "devboot.toml")
    except Problems:
        return False
    return True


@pytest.mark.parametrize("text", VALID)
def test_both_take_what_is_valid(text):
    assert (True, True) == (verdict(text), SCHEMA.accepts(tomllib.loads(text)))


@pytest.mark.parametrize("text", INVALID)
def test_both_refuse_what_is_not(text):
    assert (False, False) == (verdict(text), SCHEMA.accepts(tomllib.loads(text)))


@pytest.mark.parametrize(("text", "bounds"), BOUNDS.items())
def test_both_have_the_same_bounds_of_numbers(text, bounds):
    for bound, beyond in zip(bounds, (-1, 1), strict=True):
        if bound is not None:
            inside, outside = text.format(bound), text.format(bound + beyond)
            assert (True, True) == (verdict(inside), SCHEMA.accepts(tomllib.loads(inside)))
            assert (False, False) == (verdict(outside), SCHEMA.accepts(tomllib.loads(outside)))


def test_the_schema_speaks_of_every_table_with_descriptions_and_defaults():
    schema = manifest_schema()
    process = schema["$defs"]["Process"]["properties"]

    assert {
        "databases",
        "env",
        "env-files",
        "packages",
        "processes",
        "procfile",
        "project",
        "python",
        "services",
        "tasks",
        "ui",
    } == set(schema["properties"])
    assert ("5s", "string") == (process["stop_timeout"]["default"], process["stop_timeout"]["type"])
    assert all("description" in field for field in process.values())
    assert schema == json.loads(json.dumps(schema))


@pytest.mark.parametrize("table", KEYS, ids=lambda table: table.__name__)
def test_the_tables_of_examples_have_every_key(table):
    assert [field.alias or name for name, field in table.model_fields.items()] == list(KEYS[table])


@pytest.mark.parametrize(
    ("head", "key", "value"),
    [
        *(("[processes.web]", *pair) for pair in PROCESS_KEYS.items()),
        *(("[tasks.migrate]\nrun = 'x'", *pair) for pair in TASK_KEYS.items() if pair[0] != "run"),
        *(("[services.redis]", *pair) for pair in SERVICE_KEYS.items()),
    ],
)
def test_editors_and_devboot_know_every_key(head, key, value):
    text = f"{head}\n{key} = {value}\n[processes.worker]\n"

    assert SCHEMA.accepts(tomllib.loads(text))
    assert verdict(text)


def tables_of(table):
    """Return a table and all tables in its fields."""
    found, left = set(), [table]
    while left:
        annotation = left.pop()
        if isinstance(annotation, type) and issubclass(annotation, Table) and annotation not in found:
            found.add(annotation)
            left += [field.annotation for field in annotation.model_fields.values()]
        left += [*getattr(annotation, "__args__", ())]
        if hasattr(annotation, "__origin__") and hasattr(annotation, "__metadata__"):
            left.append(annotation.__origin__)
    return found


def test_durations_have_the_same_default_in_the_schema_and_in_the_parser():
    fields = [
        (f"{table.__name__}.{name}", field.json_schema_extra, field.default)
        for table in tables_of(Manifest) | tables_of(Recipe)
        for name, field in table.model_fields.items()
        if isinstance(field.default, float) or field.json_schema_extra
    ]

    assert {"Process.window", "Process.stop_timeout", "ReadyProbe.timeout"} & {name for name, _, _ in fields}
    for name, extra, default in fields:
        assert extra is not None, name
        assert ["default"] == list(extra), name
        assert default == TypeAdapter(Seconds).validate_python(extra["default"]), name
