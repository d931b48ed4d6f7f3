"""Mistakes in devboot.toml: the whole message of each, its place, its hint; all of them in one run."""

import re
from textwrap import dedent
from typing import get_args, get_origin

import pytest

from devboot.errors import Exit, Problems
from devboot.model.edge.manifest.manifest import Manifest, parse_manifest
from devboot.model.edge.types import Table
from tests.fakes.rendering import render

ONE = "1 problem in devboot.toml; nothing was started, running processes unchanged\n"


def problems(text, **options):
    with pytest.raises(Problems) as raised:
        parse_manifest(dedent(text), "devboot.toml", **options)
    return raised.value


def shown(text, **options):
    """What is shown, without the counting line where there is just one problem."""
    return render(problems(text, **options)).removesuffix("\n" + ONE)


def message(text):
    return dedent(text).removeprefix("\n")


@pytest.mark.faults(45, 46, 47)
def test_all_mistakes_come_in_one_run_sorted_by_place_with_the_count_last():
    text = """\
        [project]
        name = "shop"

        [processes.web]
        depends_on = "redis"

        [services.redis]
        prot = 6380

        [databases.default]
        [proceses.worker]
        """

    assert message("""
        error[manifest/type]: `depends_on` must be a list of names, found a string
          --> devboot.toml:5:14
           |
         5 | depends_on = "redis"
           |              ^^^^^^^ found here
           |
        help: write `depends_on = ["redis"]`

        error[manifest/unknown-key]: unknown key `prot` in `[services.redis]`
          --> devboot.toml:8:1
           |
         7 | [services.redis]
         8 | prot = 6380
           | ^^^^ not a key of a service
           |
        help: did you mean `port`?

        error[manifest/missing-key]: `path` is missing in `[databases.default]`
          --> devboot.toml:10:1
           |
        10 | [databases.default]
           | ^^^^^^^^^^^^^^^^^^^ a database needs `path`
           |
        help: add `path = "…"`

        error[manifest/unknown-key]: unknown table `proceses`
          --> devboot.toml:11:2
           |
        11 | [proceses.worker]
           |  ^^^^^^^^ not a table of devboot.toml
           |
        help: did you mean `processes`?

        4 problems in devboot.toml; nothing was started, running processes unchanged
        """) == render(problems(text))


def test_problems_of_a_manifest_exit_with_3():
    assert Exit.MANIFEST == problems("a = 1").exit_code


@pytest.mark.faults(44)
@pytest.mark.parametrize(
    ("text", "what", "line", "column", "width"),
    [
        ("a = \n", "expected a value", 1, 4, 1),
        ("[project]\nname = shop\n", "`shop` is not a TOML value", 2, 8, 4),
        ("a = [1,\nb = 2\n", "expected `,` or `]`", 2, 3, 1),
        ("[project\n", "expected `]`", 1, 9, 1),
        ('name = "x\n', "expected a closing quote", 1, 8, 2),
        ("[python]\nversion = 3.12.1\n", "`3.12.1` is not a TOML value", 2, 11, 6),
        ("since = 2026-13-01\n", "`2026-13-01` is not a TOML value", 1, 9, 10),
        ('path = "C:\\q"\n', "a backslash starts an escape that TOML doesn't have", 1, 13, 1),
        ("[env]\nA = '1'\nA = '2'\n", "`env.A` is given twice", 3, 1, 1),
        ("[env]\n[python]\n[env]\n", "`env` is given twice", 3, 2, 3),
        ("env = { A = 1, A = 2 }\n", "`env.A` is given twice", 1, 16, 1),
        ("a = { b = 1 }\n[a.c]\n", "the table can't be declared here, it has a value already", 2, 5, 1),
        ("a = " + "1" * 5000, "a number can't be read: it has too many digits", 0, 0, 1),
        ('a = "\\ud800"\n', "the escape is no Unicode character", 1, 12, 1),
        ("a = '\x01'\n", "unexpected control character", 1, 6, 1),
    ],
)
def test_what_is_no_toml_has_its_place(text, what, line, column, width):
    (error,) = problems(text).errors
    place = error.place

    assert ("manifest/syntax", what, line, column, width) == (
        error.slug,
        error.what,
        place.line,
        place.column,
        place.width,
    )


