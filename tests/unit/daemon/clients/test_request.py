"""Messages are taken as far as they make sense."""

from __future__ import annotations

import pytest

from devboot.daemon.clients.request import Request, View, parse_request
from devboot.errors import WorkError


def test_a_message_is_read():
    message = {"command": "logs", "names": ["web"], "view": {"colour": True, "columns": 80}, "wait": 5}

    assert parse_request(message) == Request("logs", ("web",), View(colour=True, columns=80), wait=5.0)


@pytest.mark.faults(83)
def test_keys_of_later_versions_are_ignored():
    assert parse_request({"command": "ps", "shape": "round", "view": {"smell": 1}}) == Request("ps")


@pytest.mark.faults(66)
@pytest.mark.parametrize(
    "message",
    [
        {},
        {"command": 3, "names": "web", "view": []},
        {"command": None, "wait": "x", "plan": 7, "view": {"columns": "x"}},
    ],
)
def test_wrong_types_count_as_missing(message):
    assert parse_request(message) == Request("")


@pytest.mark.parametrize(("columns", "lines"), [(44, 2), (80, 1), (200, 1)])
def test_an_error_is_wrapped_to_the_terminal_of_the_client(columns, lines):
    error = WorkError("process/exited", "crash failed, with code 3")

    text = View(terminal=True, columns=columns).error_text(error)

    assert text.count("\n") == lines
    assert " ".join(text.split()) == "error[process/exited]: crash failed, with code 3"
    assert View(terminal=False, columns=columns).error_text(error).count("\n") == 1
