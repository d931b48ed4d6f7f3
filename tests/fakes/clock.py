"""A loop of timers alone, on a clock that is set by hand."""

from __future__ import annotations


class Clock:
    """Calls its timers when `pass_` says that their time has come."""

    def __init__(self):
        self.at, self.timers = 0.0, []

    def now(self):
        return self.at

    def call_later(self, seconds, callback):
        timer = Timer(self, self.at + seconds, callback)
        self.timers.append(timer)
        return timer

    def pass_(self, seconds):
        self.at += seconds
        for timer in [each for each in self.timers if each.when <= self.at]:
            self.timers.remove(timer)
            timer.callback()


class Timer:
    def __init__(self, clock, when, callback):
        self.clock, self.when, self.callback = clock, when, callback

    def cancel(self):
        if self in self.clock.timers:
            self.clock.timers.remove(self)
