"""The variables in every form."""

import json
import subprocess

import pytest

from devboot import snapshot
from devboot.app.commands import env
from devboot.app.fast.call import Call
from devboot.app.staleness import changes_since
from devboot.model.composed_variable import ComposedVariable
from devboot.snapshot import DEFAULT, PREPEND, SET, UNSET, Snapshot
from devboot.text.modes import OutputOptions, StreamFacts

AWKWARD = 'a\'b "c" $HOME `id` \\ \n\té !*'
PATCH = (
    (SET, "REDIS_URL", "redis://127.0.0.1:6379"),
    (SET, "AWKWARD", AWKWARD),
    (SET, "SECRET_KEY", "canary"),
    (DEFAULT, "EDITOR", "vi"),
    (PREPEND, "PATH", "/shop/.venv/bin"),
    (UNSET, "PYTHONHOME", ""),
    (SET, "spring.name", "x"),
)
VARIABLES = (
    ("EDITOR", "vi", "devboot.toml:4", False),
    ("REDIS_URL", "redis://127.0.0.1:6379", "services.redis", False),
    ("SECRET_KEY", "canary", "generated", True),
)
KNOWN = Snapshot("/shop", ("shop",), PATCH, (), (), variables=VARIABLES)


def test_the_shell_form_is_complete_and_survives_every_character(tmp_path):
    script = env.as_shell(PATCH, {}) + "env -0"
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, check=True, env={"PATH": "/usr/bin:/bin", "PYTHONHOME": "/x"}
    )
    found = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    assert found["AWKWARD"] == AWKWARD
    assert found["SECRET_KEY"] == "canary"
    assert found["PATH"] == "/shop/.venv/bin:/usr/bin:/bin"
    assert found["EDITOR"] == "vi"
    assert "PYTHONHOME" not in found


def test_without_a_path_nothing_empty_is_appended():
    script = env.as_shell([(PREPEND, "PATH", "/shop/bin")], {}) + '/bin/echo "$PATH"'
    done = subprocess.run(["/bin/sh", "-c", f"unset PATH; {script}"], capture_output=True, check=True, text=True)
    assert done.stdout == "/shop/bin\n"


def test_what_gives_way_to_the_shell_is_left_to_it():
    assert "EDITOR" not in env.as_shell(PATCH, {"EDITOR": "emacs"})
    assert env.effective(KNOWN, {"EDITOR": "emacs"})[0] == ComposedVariable("EDITOR", "emacs", "the shell")


def test_names_that_no_shell_can_have_are_named():
    assert env.unnameable(PATCH) == ["spring.name"]


@pytest.mark.faults(67)
def test_the_table_masks_secrets_and_names_the_sources():
    variables = env.effective(KNOWN, {})
    assert env.as_table(PATCH, variables, with_secrets=False) == (
        """\
NAME        VALUE                   SOURCE
PATH        /shop/.venv/bin:...     devboot
EDITOR      vi                      devboot.toml:4
REDIS_URL   redis://127.0.0.1:6379  services.redis
SECRET_KEY  ***                     generated
"""
    )
    assert "canary" in env.as_table(PATCH, variables, with_secrets=True)


def test_a_long_folder_moves_no_other_row_of_the_table():
    variables = env.effective(KNOWN, {})
    patch = (*PATCH[:4], (PREPEND, "PATH", "/home/ada/.local/share/devboot/store/6cv63ptr4yphx5t4-redis-8.2.3/bin"))
    assert env.as_table(patch, variables, with_secrets=False, home="/home/ada", width=80) == (
        """\
NAME        VALUE                   SOURCE
PATH        ~/.local/share/devboot/store/6cv63ptr4yphx5t4-redis-8.2.3/bin:...
                                    devboot
EDITOR      vi                      devboot.toml:4
REDIS_URL   redis://127.0.0.1:6379  services.redis
SECRET_KEY  ***                     generated
"""
    )


@pytest.mark.faults(67)
def test_json_has_null_for_secrets_until_they_are_asked_for():
    variables = env.effective(KNOWN, {})
    document = env.as_json("shop", PATCH, variables, with_secrets=False)
    assert json.dumps(document).count("canary") == 0
    assert document["path"] == ["/shop/.venv/bin"]
    assert document["variables"]["SECRET_KEY"] == {
        "value": None,
        "source": "generated",
        "secret": True,
    }
    shown = env.as_json("shop", PATCH, variables, with_secrets=True)
    assert shown["variables"]["SECRET_KEY"]["value"] == "canary"


