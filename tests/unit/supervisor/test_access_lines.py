"""Lines that servers log for the requests of probes."""

from __future__ import annotations

import pytest

from devboot.supervisor.probes.access_lines import AccessLines

LINES = (
    b'127.0.0.1 - - [12/May/2026 09:41:07] "GET /health HTTP/1.1" 200 -\n',
    b'INFO:     127.0.0.1:50012 - "GET /health HTTP/1.1" 200 OK\n',
    b"\x1b[0mGET /health \x1b[32m200\x1b[0m 1.204 ms - 2\x1b[0m\n",
    b'{"level":30,"method":"GET","path":"/health","status":200}\n',
)


@pytest.mark.parametrize("line", LINES)
def test_each_request_takes_one_line_whatever_its_form(line):
    lines = AccessLines()
    lines.expect("/health", 1.0, 10.0)

    assert lines.without(b"one\n" + line + line + b"two\n", 10.1) == b"one\n" + line + b"two\n"
    assert lines.without(line, 10.2) == line


def test_a_request_that_is_not_logged_takes_nothing_later():
    lines = AccessLines()
    lines.expect("/health", 1.0, 10.0)

    assert lines.without(LINES[0], 12.1) == LINES[0]


@pytest.mark.parametrize("path", ["/healthy", "/health/db", "/api/health", "/health.json", "/"])
def test_other_paths_stay(path):
    lines = AccessLines()
    lines.expect("/health", 1.0, 10.0)
    line = LINES[0].replace(b"/health", path.encode())

    assert lines.without(line, 10.1) == line


def test_the_first_page_is_a_path_like_any_other():
    lines = AccessLines()
    lines.expect("/", 1.0, 10.0)

    assert lines.without(b'"GET / HTTP/1.1" 200\n"GET /a HTTP/1.1" 200\n', 10.1) == b'"GET /a HTTP/1.1" 200\n'
