"""Which processes go on, and when a run has ended."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from devboot.model.process import BACKOFF, EXITED, PROCESS, SERVICE, TASK, WAITING
from devboot.supervisor.core.process_status import awaits_its_time, goes_on, have_ended, is_pending

RUN = object()


def process(kind=PROCESS, phase=EXITED, *, run=None, scheduled=False, is_due=False, mending=False, blocked=None):
    return SimpleNamespace(
        spec=SimpleNamespace(kind=kind),
        state=SimpleNamespace(phase=phase),
        policy=SimpleNamespace(scheduled=scheduled),
        run=run,
        is_due=is_due,
        awaits_mending=mending,
        blocked=blocked,
        stuck=None,
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (process(), False),
        (process(run=RUN), True),
        (process(mending=True), True),
        (process(phase=WAITING, scheduled=True), True),
        (process(phase=WAITING, scheduled=True, is_due=True), False),
        (process(phase=WAITING), False),
        (process(scheduled=True), False),
    ],
)
def test_what_runs_or_will_run_by_itself_goes_on(found, expected):
    assert expected == goes_on(found)


def test_only_a_scheduled_process_that_is_not_due_awaits_its_time():
    assert awaits_its_time(process(phase=WAITING, scheduled=True))
    assert not awaits_its_time(process(phase=WAITING, scheduled=True, is_due=True))
    assert not awaits_its_time(process(phase=BACKOFF, scheduled=True))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (process(phase=WAITING), True),
        (process(phase=WAITING, blocked=SimpleNamespace(forever=False)), True),
        (process(phase=WAITING, blocked=SimpleNamespace(forever=True)), False),
        (process(phase=WAITING, scheduled=True), False),
        (process(phase=BACKOFF), True),
        (process(phase=EXITED), False),
    ],
)
def test_what_waits_for_something_that_can_come_is_pending(found, expected):
    assert expected == is_pending(found)


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        ([process(), process()], True),
        ([process(), process(run=RUN)], False),
        ([process(), process(mending=True)], False),
        ([process(), process(SERVICE, run=RUN), process(TASK, WAITING)], True),
        ([process(), process(phase=BACKOFF)], False),
        ([], True),
    ],
)
def test_a_run_has_ended_when_no_process_goes_on_or_is_pending(processes, expected):
    assert expected == have_ended(processes)
