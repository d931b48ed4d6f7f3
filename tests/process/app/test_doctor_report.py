"""`doctor --report` and `--read`: no secret and no home folder gets into the file, and nothing is overwritten."""

from __future__ import annotations

import json
import os

import pytest

from devboot.app.commands.doctor_report import Shortened, collect, read
from devboot.cli.commands.init_doctor import read_report, write_report
from devboot.cli.main import main
from devboot.cli.session import Session
from devboot.errors import UsageError, WorkError
from devboot.supervisor.last_failure import keep_failure
from tests.fakes.broken_projects import Shop

CANARIES = ("of-the-env-file-1", "of-the-shell-2", "of-the-manifest-3", "of-an-address-4")


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path, tmp_path / "cache", with_python=False)
    (shop.root / ".env").write_text(f'TOKEN="{CANARIES[0]}"\n')
    shop.environ |= {"API_KEY": CANARIES[1]}
    shop.add(f'[env]\nKEY = "${{API_KEY}}"\nURL = "redis://ada:{CANARIES[3]}@db.test/1"\n')
    shop.edit("http.server", f"http.server {shop.folder}/home/pages")
    assert shop.up() == ""
    keep_failure(str(shop.state), "web", WorkError("process/exit", f"web failed: {CANARIES[1]} is wrong"))
    logs = shop.state / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "web.log").write_text(f"boom {CANARIES[0]}\nat /home/bob/shop/app.py\n")
    return shop


def test_no_value_of_a_secret_and_no_home_folder_gets_into_the_file(shop, capsys):
    path = shop.folder / "report.json"

    assert write_report(Session(shop.context()), (), str(path), yes=True) == 0

    text = path.read_text()
    assert [] == [each for each in CANARIES[:2] + CANARIES[3:] if each in text]
    assert [] == [each for each in CANARIES[:2] + CANARIES[3:] if each in capsys.readouterr().out]
    assert f"{shop.folder}/home" not in text
    assert "/home/bob" not in text
    document = json.loads(text)
    assert document["project"]["processes"]["web"] == "python -m http.server ~/pages"
    assert document["logs"]["web"] == ["boom ***", "at ~…/shop/app.py"]
    assert {"KEY", "TOKEN", "URL"} <= set(document["project"]["variables"])
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_written_can_be_read_on_another_machine(shop, capsys):
    path = shop.folder / "report.json"
    write_report(Session(shop.context()), (), str(path), yes=True)
    written = capsys.readouterr().out

    assert read_report(Session(shop.context(shop.folder)), (), "report.json", yes=False) == 0

    assert capsys.readouterr().out == written


def test_nothing_is_written_without_a_question(shop):
    with pytest.raises(UsageError) as raised:
        write_report(Session(shop.context()), (), "report.json", yes=False)

    assert raised.value.slug == "usage/argument"
    assert not (shop.root / "report.json").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b'{"devboot-report": 9}', b"\xff\xfe", b"[" * 99999, b'{"devboot-report": 1, "at": NaN}'],
)
def test_another_file_is_neither_read_nor_replaced(content, shop):
    path = shop.root / "notes.json"
    path.write_bytes(content)

    for carry_out in (write_report, read_report):
        with pytest.raises(UsageError) as raised:
            carry_out(Session(shop.context()), (), "notes.json", yes=True)
        assert raised.value.slug == "usage/no-report"

    assert path.read_bytes() == content


def test_a_report_for_a_folder_that_is_not_there_says_how_to_make_it(shop):
    with pytest.raises(UsageError) as raised:
        write_report(Session(shop.context()), (), "a folder/report.json", yes=True)

    assert raised.value.what == f"there is no folder `{shop.root}/a folder` for the report"
    assert raised.value.help == (f"mkdir -p '{shop.root}/a folder'",)


@pytest.mark.parametrize("flag", ["--report", "--read"])
def test_an_empty_name_of_a_report_is_refused(flag, shop, monkeypatch, capsys):
    monkeypatch.chdir(shop.root)

    assert main(["doctor", flag, "", "-y"]) == 2
    assert "usage/no-report" in capsys.readouterr().err


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "report")

    with pytest.raises(UsageError):
        read(str(tmp_path / "report"))


def test_other_folders_keep_their_names():
    shortened = Shortened("/home/ada", str, ())

    assert shortened("/home/ada/x and /home/adam/y, /srv/home/z") == "~/x and ~…/y, /srv/home/z"


def test_a_broken_project_has_a_report_too(shop):
    shop.add("[env")

    document = collect(shop.context(), {})

    assert document["project"]["name"] == "shop"
