"""What a start costs beside the processes that it starts."""

from __future__ import annotations

from devboot.daemon.clients.request import Request, View
from devboot.daemon.views.startup_report import StartupReport
from devboot.model.process import PROCESS, STARTING, ProcessStatus


class Timer:
    def __init__(self, at, callback):
        self.at, self.callback = at, callback
        self.is_cancelled = False

    def cancel(self):
        self.is_cancelled = True


class Stage:
    """Project, supervisor and loop in one; measurements of the processes that are starting are counted."""

    mover = None

    def __init__(self):
        self.time, self.timers, self.measured = 0.0, [], 0
        self.loop = self.supervisor = self

    def now(self):
        return self.time

    wall_clock = now

    def statuses(self):
        return ()

    def call_later(self, delay, callback):
        self.timers.append(Timer(self.time + delay, callback))
        return self.timers[-1]

    def worked_on_start(self):
        self.measured += 1
        return {}

    def run_until(self, end):
        while due := [each for each in self.timers if not each.is_cancelled and each.at <= end]:
            first = min(due, key=lambda each: each.at)
            self.timers.remove(first)
            self.time = first.at
            first.callback()
        self.time = end


def test_many_processes_that_are_started_together_are_measured_once_and_not_with_each_start():
    stage = Stage()
    report = StartupReport(stage, None)
    report.wait(None, Request("up", detach=True, view=View(quiet=True), wait=60.0), is_first=True)
    for number in range(300):
        stage.run_until(stage.time + 0.001)
        report.changed(ProcessStatus(f"p{number}", PROCESS, STARTING, pid=number, started=stage.time))

    stage.run_until(stage.time + 30)

    assert stage.measured == 1
