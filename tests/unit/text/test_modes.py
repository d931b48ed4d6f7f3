"""Colour, live layout and prompts: each a table, first match wins."""

import pytest

from devboot.text.masking import Masker
from devboot.text.modes import OutputOptions, StreamFacts, has_colour, is_live, is_unicode, may_ask, why_plain

TERMINAL = StreamFacts(True, "utf-8", 80, 24)
PIPE = StreamFacts()
XTERM = {"TERM": "xterm"}


@pytest.mark.faults(111)
@pytest.mark.parametrize(
    ("stream", "environ", "output", "expected"),
    [
        (TERMINAL, XTERM, OutputOptions(), True),
        (PIPE, XTERM, OutputOptions(), False),
        (TERMINAL, {"TERM": "dumb"}, OutputOptions(), False),
        (TERMINAL, {}, OutputOptions(), False),
        (TERMINAL, XTERM | {"NO_COLOR": "1"}, OutputOptions(), False),
        (TERMINAL, XTERM | {"NO_COLOR": ""}, OutputOptions(), True),
        (TERMINAL, XTERM | {"CLICOLOR": "0"}, OutputOptions(), False),
        (TERMINAL, XTERM | {"CLICOLOR": "1"}, OutputOptions(), True),
        (PIPE, {"FORCE_COLOR": "1"}, OutputOptions(), True),
        (PIPE, {"FORCE_COLOR": "0"}, OutputOptions(), False),
        (PIPE, {"FORCE_COLOR": ""}, OutputOptions(), False),
        (PIPE, {"CLICOLOR_FORCE": "1"}, OutputOptions(), True),
        (PIPE, {"CLICOLOR_FORCE": "0"}, OutputOptions(), False),
        (PIPE, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, OutputOptions(), False),
        (TERMINAL, {"TERM": "dumb", "FORCE_COLOR": "1"}, OutputOptions(), True),
        (TERMINAL, XTERM | {"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, OutputOptions(), True),
        (TERMINAL, XTERM | {"FORCE_COLOR": "1"}, OutputOptions(no_color=True), False),
        (TERMINAL, XTERM | {"FORCE_COLOR": "1"}, OutputOptions(json=True), False),
        (TERMINAL, XTERM, OutputOptions(plain=True), True),
    ],
)
def test_colour(stream, environ, output, expected):
    assert has_colour(stream, environ, output) is expected


@pytest.mark.faults(111, 119)
@pytest.mark.parametrize(
    ("stream", "environ", "output", "reason"),
    [
        (TERMINAL, XTERM, OutputOptions(), ""),
        (PIPE, XTERM, OutputOptions(), "no terminal"),
        (PIPE, XTERM | {"FORCE_COLOR": "1"}, OutputOptions(), "no terminal"),
        (TERMINAL, {"TERM": "dumb"}, OutputOptions(), "no terminal"),
        (TERMINAL, XTERM | {"CI": "true"}, OutputOptions(), "CI is set"),
        (TERMINAL, XTERM | {"CI": "1", "FORCE_COLOR": "1"}, OutputOptions(), "CI is set"),
        (TERMINAL, XTERM | {"CI": ""}, OutputOptions(), ""),
        (TERMINAL, XTERM | {"DEVBOOT_PLAIN": "1"}, OutputOptions(), "DEVBOOT_PLAIN is set"),
        (TERMINAL, XTERM | {"DEVBOOT_PLAIN": "0"}, OutputOptions(), ""),
        (TERMINAL, XTERM, OutputOptions(plain=True), "asked for"),
        (TERMINAL, XTERM, OutputOptions(json=True), "asked for"),
        (TERMINAL, XTERM, OutputOptions(quiet=True), "asked for"),
        (TERMINAL, XTERM, OutputOptions(no_color=True), ""),
        (TERMINAL._replace(foreground=False), XTERM, OutputOptions(), "in the background"),
    ],
)
def test_live_layout(stream, environ, output, reason):
    assert why_plain(stream, environ, output) == reason
    assert is_live(stream, environ, output) is (reason == "")


@pytest.mark.parametrize(
    ("stdin", "stderr", "output", "expected"),
    [
        (TERMINAL, TERMINAL, OutputOptions(), True),
        (PIPE, TERMINAL, OutputOptions(), False),
        (TERMINAL, PIPE, OutputOptions(), False),
        (TERMINAL, TERMINAL, OutputOptions(no_input=True), False),
        (TERMINAL, TERMINAL, OutputOptions(plain=True), False),
    ],
)
def test_prompts(stdin, stderr, output, expected):
    assert may_ask(stdin, stderr, XTERM, output) is expected


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
