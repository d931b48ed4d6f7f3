"""Bodies of generations without secret values, and with those of today."""

import json

import pytest
from hypothesis import given, strategies

from devboot.app.preparation.generations.redaction import (
    changed_secrets,
    left_out,
    missing_secrets,
    secret_values,
    with_secrets,
    without_secrets,
)

PASSWORD = "0123456789abcdef" * 4


def body_of(value, command="serve"):
    """A body whose plan, patch and variables have the value as API_KEY."""
    url = f"redis://:{PASSWORD}@127.0.0.1:6379"
    process = {"name": "web", "command": command, "argv": [], "env": [["API_KEY", value]], "ready": [url]}
    return {
        "lock": "",
        "snapshot": {
            "plan": {"composed": [["API_KEY", f"={value}"]], "processes": [process]},
            "patch": [["=", "API_KEY", value], ["=", "REDIS_URL", url], ["+", "PATH", "/bin"]],
            "variables": [["API_KEY", value, ".env:1", True], ["REDIS_URL", url, "services.redis", False]],
            "inherited": [["SHELL_TOKEN", "of the shell"]],
        },
    }


@pytest.mark.faults(176)
@given(strategies.text(min_size=1, max_size=20).filter(lambda text: "\ufdd0" not in text and "://" not in text))
def test_a_body_comes_back_as_it_was_with_the_same_values(value):
    body = body_of(value)
    kept = without_secrets(body, {"services.redis.password": PASSWORD}, "salt")

    assert PASSWORD not in json.dumps(kept)
    assert kept["snapshot"]["variables"][0][1] != value
    back = with_secrets(kept, {"API_KEY": value, "services.redis.password": PASSWORD})["snapshot"]
    assert back["patch"] == body["snapshot"]["patch"]
    assert back["plan"] == body["snapshot"]["plan"]
    assert back["inherited"] == [["SHELL_TOKEN", None]]


@pytest.mark.faults(176)
def test_passwords_in_addresses_go_too_wherever_they_stand():
    kept = without_secrets(body_of("long-enough-secret", "curl https://ada:hunter22@pypi.test"), {}, "salt")

    assert "hunter22" not in json.dumps(kept)
    assert "long-enough-secret" not in json.dumps(kept)


def test_what_changed_and_what_is_missing_is_known_by_name():
    kept = without_secrets(body_of("of then"), {"services.redis.password": PASSWORD}, "salt")

    assert changed_secrets(kept, {"API_KEY": "of today"}, "salt") == ["API_KEY"]
    assert missing_secrets(kept, {"API_KEY": "of then"}) == ["services.redis.password"]  # its probe needs it
    assert left_out(kept, {"API_KEY": "of then"}) == ["REDIS_URL"]


def test_what_has_no_value_is_left_out_of_processes_too():
    kept = without_secrets(body_of("of then"), {"services.redis.password": PASSWORD}, "salt")
    back = with_secrets(kept, {"services.redis.password": PASSWORD})["snapshot"]

    assert left_out(kept, {"services.redis.password": PASSWORD}) == ["API_KEY"]
    assert back["plan"]["processes"][0]["env"] == back["plan"]["composed"] == []
    assert [row[1] for row in back["patch"]] == ["REDIS_URL", "PATH"]


@pytest.mark.parametrize(
    "command",
    [
        "curl https://ada:hunter22@pypi.test",
        "curl https://0123456789abcdef@pypi.test",
        "curl https://ada:hunter22@pypi.test https://ada:hunter33@pypi.test https://bob:hunter22@pypi.test",
        f"curl redis://:{PASSWORD}@127.0.0.1 redis://:x{PASSWORD}y@127.0.0.1",
    ],
)
def test_a_command_gets_the_passwords_of_its_addresses_back(command):
    body = body_of("long-enough-secret", command)
    body["snapshot"]["plan"]["processes"][0]["argv"] = command.split()
    body["snapshot"]["plan"]["processes"][0]["env"].append(["MIRROR", command])
    passwords = {"services.redis.password": PASSWORD}
    kept = without_secrets(body, passwords, "salt")

    assert not any(secret in json.dumps(kept) for secret in ("hunter", "0123456789abcdef"))
    back = with_secrets(kept, secret_values(body, passwords))["snapshot"]
    assert back["plan"] == body["snapshot"]["plan"]


def test_the_password_of_an_address_is_filled_in_as_it_is_today():
    kept = without_secrets(body_of("of then", "curl https://ada:hunter22@pypi.test/a"), {}, "salt")
    today = secret_values(body_of("of then", "exec curl https://ada:hunter33@pypi.test/b"), {})

    assert "password of ada@pypi.test" in missing_secrets(kept, {"API_KEY": "of then"})
    assert "password of ada@pypi.test" in changed_secrets(kept, today, "salt")
    back = with_secrets(kept, today)["snapshot"]["plan"]["processes"][0]
    assert back["command"] == "curl https://ada:hunter33@pypi.test/a"


def test_addresses_of_what_is_not_restored_need_no_value():
    body = {**body_of("of then"), "lock": "index https://ada:hunter22@pypi.test"}
    kept = without_secrets(body, {"services.redis.password": PASSWORD}, "salt")

    assert kept["lock"] == "index https://ada:***@pypi.test"
    assert missing_secrets(kept, {"API_KEY": "of then", "services.redis.password": PASSWORD}) == []


def test_bytes_that_are_no_text_are_kept_as_a_digest():
    kept = without_secrets(body_of("of th\udcffen"), {}, "salt")

    assert changed_secrets(kept, {"API_KEY": "of th\udcffen"}, "salt") == []
