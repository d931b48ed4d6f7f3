"""`devboot import` as it is typed: what it prints, what it writes, its exit codes."""

import json

import pytest

from devboot.cli.main import main

COMPOSE = """\
services:
  cache:
    image: redis:7
  web:
    build: .
    command: python app.py
    environment:
      CACHE_URL: redis://cache:6379/0
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A clone with a compose file, entered; without a home of its own devboot would write into the user's."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "compose.yaml").write_text(COMPOSE)
    (root / "app.py").write_text("print('runs')\n")
    monkeypatch.setenv("DEVBOOT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(root)
    return root


def test_the_report_goes_to_stdout_and_the_rest_to_stderr(shop, capsys):
    assert main(("import",)) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "compose.yaml:3  services.cache.image                native          [services.redis] 7.x",
        "compose.yaml:5  services.web.build                  native          [processes.web] runs the clone's code: python3 app.py",  # noqa: E501
        "compose.yaml:6  services.web.command                native          [processes.web] python3 app.py",
        "compose.yaml:8  services.web.environment.CACHE_URL  native          leads to `redis` on this machine",
        "",
        "100 % of 4 entries are native or approximated: 4 native",
    ]
    assert err.startswith("wrote devboot.toml, ")
    assert 'CACHE_URL = "${services.redis.url}/0"' in (shop / "devboot.toml").read_text()


@pytest.mark.parametrize("flag", ["-n", "--diff"])
def test_looking_writes_nothing(shop, capsys, flag):
    assert main(("import", flag)) == 0
    assert "[services.redis]" in capsys.readouterr().out
    assert not (shop / "devboot.toml").exists()


def test_programs_get_the_same_as_json(shop, capsys):
    assert main(("import", "--json")) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["files"], document["written"], document["percentage"]) == (["compose.yaml"], ["devboot.toml"], 100)
    assert document["entries"][0] == {
        "file": "compose.yaml",
        "line": 3,
        "key": "services.cache.image",
        "verdict": "native",
        "text": "[services.redis] 7.x",
    }


def test_the_check_fails_as_soon_as_the_two_differ(shop, capsys):
    main(("import",))
    assert main(("import", "--check")) == 0
    (shop / "compose.yaml").write_text(COMPOSE.replace("redis:7", "redis:8"))
    capsys.readouterr()
    assert main(("import", "--check")) == 1
    out, err = capsys.readouterr()
    assert '-services.redis.version = "7"\n' in out
    assert err.startswith("devboot.toml differs from the compose file")
    assert main(("import", "--check", "--json")) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_mistake_is_shown_with_its_line_and_a_caret(shop, capsys):
    (shop / "compose.yaml").write_text(COMPOSE.replace("image", "imag"))
    assert main(("import",)) == 3
    err = capsys.readouterr().err
    assert "compose.yaml:3:5" in err
    assert "^^^^ did you mean `image`?" in err


@pytest.mark.parametrize("flags", [("--check", "--merge"), ("--diff", "-n")])
def test_flags_that_exclude_each_other_are_a_usage_error(shop, capsys, flags):
    assert main(("import", *flags)) == 2
    assert "exclude each other" in capsys.readouterr().err
    assert sorted(each.name for each in shop.iterdir()) == ["app.py", "compose.yaml"]
