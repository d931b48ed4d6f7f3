"""One run of the command line, without a process of its own."""

import json
import os

import pytest

from devboot import snapshot
from devboot.cli.commands import init_doctor
from devboot.cli.main import main
from devboot.state.project import find_project


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DEVBOOT_HOME", str(tmp_path / "home"))
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "home"


def run(capsys, *argv):
    code = main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_version(capsys, home):
    assert run(capsys, "--version")[:2] == (0, "devboot 0.1.0\n")


@pytest.mark.parametrize("argv", [("-h",), ("--help",), ("help",)])
def test_help_goes_to_stdout(capsys, home, argv):
    code, out, err = run(capsys, *argv)
    assert (code, err) == (0, "")
    assert out.startswith("devboot takes a fresh clone")


@pytest.mark.parametrize("argv", [("logs", "-n", "5", "-h"), ("-h", "logs"), ("help", "logs"), ("logs", "x", "--help")])
def test_help_works_everywhere(capsys, home, argv):
    code, out, _ = run(capsys, *argv)
    assert (code, out.split("\n")[0]) == (0, "usage: devboot logs [FLAGS] [NAME...]")


def test_alone_in_a_folder_without_a_project(capsys, home):
    code, out, _ = run(capsys)
    assert code == 0
    assert out.split("\n")[0] == "no devboot.toml here. `devboot up` works without one; `devboot init` writes one"
    assert out.count("\n") == 8


def test_a_slip_goes_to_stderr_with_exit_2(capsys, home):
    code, out, err = run(capsys, "statuss")
    assert (code, out) == (2, "")
    assert err == (
        "error[usage/unknown-command]: there is no command `statuss`\n"
        "help: did you mean `devboot ps`?\n"
        "help: `devboot help` lists all commands\n"
    )


def test_errors_are_the_last_object_of_json_too(capsys, home):
    code, out, err = run(capsys, "doctor", "--json", "pyton")
    facts = json.loads(out)
    assert (code, facts["schema"], facts["event"], facts["slug"]) == (2, 1, "error", "usage/unknown-check")
    assert "did you mean `python`?" in err


def test_annotations_come_besides_the_text(capsys, home, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    _, out, err = run(capsys, "statu")
    assert out == ""
    assert err.split("\n")[-2].startswith("::error title=usage/unknown-command::there is no command `statu`")


@pytest.mark.faults(36, 67)
def test_a_bug_leaves_a_crash_file_without_values_and_exits_70(capsys, home, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "canary-5c1")

    def broken(*_, **_flags):
        local = os.environ["SECRET_TOKEN"] + "-local"
        raise KeyError(os.environ["SECRET_TOKEN"], len(local))

    monkeypatch.setattr(init_doctor, "examine", broken)
    code, out, err = run(capsys, "doctor")
    files = list((home / "state" / "crash").iterdir())
    assert (code, out) == (70, "")
    assert err.split("\n")[0] == "error[bug]: devboot stopped because of a bug in itself (KeyError in `_examine`)"
    assert f"(details without secrets: {files[0]})" in err
    text = files[0].read_text()
    assert "canary" not in text + err
    assert "raise KeyError(" in text  # the source line, but no values of variables
    assert "SECRET_TOKEN" in text
    assert "KeyError" in text
    assert files[0].stat().st_mode & 0o777 == 0o600


def test_ctrl_c_says_so_and_exits_130(capsys, home, monkeypatch):
    def interrupted(*_, **_flags):
        raise KeyboardInterrupt

    monkeypatch.setattr(init_doctor, "examine", interrupted)
    assert run(capsys, "doctor") == (130, "", "stopped by you\n")


def test_a_full_disk_anywhere_is_no_bug(capsys, home, monkeypatch):
    def full(*_, **_flags):
        raise OSError(28, "No space left on device", "/x/y")

    monkeypatch.setattr(init_doctor, "examine", full)
    code, _, err = run(capsys, "doctor")
    assert code == 6
    assert err.startswith("error[machine/disk-full]: ")


def test_a_directory_that_is_not_there(capsys, home):
    code, _, err = run(capsys, "-C", "nowhere", "doctor")
    assert (code, err.split("\n")[0]) == (2, "error[usage/no-directory]: there is no directory `nowhere`")


def test_quiet_says_nothing_but_errors(capsys, home):
    assert run(capsys, "-q", "statu")[2].startswith("error[")


def test_topics(capsys, home):
    assert json.loads(run(capsys, "help", "schema")[1])["title"] == "devboot.toml"
    assert run(capsys, "help", "exit-codes")[1].startswith("CODE  MEANING\n   0  success")
    assert "DEVBOOT_HOME" in run(capsys, "help", "environment")[1]
    code, _, err = run(capsys, "help", "exit-code")
    assert (code, err.split("\n")[1]) == (2, "help: did you mean `devboot help exit-codes`?")


def test_explain_takes_what_was_copied_from_a_message(capsys, home):
    assert run(capsys, "explain", "error[usage/unknown-command]:")[1].startswith("usage/unknown-command\n\n")
    assert run(capsys, "explain", "usage/unknown-comand")[2].split("\n")[1] == (
        "help: did you mean `devboot explain usage/unknown-command`?"
    )


def test_a_task_that_the_last_sync_did_not_have_is_found_without_the_flag(capsys, home):
    project = find_project(os.getcwd(), os.environ)
    os.makedirs(project.state)
    known = snapshot.Snapshot(project.root, (), (), (), ())
    snapshot.write(os.path.join(project.state, snapshot.NAME), known)

    code, _, err = run(capsys, "run", "--no-sync", "seed")

    assert code == 2
    assert "devboot run seed   # if the task is newer than the last sync" in err
