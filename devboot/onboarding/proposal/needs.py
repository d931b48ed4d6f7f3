"""Variables that somebody must set: those that the import needs, and those in commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.web.django_settings import must_be_texts
from devboot.onboarding.proposal_values import Evidence, Process
from devboot.onboarding.reading.procfile import variables_in
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.machine import Need

_IN_COMMAND = "is used in the command"


def needs_of(clone: Clone, run: Run, processes: Iterable[Process]) -> list[Need]:
    """What the import needs, what an empty setting stands for, and what commands name."""
    needs = [*run.found.needs.values(), *clone.framework.needs(clone)]
    known = {need.name for need in needs}
    for each in chain(_of_settings(run, known), _of_procfile(clone), _of_commands(clone, processes)):
        if each.name not in known:
            known.add(each.name)
            needs.append(each)
    return needs


def _of_settings(run: Run, known: set[str]) -> Iterator[Need]:
    """Variables of empty settings; `known`, which grows meanwhile, are those that are asked for already."""
    for setting in ("SECRET_KEY", "DATABASES", *must_be_texts(run)):
        value = run.names.get(setting)
        data = value.data if value is not None else None
        if setting == "DATABASES" and isinstance(data, dict) and "default" in data:
            value = data["default"]
            data = value.data
        if value is not None and data in (None, "", {}) and value.reads:
            unset = [name for name in sorted(value.reads) if name not in run.machine.environ and name not in known]
            if not known.intersection(value.reads) and unset:
                best = min(unset, key=lambda name: ("DATABASE" not in name and "SECRET" not in name, name))
                yield Need(best, value.place, f"makes {setting} empty")
    yield from _of_tokens(run)


def _of_tokens(run: Run) -> Iterator[Need]:
    """The key that signs logins: where it is none, the first login fails."""
    value = run.names.get("SIMPLE_JWT")
    given = value.data if value is not None and isinstance(value.data, dict) else {}
    key, algorithm = given.get("SIGNING_KEY"), given.get("ALGORITHM")
    is_symmetric = algorithm is None or str(algorithm.data).startswith("HS")
    if is_symmetric and key is not None and key.data in (None, "") and len(key.reads) == 1:
        yield Need(min(key.reads), key.place, "is no key")


def _of_procfile(clone: Clone) -> Iterator[Need]:
    for entry in clone.procfile.processes() if clone.procfile else ():
        place = Evidence(clone.procfile.path, entry.line) if clone.procfile else None
        for name in variables_in(entry.command):
            yield Need(name, place, _IN_COMMAND)


def _of_commands(clone: Clone, processes: Iterable[Process]) -> Iterator[Need]:
    """Variables in commands of containers that a template has: compose leaves empty what nobody sets."""
    for process in processes:
        where = process.evidence
        for name in variables_in(process.command or ""):
            example = clone.files.examples.get(name)
            if example is not None and not example.is_placeholder:
                yield Need(name, Evidence(where.path, where.line or 0) if where else None, _IN_COMMAND)
