"""Who waits for whom: pure questions about dependencies, asked of plain phases."""

from __future__ import annotations

from devboot.model import process as model
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SPAWNED = (model.STARTING, model.RUNNING, model.READY, model.UNREADY)
_ENDED = (model.STOPPED, model.EXITED, model.FAILED, model.GAVE_UP)


class Standing(Record):
    """What others want to know of a process: its phase, and what the phase alone doesn't tell."""

    phase: str
    ok: bool = False  # it has ended, as it should
    settled: bool = False  # alive and quiet for long enough, where nothing else shows that it is up
    gates: bool = False  # only readiness counts, or the end of a task, not the time alive
    hopeless: bool = False  # it waits for something that will not come by itself


class Blocker(Record):
    """Why a process waits. `forever`: nothing that happens by itself will change it."""

    name: str
    reason: str
    forever: bool


def is_met(until: str, standing: Standing) -> bool:
    """Whether a dependency on a process that stands like this is fulfilled."""
    if until == model.UNTIL_COMPLETED:
        return standing.phase == model.EXITED
    if until == model.UNTIL_SUCCEEDED:
        return standing.phase == model.EXITED and standing.ok
    if until == model.UNTIL_STARTED:
        return standing.phase in _SPAWNED or (standing.phase == model.EXITED and standing.ok)
    return is_up(standing)


def is_up(standing: Standing) -> bool:
    """Whether it counts as ready: its probe says so, or where none gates it, its time alive or an expected exit."""
    if standing.phase == model.READY or (standing.phase == model.EXITED and standing.ok):
        return True
    return not standing.gates and standing.settled and standing.phase in _SPAWNED


def blocker(dependencies: Iterable[model.Dependency], standings: Mapping[str, Standing]) -> Blocker | None:
    """The first dependency that is not fulfilled, the hopeless ones first; None: nothing is in the way."""
    known = [each for each in dependencies if each.name in standings]
    unmet = [each for each in known if not is_met(each.until, standings[each.name])]
    reasons = [_reason(each, standings[each.name]) for each in unmet]
    return next((each for each in reasons if each.forever), reasons[0] if reasons else None)


def _reason(dependency: model.Dependency, standing: Standing) -> Blocker:
    name, phase = dependency.name, standing.phase
    if phase == model.EXITED:
        how = "failed" if not standing.ok else "has ended"
        return Blocker(name, f"{name} {how}", forever=True)
    if phase in _ENDED:
        words = {model.STOPPED: "is stopped", model.FAILED: "could not be started", model.GAVE_UP: "gave up"}
        return Blocker(name, f"{name} {words[phase]}", forever=True)
    if phase in (model.WAITING, model.STARTING, model.RUNNING) and standing.hopeless:
        return Blocker(name, f"{name} can't start", forever=True)
    return Blocker(name, f"for {name}", forever=False)


def closure(names: Iterable[str], specs: Mapping[str, model.ProcessSpec]) -> frozenset[str]:
    """`names` and everything that they depend on, directly or not."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in specs and name not in found:
            found.add(name)
            left.extend(each.name for each in specs[name].depends_on)
    return frozenset(found)


def dependents(specs: Iterable[model.ProcessSpec]) -> dict[str, frozenset[str]]:
    """For each name those that depend on it directly."""
    found: dict[str, set[str]] = {spec.name: set() for spec in specs}
    for spec in specs:
        for each in spec.depends_on:
            if each.name in found:  # what it needed may have been taken out of the plan
                found[each.name].add(spec.name)
    return {name: frozenset(others) for name, others in found.items()}


def levels(specs: Iterable[model.ProcessSpec]) -> tuple[tuple[str, ...], ...]:
    """Names by depth, what depends on nothing first; within a level as they stand in the plan."""
    specs = tuple(specs)
    waits = {spec.name: {each.name for each in spec.depends_on} for spec in specs}
    found: list[tuple[str, ...]] = []
    while waits:
        free = tuple(name for name, needed in waits.items() if not any(each in waits for each in needed))
        level = free or tuple(waits)  # a cycle, which no plan has
        found.append(level)
        for name in level:
            del waits[name]
    return tuple(found)
