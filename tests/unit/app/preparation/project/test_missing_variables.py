"""What is said of a required variable that nobody has set."""

from __future__ import annotations

import subprocess

import pytest

from devboot.app.preparation.project.missing_variables import is_env_template, missing_variable, missing_variables
from devboot.environment.variables.layers import Missing

WANTED = Missing("API_KEY", "from the console")


def said(root, read=(".env",)):
    error = missing_variable(str(root), WANTED, read, None)
    return error.what, error.causes, error.help


def test_it_goes_into_the_env_file_that_is_read_last(tmp_path):
    assert ("`API_KEY` is not set", (), ("echo 'API_KEY=…' >> .env.local",)) == said(tmp_path, (".env", ".env.local"))


def test_its_description_is_a_detail_and_not_a_cause(tmp_path):
    error = missing_variable(str(tmp_path), WANTED, (".env",), None)

    assert (error.details, error.causes) == (("API_KEY  from the console",), ())


def test_a_command_of_a_message_that_was_pasted_as_it_is_left_a_placeholder_to_be_replaced(tmp_path):
    pasted = Missing("API_KEY", "", ".env:3")
    one = missing_variable(str(tmp_path), pasted, (".env",), None)
    several = missing_variables(str(tmp_path), [pasted, Missing("PRICE", "")], (".env",))

    assert one.causes == ("in .env:3 it is still the placeholder `…`",)
    assert one.help == ("write its value in .env:3",)
    assert several.causes == ("in .env:3 `API_KEY` is still the placeholder `…`",)
    assert several.help == ("write the value in .env:3", "echo 'PRICE=…' >> .env")


def test_where_no_env_file_is_read_it_goes_into_the_shell(tmp_path):
    assert ("export API_KEY=…",) == said(tmp_path, ())[2]


@pytest.mark.parametrize(
    "name",
    [".env.example", ".env-dist", "env.sample", ".env.local.example", "sample.env", "env.sample.local",
     ".env.docker.example", "docker-compose.local-template.env", "ENV_TEMPLATE"],
)  # fmt: skip
def test_a_template_that_has_it_is_to_be_copied(tmp_path, name):
    (tmp_path / name).write_text("API_KEY=\n")

    _, causes, helps = said(tmp_path)

    assert (
        (f"`{name}` has it, and there is no `.env` yet",),
        (f"cp {name} .env  # then set API_KEY in it",),
    ) == (causes, helps)


@pytest.mark.parametrize(
    "name", ["env.py", "env_template.py", "example.toml", ".env.test", "environment.sample", "env"]
)
def test_what_is_called_otherwise_is_no_template(name):
    assert not is_env_template(name)


def test_a_template_is_no_advice_where_the_file_is_there_or_it_lacks_the_variable(tmp_path):
    (tmp_path / ".env.example").write_text("OTHER=\n")
    assert ("echo 'API_KEY=…' >> .env",) == said(tmp_path)[2]

    (tmp_path / ".env.example").write_text("API_KEY=\n")
    (tmp_path / ".env").write_text("")
    assert ("echo 'API_KEY=…' >> .env",) == said(tmp_path)[2]


def test_the_template_beside_the_env_file_comes_first(tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / ".env.example").write_text("API_KEY=\n")
    (tmp_path / ".env.example").write_text("API_KEY=\n")

    assert ("cp app/.env.example app/.env  # then set API_KEY in it",) == said(tmp_path, ("app/.env",))[2]


def test_a_template_that_cant_be_read_is_none(tmp_path):
    (tmp_path / ".env.example").write_bytes(b"\xff\xfe\n")

    assert ("echo 'API_KEY=…' >> .env",) == said(tmp_path)[2]


SEVERAL = [
    Missing("PRICE", "read at app.py:4, put it in .env"),
    Missing("ACCOUNT", "read at app.py:5, put it in .env"),
    Missing("HOST_NAME", "read at app.py:6, put it in .env"),
]


def said_of_several(root, read=(".env",)):
    error = missing_variables(str(root), SEVERAL, read)
    return error.causes, error.help


def test_several_are_one_list_with_where_each_is_read_and_one_command(tmp_path):
    error = missing_variables(str(tmp_path), SEVERAL, (".env",))

    assert ("env/missing", "3 variables are not set") == (error.slug, error.what)
    assert error.details == (
        "PRICE      read at app.py:4",
        "ACCOUNT    read at app.py:5",
        "HOST_NAME  read at app.py:6",
    )
    assert ((), ("printf '%s\\n' 'PRICE=…' 'ACCOUNT=…' 'HOST_NAME=…' >> .env",)) == (error.causes, error.help)
    assert ("export PRICE ACCOUNT HOST_NAME  # with values",) == said_of_several(tmp_path, ())[1]


def test_a_template_that_has_some_of_several_is_to_be_copied_and_the_rest_added(tmp_path):
    (tmp_path / ".env.example").write_text("PRICE=\nACCOUNT=\n")

    assert (
        ("`.env.example` has 2 of them, and there is no `.env` yet",),
        ("cp .env.example .env  # then set PRICE, ACCOUNT in it", "echo 'HOST_NAME=…' >> .env"),
    ) == said_of_several(tmp_path)

    (tmp_path / ".env.example").write_text("PRICE=\nACCOUNT=\nHOST_NAME=\n")
    assert (
        ("`.env.example` has them, and there is no `.env` yet",),
        ("cp .env.example .env  # then set PRICE, ACCOUNT, HOST_NAME in it",),
    ) == said_of_several(tmp_path)

    (tmp_path / ".env").write_text("")
    assert () == said_of_several(tmp_path)[0]


@pytest.mark.parametrize(("before", "after"), [("A=1", "A=1\n"), ("A=1\n", "A=1\n"), ("", "")])
def test_the_command_ends_the_last_line_of_the_file_first(before, after, tmp_path):
    file, wanted = tmp_path / ".env", [Missing("KEY", ""), Missing("OTHER", "")]
    for make, expected in (
        (lambda: missing_variable(str(tmp_path), wanted[0], [".env"], None), "KEY=…\n"),
        (
            lambda: missing_variables(str(tmp_path), wanted, [".env"]),
            "KEY=…\nOTHER=…\n",
        ),
    ):
        file.write_text(before)
        subprocess.run(["/bin/sh", "-c", make().help[0]], cwd=tmp_path, check=True)
        assert f"{after}{expected}" == file.read_text()
