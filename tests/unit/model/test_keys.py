"""Detach keys as they are written, and as they are typed."""

from __future__ import annotations

import pytest

from devboot.model.keys import LeaveKeys, parse_keys


@pytest.mark.parametrize(
    ("text", "keys"), [("ctrl-p ctrl-q", b"\x10\x11"), ("ctrl-]", b"\x1d"), ("ctrl-a d", b"\x01d"), ("Ctrl-C", b"\x03")]
)
def test_keys_are_bytes(text, keys):
    assert parse_keys(text) == keys


@pytest.mark.parametrize("text", ["", "ctrl-", "alt-x", "ctrl-é", "f1", "ctrl-pq"])
def test_what_no_terminal_sends_is_refused(text):
    with pytest.raises(ValueError, match="key"):
        parse_keys(text)


def test_keys_are_found_whether_they_come_together_or_apart():
    keys = LeaveKeys(b"\x10\x11")

    assert keys.take(b"ls\x10\x11rm") == (b"ls", True)
    assert keys.take(b"ls\x10") == (b"ls", False)
    assert keys.take(b"\x11") == (b"", True)


def test_the_first_key_alone_reaches_the_process_with_the_next():
    keys = LeaveKeys(b"\x10\x11")

    assert keys.take(b"\x10") == (b"", False)
    assert keys.take(b"x") == (b"\x10x", False)
    assert keys.take(b"\x10") == (b"", False)
    assert keys.take(b"\x10") == (b"\x10", False)
