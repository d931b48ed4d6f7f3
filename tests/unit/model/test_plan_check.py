"""Plans from another process: taken whole, with numbers in bounds, or refused."""

from __future__ import annotations

import ast
import math
import pathlib

import pytest
from hypothesis import given, settings, strategies

import devboot
from devboot.environment.process_specs import Command, Surroundings, process_spec
from devboot.model import plan_check, process as model
from devboot.model.edge.manifest.tables import Process
from devboot.model.plan_check import LONGEST, PlanError, checked_plan
from devboot.model.process import Dependency, FailureHint, Plan, Probe, ProcessSpec, plan_to_plain

SPECS = (
    ProcessSpec(
        "redis",
        "service",
        "/srv",
        argv=("redis-server",),
        ready=Probe("tcp", port=6379, send="PING", expect="+PONG"),
        failure_hints=(FailureHint("MISCONF", "redis/misconf", "it can't save"),),
    ),
    ProcessSpec("web", "process", "/srv", "exec web", depends_on=(Dependency("redis", "ready"),), schedule="30s"),
)
PLAN = Plan("shop", "/srv", "/srv/state", (("A", "b"),), SPECS)


def with_process(**fields):
    return plan_to_plain(PLAN._replace(processes=(SPECS[0], SPECS[1]._replace(**fields))))


def test_a_plan_comes_out_as_it_was():
    assert checked_plan(plan_to_plain(PLAN)) == PLAN


class Counted(tuple):
    """A tuple that counts how often it is read."""

    __slots__ = ()
    reads = 0

    def __iter__(self):
        Counted.reads += 1
        return super().__iter__()


def test_a_value_that_processes_share_is_checked_once():
    shared = Counted((".env", ".env.local"))
    rows = tuple(plan_to_plain(SPECS[1]._replace(name=f"web.{number}", schedule="")) for number in range(50))
    at = ProcessSpec._fields.index("env_files")
    rows = tuple((*row[:at], shared, *row[at + 1 :]) for row in rows)
    plan = plan_to_plain(PLAN)
    processes = Plan._fields.index("processes")

    found = checked_plan((*plan[:processes], (plan[processes][0], *rows), *plan[processes + 1 :]))

    assert Counted.reads == 1
    assert {spec.env_files for spec in found.processes[1:]} == {tuple(shared)}


@pytest.mark.parametrize("record", [Plan, ProcessSpec, Probe, Dependency, FailureHint])
def test_every_field_of_a_plan_is_checked(record):
    assert not set(record.__annotations__.values()) - plan_check.READ.keys()


@pytest.mark.faults(141)
@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"name": ""}, "'' can't be the name of a process"),
        ({"name": "../web"}, "'../web' can't be the name of a process"),
        ({"name": "we\nb"}, "'we\\nb' can't be the name of a process"),
        ({"name": "redis"}, "two processes are called 'redis'"),
        ({"name": 7}, "processes: name: a whole number is not text"),
        ({"command": ""}, "'web' has no command"),
        ({"command": "a\0b"}, "processes: command: 'a\\x00b' is not text"),
        ({"kind": "daemon"}, "'daemon' is no kind of process"),
        ({"restart": "sometimes"}, "'sometimes' is no rule for restarts"),
        ({"port": 65536}, "processes: port: 65536 is out of range"),
        ({"stop_signal": 0}, "processes: stop_signal: 0 is out of range"),
        ({"stop_timeout": math.nan}, "processes: stop_timeout: nan is not a number"),
        ({"stop_timeout": "5"}, "processes: stop_timeout: '5' is not a number"),
        ({"pty": 1}, "processes: pty: a whole number is neither true nor false"),
        ({"stamp": ("one",)}, "the stamp of 'web' is not a file with text"),
        ({"schedule": "sometimes"}, "'web' has no schedule: must be five fields like"),
        ({"ready": Probe("divination")}, "'divination' is no kind of probe"),
        ({"depends_on": (Dependency("redis", "old"),)}, "'old' is no state of a dependency"),
        ({"depends_on": (Dependency("web", "ready"),)}, "processes depend on each other: web"),
        ({"env": (("A",),)}, "processes: env: a list is not a pair"),
    ],
)
def test_a_malformed_plan_is_refused_with_the_value_that_is_wrong(fields, why):
    with pytest.raises(PlanError) as caught:
        checked_plan(with_process(**fields))
    assert str(caught.value).startswith(why)