def test_a_key_that_is_given_twice_names_the_first_line():
    assert message("""
        error[manifest/syntax]: `services.redis.port` is given twice
          --> devboot.toml:3:1
           |
         3 | port = 6380
           | ^^^^ also in line 2
           |
        """) == shown("[services.redis]\nport = 6379\nport = 6380\n")


def test_an_open_bracket_is_said_to_be_open():
    assert message("""
        error[manifest/syntax]: expected `,` or `]`
          --> devboot.toml:3:3
           |
         3 | b = 2
           |   ^ found here
           |
        help: close what line 1, column 5 opens
        """) == shown("a = [\n  1,\nb = 2\n")


def test_a_key_of_other_letters_is_to_be_quoted():
    (error,) = problems("[services.r\u00e9dis]\n[env]\n\u540d = 1\n").errors

    assert ("expected `]`", 1, 12) == (error.what, error.place.line, error.place.column)
    (error,) = problems("[env]\n\u540d = 1\n").errors
    assert ("quote a key that has other letters than A to Z",) == error.help


@pytest.mark.parametrize("text", ["a = " + "[" * 3000, "a = " + "[" * 100 + "]" * 100, "[" + "a." * 100 + "a]"])
def test_what_is_nested_too_deeply_is_refused_without_a_traceback(text):
    (error,) = problems(text).errors

    assert "lists or tables are nested too deeply to be read" == error.what


@pytest.mark.faults(44)
def test_a_byte_order_mark_is_named():
    assert message("""
        error[manifest/encoding]: file starts with a byte order mark
          --> devboot.toml:1:1
           |
         1 | \ufeff[project]
           | ^
           |
        help: save the file as UTF-8 without a byte order mark
        """) == shown("\ufeff[project]\n")


@pytest.mark.faults(48)
@pytest.mark.parametrize(
    ("text", "source", "column", "width"),
    [
        ("services.redis.prot = 1\n", "services.redis.prot = 1", 16, 4),
        ("[processes]\nweb.ready.htp = '/'\n", "web.ready.htp = '/'", 11, 3),
        ("services = { redis = { version = '8', prot = 1 } }\n", None, 39, 4),
        ('[services."redis"]\n"prot" = 1\n', '"prot" = 1', 1, 6),
        ("[services.redis]\n\tprot\t=\t1\n", "\tprot\t=\t1", 2, 4),
        ("[services.redis]\r\nprot = 1\r\n", "prot = 1", 1, 4),
        ("[env]\nA = { description = '漢字', genrate = 'hex' }\n", None, 27, 7),
        ("[env]\nA = { description = 'e\u0301', genrate = 'hex' }\n", None, 27, 7),
        ("[processes.web]\ndepends_on = [\n  'a', # ]\n  { name = 'b', untl = 'ready' },\n]\n", None, 17, 4),
        ("[processes.web]\nenv.A = '''\n[x]\n'''\nprot = 1\n", "prot = 1", 1, 4),
    ],
)
def test_the_caret_stands_under_the_key_however_deep_it_is(text, source, column, width):
    (error,) = [error for error in problems(text, procfile=("web", "a", "b")).errors if "key" in error.slug]
    place = error.place

    assert (column, width) == (place.column, place.width)
    assert source in (None, place.source)
    assert place.source in text.replace("\r", "").split("\n")


