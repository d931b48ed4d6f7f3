"""A command reads a clone's code at most once, whatever it compares the result with."""

import collections

import pytest

from devboot import clone_reader
from devboot.app.preparation.project.load import load_project
from devboot.cli.main import main

CODE = """
import flask, os, redis
app = flask.Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]
store = redis.Redis(host="localhost", port=6379)
"""
PACKAGES = "flask\nredis\nshop-of-nobody==9.9\n"  # can't be had, so that no command gets as far as a start
SERVICE = "[services.redis]\n"
WEB = "[processes.web]\ncommand = 'sleep 100'\n"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Enter a clone that ran by detection before it got a manifest; returns the reads of its files from then on."""
    root, environ = tmp_path / "shop", {"DEVBOOT_HOME": str(tmp_path / "home")}
    monkeypatch.setenv("DEVBOOT_HOME", environ["DEVBOOT_HOME"])
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    reads: collections.Counter[str] = collections.Counter()

    def note(path, what):
        if what == clone_reader.CONTENT:
            reads[path] += 1

    def enter(manifest, inner="."):
        folder = root / inner
        folder.mkdir(parents=True)
        (folder / "shop_code.py").write_text(CODE)
        (folder / "requirements.txt").write_text(PACKAGES)
        if manifest is not None:
            if inner == ".":
                load_project(str(root), environ)
            (folder / "devboot.toml").write_text(manifest)
        monkeypatch.chdir(root)
        monkeypatch.setattr(clone_reader, "listeners", [note])
        return lambda: reads[str(folder / "shop_code.py")]

    return enter


@pytest.mark.parametrize(
    ("command", "manifest", "expected"),
    [
        (("up", "-d"), None, 1),
        (("up", "-n"), None, 1),
        (("sync",), None, 1),
        (("doctor",), None, 1),
        (("init", "--diff"), None, 1),
        (("init",), None, 1),
        (("up", "-d"), SERVICE, 1),  # refused: it lacks the detected process
        (("sync",), SERVICE, 1),
        (("init", "--merge"), SERVICE, 1),
        (("up", "-d"), f"{SERVICE}[processes]\n", 1),  # compared for what it lacks, and for the address in the code
        (("up", "-d"), f"{SERVICE}{WEB}", 1),
        (("sync",), f"{SERVICE}{WEB}", 1),
        (("up", "-n"), f"{SERVICE}{WEB}", 1),
        (("doctor",), f"{SERVICE}{WEB}", 0),
    ],
)
def test_a_command_detects_at_most_once(shop, command, manifest, expected):
    detections = shop(manifest)
    main((*command, *(("--offline",) if command[0] in ("up", "sync") else ())))
    assert expected == detections()


def test_without_a_difference_one_line_says_so(shop, capsys):
    shop(None)
    main(("init",))
    capsys.readouterr()
    main(("init", "--diff"))
    assert capsys.readouterr() == ("", "devboot.toml has all that was found; nothing to add\n")


def test_both_comparisons_share_the_one_detection(shop, capsys):
    detections = shop(f"{SERVICE}[processes]\n")
    main(("sync", "--offline"))
    said = capsys.readouterr().err
    assert ("[manifest/less-than-detected]" in said, "[service/open]" in said, detections()) == (True, True, 1)


@pytest.mark.parametrize("manifest", [None, f"{SERVICE}[processes]\n"])
def test_an_application_below_the_folder_is_detected_once_with_a_manifest_and_without(shop, manifest):
    detections = shop(manifest, "web")
    main(("sync", "--offline"))
    assert detections() == 1
