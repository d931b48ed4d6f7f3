"""Dependencies between processes, as pure functions: which are met, which blocks a start, in which order to start."""

from __future__ import annotations

from devboot.model import process as model
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SPAWNED = (model.STARTING, model.RUNNING, model.READY, model.UNREADY)
_ENDED = (model.STOPPED, model.EXITED, model.FAILED, model.GAVE_UP)


class Standing(Record):
    """State of a process as far as its dependents care: its phase, and flags that the phase alone doesn't show."""

    phase: str
    ok: bool = False  # it has ended as expected
    settled: bool = False  # alive and idle for long enough; counts where no probe shows that it is up
    gates: bool = False  # only its readiness, or the end of a task, counts; not the time alive
    hopeless: bool = False  # it waits for something that won't happen without a command


class Blocker(Record):
    """The dependency that keeps a process waiting. `forever`: it won't be met until the user does something."""

    name: str
    reason: str
    forever: bool


def is_met(until: str, standing: Standing) -> bool:
    """Return whether a dependency is met: the state `until`, such as `ready`, is required.

    `standing` is the present state.
    """
    if until == model.UNTIL_COMPLETED:
        return standing.phase == model.EXITED
    if until == model.UNTIL_SUCCEEDED:
        return standing.phase == model.EXITED and standing.ok
    if until == model.UNTIL_STARTED:
        return standing.phase in _SPAWNED or (standing.phase == model.EXITED and standing.ok)
    return is_up(standing)


def is_up(standing: Standing) -> bool:
    """Return whether a process counts as ready.

    A readiness probe decides. Without one, it counts when it has stayed alive long enough or has exited as expected.
    """
    if standing.phase == model.READY or (standing.phase == model.EXITED and standing.ok):
        return True
    return not standing.gates and standing.settled and standing.phase in _SPAWNED


def blocker(dependencies: Iterable[model.Dependency], standings: Mapping[str, Standing]) -> Blocker | None:
    """Return why a process can't start yet: its first unmet dependency, permanently blocked ones first.

    None if all are met.
    """
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
    """Return `names` and the names of all processes that these depend on, directly or indirectly."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in specs and name not in found:
            found.add(name)
            left.extend(each.name for each in specs[name].depends_on)
    return frozenset(found)


def dependents(specs: Iterable[model.ProcessSpec]) -> dict[str, frozenset[str]]:
    """Return, for each process name, the names of the processes that depend on it directly."""
    found: dict[str, set[str]] = {spec.name: set() for spec in specs}
    for spec in specs:
        for each in spec.depends_on:
            if each.name in found:  # a dependency may have been removed from the plan
                found[each.name].add(spec.name)
    return {name: frozenset(others) for name, others in found.items()}


def levels(specs: Iterable[model.ProcessSpec]) -> tuple[tuple[str, ...], ...]:
    """Return process names grouped by depth of dependencies: first those without any.

    Each group in the plan's order.
    """
    specs = tuple(specs)
    waits = {spec.name: {each.name for each in spec.depends_on} for spec in specs}
    found: list[tuple[str, ...]] = []
    while waits:
        free = tuple(name for name, needed in waits.items() if not any(each in waits for each in needed))
        level = free or tuple(waits)  # a cycle, which plans are checked for
        found.append(level)
        for name in level:
            del waits[name]
    return tuple(found)
