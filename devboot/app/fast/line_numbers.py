"""Updates line numbers in a snapshot after comments were edited, for messages such as `Procfile:2`."""

from __future__ import annotations

import os

from devboot import snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devboot.snapshot import Snapshot


def with_current_lines(known: Snapshot) -> Snapshot:
    """Return the snapshot with present line numbers for files in which only comments were edited."""
    lines = _renumbered(known)
    if not lines:
        return known
    from devboot.model.process import Plan, ProcessSpec

    processes, origin = Plan._fields.index("processes"), ProcessSpec._fields.index("origin")
    plan = list(known.plan_plain)
    places = (*(spec[origin] for spec in plan[processes]), *(source for _, _, source, _ in known.variables))
    now = dict(_moved(known.root, places, lines))
    plan[processes] = tuple(
        (*spec[:origin], now.get(spec[origin], spec[origin]), *spec[origin + 1 :]) for spec in plan[processes]
    )
    return known._replace(
        plan_plain=tuple(plan),
        ports=tuple((name, port, now.get(place, place)) for name, port, place in known.ports),
        variables=tuple((name, value, now.get(place, place), secret) for name, value, place, secret in known.variables),
    )


def path_in_message(root: str, name: str) -> str:
    """Return the absolute path of a project file named in a message; a leading `../` is ignored."""
    while name.startswith("../"):
        name = name[3:]
    return os.path.normpath(os.path.join(root, name))


def _renumbered(known: Snapshot) -> dict[str, dict[int, int]]:
    """Return {file: {old line number: new one}} for files in which only comments were edited."""
    paths = {path for path, *_ in known.code}
    edited = {each[0] for each in known.stamps if each[0] in paths and not snapshot.is_current(each)}
    found = {}
    for path, form, digest, before in known.code:
        now, after = snapshot.code_of(path, form) if path in edited else ("", ())
        if now == digest and before != after:
            found[path] = dict(zip(before, after, strict=True))
    return found


def _moved(root: str, places: Iterable[str], lines: Mapping[str, Mapping[int, int]]) -> Iterable[tuple[str, str]]:
    """Yield (old place, new place), as `Procfile:2`, for places whose line number has changed."""
    for place in places:
        name, _, line = place.rpartition(":")
        numbers = lines.get(path_in_message(root, name), {})
        if line.isdecimal() and int(line) in numbers:
            yield place, f"{name}:{numbers[int(line)]}"
