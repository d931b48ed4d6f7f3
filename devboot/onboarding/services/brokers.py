"""Finds Celery's broker where that is RabbitMQ, and the variable that says where it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from devboot.onboarding.frameworks.workers.celery import is_idle
from devboot.onboarding.libraries import LOOPBACK, kind
from devboot.onboarding.proposal_values import Evidence, Note, Proposal
from devboot.onboarding.services.addresses import broker_values
from devboot.onboarding.symbolic_eval.evaluate import Code, Run, evaluate
from devboot.onboarding.symbolic_eval.values import Value

AMQP = kind("rabbitmq").schemes
OWN = "CELERY_BROKER_URL"  # Celery reads it from the environment before its configuration
RECIPE = "rabbitmq"
URL = "${services.rabbitmq.url}"
USUAL = "amqp://guest:guest@localhost:5672//"
PROBE = "amqp://guest:guest@127.0.0.1:59997//"


def amqp_broker(run: Run) -> Value | None:
    """Celery's broker, if it is an address of RabbitMQ on this machine, in a container, or out of a variable."""
    if is_idle(run):
        return None
    for value in _brokers(run):
        if not isinstance(value.data, str) or not AMQP.match(value.data):
            return None  # the first one counts
        return None if _is_elsewhere(value) else value
    return None


def broker_variables(code: Code, base: Run, given: Mapping[str, str], broker: Value) -> tuple[str, ...]:
    """The variables that carry its whole address to where Celery connects; Celery's own where none of the code does."""
    names = sorted(name for name in broker.reads if _carries(name, base))
    for name in names:
        if _is_reached(code, {**given, name: PROBE}):
            return (name,)
    if len(names) > 1 and _is_reached(code, {**given, **dict.fromkeys(names, PROBE)}):
        return tuple(names)
    return (OWN,)


def evidence_of_broker(broker: Value) -> Evidence | None:
    """Where it stands."""
    return Evidence(broker.place.path, broker.place.line) if broker.place else None


def without_rabbitmq(proposal: Proposal) -> Proposal:
    """The same for a machine that can't have it: the code is told the usual address, and a warning says why."""
    gone = next((service for service in proposal.services if service.recipe == RECIPE), None)
    if gone is None:
        return proposal
    text = "rabbitmq: it is Celery's broker, and can't be had here: only Debian and Ubuntu have it"
    return replace(
        proposal,
        services=tuple(service for service in proposal.services if service is not gone),
        env=tuple(replace(item, value=USUAL) if item.value == URL else item for item in proposal.env),
        notes=(*proposal.notes, Note(text, gone.evidence, warns=True)),
    )


def _brokers(run: Run) -> Iterator[Value]:
    return (value for label, value in broker_values(run) if label == "broker" and value.data)


def _is_elsewhere(value: Value) -> bool:
    try:
        host = urlsplit(str(value.data)).hostname or ""
    except ValueError:
        return False
    return "." in host and not value.reads and host not in LOOPBACK


def _carries(name: str, run: Run) -> bool:
    """Whether the variable is an address as a whole, or would be."""
    read = run.found.reads.get(name)
    default = read.default.data if read is not None and read.default is not None else None
    text = run.machine.environ.get(name) or default or run.machine.guesses.get(name)
    return bool(AMQP.match(text)) if isinstance(text, str) and text else bool(re.search(r"BROKER|AMQP|RABBIT", name))


def _is_reached(code: Code, probes: Mapping[str, str]) -> bool:
    return any(value.data == PROBE for value in _brokers(evaluate(code, probes)))
