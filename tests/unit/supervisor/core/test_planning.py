"""What a new plan means for what runs: who restarts, what scaling leaves alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from devboot.model.process import PROCESS, SERVICE, TASK, Dependency, Plan, Probe, ProcessSpec
from devboot.supervisor.core.planning import Changes, compare, scaled


def plan(*specs, composed=(), fingerprint="one"):
    return Plan("shop", "/shop", "/state/shop", (), specs, composed=composed, fingerprint=fingerprint)


def process(name, command="serve", kind=PROCESS, **more):
    return ProcessSpec(name, kind, "/shop", command, **more)


def changes(old, new, without_port=()):
    running = {
        each.name: SimpleNamespace(
            spec=each, run=None if each.kind == TASK else "under way", port_taken=each.name in without_port
        )
        for each in old.processes
    }
    return compare(old, new, running, frozenset())


def siblings(made, **ports):
    return made._replace(siblings=tuple((f"OVERMIND_PROCESS_{name}_PORT", port) for name, port in ports.items()))


def test_a_sibling_that_comes_goes_or_is_renamed_restarts_nobody_else():
    both = siblings(plan(process("web"), process("worker")), web="5000", worker="5100")
    alone = siblings(plan(process("web")), web="5000")

    assert Changes(stopped=("worker",)) == changes(both, alone)
    assert Changes(started=("worker",)) == changes(alone, both)


def test_a_sibling_that_moves_or_is_asked_for_in_the_command_does_restart():
    web, asks = plan(process("web")), plan(process("web")._replace(command="serve $OVERMIND_PROCESS_worker_PORT"))

    assert Changes(restarted=("web",)) == changes(siblings(web, worker="5100"), siblings(web, worker="5200"))
    assert Changes(restarted=("web",)) == changes(siblings(asks, worker="5100"), asks)


def test_services_and_tasks_are_not_told_where_processes_listen():
    redis = plan(process("redis", kind=SERVICE))

    assert Changes() == changes(siblings(redis, web="5000"), siblings(redis, web="5001"))


@pytest.mark.parametrize("field", ["command", "cwd", "env"])
def test_what_a_process_is_started_with_counts(field):
    web = process("web")
    other = web._replace(**{field: (("A", "1"),) if field == "env" else "/other"})

    assert Changes(restarted=("web",)) == changes(plan(web), plan(other))


def test_a_service_is_never_restarted_but_named():
    redis = process("redis", kind=SERVICE)

    assert Changes(kept=("redis",)) == changes(plan(redis), plan(redis._replace(command="other")))


@pytest.mark.faults(177)
def test_a_service_whose_port_another_program_has_restarts_on_another():
    redis = process("redis", kind=SERVICE, port=6379)

    found = changes(plan(redis), plan(redis._replace(command="serve 27504", port=27504)), without_port=("redis",))

    assert Changes(restarted=("redis",)) == found


def test_variables_of_the_application_are_no_change_of_a_service():
    redis, web = process("redis", kind=SERVICE), process("web")

    found = changes(plan(redis, web), plan(redis, web, composed=(("A", "edited"),)))

    assert Changes(restarted=("web",)) == found


def test_a_task_is_named_when_what_it_is_made_of_has_changed():
    web = process("web", depends_on=(Dependency("migrate", "succeeded"),))
    done = process("migrate", kind=TASK, stamp=("/stamp", "1"), skip="unchanged")

    assert Changes() == changes(plan(done, web), plan(done, web))
    assert Changes(tasks=("migrate",)) == changes(plan(done, web), plan(done._replace(skip=""), web))


def test_scaling_takes_what_is_named_and_leaves_other_edits_for_later():
    old = plan(process("web"), process("worker"), process("old"), composed=(("A", "1"),))
    new = plan(
        process("web", "edited"),
        process("worker.1", "edited"),
        process("worker.2", "edited"),
        process("mail"),
        composed=(("A", "2"),),
        fingerprint="two",
    )

    found = scaled(old, new, {"worker"})

    assert ["web", "worker.1", "worker.2", "old"] == [each.name for each in found.processes]
    assert ["serve", "edited", "edited", "serve"] == [each.command for each in found.processes]
    assert ((("A", "1"),), "two+") == (found.composed, found.fingerprint)
    assert Changes(started=("worker.1", "worker.2"), stopped=("worker",)) == changes(old, found)


def test_scaling_alone_leads_to_the_plan_that_a_start_would_have_had():
    old, new = plan(process("web"), process("worker")), plan(process("web"), fingerprint="two")

    assert new == scaled(old, new, {"worker"})


def test_who_depends_on_what_was_scaled_waits_for_its_new_names():
    def web(*names):
        return process("web", depends_on=tuple(Dependency(name, "ready") for name in names))

    old = plan(web("worker"), process("worker"))
    new = plan(web("worker.1", "worker.2"), process("worker.1"), process("worker.2"), fingerprint="two")

    assert new == scaled(old, new, {"worker"})


OTHER = {bool: True, int: 77, float: 77.0, str: "other", tuple: ("other",), type(None): Probe("tcp", port=1)}
SHOWN_ALONE = (
    "origin",
    "port",
    "address",
    "scheme",
    "packages",
    "data",
    "notes",
    "failure_hints",
    "quiet",
    "env_files",
    "observed",
)
OF_TASKS = ("skip", "stamp", "stamp_databases", "record")


@pytest.mark.faults(214)
@pytest.mark.parametrize(
    "field",
    [
        name for name in ProcessSpec._fields if name not in ("name", "kind", "env", "depends_on")
    ],  # the last orders starts
)
def test_each_setting_of_a_process_restarts_it_or_is_said_to_hold_at_once_or_at_its_next_start(field):
    web = process("web", pty=False)
    other = web._replace(**{field: OTHER[type(getattr(web, field))]})

    found = changes(plan(web), plan(other))

    said = [name for name in ("restarted", "updated", "later") if "web" in getattr(found, name)]
    assert len(said) == (0 if field in (*SHOWN_ALONE, *OF_TASKS) else 1)


@pytest.mark.faults(214)
def test_a_watch_holds_at_once_and_a_stop_signal_at_the_next_start():
    web = process("web")

    assert Changes(updated=("web",)) == changes(plan(web), plan(web._replace(watch=("*.py",))))
    assert Changes(later=("web",)) == changes(plan(web), plan(web._replace(stop_signal=2)))
