"""What a start waited for, and whether it was slower than usual."""

from __future__ import annotations

from devboot.daemon.views.timings import BEFORE, Start, Stopwatch, describe, keep, read_starts, slower
from devboot.model.process import EXITED, READY, STARTING, Dependency, ProcessSpec, ProcessStatus


def spec(name, *needs):
    return ProcessSpec(name, "process", "/", depends_on=tuple(Dependency(each, "ready") for each in needs))


SPECS = (spec("redis"), spec("mail"), spec("migrate", "redis"), spec("web", "migrate", "mail"))


def watched():
    watch = Stopwatch()
    for name, phase, now in (
        ("redis", STARTING, 10.0),
        ("mail", STARTING, 10.0),
        ("redis", READY, 10.2),
        ("migrate", STARTING, 10.2),
        ("mail", READY, 10.3),
        ("migrate", EXITED, 11.4),
        ("web", STARTING, 11.4),
        ("web", READY, 12.0),
    ):
        watch.changed(ProcessStatus(name, "process", phase), now)
    return watch


def test_the_chain_is_what_held_up_the_last():
    assert watched().chain(SPECS) == ["redis", "migrate", "web"]


def test_the_chain_is_told_with_its_times():
    assert describe(watched(), SPECS, 0.3, 2.3) == [
        "what the start waited for:",
        "  after 0 ms       until the first process     0.3 s",
        "  after 0.3 s      redis                       0.2 s",
        "  after 0.5 s      migrate                     1.2 s",
        "  after 1.7 s      web                         0.6 s",
        "  in all                                       2.3 s",
    ]


def start(web=1.0, before=0.1, *, warm=True):
    return Start(1.0, warm, web + before, {"web": web, BEFORE: before})


def test_a_start_that_is_clearly_slower_says_what_got_slower():
    earlier = [start(1.0), start(1.1), start(1.2)]

    assert slower(start(3.0), earlier) == "slower than usual (1.2 s): web took 3.0 s, usually 1.1 s"
    assert slower(start(1.0, before=4.0), earlier) == (
        "slower than usual (1.2 s): what comes before the processes took 4.0 s, usually 0.1 s"
    )
    assert slower(start(1.3), earlier) == ""
    assert slower(start(3.0), earlier[:2]) == ""
    assert slower(start(3.0, warm=False), earlier) == ""


def test_the_last_twenty_are_kept_and_damage_is_no_error(tmp_path):
    state = str(tmp_path)
    for number in range(25):
        keep(state, start(float(number)), read_starts(state))

    assert [each.took["web"] for each in read_starts(state)] == [float(number) for number in range(5, 25)]
    (tmp_path / "starts.json").write_text("[1, 2")
    assert read_starts(state) == []
