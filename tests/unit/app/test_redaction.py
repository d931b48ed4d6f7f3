"""Bodies of generations without secret values, and with those of today."""

import json

import pytest
from hypothesis import given, strategies

from devboot.app.redaction import changed_secrets, missing_secrets, with_secrets, without_secrets

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
    assert missing_secrets(kept, {"API_KEY": "of then"}) == ["services.redis.password"]
    assert with_secrets(kept, {})["snapshot"]["variables"][0][0] == "REDIS_URL"