@pytest.mark.faults(46)
@pytest.mark.parametrize(
    ("text", "what", "helps"),
    [
        ("[python]\nexact = 'yes'", "`exact` must be true or false, found a string", ["write `exact = true`"]),
        ("[python]\ngroups = [1]", "item 1 of `groups` must be a string, found an integer", []),
        ("[project]\nname = 3.10", "`name` must be a string, found a float", ['write `name = "3.10"`']),
        ("[project]\nname = ' '", "`name` must not be empty", []),
        ("[project]\nname = 1979-05-27", "`name` must be a string, found a date", []),
        (
            "[services.redis]\nport = '8000'",
            'must be an integer from 1 to 65535, or "auto", found a string',
            ["write `port = 8000`"],
        ),
        ("[services.redis]\nport = 70000", "`port` must be from 1 to 65535", []),
        ("[services]\nredis = '8'", "`redis` must be a table, found a string", ['write `redis = { version = "8" }`']),
        (
            "[processes]\nweb = 'x \"y\"'",
            "`web` must be a table, found a string",
            ['write `web = { command = "x \\"y\\"" }`'],
        ),
        ("[tasks]\na = 1", "`a` must be a table, found an integer", ['write `a = { run = "1" }`']),
        ("[project]\nname = 07:30:00", "`name` must be a string, found a time", []),
        ("[project]\nname = {}", "`name` must be a string, found a table", []),
        ("[processes.a]\ncommand = 'x'\nstop_signal = 15", 'must be a string like "SIGTERM", found an integer', []),
        (
            "[processes.a]\ncommand = 'x'\nexpected_exit = ['0']",
            "item 1 of `expected_exit` must be an integer from 0 to 255",
            [],
        ),
        ("[processes.a]\ncommand = 'x'\nready = { http = '/', status = [99] }", "item 1 of `status`", []),
        ("project = 'x'", "`project` must be a table, found a string", []),
        (
            "[services.redis]\nsource = 'whee'",
            "`source` must be one of `wheel`, `app`, `conda`, `deb`, `npm`, `archive`, `build`, `host`",
            ["did you mean `wheel`?"],
        ),
        (
            "[processes.a]\ncommand = 'x'\nwindow = 60",
            'must be a string like "5s", found an integer',
            ['write `window = "60s"`'],
        ),
        (
            "[processes.a]\ncommand = 'x'\nwindow = '1 min'",
            "`window` must be a duration",
            ['units are ms, s, m and h: "500ms", "5s"'],
        ),
        ("[processes.a]\ncommand = 'x'\ninstances = 0", "`instances` must be at least 1", []),
        (
            "[processes.a]\ncommand = 'x'\nexpected_exit = [0, 300]",
            "item 2 of `expected_exit` must be from 0 to 255",
            [],
        ),
        (
            "[processes.a]\ncommand = 'x'\nexpected_exit = 0",
            "`expected_exit` must be a list of integers, found an integer",
            [],
        ),
        (
            "[processes.a]\ncommand = 'x'\nready = '/'",
            "`ready` must be a table with one of http, tcp, exec, log, notify, found a string",
            ['write `ready = { http = "/health" }`'],
        ),
        ("[processes.a]\ncommand = 'x'\nready = {}", "`ready` needs one of http, tcp, exec, log, notify", []),
        (
            "[processes.a]\ncommand = 'x'\nready = { http = 'health' }",
            "`http` must be a path or a URL",
            ['write `http = "/health"`'],
        ),
        (
            "[processes.a]\ncommand = 'x'\nready = { tcp = 'x' }",
            "`tcp` must be a port or host:port",
            ['write `tcp = "127.0.0.1:8000"`'],
        ),
        (
            "[processes.a]\ncommand = 'x'\nready = { log = '(' }",
            "`log` must be a regular expression",
            ["a literal bracket or dot takes a `\\`"],
        ),
        (
            "[processes.a]\ncommand = 'x'\nready = { log = 'x', http = '/' }",
            "unknown key `log` in `processes.a.ready`",
            [],
        ),
        ("[processes.a]\ncommand = 'x'\nstop_signal = 'TRM'", "`stop_signal` must be one of 9 words", None),
        ("[processes.a]\ncommand = 'x'\ndepends_on = ['b/c']", "item 1 of `depends_on`", None),
        ("[processes.'a/b']\ncommand = 'x'", "`a/b` can't be used as a name", []),
        ("[processes.-f]\ncommand = 'x'", "`-f` can't be used as a name", []),
        ("[env]\n'A B' = 'x'", "`A B` is not a variable's name", []),
        ("[env]\nA = true", "`A` must be a string or a number, found a boolean", ['write `A = "1"` or `A = "true"`']),
        ("[env]\nA = false", "`A` must be a string or a number, found a boolean", ['write `A = "0"` or `A = "false"`']),
        ("[env]\nA = []", "`A` must be a string or a number, found a list", []),
        ("[env]\nA = {}", "`A` needs one of generate, required, from", []),
        ("[env]\nA = { required = false }", "`required` must be true, found a boolean", []),
        ("[env]\nA = { generate = 'tokn' }", "`generate` must be one of", ["did you mean `token`?"]),
        ("[env]\nA = { from = 'here' }", "`from` must be `shell`", []),
        ('[env]\nA = "a\\u0000"', "`A` must not hold a NUL character", []),
        ('[processes.a]\ncommand = "a\\u0000"', "`command` must not hold a NUL character", []),
        ('[processes.a]\ncommand = "x"\ncwd = "a\\U00000000"', "`cwd` must not hold a NUL character", []),
        ('[processes.a]\ncommand = "x"\nwatch = ["a", "b\\u0000"]', "`watch` must not hold a NUL character", []),
        ('[tasks.a]\nrun = "a\\u0000"', "`run` must not hold a NUL character", []),
        (
            "[databases.d]\npath = 'x'\npragmas = { synchronous = 'off' }",
            "`synchronous` is not stored in an SQLite file",
            None,
        ),
        ("[project]\nrequires-devboot = '1 or 2'", "`requires-devboot` must be a version specifier", None),
        ("name = 'shop'", "unknown key `name`", ["it is a key of `[project]`"]),
        ("[python]\nrequires_devboot = '1'", "unknown key `requires_devboot` in `[python]`", []),
        ("[env_files]\nread = []", "unknown table `env_files`", ["did you mean `env-files`?"]),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_with_what_to_write(text, what, helps):
    (error,) = [error for error in problems(text, procfile=()).errors if error.slug != "manifest/unknown-name"]

    assert what in error.what
    assert helps is None or helps == list(error.help)
    assert len(error.what) <= 100


@pytest.mark.faults(45)
@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("[redis]\nprot = 1", "services.redis"),
        ("[redis]", "services.redis"),
        ("[web]\ncommand = 'x'\ndepends_on = []", "processes.web"),
        ("[migrate]\nrun = 'x'\nbefore = []", "tasks.migrate"),
        ("[default]\npath = 'x'\npragmas = {}", "databases.default"),
        ("[sqlite.main]\npath = 'x'", "databases.main"),
        ("[sqlite.main]", "databases.main"),
        ("[sqlite]\npath = 'x'", "databases.sqlite"),
        ("[apps.web]\ncommand = 'x'\nwatch = []", "processes.web"),
    ],
)
def test_a_table_at_the_top_may_belong_below(text, table):
    (error,) = problems(text).errors

    assert (f"did you mean `[{table}]`?",) == error.help


