"""Specs cross marshal and JSON without loss."""

import json
import marshal

from devboot.model.process import (
    Dependency,
    FailureHint,
    Plan,
    Probe,
    ProcessSpec,
    environment_of,
    plan_from_plain,
    plan_to_plain,
)

PLAN = Plan(
    project="shop",
    root="/shop",
    state="/state/shop",
    env=(("PATH", "/bin"), ("DEBUG", "1")),
    processes=(
        ProcessSpec("redis", "service", "/shop", argv=("redis-server",), failure_hints=(FailureHint("x", "a/b", "c"),)),
        ProcessSpec(
            "web",
            "process",
            "/shop",
            command="serve",
            env=(("PORT", "5000"),),
            unset=("DEBUG",),
            depends_on=(Dependency("redis", "ready"),),
            ready=Probe("http", port=5000),
        ),
    ),
)


def test_a_plan_survives_marshal():
    assert PLAN == plan_from_plain(marshal.loads(marshal.dumps(plan_to_plain(PLAN))))


def test_a_plan_survives_json():
    assert PLAN == plan_from_plain(json.loads(json.dumps(plan_to_plain(PLAN))))


def test_a_process_gets_the_plans_environment_with_its_own_laid_over_it():
    assert {"PATH": "/bin", "PORT": "5000"} == environment_of(PLAN, PLAN.processes[1])


def test_specs_are_frozen_tuples_with_names():
    assert "web" == PLAN.processes[1].name
    assert PLAN.processes[1] == PLAN.processes[1]._replace(name="web")
