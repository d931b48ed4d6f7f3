"""What is said to the one who applies a plan."""

from __future__ import annotations

import pytest

from devboot.daemon.views.live_updates import describe_changes, instances
from devboot.model.process import PROCESS, SERVICE, Plan, ProcessSpec
from devboot.supervisor.core.planning import Changes


def plan(*names):
    specs = (ProcessSpec("redis", SERVICE, "."), *(ProcessSpec(name, PROCESS, ".") for name in names))
    return Plan("shop", "/shop", "/state/shop", (), specs)


def test_an_applied_plan_is_told_by_what_it_does():
    changes = Changes(
        started=("mail",), restarted=("web", "worker"), stopped=("beat",), tasks=("migrate",), kept=("redis",)
    )

    assert describe_changes(changes, {}, plan("web", "worker", "mail")) == [
        "restarting web, worker; starting mail; stopping beat; running migrate",
        "redis keeps running unchanged; to apply the edit: devboot restart redis",
    ]
    assert describe_changes(Changes(), {}, plan()) == []


@pytest.mark.faults(214)
def test_an_edit_that_restarts_nothing_is_told_by_when_it_takes_effect():
    changes = Changes(kept=("redis",), updated=("beat",), later=("redis", "worker"))

    assert describe_changes(changes, {}, plan("worker", "beat")) == [
        "updating beat",
        "redis keeps running unchanged; to apply the edit: devboot restart redis",
        "some settings of worker take effect at its next start: devboot restart worker",
    ]


def test_numbers_that_scale_had_chosen_are_not_given_up_in_silence():
    changes = Changes(started=("worker",), stopped=("worker.1", "worker.2", "worker.3"))

    assert describe_changes(changes, {"worker": 3, "web": 1, "gone": 2}, plan("web", "worker")) == [
        "starting worker; stopping worker.1, worker.2, worker.3",
        "worker: 1 again, as in devboot.toml; to run 3: devboot scale worker=3",
    ]


def test_instances_are_counted_by_the_name_of_the_procfile():
    assert instances(plan("web", "worker.1", "worker.2", "a.b")) == {"web": 1, "worker": 2, "a.b": 1}