@pytest.mark.parametrize(
    ("command", "ready", "kind"),
    [
        ("serve", None, "listen"),
        ("gunicorn shop.wsgi", None, "accept"),
        ("celery -A shop worker", None, "line"),
        ("celery -A shop beat", None, "line"),
        ("rq worker", None, "line"),
        ("dramatiq shop.jobs", None, "line"),
        ("huey_consumer shop.jobs", None, "line"),
        ("env arq shop.Settings", None, "line"),
        ("serve", {"http": "/"}, "http"),
        ("serve", {"http": "https://localhost/"}, "https"),
        ("serve", {"tcp": "5000"}, "tcp"),
        ("serve", {"exec": "true"}, "exec"),
        ("serve", {"log": "ready"}, "log"),
        ("serve", {"notify": True}, "notify"),
    ],
)
def test_a_process_is_accepted_with_each_kind_of_probe(command, ready, kind):
    surroundings = Surroundings("/srv", {"jobs": 5000}, {}, (), frozenset(), {}, lambda text: text, dict)
    wanted = Process.model_validate({} if ready is None else {"ready": ready})
    spec = process_spec(Command("jobs", command, "Procfile:1"), wanted, surroundings)
    plan = PLAN._replace(processes=(spec,))

    assert spec.ready.kind == kind
    assert checked_plan(plan_to_plain(plan)) == plan


def kinds_made(source):
    """The names and literals of kinds in the calls of `Probe`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Probe" and node.args:
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.Constant):
                    yield part.value
                elif isinstance(part, ast.Name) and part.id.isupper() and not part.id.startswith("_"):
                    yield getattr(model, part.id)


def test_a_plan_accepts_the_kind_of_every_probe_that_is_made():
    sources = [path.read_text() for path in pathlib.Path(devboot.__file__).parent.rglob("*.py")]
    made = {kind for source in sources if " Probe(" in source for kind in kinds_made(source)}

    assert made == set(model.PROBES) - {"https"}  # by the address of an http probe


@pytest.mark.faults(142)
@pytest.mark.parametrize(
    ("given", "taken"), [(2_520_000.0, 2_520_000.0), (10**400, LONGEST), (math.inf, LONGEST), (-1, 0.0)]
)
def test_seconds_are_clamped(given, taken):
    assert checked_plan(with_process(stop_timeout=given)).processes[1].stop_timeout == taken


def test_a_chain_of_any_length_is_no_cycle():
    specs = tuple(
        SPECS[1]._replace(name=f"p{number}", depends_on=(Dependency(f"p{number + 1}", "ready"),))
        for number in range(3000)
    )
    assert len(checked_plan(plan_to_plain(PLAN._replace(processes=specs))).processes) == 3000


JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner, max_size=5) | strategies.dictionaries(strategies.text(), inner, max_size=3),
    max_leaves=20,
)


def places(value, at=()):
    """The way to each value of a nested one."""
    yield at
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*at, index))


def lists(value):
    return [lists(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.faults(141)
@settings(max_examples=300, deadline=None)
@given(data=strategies.data(), odd=JSON)
def test_a_plan_with_anything_anywhere_is_taken_or_refused(data, odd):
    plain = lists(plan_to_plain(PLAN))
    at = data.draw(strategies.sampled_from(list(places(plain))[1:]))
    inner = plain
    for index in at[:-1]:
        inner = inner[index]
    inner[at[-1]] = odd

    try:
        plan = checked_plan(plain)
    except PlanError:
        return
    assert all(type(spec) is model.ProcessSpec for spec in plan.processes)


def test_what_a_probe_sends_may_hold_any_byte():
    probe = Probe("tcp", port=5432, send="\0\0\0\x17\xff", expect="R\0", loading="\0")

    assert checked_plan(with_process(ready=probe)).processes[1].ready == probe
