"""Dependencies: when they are met, what stands in the way, and in which order things go."""

from __future__ import annotations

import pytest

from devboot.model.process import Dependency, ProcessSpec
from devboot.supervisor.core.graph import Blocker, Standing, blocker, closure, dependents, is_met, levels


def spec(name, *needs):
    return ProcessSpec(name, "process", ".", "true", depends_on=tuple(Dependency(each, "ready") for each in needs))


SHOP = [spec("web", "redis", "migrate"), spec("migrate", "redis"), spec("redis"), spec("worker", "redis")]


@pytest.mark.parametrize(
    ("standing", "until"),
    [
        (Standing("waiting"), ""),
        (Standing("starting", gates=True), "started"),
        (Standing("running"), "started"),
        (Standing("running", settled=True), "started ready"),
        (Standing("starting", settled=True, gates=True), "started"),
        (Standing("ready", gates=True), "started ready"),
        (Standing("unready", settled=True, gates=True), "started"),
        (Standing("backoff"), ""),
        (Standing("stopping"), ""),
        (Standing("stopped"), ""),
        (Standing("exited"), "completed"),
        (Standing("exited", ok=True), "started ready succeeded completed"),
        (Standing("failed"), ""),
        (Standing("gave-up"), ""),
    ],
)
def test_which_dependencies_a_standing_fulfils(standing, until):
    met = [each for each in ("started", "ready", "succeeded", "completed") if is_met(each, standing)]

    assert " ".join(met) == until


@pytest.mark.parametrize(
    ("until", "standing", "expected"),
    [
        ("ready", Standing("starting"), Blocker("redis", "for redis", forever=False)),
        ("ready", Standing("backoff"), Blocker("redis", "for redis", forever=False)),
        ("ready", Standing("waiting"), Blocker("redis", "for redis", forever=False)),
        ("ready", Standing("waiting", hopeless=True), Blocker("redis", "redis can't start", forever=True)),
        ("succeeded", Standing("exited"), Blocker("redis", "redis failed", forever=True)),
        ("ready", Standing("stopped"), Blocker("redis", "redis is stopped", forever=True)),
        ("ready", Standing("failed"), Blocker("redis", "redis could not be started", forever=True)),
        ("ready", Standing("gave-up"), Blocker("redis", "redis gave up", forever=True)),
        ("completed", Standing("exited"), None),
    ],
)
def test_what_stands_in_the_way(until, standing, expected):
    assert blocker([Dependency("redis", until)], {"redis": standing}) == expected


def test_the_hopeless_blocker_is_named_before_others():
    needs = [Dependency("a", "ready"), Dependency("b", "ready")]

    assert blocker(needs, {"a": Standing("starting"), "b": Standing("failed")}).name == "b"


def test_the_closure_of_a_name_is_all_that_it_needs():
    specs = {each.name: each for each in SHOP}

    assert closure(["web"], specs) == {"web", "migrate", "redis"}
    assert closure(["worker"], specs) == {"worker", "redis"}


def test_levels_go_from_what_depends_on_nothing_upwards():
    assert levels(SHOP) == (("redis",), ("migrate", "worker"), ("web",))
    assert levels([]) == ()


def test_dependents_are_the_direct_ones():
    assert dependents(SHOP) == {
        "redis": {"web", "migrate", "worker"}, "migrate": {"web"}, "web": frozenset(), "worker": frozenset(),
    }  # fmt: skip


def test_what_was_taken_out_of_the_plan_holds_nobody_up():
    lonely = [spec("web", "gone")]

    assert blocker(lonely[0].depends_on, {}) is None
    assert levels(lonely) == (("web",),)
    assert dependents(lonely) == {"web": frozenset()}
    assert closure(["web"], {"web": lonely[0]}) == {"web"}
