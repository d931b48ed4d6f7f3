"""Finds Celery's broker other than Redis: RabbitMQ by its address, or by Celery's own variable."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from devboot.onboarding.frameworks.workers.celery import USES, is_idle, uses_celery
from devboot.onboarding.libraries import kind
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.services.addresses import broker_values
from devboot.onboarding.services.served import Served, is_elsewhere, text_of
from devboot.onboarding.symbolic_eval.evaluate import Code, Run, evaluate
from devboot.onboarding.symbolic_eval.values import Value

OWN = "CELERY_BROKER_URL"  # Celery reads it from the environment before its configuration
_URL = "${services.rabbitmq.url}"
_PROBE = "amqp://guest:guest@127.0.0.1:59997//"


def find_broker(code: Code, base: Run, given: Mapping[str, str], packages: Mapping[str, str]) -> Served | None:
    """Return the RabbitMQ server that Celery uses as its broker; None if Celery uses none on this machine.

    The server may be given by the code, a container or a variable. The result's variables are those that carry the
    whole URL to Celery; without any, Celery's own variable.
    """
    broker = _amqp(base) if uses_celery(base) and "celery" in packages else None
    if broker is None:
        return None
    names = sorted(name for name in broker.reads if _carries(name, base))
    reached = next((each for each in ([[name] for name in names] + [names]) if _is_reached(code, given, each)), [OWN])
    return _told(reached, broker.place)


def lacks_broker(run: Run, packages: Mapping[str, str]) -> bool:
    """Return whether the code uses Celery without configuring a broker."""
    has_one = any(isinstance(value.data, str) and value.data for value in _brokers(run))
    return uses_celery(run) and "celery" in packages and not has_one and not is_idle(run)


def speaks_redis(packages: Mapping[str, str]) -> bool:
    """Return whether Redis' client library is installed, without which Celery can't use Redis."""
    return any("redis" in name or "redis" in extras.split(",") for name, extras in packages.items())


def told_celery(run: Run, packages: Mapping[str, str]) -> Served:
    """Return a broker for CELERY_BROKER_URL: Redis if its client library is installed, else RabbitMQ."""
    event = next(event for event in run.found.events if USES.search(event.name))
    where = event.place
    if "redis" in packages or "redis" in packages.get("celery", "").split(","):
        found = Served(kind("redis"), where)
        found.tell(OWN, "${services.redis.url}/0", where, "redis://:probe0password@127.0.0.1:59999/0")
        return found
    return _told([OWN], where)


def _told(names: list[str], where: Evidence | None) -> Served:
    found = Served(kind("rabbitmq"), where)
    for name in names:
        found.tell(name, _URL, where, _PROBE)
    return found


def _amqp(run: Run) -> Value | None:
    """Return Celery's broker setting if the first one is RabbitMQ and not fixed to another machine; else None."""
    value = next(_brokers(run), None) if not is_idle(run) else None
    text = value.data if value is not None else None
    if value is None or not isinstance(text, str) or not kind("rabbitmq").schemes.match(text):
        return None
    return None if is_elsewhere(text) and not value.reads else value


def _brokers(run: Run) -> Iterator[Value]:
    return (value for label, value in broker_values(run) if label == "broker" and value.data)


def _carries(name: str, run: Run) -> bool:
    """Return whether a variable has a complete URL of RabbitMQ, or a name like one for that."""
    text = text_of(name, run)
    return bool(kind("rabbitmq").schemes.match(text) if text else re.search(r"BROKER|AMQP|RABBIT", name))


def _is_reached(code: Code, given: Mapping[str, str], names: list[str]) -> bool:
    run = evaluate(code, {**given, **dict.fromkeys(names, _PROBE)})
    return bool(names) and any(value.data == _PROBE for value in _brokers(run))
