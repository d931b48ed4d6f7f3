"""The table of known errors."""

import re

import pytest

from devboot.model.process import TASK, ProcessSpec
from devboot.supervisor.explain.advice import advised
from devboot.supervisor.explain.known_errors import find_advice, known_errors
from devboot.supervisor.explain.process_errors import ended
from devboot.supervisor.state_machine import End

CONFLICT = """
npm error code ERESOLVE
npm error ERESOLVE could not resolve
npm error
npm error While resolving: toy-picker@2.1.0
npm error Found: react@18.3.1
npm error Fix the upstream dependency conflict, or retry
npm error this command with --force or --legacy-peer-deps
npm error to accept an incorrect (and potentially broken) dependency resolution.
"""
OUT_OF_STEP = """
npm ERR! code EUSAGE
npm ERR!
npm ERR! `npm ci` can only install packages when your package.json and package-lock.json are in sync.
npm ERR! Missing: toy@1.0.0 from lock file
"""


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (CONFLICT, "echo legacy-peer-deps=true >> '/p/my ui/.npmrc'   # as npm did before its version 7"),
        (OUT_OF_STEP, "devboot run -- npm --prefix '/p/my ui' install && devboot up -d   # a new lock"),
    ],
)
def test_npm_gets_the_setting_or_the_lock_that_it_asks_for(text, command):
    assert find_advice(text.splitlines(), "/p/my ui") == (command,)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("ImportError: libodbc.so.2: cannot open shared object file: No such file or directory", "unixodbc"),
        ("OSError: libtoy-2.0.so.7: cannot open shared object file: No such file or directory", "`libtoy-2.0.so.7`"),
        ("SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?", "2to3"),
        (
            "ToyError: It must be set either by passing k to the client or by setting the TOY environment variable",
            "echo 'TOY=…' >> .env",
        ),
        ("SyntaxError: multiple exception types must be parenthesized", "2to3"),
    ],
)
def test_a_library_of_the_system_and_code_for_python_2_are_named(line, named):
    assert named in find_advice([line], "/p")[0]


def test_a_program_of_node_that_is_not_built_comes_with_the_command_that_builds_it():
    (advice,) = find_advice(("Error: Cannot find module '/p/my ui/dist/x.js'",), "/p/my ui")
    assert advice.startswith("devboot run -- npm --prefix '/p/my ui' run build && devboot up -d   # builds ")


@pytest.mark.parametrize(
    "text", ["Error: Cannot find module 'express'", "npm error code ENOTFOUND", "retry with --legacy-peer-deps", ""]
)
def test_other_complaints_get_no_advice(text):
    assert find_advice(text.splitlines(), "/p") == ()


@pytest.mark.parametrize("row", known_errors(), ids=lambda row: row["said"])
def test_advice_names_what_was_found_only_where_an_expression_finds_something(row):
    groups = re.compile(row.get("also", row["said"])).groups

    assert groups == any("{found}" in text for text in row.get("advice", ()))


@pytest.mark.parametrize("row", known_errors(), ids=lambda row: row["said"])
def test_each_row_has_the_keys_that_are_read_and_advice(row):
    assert {*row} <= {"said", "also", "advice", "debian", "homebrew"}
    assert ("advice" in row) != ("debian" in row)


@pytest.mark.parametrize("opens", ["return open_func(self.baseFilename, self.mode,", "return open(self.baseFilename,"])
def test_the_missing_folder_of_a_log_file_is_made_by_a_command(opens):
    lines = (f"    {opens}", "FileNotFoundError: [Errno 2] No such file or directory: '/shop/logs/shop.log'")

    assert find_advice(lines) == ("mkdir -p '/shop/logs'   # for the log that the code writes there",)


def test_an_archive_that_java_lacks_is_said_to_be_built_first():
    (advice,) = find_advice(("Error: Unable to access jarfile target/shop.jar",))

    assert advice.startswith("`target/shop.jar` is built from Java code first")


def test_the_row_with_a_further_line_needs_that_line():
    said = "ValueError: Unable to configure handler 'file'"
    missing = "FileNotFoundError: [Errno 2] No such file or directory: '/p/logs/app.log'"

    assert find_advice([missing, said]) == ("mkdir -p '/p/logs'   # for the log that the code writes there",)
    assert find_advice([said])[0].startswith("the folder of a log file may be missing")
    assert find_advice([missing]) == ()


def test_a_failed_task_comes_with_it():
    spec = ProcessSpec("npm", TASK, "/p", "npm ci")

    error = advised(ended(spec, End(1), tuple(CONFLICT.splitlines())))

    assert error.help[0] == "echo legacy-peer-deps=true >> /p/.npmrc   # as npm did before its version 7"


@pytest.mark.parametrize("word", ["a ", "/a:1", "redis.", "connecting to a:1 ", "npm ERR! "])
def test_a_line_of_megabytes_without_a_known_error_is_searched_at_once(word):
    """Its end is out of reach for a search whose time grows with the square of the length."""
    assert find_advice((word * 300_000,)) == ()


@pytest.mark.parametrize("word", ["not found ", "/app/a does not exist ", "[Errno 2] ", "No such option: "])
def test_so_is_one_in_which_missing_files_and_packages_are_looked_for(word):
    failed = ended(ProcessSpec("web", TASK, "/p", "make"), End(1), (word * 300_000,))

    assert advised(failed).help == failed.help


def test_an_application_without_migrations_gets_the_command_that_makes_them():
    (command,) = find_advice(["ValueError: Dependency on app with no migrations: members"], "/p/shop")
    assert command.startswith("devboot run -- python manage.py makemigrations members && devboot up -d ")


def test_a_folder_that_is_served_and_missing_gets_the_command_that_makes_it():
    (command,) = find_advice(["RuntimeError: Directory 'small pictures' does not exist"], "/p/my shop")
    assert command.startswith("mkdir -p '/p/my shop/small pictures' && devboot up -d ")
