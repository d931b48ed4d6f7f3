"""Which findings devboot itself can mend, and how it is told whether that helped."""

import pytest

from devboot.doctor.findings import ERROR, WARNING, Answer, Area, Check, Finding, Fix, Outcome, Report
from devboot.doctor.fixing import (
    CHANGED,
    FIXED,
    LEFT,
    NOT_FIXED,
    OF_PROJECT,
    PROTECT,
    REMOVE_LEFTOVERS,
    REPAIRS,
    RESOLVED,
    RESTORE_DATABASE,
    RESUME_DAEMON,
    UNLOCK,
    apply,
    is_still_there,
    steps_of,
    summary,
)

REPAIR = Fix("devboot store repair", "fetches it again", "store-repair")
LOCK = Fix("devboot lock --update 'a b'", "", "lock")
BY_HAND = Fix("chmod go-w /x")


def report(*found):
    """A report of (area, what, fix)."""
    areas = {area: [] for area, _, _ in found}
    for area, what, fix in found:
        areas[area].append(Finding(f"{area}/slug", ERROR if fix is REPAIR else WARNING, what, "why", fix))
    return Report(
        tuple(
            Area(area, (Outcome(Check(area, area, lambda _subject: Answer()), Answer(findings=tuple(findings))),))
            for area, findings in areas.items()
        ),
        0.0,
    )


BEFORE = report(
    ("store", "one", REPAIR), ("store", "two", REPAIR), ("lockfile", "old", LOCK), ("dirs", "open", BY_HAND)
)


def test_each_command_is_one_step_and_what_only_a_person_can_do_is_none():
    steps = steps_of(BEFORE)

    assert [(step.area, step.words, len(step.findings)) for step in steps] == [
        ("store", ("store", "repair"), 2),
        ("lockfile", ("lock", "--update", "a b"), 1),
    ]
    assert () == steps_of(report(("dirs", "open", BY_HAND)))


def test_it_has_helped_when_the_area_says_nothing_of_it_any_more():
    store, lock = steps_of(BEFORE)

    assert is_still_there(store, BEFORE, report(("store", "two", REPAIR)))
    assert not is_still_there(store, BEFORE, report(("store", "three", REPAIR), ("lockfile", "one", LOCK)))
    assert not is_still_there(lock, BEFORE, report())


# What is examined again, right before and after


def crashed(area):
    """A report in which the check of an area gave no answer."""
    return Report((Area(area, (Outcome(Check(area, area, lambda _subject: Answer()), crash="it hung"),)),), 0.0)


DATABASE = Fix("devboot doctor --fix sqlite", "", RESTORE_DATABASE, ("db", "copy", "/shop"))
DAMAGED = report(("sqlite", "db is damaged", DATABASE))
OTHER_COPY = report(("sqlite", "db is damaged", DATABASE._replace(arguments=("db", "other copy", "/shop"))))
STARTED = report(("sqlite", "db is damaged", DATABASE._replace(command="devboot down && devboot doctor --fix sqlite")))


@pytest.mark.parametrize(
    ("reports", "outcome", "acted"),
    [
        ([DAMAGED, report()], FIXED, 1),
        ([DAMAGED, DAMAGED], NOT_FIXED, 1),
        ([DAMAGED, crashed("sqlite")], NOT_FIXED, 1),  # nobody knows
        ([report()], RESOLVED, 0),
        ([OTHER_COPY], CHANGED, 0),
        ([STARTED], CHANGED, 0),
        ([crashed("sqlite")], CHANGED, 0),
    ],
)
def test_a_fix_acts_only_on_what_is_still_true_after_the_question(reports, outcome, acted):
    (step,), acts, following = steps_of(DAMAGED), [], iter(reports)

    assert outcome == apply(step, DAMAGED, lambda: next(following), lambda: acts.append(step))
    assert acted == len(acts)
    assert [] == list(following)


def test_a_check_that_never_answered_does_not_hide_that_a_fix_has_helped():
    both = Report((*DAMAGED.areas, *crashed("sqlite").areas), 0.0)
    following = iter([both, crashed("sqlite")])

    assert FIXED == apply(steps_of(both)[0], both, lambda: next(following), lambda: None)


def test_each_repair_of_files_of_the_project_needs_its_lock():
    assert {PROTECT, UNLOCK, REMOVE_LEFTOVERS, RESUME_DAEMON} == REPAIRS - OF_PROJECT


def test_the_last_line_counts_and_names_what_is_left():
    store, lock = steps_of(BEFORE)

    assert "2 fixed and checked again" == summary([(store, FIXED), (lock, FIXED)], [])
    assert "1 fixed and checked again, 2 left: devboot lock --update 'a b', chmod go-w /x" == summary(
        [(store, FIXED), (lock, LEFT)], ["chmod go-w /x"]
    )
    assert "1 left: devboot store repair" == summary([(store, NOT_FIXED)], [])
    assert "3 left: devboot sync --check, devboot lock" == summary([], [*["devboot sync --check"] * 2, "devboot lock"])
    assert "nothing to fix" == summary([], [])
    assert "1 fixed and checked again" == summary([(store, FIXED), (lock, RESOLVED)], [])
    assert "1 left: devboot store repair" == summary([(store, CHANGED)], [])


def test_repairs_of_two_things_are_two_steps():
    repairs = [
        Fix("devboot doctor --fix sqlite", "", RESTORE_DATABASE, (path, f"{path}.copy", "/shop")) for path in ("a", "b")
    ]

    steps = steps_of(report(("sqlite", "a is damaged", repairs[0]), ("sqlite", "b is damaged", repairs[1])))

    assert [("a", True), ("b", True)] == [(step.arguments[0], step.is_repair) for step in steps]


def test_what_up_refuses_comes_first_in_its_order_and_replaces_what_others_find_of_it():
    def finding(slug, refusal=None, severity=ERROR):
        return Finding(slug, severity, slug, "why", BY_HAND, refusal=refusal)

    def area(name, *findings):
        return Area(name, (Outcome(Check(name, name, lambda _subject: Answer()), Answer(findings=findings)),))

    found = Report(
        (
            area("dirs", finding("machine/open-directory", severity=WARNING), finding("machine/io")),
            area("python", finding("python/not-found", 1)),
            area("ports", finding("port/in-use"), finding("port/in-use", 0)),
        ),
        0.0,
    )

    slugs = [(each.slug, each.refusal) for _, each in found.findings]
    expected = [("port/in-use", 0), ("python/not-found", 1), ("machine/io", None), ("machine/open-directory", None)]
    assert expected == slugs