def test_a_misspelt_key_isn_t_missing_as_well():
    assert ["unknown key `pth` in `[databases.d]`"] == [e.what for e in problems("[databases.d]\npth = 'x'\n").errors]


@pytest.mark.faults(51)
def test_a_circle_is_drawn():
    text = """\
        [processes.web]
        depends_on = ["worker"]
        [processes.worker]
        depends_on = ["web"]
        """

    assert message("""
        error[manifest/cycle]: web -> worker -> web wait for each other
          --> devboot.toml:2:15
           |
         2 | depends_on = ["worker"]
           |               ^^^^^^^^ this closes the circle
           |
        """) == shown(text)


@pytest.mark.faults(51)
@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("[processes.a]\ndepends_on = ['a']", "a -> a"),
        ("[tasks.a]\nrun = 'x'\ndepends_on = ['b']\n[tasks.b]\nrun = 'x'\ndepends_on = ['a']", "a -> b -> a"),
        ("[tasks.a]\nrun = 'x'\nbefore = ['b']\n[tasks.b]\nrun = 'x'\nbefore = ['a']", "b -> a -> b"),
        ("[tasks.a]\nrun = 'x'\ndepends_on = ['web']\nbefore = ['processes']\n[processes.web]", "web -> a -> web"),
        ("[env]\nA = '${B}'\nB = '${C}/${A}'\nC = ''", "A -> B -> A"),
    ],
)
def test_circles_of_every_kind_are_found(text, drawn):
    (error,) = problems(text).errors

    assert ("manifest/cycle", drawn) == (error.slug, error.what.partition(" wait")[0].partition(" refer")[0])


