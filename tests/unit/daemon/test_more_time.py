"""Whether what isn't up in time gets more of it."""

from devboot.daemon.clients.request import parse_request
from devboot.daemon.more_time import MoreTime


class Work:
    """Stands for what is starting: `seconds` of a processor that it has used, and that of `others` by pid."""

    def __init__(self):
        self.seconds = 0.0
        self.others = {}
        self.more = MoreTime(lambda: {1: self.seconds, **self.others})
        self.more.begin(0.0)
        self.now = 0.0

    def after(self, seconds, worked):
        self.now += seconds
        self.seconds += worked
        is_due = self.more.is_due(self.now)
        self.more.begin(self.now, is_anew=False)
        return is_due


def test_what_works_most_of_the_time_gets_more_of_it():
    assert Work().after(60, 55)


def test_what_has_worked_and_is_ready_meanwhile_takes_no_time_from_the_others():
    work = Work()
    work.others = {2: 300.0}
    work.more.begin(0.0)
    work.others = {}
    assert work.after(60, 55)


def test_what_was_started_meanwhile_counts_with_all_its_work():
    work = Work()
    work.others = {2: 55.0}
    assert work.after(60, 0)


def test_what_waits_or_only_polls_gets_no_more():
    assert not Work().after(60, 0)
    assert not Work().after(60, 5)


def test_what_never_stops_working_is_given_up_at_last():
    work = Work()
    assert [work.after(60, 60) for _ in range(6)] == [True] * 4 + [False] * 2


def test_a_further_start_gives_it_all_the_time_again():
    work = Work()
    assert all(work.after(60, 60) for _ in range(4))
    work.more.begin(work.now)
    assert work.after(60, 60)


def test_only_the_usual_time_is_made_longer():
    given = {"command": "up", "wait": 60.0, "is_wait_given": True}

    assert parse_request({"command": "up"}).may_wait_longer
    assert not parse_request(given).may_wait_longer
    assert not parse_request({"command": "up", "wait": 90.0}).may_wait_longer
