"""Secrets in text for users: known values, and passwords in URLs."""

import pytest

from devboot.text.masking import Masker, passwords_in
from devboot.uv.failures import masked

KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\nzz9\nBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n"


@pytest.mark.faults(67)
def test_each_line_of_a_value_is_masked_wherever_a_log_cuts_it():
    mask = Masker([KEY])

    assert mask("web | MIIEvQIBADAN") == "web | ***"
    assert "BgkqhkiG9w0B" not in mask(repr(KEY))
    assert mask(f"key: {KEY}") == "key: ***\n"
    assert mask("zz9") == "zz9"  # so short that it occurs by chance


@pytest.mark.faults(67)
@pytest.mark.parametrize(
    "password", ["wSECRET", "p/wSECRET", "p/wSEC/RET", "/wSECRET", "8000wSECRET", "8000w/SECRET", "p:w/SECRET"]
)
def test_passwords_in_addresses_are_masked_also_with_a_slash(password):
    text = f"error: invalid `https://ada:{password}@pypi.test/simple`, see https://docs.test"

    assert Masker()(text) == "error: invalid `https://ada:***@pypi.test/simple`, see https://docs.test"
    assert passwords_in(text) == {password}
    assert "SECRET" not in masked(text)
    assert "pypi.test/simple" in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost:8000/users/ada@example.test",
        "http://127.0.0.1:$PORT/users/ada@example.test",
        "http://127.0.0.1:${services.web.port}/users/ada@example.test",
        "http://127.0.0.1:{port}/users/ada@example.test",
        "https://pypi.test/a:b@c",
        "redis://${services.redis.host}:6379/0, mail to ada@example.test",
        "postgres://ada:${DB_PASSWORD}@db/shop",
    ],
)
def test_addresses_without_a_password_stay(text):
    assert Masker()(text) == text
    assert passwords_in(text) == set()