def test_a_circle_whose_reference_an_escape_hides_points_at_the_value():
    (error,) = problems('[env]\nA = "\\u0024{B}"\nB = "${A}"\n').errors

    assert ("A -> B -> A refer to each other", 2, 5, 11) == (
        error.what,
        error.place.line,
        error.place.column,
        error.place.width,
    )


def test_long_names_in_a_circle_are_cut():
    first, second = "a" * 90, "b" * 90
    (error,) = problems(
        f"[processes.{first}]\ndepends_on = ['{second}']\n[processes.{second}]\ndepends_on = ['{first}']"
    ).errors

    assert "aaaaaaaaaa… -> bbbbbbbbbb… -> … (2 in all) -> aaaaaaaaaa… wait for each other" == error.what


def test_a_variable_may_refer_to_itself_in_a_lower_layer():
    assert "bin:${PATH}" == parse_manifest("[env]\nPATH = 'bin:${PATH}'\n", "devboot.toml").env["PATH"]


@pytest.mark.faults(51)
def test_names_are_unknown_only_once_the_procfile_is_known():
    text = "[processes.web]\ndepends_on = ['reddis', 'worker']\n[services.redis]\n"
    parse_manifest(text, "devboot.toml")

    assert message("""
        error[manifest/unknown-name]: unknown name `reddis`
          --> devboot.toml:2:15
           |
         2 | depends_on = ['reddis', 'worker']
           |               ^^^^^^^^ no service, database, task or process
           |
        help: did you mean `redis`?
        """) == shown(text, procfile=("web", "worker"))


def test_before_names_tasks_and_processes_alone():
    text = "[services.redis]\n[tasks.a]\nrun = 'x'\nbefore = ['redis', 'wbe', 'processes', 'web']\n"

    assert [
        ("manifest/unknown-name", "a task can't come before `redis`", ()),
        ("manifest/unknown-name", "unknown name `wbe`", ("did you mean `web`?",)),
    ] == [(error.slug, error.what, error.help) for error in problems(text, procfile=("web",)).errors]


def test_a_name_that_two_tables_have_points_at_the_later_one():
    text = "[tasks.cache]\nrun = 'x'\n[services.cache]\n"

    assert message("""
        error[manifest/duplicate-name]: `cache` names a task and a service
          --> devboot.toml:3:11
           |
         3 | [services.cache]
           |           ^^^^^ a task in line 1
           |
        help: services, databases, tasks and processes share their names: rename one
        """) == shown(text)


def test_nothing_but_all_processes_is_called_processes():
    assert ["manifest/duplicate-name"] == [error.slug for error in problems("[services.processes]\n").errors]


def test_a_process_without_command_has_to_be_in_the_procfile():
    text = "[processes.wbe]\nport = 8000\n"

    assert message("""
        error[manifest/unknown-name]: process `wbe` is not in the Procfile and has no `command`
          --> devboot.toml:1:12
           |
         1 | [processes.wbe]
           |            ^^^ no such line in the Procfile
           |
        help: did you mean `web`?
        help: or add `command = "…"`
        """) == shown(text, procfile=("web",))


def test_a_command_may_take_the_place_of_the_procfiles_but_a_task_may_not_have_the_name_of_its_process():
    text = "[processes.web]\ncommand = 'x'\n[tasks.worker]\nrun = 'x'\n"

    assert ["`worker` names a task and a process of the Procfile"] == [
        error.what for error in problems(text, procfile=("web", "worker")).errors
    ]


