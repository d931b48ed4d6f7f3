"""Checks `${…}` in proposed values, since a manifest can't escape a literal one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from devboot.model.edge.manifest.cycles import cycles
from devboot.model.edge.manifest.references import ATTRIBUTES, OF_A_SERVICE, VARIABLE
from devboot.model.interpolation import OPENING, references
from devboot.onboarding.proposal_values import Proposal, Variable


def refuse_foreign_references(proposal: Proposal) -> Proposal:
    """Return the proposal without values whose `${…}` names nothing in the manifest: `up` would refuse them.

    In `[env]` such a variable becomes a required one, whose value comes from an env file; a process' own is removed.
    """
    names = names_of(proposal)
    served = {each.name for each in proposal.databases if each.service}
    graph = {each.name: _variables(each.value or "") for each in proposal.env}
    graph = {name: [each for each in needed if each in graph and each != name] for name, needed in graph.items()}
    circular = {name for circle in cycles(graph) for name in circle}

    def is_valid(text: str) -> bool:
        return all(each.end >= 0 and _is_known(each.name, names, served) for each in references(text))

    return replace(
        proposal,
        env=tuple(
            each if is_valid(each.value or "") and each.name not in circular else _required(each)
            for each in proposal.env
        ),
        processes=tuple(
            replace(
                each,
                env={name: text for name, text in each.env.items() if is_valid(text)},
                listens=each.listens if is_valid(each.listens) else "",
            )
            for each in proposal.processes
        ),
    )


def names_of(proposal: Proposal) -> Mapping[str, set[str]]:
    """Return the names to which `${…}` may refer, by table."""
    return {
        "services": {each.name for each in proposal.services} | {e.service for e in proposal.databases if e.service},
        "databases": {each.name for each in proposal.databases},
        "processes": {each.name for each in proposal.processes} | {each.name for each in proposal.lines},
    }


def refers_to(text: str) -> list[tuple[str, str]]:
    """Return (table, name) of each `${…}` in a text that refers to a service, a database or a process."""
    split = (each.name.split(".", 1) for each in references(text))
    return [(words[0], words[1].rpartition(".")[0]) for words in split if len(words) > 1 and words[0] != "project"]


def _is_known(reference: str, names: Mapping[str, Collection[str]], served: Collection[str]) -> bool:
    kind, dot, rest = reference.partition(".")
    if not dot:
        return VARIABLE.fullmatch(kind) is not None
    name, _, attribute = rest.rpartition(".")
    known = OF_A_SERVICE if kind == "databases" and name in served else ATTRIBUTES.get(kind, ())
    return attribute in known and ((kind == "project" and not name) or name in names.get(kind, ()))


def _variables(text: str) -> list[str]:
    return [each.name for each in references(text) if "." not in each.name]


def _required(variable: Variable) -> Variable:
    where = f"read at {variable.evidence}, its value holds" if variable.evidence else "its value holds"
    text = f"{where} `{OPENING}`, put it in {variable.file}"
    return replace(variable, value=None, required=True, description=text)
