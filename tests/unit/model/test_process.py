"""Specs cross marshal and JSON without loss."""

import json
import marshal

from devboot.model.plan_check import checked_plan
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


NESTED = {"Probe": Probe, "Dependency": Dependency, "FailureHint": FailureHint, "ProcessSpec": ProcessSpec}
VALUES = {
    "int": 7,
    "float": 7.5,
    "str": "word",
    "tuple[str, ...]": ("one", "two"),
    "tuple[int, ...]": (7, 8),
    "tuple[str, str]": ("one", "two"),
    "tuple[tuple[str, str], ...]": (("one", "two"),),
}
FITTING = {  # values that are checked
    Plan: {"root": "/a", "state": "/b", "data": "/c", "record": "/d"},
    ProcessSpec: {"kind": "task", "restart": "always", "schedule": "30s"},
    Dependency: {"name": "other", "until": "ready"},
    Probe: {"kind": "tcp"},
    FailureHint: {},
}


def full(record):
    """Return a record in which no field has its default."""
    found = {}
    for field, kind in record.__annotations__.items():
        one = kind.removesuffix(" | None").removeprefix("tuple[").removesuffix(", ...]")
        if kind == "bool":
            found[field] = not record._field_defaults[field]
        elif one in NESTED:
            found[field] = (full(NESTED[one]),) if kind.startswith("tuple[") else full(NESTED[one])
        else:
            found[field] = VALUES[kind]
    whole = record(**found | FITTING[record])
    assert not [field for field, default in record._field_defaults.items() if getattr(whole, field) == default]
    return whole


def test_every_field_of_a_plan_survives_marshal_json_and_the_check_by_a_daemon():
    plan = full(Plan)
    plan = plan._replace(processes=(*plan.processes, ProcessSpec("other", "process", "/", "serve")))

    assert plan == plan_from_plain(marshal.loads(marshal.dumps(plan_to_plain(plan))))
    assert plan == plan_from_plain(json.loads(json.dumps(plan_to_plain(plan))))
    assert plan == checked_plan(plan_to_plain(plan))


def test_a_plan_survives_json():
    assert PLAN == plan_from_plain(json.loads(json.dumps(plan_to_plain(PLAN))))


def test_a_process_gets_the_plans_environment_with_its_own_laid_over_it():
    assert {"PATH": "/bin", "PORT": "5000"} == environment_of(PLAN, PLAN.processes[1])


def test_specs_are_frozen_tuples_with_names():
    assert "web" == PLAN.processes[1].name
    assert PLAN.processes[1] == PLAN.processes[1]._replace(name="web")
