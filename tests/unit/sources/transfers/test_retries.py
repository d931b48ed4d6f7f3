"""When a transfer is tried again."""

import pytest

from devboot.sources.transfers.retries import Budget, ContentRange, Patience, parse_content_range, parse_retry_after

PATIENCE = Patience(tries=3, most_tries=6, first_wait=1.0, longest_wait=3.0, all_waits=10.0)


def waits(budget, *facts):
    return [budget.next_wait(has_new_bytes=has_new_bytes) for has_new_bytes in facts]


@pytest.mark.faults(2)
def test_waits_grow_and_end_with_the_tries():
    assert waits(Budget(PATIENCE, lambda: 1.0), False, False, False) == [2.0, 3.0, None]


@pytest.mark.faults(2)
def test_half_of_a_wait_is_chance():
    assert waits(Budget(PATIENCE, lambda: 0.0), False, False) == [1.0, 1.5]


def test_new_bytes_begin_the_count_anew_but_not_for_ever():
    assert waits(Budget(PATIENCE, lambda: 1.0), *[True] * 6) == [1.0] * 5 + [None]


def test_waiting_has_an_end_too():
    budget = Budget(PATIENCE, lambda: 1.0)

    assert budget.next_wait(has_new_bytes=True, asked=8.0) == 8.0
    assert budget.next_wait(has_new_bytes=True, asked=3.0) is None
    assert budget.tries == 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
        ("Wed, 21 Oct 2015 07:20:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-1", None),
    ],
)
def test_retry_after_has_seconds_or_a_date(text, seconds):
    assert parse_retry_after(text, 1445412420.0) == seconds


@pytest.mark.faults(8)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bytes 0-9/10", ContentRange(0, 9, 10)),
        ("bytes 5-9/*", ContentRange(5, 9, -1)),
        ("bytes */10", None),
        ("bytes 9-5/10", None),
        ("items 0-9/10", None),
        ("", None),
    ],
)
def test_a_content_range_is_understood_or_not(text, found):
    assert parse_content_range(text) == found
