"""Colour, live layout and prompts: each a table, first match wins."""

import pytest

from devboot.text.masking import Masker
from devboot.text.modes import StreamFacts, Wishes, has_colour, is_live, is_unicode, may_ask, why_plain

TERMINAL = StreamFacts(True, "utf-8", 80, 24)
PIPE = StreamFacts()
XTERM = {"TERM": "xterm"}


@pytest.mark.faults(111)
@pytest.mark.parametrize(
    ("stream", "environ", "wishes", "expected"),
    [
        (TERMINAL, XTERM, Wishes(), True),
        (PIPE, XTERM, Wishes(), False),
        (TERMINAL, {"TERM": "dumb"}, Wishes(), False),
        (TERMINAL, {}, Wishes(), False),
        (TERMINAL, XTERM | {"NO_COLOR": "1"}, Wishes(), False),
        (TERMINAL, XTERM | {"NO_COLOR": ""}, Wishes(), True),
        (TERMINAL, XTERM | {"CLICOLOR": "0"}, Wishes(), False),
        (TERMINAL, XTERM | {"CLICOLOR": "1"}, Wishes(), True),
        (PIPE, {"FORCE_COLOR": "1"}, Wishes(), True),
        (PIPE, {"FORCE_COLOR": "0"}, Wishes(), False),
        (PIPE, {"FORCE_COLOR": ""}, Wishes(), False),
        (PIPE, {"CLICOLOR_FORCE": "1"}, Wishes(), True),
        (PIPE, {"CLICOLOR_FORCE": "0"}, Wishes(), False),
        (PIPE, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, Wishes(), False),
        (TERMINAL, {"TERM": "dumb", "FORCE_COLOR": "1"}, Wishes(), True),
        (TERMINAL, XTERM | {"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, Wishes(), True),
        (TERMINAL, XTERM | {"FORCE_COLOR": "1"}, Wishes(no_color=True), False),
        (TERMINAL, XTERM | {"FORCE_COLOR": "1"}, Wishes(json=True), False),
        (TERMINAL, XTERM, Wishes(plain=True), True),
    ],
)
def test_colour(stream, environ, wishes, expected):
    assert has_colour(stream, environ, wishes) is expected


@pytest.mark.faults(111, 119)
@pytest.mark.parametrize(
    ("stream", "environ", "wishes", "reason"),
    [
        (TERMINAL, XTERM, Wishes(), ""),
        (PIPE, XTERM, Wishes(), "no terminal"),
        (PIPE, XTERM | {"FORCE_COLOR": "1"}, Wishes(), "no terminal"),
        (TERMINAL, {"TERM": "dumb"}, Wishes(), "no terminal"),
        (TERMINAL, XTERM | {"CI": "true"}, Wishes(), "CI is set"),
        (TERMINAL, XTERM | {"CI": "1", "FORCE_COLOR": "1"}, Wishes(), "CI is set"),
        (TERMINAL, XTERM | {"CI": ""}, Wishes(), ""),
        (TERMINAL, XTERM | {"DEVBOOT_PLAIN": "1"}, Wishes(), "DEVBOOT_PLAIN is set"),
        (TERMINAL, XTERM | {"DEVBOOT_PLAIN": "0"}, Wishes(), ""),
        (TERMINAL, XTERM, Wishes(plain=True), "asked for"),
        (TERMINAL, XTERM, Wishes(json=True), "asked for"),
        (TERMINAL, XTERM, Wishes(quiet=True), "asked for"),
        (TERMINAL, XTERM, Wishes(no_color=True), ""),
        (TERMINAL._replace(foreground=False), XTERM, Wishes(), "in the background"),
    ],
)
def test_live_layout(stream, environ, wishes, reason):
    assert why_plain(stream, environ, wishes) == reason
    assert is_live(stream, environ, wishes) is (reason == "")


@pytest.mark.parametrize(
    ("stdin", "stderr", "wishes", "expected"),
    [
        (TERMINAL, TERMINAL, Wishes(), True),
        (PIPE, TERMINAL, Wishes(), False),
        (TERMINAL, PIPE, Wishes(), False),
        (TERMINAL, TERMINAL, Wishes(no_input=True), False),
        (TERMINAL, TERMINAL, Wishes(plain=True), False),
    ],
)
def test_prompts(stdin, stderr, wishes, expected):
    assert may_ask(stdin, stderr, XTERM, wishes) is expected


@pytest.mark.faults(109)
@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", True), ("ascii", False), ("latin-1", False), ("cp1252", False), ("nope", False)],
)
def test_symbols(encoding, expected):
    assert is_unicode(StreamFacts(encoding=encoding)) is expected


@pytest.mark.faults(67)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SECRET is s3cret-value here", "SECRET is *** here"),
        ("redis://:word@127.0.0.1:6379/0", "redis://:***@127.0.0.1:6379/0"),
        ("https://me:word@example.test/simple", "https://me:***@example.test/simple"),
        ("https://ghp_0123456789abcdef@example.test/x.git", "https://***@example.test/x.git"),
        ("https://me@example.test/x.git", "https://me@example.test/x.git"),
        ("http://127.0.0.1:8000/a@b", "http://127.0.0.1:8000/a@b"),
        ("s3cret-value-longer", "***"),
        ("true and 1", "true and 1"),
        ("postgresql+x://${databases.shop.user}@db/a", "postgresql+x://${databases.shop.user}@db/a"),
        ("mysql://me:${databases.shop.password}@db/a", "mysql://me:${databases.shop.password}@db/a"),
        ("https://${A}averylongtoken@b/a", "https://***@b/a"),
    ],
)
def test_secrets_are_masked_by_their_source(text, shown):
    assert Masker(["s3cret-value", "s3cret-value-longer", "true", "1", ""])(text) == shown