@pytest.mark.parametrize(
    ("value", "what", "column", "helps"),
    [
        ("${services.redi.url}", "there is no service `redi`", 17, ("did you mean `redis`?",)),
        (
            "x ${services.redis.ulr}",
            "unknown name `ulr` in `${services.redis.ulr}`",
            25,
            ("did you mean `${services.redis.url}`?",),
        ),
        ("${services.cache.url}", "there is no service `cache`", 17, ("add `[services.cache]`",)),
        ("${databases.default.url}", "there is no database `default`", 18, ()),
        ("${processes.wbe.port}", "there is no process `wbe`", 18, ("did you mean `web`?",)),
        (
            "${service.redis.url}",
            "unknown name `service` in `${service.redis.url}`",
            8,
            ("did you mean `${services.redis.url}`?",),
        ),
        ("${project.nam}", "unknown name `nam` in `${project.nam}`", 16, ("did you mean `${project.name}`?",)),
        ("a ${A", "`${` is never closed", 8, ()),
    ],
)
def test_references_name_what_there_is(value, what, column, helps):
    text = f"[services.redis]\n[env]\nX = '{value}'\n"
    (error,) = problems(text, procfile=("web",)).errors

    assert (what, column, helps) == (error.what, error.place.column, error.help)


@pytest.mark.parametrize("value", ["${}", "${A-B}", "${X:-x}", "${services.url}", "${ A }"])
def test_a_reference_of_another_form_lists_the_forms(value):
    (error,) = problems(f"[env]\nA = '{value}'\n").errors

    assert ("manifest/value", f"`{value}` is not a reference that devboot knows") == (error.slug, error.what)
    assert error.help[0].startswith("forms: ")


def test_references_count_in_settings_env_ready_and_alive_and_nowhere_else():
    text = """\
        [services.redis]
        settings = { dir = "${services.a.data}", save = ["${services.b.data}"] }
        [processes.web]
        command = "echo ${services.x.y}"
        ready = { http = "http://127.0.0.1:${services.c.port}/" }
        alive = { exec = "test ${services.d.port}" }
        env = { A = "${services.e.url}" }
        [tasks.a]
        run = "echo ${services.x.y}"
        [env]
        A = { from = "shell", default = "${services.f.url}", description = "${services.x.y}" }
        """

    assert [f"there is no service `{name}`" for name in "abcdef"] == [
        error.what for error in problems(text, procfile=()).errors
    ]


def test_keys_that_no_terminal_sends_are_refused():
    assert message("""
        error[manifest/value]: `detach-keys` has a key that no terminal sends: `alt-x` is not a key
          --> devboot.toml:2:15
           |
         2 | detach-keys = "alt-x"
           |               ^^^^^^^ keys separated by blanks
           |
        help: write `detach-keys = "ctrl-p ctrl-q"`
        """) == shown('[ui]\ndetach-keys = "alt-x"\n')


def test_a_schedule_that_is_none_is_refused_with_what_is_wrong_with_it():
    assert message("""
        error[manifest/value]: `schedule` has no minute `61`: from 0 to 59
          --> devboot.toml:2:12
           |
         2 | schedule = "61 * * * *"
           |            ^^^^^^^^^^^^ no schedule
           |
        help: write `schedule = "*/5 * * * *"` or `"30s"`
        """) == shown('[processes.web]\nschedule = "61 * * * *"\n')


@pytest.mark.faults(52)
def test_a_manifest_for_a_newer_devboot_says_just_that():
    text = '[project]\nrequires-devboot = ">=9.1"\nfrom-the-future = 1\n'

    assert message("""
        error[manifest/too-new]: the project needs devboot >=9.1, this is 0.1.0
          --> devboot.toml:2:20
           |
         2 | requires-devboot = ">=9.1"
           |                    ^^^^^^^ this is 0.1.0
           |
        help: `uv tool upgrade devboot`
        """) == shown(text, version="0.1.0")


@pytest.mark.faults(52)
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "mistake", ["commmand = 'x'", "depends_on = ['nobody']", "port = '1'", "command = 'x'\nenv.A = '${services.x.url}'"]
)
def test_ten_thousand_mistakes_are_counted_and_the_first_hundred_shown(mistake):
    text = "".join(f"[processes.p{number}]\n{mistake}\n" for number in range(10_000))
    found = problems(text, procfile=tuple(f"q{number}" for number in range(10_000)))

    assert 100 == len(found.errors)
    assert ["devboot.toml", "nothing was started"] == [
        w for w in ("devboot.toml", "nothing was started") if w in found.summary
    ]
    assert ", the first 100 are shown; " in found.summary


