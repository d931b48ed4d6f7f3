"""Mistakes in files that people write: exit code 3, the line shown, and nothing made or started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devboot.state.claiming import has_content

pytestmark = pytest.mark.own_ports

GOOD = '[databases.default]\npath = "db.sqlite3"\n'
PROCFILE = "web: python3 -m http.server\n"


@pytest.fixture
def site(machine, tmp_path):
    """A project of plain files: `site(manifest, procfile, dotenv)`; each is text or bytes."""

    def make(manifest: str | bytes = GOOD, procfile: str | bytes = PROCFILE, dotenv: str | bytes = ""):
        folder = tmp_path / "plan/site"
        folder.mkdir(parents=True)
        for name, content in (("devboot.toml", manifest), ("Procfile", procfile), (".env", dotenv)):
            if content:
                (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return machine(folder)

    return make


def refuses(here, *words: str) -> str:
    """`up -d`, `sync` and `run` all refuse with code 3 before they make anything; what `up` says."""
    before = sorted(here.root.rglob("*"))
    said = [here.devboot(*command, code=3).stderr for command in (("up", "-d"), ("sync",), ("run", "--", "true"))]
    for text in said:
        for word in words:
            assert word in text
        assert "Traceback" not in text
    assert before == sorted(here.root.rglob("*"))
    assert not {"logs", "snapshot"} & set(os.listdir(here.state) if here.state.exists() else ())
    assert not has_content(str(here.data))
    assert not Path(here.environ["DEVBOOT_HOME"], "data/store").exists()
    assert [] == here.left()
    return said[0]


@pytest.mark.faults(44)
@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("[databases.default]\npath = \n", "devboot.toml:2:7"),
        ('[project]\nname = "a"\nname = "b"\n', "devboot.toml:3"),
        (b"\xef\xbb\xbf" + GOOD.encode(), "byte order mark"),
        (GOOD.encode("utf-16"), "UTF-16"),
        (b'[project]\nname = "a\xff"\n', "devboot.toml:2:10"),
    ],
    ids=["syntax", "duplicate", "byte order mark", "utf-16", "byte"],
)
def test_what_is_no_toml(site, manifest, said):
    refuses(site(manifest), "error[manifest/", said)


@pytest.mark.faults(45)
@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("[proceses.web]\nport = 80\n", "did you mean `processes`?"),
        ("[services.redis]\nprot = 1\n", "did you mean `port`?"),
        ("[services.redys]\n", "did you mean `redis`?"),
    ],
)
def test_a_misspelt_name(site, manifest, said):
    refuses(site(manifest), "devboot.toml:", said)


@pytest.mark.faults(46)
@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ('[project]\nname = 3\n[databases.default]\npath = "a"\n', "devboot.toml:2:8"),
        ("[processes.web]\nport = 99999\n", "devboot.toml:2:8"),
        ("[databases.default]\n", "`path`"),
    ],
)
def test_a_value_of_another_kind(site, manifest, said):
    refuses(site(manifest), said)


@pytest.mark.faults(47)
def test_all_mistakes_in_one_run(site):
    said = refuses(
        site("[project]\nnam = 1\n[services.redis]\nport = 'x'\n[databases.a]\npth = 'b'\n[proceses.web]\n"),
        "problems in devboot.toml",
    )

    assert said.count("error[") >= 4


@pytest.mark.faults(49)
def test_a_version_that_does_not_exist(site):
    refuses(site("[services.redis]\nversion = '99'\n"), "error[manifest/no-such-version]", "99", "8.2")


@pytest.mark.faults(50)
@pytest.mark.parametrize(
    ("procfile", "said"),
    [
        ("web python3 -m http.server\n", "Procfile:1"),
        ("web: true\nweb: false\n", "Procfile:2"),
        ("web:\n", "Procfile:1"),
    ],
    ids=["no colon", "twice", "no command"],
)
def test_a_line_of_a_procfile_that_is_none(site, procfile, said):
    refuses(site(procfile=procfile), "error[procfile/", said)


@pytest.mark.faults(50, 67)
def test_a_dotenv_file_with_an_open_quote_shows_no_value(site):
    said = refuses(site(dotenv="FINE=1\nKEY='canary-4711\n"), "error[env/bad-line]", ".env:2", "***")

    assert "canary" not in said


@pytest.mark.faults(50)
def test_a_dotenv_file_of_another_system(site):
    here = site(dotenv="export A=1\r\nB='2'\r\n")

    assert "1 2\n" == here.devboot("run", "--", "sh", "-c", "echo $A $B").stdout


@pytest.mark.faults(51)
@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (
            "[tasks.a]\nrun = 'x'\ndepends_on = ['b']\n[tasks.b]\nrun = 'x'\ndepends_on = ['a']\n",
            "a -> b -> a",
        ),
        ("[processes.web]\ndepends_on = ['redis']\n", "`redis`"),
        ("[processes.web]\ndepends_on = ['web']\n", "web -> web"),
    ],
)
def test_dependencies_that_cannot_be(site, manifest, said):
    refuses(site(manifest), said)


@pytest.mark.faults(52)
def test_a_newer_devboot_is_wanted(site):
    refuses(site("[project]\nrequires-devboot = '>=99'\n"), "error[manifest/too-new]", ">=99")


@pytest.mark.faults(52)
def test_nothing_to_go_by(machine, tmp_path):
    (tmp_path / "plan/empty").mkdir(parents=True)
    here = machine(tmp_path / "plan/empty")

    refused = here.devboot("up", "-d", code=3)

    assert "error[manifest/not-found]" in refused.stderr
    assert "devboot init" in refused.stderr
    assert [] == list(here.root.iterdir())


def test_a_clone_in_which_nothing_would_run_is_not_called_up(machine, tmp_path):
    (tmp_path / "plan/game").mkdir(parents=True)
    (tmp_path / "plan/game/requirements.txt").touch()
    (tmp_path / "plan/game/main.py").write_text("print(input())\n")
    here = machine(tmp_path / "plan/game")

    refused = here.devboot("up", "-d", code=3)

    assert "error[manifest/nothing-to-run]" in refused.stderr
    assert "help: devboot run -- python3 main.py   # runs its program" in refused.stderr
    assert "is up" not in refused.stdout + refused.stderr
    assert {"main.py", "requirements.txt"} == {each.name for each in here.root.iterdir()}


@pytest.mark.faults(40)
@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ("<<<<<<< ours\nformat = 1\n=======\nformat = 1\n>>>>>>> theirs\n", "error[lock/conflict]"),
        ("format = ", "error[lock/syntax]"),
        (b"\x00\x01\x02", "error[lock/syntax]"),
        ("format = 99\n", "error[lock/too-new]"),
    ],
    ids=["conflict", "truncated", "binary", "newer"],
)
def test_a_lock_that_cannot_be_read_is_left_as_it_is(site, lock, said):
    here = site("[services.redis]\n")
    written = lock if isinstance(lock, bytes) else lock.encode()
    (here.root / "devboot.lock").write_bytes(written)

    refused = here.devboot("up", "-d", code=3)

    assert said in refused.stderr
    assert written == (here.root / "devboot.lock").read_bytes()
    assert [] == here.left()


def test_a_required_variable_that_is_missing(site):
    refuses(
        site('[env]\nCLIENT_ID = { required = true, description = "from the cloud console" }\n'),
        "error[env/missing]",
        "CLIENT_ID",
        "from the cloud console",
    )
