"""Events reach whoever reports them, except those that nobody wants to read of."""

from devboot.events import DONE, WARNING, Event, RecordingReporter, Silenced


def test_a_silenced_slug_is_dropped_and_nothing_else():
    told = RecordingReporter()
    reporter = Silenced(told, ("python/patch-version",))
    other, done = Event(WARNING, "env", "b", slug="env/duplicate"), Event(DONE, "venv", "c")

    for event in (Event(WARNING, "python", "a", slug="python/patch-version"), other, done):
        reporter.emit(event)

    assert [other, done] == told.events
