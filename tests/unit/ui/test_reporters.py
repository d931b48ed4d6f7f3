"""Reporters: what they write, byte by byte, with a clock of ours."""

import io
import re
import threading
from contextlib import suppress
from functools import partial

import pytest

from devboot.events import DOING, DONE, FAILED, FETCH, NOTE, PROGRESS, START, UNCHANGED, WARNING, Event, doing
from devboot.text.masking import Masker
from devboot.text.symbols import UNICODE
from devboot.ui.board import Board, active_lines
from devboot.ui.consoles import console
from devboot.ui.live_reporter import LiveReporter
from devboot.ui.reporters import JsonReporter, PlainReporter, QuietReporter


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


RUN = [
    (0.0, Event(UNCHANGED, "lock", "devboot.lock matches devboot.toml")),
    (0.0, Event(FETCH, "redis", "7.4.2, 2.4 MB from mirror.example.test")),
    (0.0, Event(FETCH, "python", "3.12.4, 28.1 MB from mirror.example.test", done=0, total=28_100_000, unit="bytes")),
    (0.0, Event(START, "venv", waits_for="python")),
    (1.1, Event(DONE, "redis", "digest ok")),
    (1.2, Event(PROGRESS, "python", done=1_000_000, total=28_100_000, unit="bytes")),
    (2.6, Event(PROGRESS, "python", done=14_050_000, total=28_100_000, unit="bytes")),
    (2.7, Event(PROGRESS, "python", done=14_100_000, total=28_100_000, unit="bytes")),
    (5.0, Event(DONE, "python", "digest ok")),
    (11.3, Event(DONE, "venv", ".venv, 61 packages", lines=("+ stripe 11.1.0",))),
]


def play(reporter, clock, run=RUN):
    began = clock.now
    with reporter:
        for at, event in run:
            clock.now = began + at
            reporter.emit(event)


def test_plain_output_has_one_line_per_event_with_seconds_and_no_escapes(clock):
    stream = io.StringIO()
    play(
        PlainReporter(stream, clock, looks_every=1000, header="devboot 0.4.0, project shop, no terminal: plain output"),
        clock,
    )
    assert stream.getvalue() == (
        """\
devboot 0.4.0, project shop, no terminal: plain output
0.0s  lock       ok      devboot.lock matches devboot.toml
0.0s  redis      fetch   7.4.2, 2.4 MB from mirror.example.test
0.0s  python     fetch   3.12.4, 28.1 MB from mirror.example.test
1.1s  redis      ok      digest ok
2.6s  python     fetch   50 %, 14.1 of 28.1 MB
5.0s  python     ok      digest ok
11.3s venv       ok      .venv, 61 packages
                         + stripe 11.1.0
"""
    )


def test_on_github_actions_the_steps_are_folded_away(clock):
    stream = io.StringIO()
    play(
        PlainReporter(stream, clock, looks_every=1000, header="preparing shop", is_folded=True),
        clock,
        [(0.0, Event(DONE, "x", "y"))],
    )
    assert stream.getvalue().splitlines() == ["::group::preparing shop", "0.0s  x          ok      y", "::endgroup::"]


def test_plain_progress_comes_at_least_every_ten_seconds_but_not_more_often_than_each_quarter(clock):
    stream = io.StringIO()
    run = [(second, Event(PROGRESS, "venv", done=second, total=1000, unit="packages")) for second in range(31)]
    play(PlainReporter(stream, clock, looks_every=1000), clock, run)
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["10.0s", "20.0s", "30.0s"]


def test_a_step_that_is_silent_for_long_is_said_to_go_on(clock):
    stream = io.StringIO()
    with PlainReporter(stream, clock, looks_every=1000) as reporter:
        reporter.emit(Event(START, "lock", "choosing versions"))
        reporter.emit(Event(START, "venv", waits_for="python"))
        reporter.emit(Event(PROGRESS, "redis", "7.4.2", done=1_000_000, unit="bytes"))
        reporter.remind()
        assert "" == stream.getvalue()
        clock.now += 2.0
        reporter.remind()
        clock.now += 7.0
        reporter.remind()
        assert 1 == stream.getvalue().count("\n")
        clock.now += 3.0
        reporter.emit(Event(NOTE, "venv", "something else"))
        reporter.remind()
        reporter.remind()
        clock.now += 7.0
        reporter.emit(Event(DONE, "lock", "devboot.lock has 3 Python packages"))
        clock.now += 9.0
        reporter.remind()
    assert stream.getvalue().splitlines() == [
        "2.0s  lock       going   choosing versions, 2 s so far",
        "12.0s venv       note    something else",
        "12.0s lock       going   choosing versions, 12 s so far",
        "12.0s redis      going   7.4.2, no data for 12 s, 12 s so far",
        "19.0s lock       ok      devboot.lock has 3 Python packages",
        "28.0s venv       going   waits for python, 28 s so far",
        "28.0s redis      going   7.4.2, no data for 28 s, 28 s so far",
    ]


