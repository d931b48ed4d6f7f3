"""Checks side by side: order, crashes, limits, exit codes."""

import re
import threading
import time
from pathlib import Path

import pytest

import devboot
from devboot.doctor.findings import ERROR, IDLE, OK, WARNING, Answer, Check, Finding, Fix
from devboot.doctor.running import run_checks
from devboot.doctor.subject import Once, Subject
from devboot.errors import MachineError
from devboot.events import DOING, RecordingReporter
from devboot.text.modes import StreamFacts
from tests.fakes.folders import project_of

# Packages that the program has loaded before checks run, or that no check loads.
LOADED_BEFORE = {"devboot.doctor.checks", "devboot.onboarding", "devboot.recipes"}


def reexporting_packages():
    """Packages whose `__init__` imports modules of their own."""
    found = []
    for path in Path(devboot.__file__).parent.rglob("__init__.py"):
        package = ".".join(path.parent.relative_to(Path(devboot.__file__).parents[1]).parts)
        if re.search(rf"^(?:from|import) {re.escape(package)}\.", path.read_text(encoding="utf-8"), re.MULTILINE):
            found.append(package)
    return found


def subject(**changes):
    known = {
        "version": "0.1.0",
        "environ": {},
        "uid": 1000,
        "home": "/home/me",
        "now": 0.0,
        "terminal": StreamFacts(),
        "project": project_of("/home/me/shop", "/home/me/kept"),
    }
    return Subject(**known | changes)


def report(*checks, limit=None):
    return run_checks(checks, subject(), time.monotonic, limit=limit)


def finding(severity, slug="a/b", **changes):
    known = {"what": "it is off", "why": "it matters", "fix": Fix("devboot sync")}
    return Finding(slug, severity, **known | changes)


def test_areas_keep_the_order_of_their_checks_whoever_answers_first():
    gate = threading.Event()

    def slow(_):
        gate.wait(10)
        return Answer(("slow",))

    def fast(_):
        gate.set()
        return Answer(("fast",))

    done = report(Check("one", "first", slow), Check("two", "second", fast), Check("three", "first", fast))
    assert [(area.name, area.fact) for area in done.areas] == [("first", "slow, fast"), ("second", "fast")]


def test_a_check_that_crashes_is_reported_and_the_others_go_on():
    def crashing(_):
        raise KeyError("x")

    done = report(Check("one", "first", crashing), Check("two", "second", lambda _: Answer(("fine",))))
    assert done.areas[0].outcomes[0].crash == "the check crashed: KeyError: 'x'"
    assert done.areas[1].fact == "fine"
    assert not done.is_ok()


def test_an_error_with_a_slug_is_told_by_it():
    def failing(_):
        raise MachineError("machine/disk-full", "no space is left")

    assert report(Check("one", "a", failing)).crashes[0].crash == "no space is left [machine/disk-full]"


def test_a_check_that_hangs_is_reported_after_its_limit():
    gate = threading.Event()
    done = report(Check("one", "a", lambda _: gate.wait() or Answer()), limit=0.05)
    gate.set()
    assert done.crashes[0].crash == "didn't finish within 0.05 s"


def test_more_hanging_checks_than_slots_do_not_stop_the_report():
    gate = threading.Event()
    checks = [Check(f"c{number}", "a", lambda _: gate.wait() or Answer()) for number in range(12)]
    done = report(*checks, limit=0.02)
    gate.set()
    assert len(done.crashes) == 12


@pytest.mark.parametrize(
    ("answers", "state", "ok", "strictly_ok"),
    [
        ([Answer(("x",))], OK, True, True),
        ([Answer(("x",), idle=True)], IDLE, True, True),
        ([Answer(("x",), idle=True), Answer(("y",))], OK, True, True),
        ([Answer(("x",), idle=True), Answer()], IDLE, True, True),
        ([Answer(("x",), (finding(WARNING),))], WARNING, True, False),
        ([Answer(("x",), (finding(WARNING), finding(ERROR)))], ERROR, False, False),
    ],
)
def test_the_worst_finding_decides_state_and_exit_code(answers, state, ok, strictly_ok):
    done = report(*[Check(str(number), "a", lambda _, answer=answer: answer) for number, answer in enumerate(answers)])
    assert (done.areas[0].state, done.is_ok(), done.is_ok(strict=True)) == (state, ok, strictly_ok)


def test_errors_come_before_warnings_else_in_the_order_of_areas():
    first = Answer(findings=(finding(WARNING, "a/1"), finding(ERROR, "a/2")))
    second = Answer(findings=(finding(ERROR, "b/1"),))
    done = report(Check("one", "a", lambda _: first), Check("two", "b", lambda _: second))
    assert [one.slug for _, one in done.findings] == ["a/2", "b/1", "a/1"]


@pytest.mark.faults(209)
def test_the_check_that_is_waited_for_is_shown():
    gate = threading.Event()

    def slow(_):
        assert gate.wait(30)
        return Answer()

    class Opening(RecordingReporter):
        def emit(self, event):
            super().emit(event)
            if event.text == "checking first, one":
                gate.set()

    reporter = Opening()
    run_checks(
        [Check("one", "first", slow), Check("two", "two", lambda _: Answer())],
        subject(),
        time.monotonic,
        reporter=reporter,
    )

    assert [(event.kind, event.step, event.text) for event in reporter.events] == [
        (DOING, "doctor", "checking first, one"),
        (DOING, "doctor", ""),
        (DOING, "doctor", "checking two"),
        (DOING, "doctor", ""),
    ]


def test_what_several_checks_need_is_computed_once_and_the_others_wait():
    computed, all_ask = [], threading.Barrier(4)

    def compute():
        computed.append(threading.current_thread())
        return len(computed)

    once, seen = Once(compute), []

    def ask():
        all_ask.wait()
        seen.append(once())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert (seen, len(computed)) == ([1, 1, 1, 1], 1)


@pytest.mark.parametrize(
    "package", sorted(package for package in reexporting_packages() if package not in LOADED_BEFORE)
)
def test_checks_import_no_module_of_a_package_past_the_package(package):
    """Two threads that import a package and a module of it, each in another order, would wait for each other."""
    direct = re.compile(rf"^\s*(?:from|import) {re.escape(package)}\.", re.MULTILINE)
    folder = Path(devboot.__file__).parents[1] / package.replace(".", "/")
    sources = [path for path in Path(devboot.__file__).parent.rglob("*.py") if not path.is_relative_to(folder)]
    assert [str(path) for path in sources if direct.search(path.read_text(encoding="utf-8"))] == []