OWN = (
    ComposedVariable("PGPASSWORD", "4f1e4f1e", "services.postgres", True),
    ComposedVariable("REDIS_URL", "redis://:9c0d9c0d@127.0.0.1:6379/0", "services.redis"),
    ComposedVariable("BROKER", "redis://:9c0d9c0d@127.0.0.1:6379/1", "devboot.toml:4"),
    ComposedVariable("DB_PASSWORD", "4f1e4f1e", "devboot.toml:5", True),
)
OTHERS = (
    ComposedVariable("SECRET_KEY", "canary", "generated", True),
    ComposedVariable("API_KEY", "canary", ".env:1", True),
    ComposedVariable("MIRROR", "redis://:canary@cache.test:6379/0", "devboot.toml:6"),
    ComposedVariable("BOTH", "redis://:9c0d9c0d@127.0.0.1:6379/0 redis://:canary@cache.test", "devboot.toml:7"),
)


def test_json_for_a_program_has_the_passwords_of_the_projects_own_services_and_no_others():
    document = env.as_json("shop", (), (*OWN, *OTHERS), with_secrets=False, with_own_passwords=True)
    values = {name: entry["value"] for name, entry in document["variables"].items()}
    assert values == {**{each.name: each.value for each in OWN}, **dict.fromkeys(each.name for each in OTHERS)}
    assert all(entry["secret"] for entry in document["variables"].values())


@pytest.mark.parametrize("terminal", [False, True])
def test_whether_json_is_for_a_program_is_decided_by_its_stream(tmp_path, capfd, terminal):
    known = KNOWN._replace(root=str(tmp_path), variables=tuple(tuple(each) for each in OWN))
    snapshot.write(str(tmp_path / snapshot.NAME), known)
    streams = (StreamFacts(), StreamFacts(terminal), StreamFacts())
    output = OutputOptions(json=True)
    where = {"root": str(tmp_path), "state": str(tmp_path)}

    assert env.carry_out(Call("env", (), {}, **where, environ={}, streams=streams, output=output, began=0)) == 0

    shown = json.loads(capfd.readouterr().out)["variables"]
    assert [shown[each.name]["value"] for each in OWN] == [None if terminal else each.value for each in OWN]


def test_json_for_a_person_has_no_password_at_all():
    document = env.as_json("shop", (), (*OWN, *OTHERS), with_secrets=False)
    assert {entry["value"] for entry in document["variables"].values()} == {None}


def test_direnv_watches_what_makes_it_stale():
    lines = env.direnv(PATCH, "/my shop", "/state", {}).split("\n")
    assert lines[0].startswith("watch_file '/my shop/devboot.toml' '/my shop/devboot.lock' ")
    assert "export REDIS_URL='redis://127.0.0.1:6379'" in lines


@pytest.mark.faults(175)
def test_a_password_in_an_address_is_masked_as_secrets_are():
    url = "postgresql://ada:hunter22@127.0.0.1:5432/shop"
    variables = (ComposedVariable("DATABASE_URL", url, "devboot.toml:2"),)

    assert "postgresql://ada:***@127.0.0.1:5432/shop" in env.as_table((), variables, with_secrets=False)
    assert url in env.as_table((), variables, with_secrets=True)
    hidden = env.as_json("shop", (), variables, with_secrets=False)["variables"]["DATABASE_URL"]
    assert (hidden["value"], hidden["secret"]) == (None, True)
    assert env.as_json("shop", (), variables, with_secrets=True)["variables"]["DATABASE_URL"]["value"] == url


def test_ports_that_devboot_has_recorded_itself_are_no_change(tmp_path):
    files = [str(tmp_path / "state" / "ports.toml"), str(tmp_path / ".env")]
    known = KNOWN._replace(root=str(tmp_path), stamps=snapshot.stamps(files))
    (tmp_path / "state").mkdir()
    for path in files:
        with open(path, "w", encoding="utf-8") as file:
            file.write("web = 5000\n")

    assert changes_since(known, str(tmp_path), {}, str(tmp_path / "state")) == (".env has changed",)


def test_variables_that_nobody_has_composed_yet_are_refused_with_the_command_that_does(tmp_path, capfd):
    where = {"root": str(tmp_path), "state": str(tmp_path)}
    streams = (StreamFacts(), StreamFacts(), StreamFacts())
    call = Call("env", (), {}, **where, environ={}, streams=streams, output=OutputOptions(), began=0)

    for known in (None, KNOWN):  # of another project
        if known is not None:
            snapshot.write(str(tmp_path / snapshot.NAME), known)
        assert env.carry_out(call) != 0
        said = capfd.readouterr().err.splitlines()
        assert said[0].startswith("error[sync/needed]: the variables of ")
        assert ["cause: nothing has been synced here yet", "help: devboot sync"] == said[1:]