def test_somebody_looks_for_silent_steps_as_long_as_the_work_goes_on(clock):
    said = threading.Event()

    class Stream(io.StringIO):
        def write(self, text):
            if "going" in text:
                said.set()
            return super().write(text)

    with PlainReporter(Stream(), clock, looks_every=0.001) as reporter:
        reporter.emit(Event(START, "lock", "choosing versions"))
        clock.now += 10.0
        assert said.wait(60)
    assert not any(thread.name.startswith("devboot-reminder") for thread in threading.enumerate())


@pytest.mark.faults(213)
def test_a_step_that_ends_at_once_has_one_line_which_says_how(clock):
    stream = io.StringIO()
    with PlainReporter(stream, clock, looks_every=1000) as reporter:
        reporter.emit(Event(START, "redis", "8.2.3"))
        reporter.emit(Event(START, "venv", ".venv"))
        reporter.remind()
        clock.now += 0.5
        reporter.emit(Event(UNCHANGED, "redis", "8.2.3"))
        reporter.emit(Event(UNCHANGED, "venv", ".venv has all 24 packages"))
        clock.now += 5.0
        reporter.remind()
    assert stream.getvalue().splitlines() == [
        "0.5s  redis      ok      8.2.3",
        "0.5s  venv       ok      .venv has all 24 packages",
    ]


@pytest.mark.faults(125)
def test_what_goes_on_for_more_than_a_second_is_said_whether_there_is_a_step_or_not(clock):
    stream = io.StringIO()
    with PlainReporter(stream, clock, looks_every=1000) as reporter:
        with doing(reporter, "project", "looking around"):
            reporter.remind()
            clock.now += 1.5
            reporter.remind()
            reporter.remind()
            reporter.emit(Event(START, "lock", "choosing versions"))
            with doing(reporter, "lock", "choosing versions again"):
                clock.now += 0.5
                reporter.remind()
                clock.now += 1.0
                reporter.remind()
            with doing(reporter, "python", "looking for a Python"):
                clock.now += 2.0
                reporter.remind()
            reporter.emit(Event(DONE, "lock", "chosen"))
        clock.now += 20.0
        reporter.remind()
    assert stream.getvalue().splitlines() == [
        "1.5s  project    going   looking around, 2 s so far",
        "3.0s  lock       going   choosing versions again, 2 s so far",
        "5.0s  python     going   looking for a Python, 2 s so far",
        "5.0s  lock       ok      chosen",
    ]


@pytest.mark.faults(125)
def test_a_terminal_shows_what_goes_on_in_the_place_of_the_steps_text_and_leaves_no_line_of_it(clock):
    board = Board()
    board.take(Event(START, "lock", "choosing versions"), 10.0)
    board.take(Event(DOING, "lock", "choosing versions again"), 11.0)
    shown = active_lines(board, 14.0, UNICODE, width=80, height=10)
    assert [line.split()[1:] for line in shown] == [["lock", "choosing", "versions", "again", "4", "s"]]
    board.take(Event(DOING, "lock"), 15.0)
    board.take(Event(DOING, "lock"), 15.0)
    assert "again" not in active_lines(board, 15.0, UNICODE, width=80, height=10)[0]
    board.take(Event(DONE, "lock", "chosen"), 16.0)
    board.take(Event(DOING, "project", "putting it together"), 16.0)
    assert active_lines(board, 16.5, UNICODE, width=80, height=10) == []
    assert "putting it together" in active_lines(board, 17.0, UNICODE, width=80, height=10)[0]
    board.take(Event(DOING, "project"), 18.0)
    assert active_lines(board, 30.0, UNICODE, width=80, height=10) == []


def test_ten_identical_warnings_are_one(clock):
    stream = io.StringIO()
    warning = Event(WARNING, "python", "3.11.9 is nowhere, 3.11.13 stands in", slug="python/patch-version")
    play(PlainReporter(stream, clock, looks_every=1000), clock, [(0.0, warning)] * 10)
    assert stream.getvalue() == (
        "0.0s  python     warning 3.11.9 is nowhere, 3.11.13 stands in [python/patch-version]\n"
    )


