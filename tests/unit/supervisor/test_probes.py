"""What answers mean, and how long to wait between questions."""

from __future__ import annotations

import pytest

from devboot.model.process import FailureHint, Probe
from devboot.supervisor.output.line_matcher import LineMatcher, find_hint, strip_escapes
from devboot.supervisor.probes.prober import command_pause, patient_pause, pause
from devboot.supervisor.probes.tcp_http import Answer, judge, question

REDIS = Probe("tcp", send="*1\r\n$4\r\nPING\r\n", expect="+PONG", loading="-LOADING")
WEB = Probe("http", path="/health")
NOT_YET = None


@pytest.mark.faults(96)
@pytest.mark.parametrize(
    ("received", "ended", "answer"),
    [
        (b"+PONG\r\n", False, Answer(good=True, text="")),
        (b"", False, NOT_YET),
        (b"+PO", False, NOT_YET),
        (b"-LOAD", False, NOT_YET),
        (b"-LOADING Redis is loading the dataset in memory\r\n", False, Answer(good=False, text="loading data")),
        (b"-ERR max clients\r\n", False, Answer(good=False, text="answered '-ERR max clients'")),
        (b"+PO", True, Answer(good=False, text="answered '+PO'")),
        (b"", True, Answer(good=False, text="closed the connection")),
    ],
)
def test_only_the_literal_answer_counts(received, ended, answer):
    assert judge(REDIS, received, ended=ended) == answer


@pytest.mark.parametrize(
    ("probe", "received", "ended", "answer"),
    [
        (WEB, b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nhello", False, Answer(good=True, text="HTTP 200")),
        (WEB, b"HTTP/1.1 302 Found\r\n\r\n", False, Answer(good=True, text="HTTP 302")),
        (WEB, b"HTTP/1.1 404 Not Found\r\n\r\n", False, Answer(good=True, text="HTTP 404")),
        (WEB, b"HTTP/1.0 503 No\r\n\r\n", False, Answer(good=False, text="HTTP 503")),
        (WEB, b"HTTP/1.1 200 OK\r\nA: b\r\n", False, NOT_YET),
        (WEB, b"", True, Answer(good=False, text="closed the connection")),
        (WEB, b"SSH-2.0-OpenSSH\r\n", True, Answer(good=False, text="no HTTP answer")),
        (WEB._replace(status=(204,)), b"HTTP/1.1 200 OK\r\n\r\n", False, Answer(good=False, text="HTTP 200")),
        (WEB._replace(status=(204,)), b"HTTP/1.1 204 OK\r\n\r\n", False, Answer(good=True, text="HTTP 204")),
        (WEB._replace(expect="well"), b"HTTP/1.1 200 OK\r\n\r\nall is we", False, NOT_YET),
        (WEB._replace(expect="well"), b"HTTP/1.1 200 OK\r\n\r\nall is well", False, Answer(good=True, text="HTTP 200")),
        (WEB._replace(expect="well"), b"HTTP/1.1 200 OK\r\n\r\nbad", True,
         Answer(good=False, text="HTTP 200 without 'well'")),
    ],
)  # fmt: skip
def test_what_an_http_answer_means(probe, received, ended, answer):
    assert judge(probe, received, ended=ended) == answer


def test_the_http_question_names_localhost_as_django_wants_it():
    assert question(WEB) == (
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nUser-Agent: devboot\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


def test_tries_follow_quickly_at_first_and_never_rarely():
    assert [pause(elapsed) for elapsed in (0, 0.005, 0.5, 1, 500)] == [0.001, 0.001, 0.05, 0.1, 0.25]
    assert [command_pause(elapsed) for elapsed in (0, 0.4, 500)] == [0.02, 0.1, 0.25]


def test_what_nobody_waits_for_is_asked_rarely_and_in_the_end_no_more():
    assert [patient_pause(elapsed) for elapsed in (0, 0.03, 1.5, 40, 60)] == [0.05, 0.05, 1, 32, None]


def test_escapes_are_stripped():
    assert strip_escapes(b"\x1b[1;32mok\x1b[0m \x1b]0;title\x07now\x1b[2J\x1b[H plain") == b"ok now plain"


def test_a_line_matches_though_it_came_in_two_pieces():
    matcher = LineMatcher("^listening on [0-9]+$")

    assert not matcher.matches(b"boot\nlistening ")
    assert matcher.matches(b"on 80\nmore\n")


def test_a_pattern_is_for_one_line():
    assert not LineMatcher("^ready$").matches(b"not ready\nready steady\n")


def test_a_hint_comes_with_the_line_that_it_was_drawn_from():
    hint = FailureHint("can't exit", "redis/save-failed", "redis could not save its data")

    assert find_hint((hint,), b"a\n  Error saving, can't exit.\nb") == (hint, "Error saving, can't exit.")
    assert find_hint((hint,), b"all is well") is None
