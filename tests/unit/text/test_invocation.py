"""Advice can be pasted where devboot was called in another way than by its name."""

from __future__ import annotations

import pytest

from devboot.app.command_table import COMMANDS as TABLE
from devboot.errors import WorkError
from devboot.text import invocation
from devboot.text.invocation import COMMANDS, folder_in, how_called, rewrite
from devboot.text.problems import render_problem

WRAPPER = "./devbootw"


@pytest.fixture
def called_as_wrapper(monkeypatch):
    monkeypatch.setattr(invocation, "_known", [(WRAPPER, "")])


@pytest.fixture
def on_path(tmp_path):
    (tmp_path / "devboot").touch(mode=0o755)
    return str(tmp_path)


def test_the_commands_are_those_of_the_table():
    assert COMMANDS == {each.name for each in TABLE}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop is not running: devboot up", "shop is not running: ./devbootw up"),
        ("  next    devboot logs -f   devboot ps", "  next    ./devbootw logs -f   ./devbootw ps"),
        ("after a fix: `devboot up -d`", "after a fix: `./devbootw up -d`"),
        ("devboot -C /shop down", "./devbootw -C /shop down"),
        ("kill 12 && devboot up -d", "kill 12 && ./devbootw up -d"),
        ("then `devboot up -d`: devboot chooses a free port", "then `./devbootw up -d`: devboot chooses a free port"),
        ("devboot starts it; devboot and uv; devboot.toml", None),
        ("./devbootw up; python -m devboot up; /opt/devboot up; my-devboot up", None),
        ("  | devboot up", None),
        ("   3 | web: devboot up", None),
    ],
)
def test_commands_are_rewritten_and_nothing_else(text, expected):
    assert rewrite(text, WRAPPER) == (text if expected is None else expected)
    assert rewrite(rewrite(text, WRAPPER), WRAPPER) == rewrite(text, WRAPPER)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop is not running: devboot up", "shop is not running: devboot -C 'my shop' up"),
        ("`devboot ps`, `devboot down`", "`devboot -C 'my shop' ps`, `devboot -C 'my shop' down`"),
        ("cp a b && devboot up -d", "cp a b && devboot -C 'my shop' up -d"),
        ("devboot -C api up", "devboot -C 'my shop' -C api up"),
        ("cd 'my shop' && cp a b && devboot up -d", None),
        ("mkdir example && cd example && devboot init --example", None),
        ("`devboot help up`, devboot explain port/in-use", None),
        ("in a clone on the other machine: devboot up --from shop.kit.tar", None),
        ("then devboot chooses a free port", None),
        ("error[usage/unknown-flag]: `devboot up` has no flag `-Z`", None),
    ],
)
def test_commands_are_for_the_folder_that_was_named(text, expected):
    assert rewrite(text, "devboot", "my shop") == (text if expected is None else expected)
    assert rewrite(rewrite(text, "devboot", "my shop"), "devboot", "my shop") == rewrite(text, "devboot", "my shop")


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ("up -d", ""),
        ("-C shop up", "shop"),
        ("up -d -C shop", "shop"),
        ("-Cshop up", "shop"),
        ("-C .. -C shop up", "../shop"),
        ("-C . up", ""),
        ("run -C shop test -C other", "shop"),
        ("run -- make -C other", ""),
    ],
)
def test_the_folder_is_that_of_the_command_line(line, folder):
    assert folder_in(line.split()) == folder


@pytest.mark.parametrize(
    ("argv", "original", "expected"),
    [
        ("./devbootw", ["python", "-I", "launch.py"], "./devbootw"),
        ("/home/ada/my src/devbootw", ["python"], "'/home/ada/my src/devbootw'"),
        (".venv/bin/devboot", ["python", ".venv/bin/devboot"], ".venv/bin/devboot"),
        ("/src/devboot/__main__.py", ["python3", "-P", "-m", "devboot", "up"], "python3 -P -m devboot"),
        ("/tools/bin/devbootw", ["python"], "devbootw"),
        ("devboot", ["/tools/python", "-I", "launch.py"], "devboot"),
        ("/lib/pytest/__main__.py", ["python", "-m", "pytest"], "devboot"),
        ("-c", ["python", "-c", "…"], "devboot"),
        ("", [], "devboot"),
    ],
)
def test_it_is_called_again_as_it_was_unless_its_name_is_on_path(on_path, argv, original, expected):
    assert how_called([argv], original, {"PATH": "/nowhere:/tools/bin"}) == expected
    assert how_called([argv], original, {"PATH": f"/nowhere:{on_path}"}) == "devboot"


def test_a_folder_of_its_name_on_path_is_not_the_program(tmp_path):
    (tmp_path / "devboot").mkdir()

    assert how_called(["./devbootw"], ["python"], {"PATH": str(tmp_path)}) == "./devbootw"


def test_a_long_line_of_blanks_is_rewritten_in_time_in_proportion():
    text = f"{' ' * 1024 * 1024}devboot up"

    assert rewrite(text, WRAPPER) == text.replace("devboot up", "./devbootw up")


def test_commands_for_files_go_to_the_folder_that_was_named(monkeypatch):
    monkeypatch.setattr(invocation, "_known", [("devboot", "my shop")])
    helps = [
        "chmod +x bin/web",
        "cp .env.example .env && devboot up -d",
        "create it: `mkdir -p data`, or change `cwd`",
        "uv cache prune",
        "devboot lock",
    ]
    assert render_problem(WorkError("a/b", "it is down", help=helps)).splitlines()[1:] == [
        "help: cd 'my shop' && chmod +x bin/web",
        "help: cd 'my shop' && cp .env.example .env && devboot up -d",
        "help: create it: `cd 'my shop' && mkdir -p data`, or change `cwd`",
        "help: uv cache prune",
        "help: devboot -C 'my shop' lock",
    ]


@pytest.mark.usefixtures("called_as_wrapper")
def test_errors_are_rewritten_and_what_they_quote_is_not():
    error = WorkError("a/b", "it is down", details=["| devboot up"], help=["devboot up -d"])
    assert render_problem(error) == "error[a/b]: it is down\n  | devboot up\nhelp: ./devbootw up -d\n"