@pytest.mark.faults(112)
def test_a_reader_that_has_gone_does_not_end_the_work(clock):
    class Broken(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    play(PlainReporter(Broken(), clock, header="x"), clock)
    play(LiveReporter(partial(terminal, Broken()), UNICODE, clock), clock)


@pytest.mark.faults(67)
def test_secrets_are_masked_in_every_form(clock):
    event = Event(FAILED, "env", "canary-1 and https://me:canary-2@example.test/", lines=("canary-1",))
    stream, said = io.StringIO(), []
    mask = Masker(["canary-1"])
    play(PlainReporter(stream, clock, looks_every=1000, mask=mask), clock, [(0.0, event)])
    play(JsonReporter(said.append, clock, {}, mask=mask), clock, [(0.0, event)])
    assert "canary" not in stream.getvalue() + str(said)


def test_json_has_an_object_per_event_and_the_version_in_the_first(clock):
    said = []
    play(JsonReporter(said.append, clock, {"schema": 1, "devboot": "0.4.0", "project": "shop"}), clock)
    assert said[0] == {"schema": 1, "devboot": "0.4.0", "project": "shop", "event": "start"}
    assert said[3] == {
        "event": "fetch",
        "step": "python",
        "text": "3.12.4, 28.1 MB from mirror.example.test",
        "done": 0,
        "total": 28_100_000,
        "unit": "bytes",
    }
    assert said[-1]["lines"] == ["+ stripe 11.1.0"]
    assert len(said) == len(RUN) + 1


def test_quiet_shows_nothing_but_knows_what_is_kept(clock):
    reporter = QuietReporter(clock)
    play(reporter, clock, RUN[:7])
    assert reporter.kept() == ["redis (done)", "python (50 %, will resume)"]


def terminal(stream, *, colour=True):
    environ = {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    return console(stream, environ, colour=colour, live=True)


class Shown(io.StringIO):
    """A terminal; `is_drawn` is set once the display has hidden the cursor."""

    def __init__(self):
        super().__init__()
        self.is_drawn = threading.Event()

    def write(self, text):
        if "\x1b[?25l" in text:
            self.is_drawn.set()
        return super().write(text)


def live(clock, run, *, colour=True):
    """What a terminal shows of a run whose steps go on until they were drawn."""
    stream = Shown()
    reporter = LiveReporter(partial(terminal, stream, colour=colour), UNICODE, clock, hint="ctrl-c stops")
    began = clock.now
    with reporter:
        for at, event in run:
            clock.now = began + at
            reporter.emit(event)
            assert event.kind not in (START, FETCH) or stream.is_drawn.wait(30)
    return stream.getvalue()


def test_before_an_error_nothing_is_said_of_what_there_is_to_install(clock):
    stream = Shown()
    with suppress(KeyError), LiveReporter(partial(terminal, stream), UNICODE, clock) as reporter:
        reporter.emit(Event(UNCHANGED, "lock", "as devboot.toml"))
        reporter.emit(Event(UNCHANGED, "venv", "has all 5 packages"))
        raise KeyError
    assert "lock, venv in place already" in stream.getvalue()
    assert "nothing to install" not in stream.getvalue()


def test_live_output_ends_with_the_cursor_back_and_only_final_lines_left(clock):
    written = live(clock, RUN)
    assert written.rfind("\x1b[?25h") > written.rfind("\x1b[?25l")
    left = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    finals = [line for line in left.replace("\r", "").split("\n") if line.startswith("  ✓")]
    assert [line.split()[1] for line in finals] == ["lock", "redis", "python", "venv"]


def test_live_without_colour_moves_the_cursor_but_paints_nothing(clock):
    assert not re.search(r"\x1b\[[0-9;]*m", live(clock, RUN, colour=False).replace("\x1b[0m", ""))


def test_a_command_that_has_nothing_to_show_opens_no_console(clock):
    def refuse():
        raise AssertionError("opened")

    with LiveReporter(refuse, UNICODE, clock, frames_per_second=10_000) as reporter:
        reporter.emit(Event(DOING, "", "reading"))
        reporter.emit(Event(DOING, ""))


def test_notes_stay_on_the_screen(clock):
    assert "    ports      redis gets port 6380" in live(clock, [(0.0, Event(NOTE, "ports", "redis gets port 6380"))])


def in_thread(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.mark.faults(121)
def test_nobody_waits_for_a_terminal_that_takes_nothing(clock):
    is_writing, goes_on = threading.Event(), threading.Event()

    class Slow(io.StringIO):
        def write(self, text):
            if "digest ok" in text:
                is_writing.set()
                goes_on.wait(60)
            return super().write(text)

    stream = Slow()
    with LiveReporter(partial(terminal, stream), UNICODE, clock) as reporter:
        in_thread(lambda: reporter.emit(Event(DONE, "redis", "digest ok")))
        assert is_writing.wait(60)
        other = in_thread(lambda: reporter.emit(Event(DONE, "venv", ".venv, 61 packages")) or reporter.kept())
        other.join(30)
        was_stuck = other.is_alive()
        goes_on.set()
    assert not was_stuck
    assert stream.getvalue().index("digest ok") < stream.getvalue().index("61 packages")


@pytest.mark.faults(121)
def test_many_threads_tell_of_their_steps_while_the_display_is_redrawn_all_the_time(clock):
    stream, threads, steps = io.StringIO(), 4, 250
    reporter = LiveReporter(partial(terminal, stream), UNICODE, clock, frames_per_second=10_000)

    def work(number):
        for step in range(steps):
            reporter.emit(Event(START, f"step{number}", "works"))
            reporter.emit(Event(DONE, f"step{number}", f"({number}-{step})"))

    def run():
        with reporter:
            for thread in [in_thread(lambda number=number: work(number)) for number in range(threads)]:
                thread.join()

    running = in_thread(run)
    running.join(60)
    assert not running.is_alive()
    for number in range(threads):
        finished = re.findall(rf"\(({number}-\d+)\)", stream.getvalue())
        assert list(dict.fromkeys(finished)) == [f"{number}-{step}" for step in range(steps)]
