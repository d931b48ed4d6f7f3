"""Each call of uv is shown: no long one can be silent, whoever makes it."""

from __future__ import annotations

import io

import pytest

from devboot.events import START, Event
from devboot.ui.reporters import PlainReporter
from devboot.uv.client import Uv

SCRIPT = "#!/bin/sh\necho asked\n"


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.faults(125)
@pytest.mark.parametrize("step", ["", "venv"])
def test_a_call_of_uv_is_shown_unless_a_step_shows_itself(tmp_path, step):
    binary = tmp_path / "uv"
    binary.write_text(SCRIPT)
    binary.chmod(0o700)
    stream, clock = io.StringIO(), Clock()
    reporter = PlainReporter(stream, clock, looks_every=1000)

    class Slow:
        def emit(self, event):
            reporter.emit(event)
            clock.now += 2.0
            reporter.remind()

    if step:
        reporter.emit(Event(START, step, "works"))
    uv = Uv(str(binary), {}, str(tmp_path)).shown_by(Slow())
    assert "asked\n" == uv.run(["python", "list"], doing="list the installed Pythons").stdout
    said = [line.split(None, 1)[1] for line in stream.getvalue().splitlines()]
    wanted = (
        "venv       going   works, 2 s so far" if step else "project    going   list the installed Pythons, 2 s so far"
    )
    assert [wanted] == said