@pytest.mark.faults(52)
@pytest.mark.timeout(60)
def test_ten_thousand_processes_in_a_chain_are_a_manifest_like_any_other():
    links = [f'[processes.p{n}]\ncommand = "x"\ndepends_on = ["p{n + 1}"]\n' for n in range(10_000)]
    chain = "".join([*links, '[processes.p10000]\ncommand = "x"\n'])

    assert 10_001 == len(parse_manifest(chain, "devboot.toml", procfile=()).processes)
    (error,) = problems(chain + 'depends_on = ["p0"]\n', procfile=()).errors
    assert "p0 -> p1 -> p2 -> … (10001 in all) -> p0 wait for each other" == error.what


@pytest.mark.parametrize("value", ["8000", "3.5", "true", '"5"', '"soon"', '["x"]'])
def test_what_a_message_says_to_write_is_accepted_when_it_is_pasted(value):
    for header, key in _keys(Manifest):
        before = f"[{header}]\n" if header else ""
        try:
            parse_manifest(f"{before}{key} = {value}\n", "devboot.toml", procfile=("x",))
        except Problems as raised:
            errors = [each for each in raised.errors if each.slug in ("manifest/type", "manifest/value")]
        else:
            continue
        for advice in (advice for each in errors for advice in each.help if advice.startswith("write `")):
            for pasted in re.findall(f"`({re.escape(key)} = [^`]*)`", advice):
                _assert_accepted(before + pasted, errors)


@pytest.mark.parametrize("value", ["5", "8000", "true", '"5"', '"health"', "'a\"b'", "3.5"])
@pytest.mark.parametrize("kind", ["http", "tcp", "exec", "log"])
def test_what_a_message_says_to_write_for_a_probe_is_accepted_when_it_is_pasted(kind, value):
    try:
        parse_manifest(f"[processes.x]\nready = {{ {kind} = {value} }}\n", "devboot.toml", procfile=("x",))
    except Problems as raised:
        said = "\n".join(advice for each in raised.errors for advice in each.help)
        advised = re.findall(f"`({kind} = .*?)`", said)
        assert advised or (kind, value) == ("tcp", "true"), said  # of which no port can be made
        for pasted in advised:
            parse_manifest(f"[processes.x]\nready = {{ {pasted} }}\n", "devboot.toml", procfile=("x",))


def _keys(model, header=""):
    """Each key of a table, with the header to write above it: `x` stands for a name."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner = [each for each in _types(field.annotation) if isinstance(each, type) and issubclass(each, Table)]
        is_named = get_origin(field.annotation) is dict
        if not header and inner:
            yield from _keys(inner[0], f"{key}.x" if is_named else key)
        else:
            yield header, key


def _types(annotation):
    yield annotation
    for argument in get_args(annotation):
        yield from _types(argument)


def _assert_accepted(text, before):
    """Assert that the text has no problem of the same kind as those `before`; a missing key may be reported."""
    left: set[str] = set()
    try:
        parse_manifest(text + "\n", "devboot.toml", procfile=("x",))
    except Problems as raised:
        left = {each.slug for each in raised.errors}
    assert not left & {each.slug for each in before}, text


@pytest.mark.parametrize(("word", "meant"), [("cmd", "run"), ("command", "run"), ("script", "run"), ("workdir", "cwd")])
def test_a_word_of_another_tool_is_taken_for_the_key_that_it_means(word, meant):
    text = f"[tasks.x]\n{word} = 'ls'\n" + ("run = 'ls'\n" if meant != "run" else "")

    assert [(f"unknown key `{word}` in `[tasks.x]`", (f"did you mean `{meant}`?",))] == [
        (error.what, error.help) for error in problems(text).errors
    ]


def test_the_caret_marks_the_word_that_is_unknown_in_a_reference():
    assert message("""
        error[manifest/unknown-name]: unknown name `service` in `${service.redis.url}`
          --> devboot.toml:2:12
           |
         2 | SERVICE="${service.redis.url}"
           |            ^^^^^^^ expected services, databases, processes, project
           |
        help: did you mean `${services.redis.url}`?
        """) == shown('[env]\nSERVICE="${service.redis.url}"\n')
