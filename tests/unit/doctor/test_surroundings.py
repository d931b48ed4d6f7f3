"""Checks of what surrounds a project: network settings, git, the shell's limits, the clock, leftovers in the store."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
from contextlib import closing, contextmanager

import pytest

from devboot import snapshot
from devboot.doctor.checks import manifest, variables
from devboot.doctor.checks.surroundings import git, machine, network, store
from devboot.doctor.findings import WARNING
from devboot.model.project_files.procfile import parse_procfile
from devboot.provision.objects.store import STAGING

from .test_checks import slugs


def with_variables(subject, **variables):
    return subject(environ={"PATH": os.environ["PATH"], **variables})


# Network


def test_without_settings_nothing_is_wrong_with_the_network(subject):
    for check in network.CHECKS:
        assert check.run(subject()).findings == ()
    assert network.proxy(subject()).facts == ("no proxy",)


def test_a_proxy_is_shown_without_its_password(subject):
    answer = network.proxy(with_variables(subject, HTTPS_PROXY="http://ada:s3cret@proxy.test:3128"))

    assert (answer.facts, answer.findings) == (("proxy proxy.test:3128 of HTTPS_PROXY",), ())


@pytest.mark.parametrize("value", ["socks5://h:1", "http://", "http://h:x", "http://ada:s3cret@"])
def test_a_proxy_that_cannot_be_used_is_a_warning_without_its_password(value, subject):
    answer = network.proxy(with_variables(subject, HTTPS_PROXY=value))

    assert [(each.slug, each.severity) for each in answer.findings] == [("network/proxy", WARNING)]  # `up` may be warm
    assert "s3cret" not in str(answer)


def test_a_proxy_on_this_machine_has_to_listen(subject):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert slugs(network.proxy(with_variables(subject, https_proxy=address))) == []
    answer = network.proxy(with_variables(subject, https_proxy=address))

    assert slugs(answer) == ["network/proxy"]
    assert answer.findings[0].fix.command == "unset https_proxy"


def test_certificates_have_to_be_there(subject, tmp_path):
    path = tmp_path / "certificates.pem"
    answer = network.certificates(with_variables(subject, SSL_CERT_FILE=str(path)))
    assert slugs(answer) == ["network/tls"]
    assert answer.findings[0].evidence == (f"`{path}` isn't there",)

    path.write_text("-----BEGIN CERTIFICATE-----\n")
    assert slugs(network.certificates(with_variables(subject, SSL_CERT_FILE=str(path)))) == []
    assert slugs(network.certificates(with_variables(subject, SSL_CERT_DIR=str(tmp_path)))) == []


def test_switched_off_downloads_are_told(subject):
    assert network.offline(with_variables(subject, UV_OFFLINE="1")).facts == ("offline",)


# git


@pytest.fixture
def clone(subject, tmp_path):
    known = subject('[databases.main]\npath = "data/db.sqlite3"\n[databases.out]\npath = "../out.sqlite3"\n')
    root = tmp_path / "shop"
    subprocess.run(["git", "init", "-q", root], check=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    (root / "data").mkdir()
    for name in (".env", "data/db.sqlite3", "../out.sqlite3"):
        (root / name).write_text("x")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull}
    return known, environ


def unignored(clone, subject):
    known, environ = clone
    answer = git.ignored(subject(environ=environ, manifest=known.manifest))
    return [finding.fix.arguments[1] for finding in answer.findings]


def test_secrets_and_databases_that_git_would_take_are_named(clone, subject, tmp_path):
    assert unignored(clone, subject) == ["/.env", "/data/db.sqlite3"]
    (tmp_path / "shop/.gitignore").write_text("*.sqlite3\n")
    assert unignored(clone, subject) == ["/.env"]
    subprocess.run(["git", "-C", tmp_path / "shop", "add", "-f", ".env"], check=True, env=clone[1])
    assert unignored(clone, subject) == []  # somebody has decided so


def test_databases_kept_under_a_dated_name_are_named_by_one_line_that_ignores_them(clone, subject, tmp_path):
    shop = tmp_path / "shop"
    (shop / ".gitignore").write_text("/.env\n/data/db.sqlite3\n")
    for name in ("db.sqlite3.2026-12-01T092909", "db.sqlite3.2026-12-01T092909-wal", "db.sqlite3.sql"):
        (shop / "data" / name).touch()

    (line,) = unignored(clone, subject)

    assert line == "/data/db.sqlite3.[0-9]*"
    with (shop / ".gitignore").open("a") as file:
        file.write(f"{line}\n")
    assert unignored(clone, subject) == []


def test_a_gitignore_that_is_a_link_is_not_what_git_reads(clone, subject, tmp_path):
    (tmp_path / "shop/.gitignore").symlink_to("ignored")
    known, environ = clone

    fixes = [each.fix for each in git.ignored(subject(environ=environ, manifest=known.manifest)).findings]

    assert [(each.use_case, each.command) for each in fixes] == [
        ("", f'echo /{name} >> "$(git rev-parse --git-path info/exclude)"') for name in (".env", "data/db.sqlite3")
    ]


def test_without_a_repository_nothing_can_be_committed(subject, tmp_path):
    (tmp_path / "shop/.env").write_text("KEY=1\n")

    answer = git.ignored(subject())

    assert (answer.facts, answer.findings, answer.idle) == (("no repository",), (), True)


# The machine


@contextmanager
def limited(kind, number):
    """Lower a soft limit of this process for a moment."""
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (number, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


def test_a_limit_for_the_size_of_files_is_named(subject):
    assert slugs(machine.limits(subject())) == []
    with limited(resource.RLIMIT_FSIZE, 50_000_000):
        answer = machine.limits(subject())

    assert slugs(answer) == ["machine/file-size-limit"]
    assert "50.0 MB" in answer.findings[0].what


def test_a_clock_behind_the_last_command_is_named(subject):
    here = subject()
    path = os.path.join(here.project.state, snapshot.NAME)
    with open(path, "wb"):
        os.utime(path, (10_000.0, 10_000.0))

    assert slugs(machine.clock(subject(now=10_000.0))) == []
    assert slugs(machine.clock(subject(now=8_000.0))) == []
    assert slugs(machine.clock(subject(now=1_000.0))) == ["machine/clock"]


def test_programs_can_be_run_where_they_usually_are(subject, tmp_path):
    (tmp_path / "shop/.venv").mkdir()

    assert slugs(machine.noexec(subject())) == []


# Leftovers, lines, templates


def test_leftovers_are_a_problem_after_a_day(subject, tmp_path):
    left = tmp_path / f"data/store/{STAGING}abcdefgh"
    left.mkdir(parents=True)
    (left / "part").write_bytes(b"x" * 2000)
    os.utime(left, (0.0, 0.0))

    assert slugs(store.old_leftovers(subject(now=3600.0))) == []
    answer = store.old_leftovers(subject(now=90_000.0))

    assert slugs(answer) == ["store/leftovers"]
    assert answer.findings[0].fix.cost == "removes them, frees 2.0 kB"


def test_lines_of_the_procfile_that_are_ignored_are_named(subject):
    found = parse_procfile("web: true\nnothing at all\n", "Procfile", is_lenient=True)

    answer = manifest.procfile(subject(procfile=found))

    assert slugs(answer) == ["procfile/bad-line"]
    assert answer.findings[0].fix.command == "sed -n 2p Procfile"


def test_variables_of_the_template_without_a_value_are_told(subject, tmp_path):
    (tmp_path / "shop/.env.example").write_text("KEY=\nMAIL=\nPORT=\n")
    (tmp_path / "shop/.env").write_text("KEY=1\n")
    (tmp_path / "shop/app.py").write_text("KEY = os.environ['KEY']\n")

    answer = variables.variables(subject("[env]\nPORT = 1\n"))

    assert (answer.facts, answer.details) == (
        ("1 variable of .env.example without a value",),
        ("only in .env.example: MAIL",),
    )


def test_lines_of_env_files_without_an_effect_are_named_unless_they_are_silenced(subject, tmp_path):
    (tmp_path / "shop/.env").write_text("KEY=1\nKEY=2\nnothing\n")

    answer = variables.variables(subject())

    assert slugs(answer) == ["env/duplicate", "env/skipped-line"]
    assert answer.findings[0].fix.command == "sed -n 1p .env"
    silent = subject('[project]\nsilence = ["env/duplicate"]\n')
    assert slugs(variables.variables(silent)) == ["env/skipped-line"]


# Variables that nothing uses


def test_variables_that_no_file_names_are_reported_and_no_problem(subject):
    one = subject('[env]\nSHOP_KEY = "1"\nMAIL_TOKEN = "2"\n[processes.web]\ncommand = "serve $USED"\n')
    root = one.project.root
    with open(os.path.join(root, "devboot.toml"), "w") as file:
        file.write('[env]\nSHOP_KEY = "1"\nMAIL_TOKEN = "2"\n[processes.web]\ncommand = "serve $USED"\n')
    with open(os.path.join(root, ".env"), "w") as file:
        file.write("OLD_NAME=1\nUSED=2\nAPP_TOPIC=3\nPGHOST=4\n")
    with open(os.path.join(root, "settings.py"), "w") as file:
        file.write('class Settings(BaseSettings):\n    topic: str\nKEY = os.environ["SHOP_KEY"]\n')

    assert variables.variables(one).facts == ()  # all files are read only with `--probe`
    answer = variables.variables(one._replace(probed=()))

    assert ((), ("2 variables that no file of the project names (-v)",)) == (answer.findings, answer.facts)
    assert ("named nowhere: MAIL_TOKEN, OLD_NAME",) == answer.details


@pytest.mark.parametrize("limit", ["_MOST_BYTES", "_MOST_FILES"])
def test_of_a_clone_that_is_too_large_to_be_searched_nothing_is_said(limit, subject, monkeypatch):
    monkeypatch.setattr(variables, limit, 1)
    one = subject('[env]\nNAME_OF_NOTHING = "1"\n')
    with open(os.path.join(one.project.root, "settings.py"), "w") as file:
        file.write("# more than one byte\n")
    os.makedirs(os.path.join(one.project.root, "shop/inner"))
    assert variables.Answer() == variables.variables(one._replace(probed=()))
