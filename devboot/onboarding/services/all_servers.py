"""Finds all servers that the application connects to, and the variables by which it finds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.libraries import DOCKER_HOST, usual_hosts
from devboot.onboarding.proposal_values import Database, Evidence, Note, Service
from devboot.onboarding.services.brokers import find_broker
from devboot.onboarding.services.endpoints import find_endpoints
from devboot.onboarding.services.redis import find_redis
from devboot.onboarding.services.served import Served
from devboot.onboarding.services.servers import find_servers
from devboot.onboarding.symbolic_eval.evaluate import Code, Run, evaluate


@dataclass(frozen=True, slots=True)
class Services:
    """The servers that the application needs, in order, and the evaluation of the code with their variables."""

    found: tuple[Served, ...]
    run: Run

    @property
    def services(self) -> Iterator[Service]:
        """The proposed services, without servers that no recipe runs."""
        return (each.service for each in self.found if each.service is not None)

    @property
    def values(self) -> dict[str, str]:
        """Values of variables as the manifest will have them, those of databases first."""
        in_order = sorted(self.found, key=lambda each: not each.databases)
        return {name: text for each in in_order for name, text in each.values.items()}

    @property
    def probes(self) -> dict[str, str]:
        """Values with which the variables were set in the evaluation."""
        return {name: text for each in self.found for name, text in each.probes.items()}

    @property
    def places(self) -> dict[str, Evidence | None]:
        """The places where the code reads the variables."""
        return {name: place for each in self.found for name, place in each.places.items()}

    @property
    def databases(self) -> tuple[Database, ...]:
        """The databases that the application needs in its servers."""
        return tuple(database for each in self.found for database in each.databases)

    @property
    def hosts(self) -> set[str]:
        """Names of containers that must resolve to this machine, since the code contains them."""
        return {host for each in self.found for host in each.hosts}

    @property
    def notes(self) -> list[Note]:
        """The notes and warnings about the found servers."""
        return [note for each in self.found for note in each.notes]

    @property
    def known(self) -> set[str]:
        """The names of all servers and recipes that the proposal has or mentions."""
        return {name for each in self.found for name in (each.kind.name, each.kind.recipe) if name}


def find_services(clone: Clone, code: Code, base: Run, given: Mapping[str, str], taken: Iterable[str]) -> Services:
    """Return the servers that the application needs with the variables `given`.

    `taken` has the names of other databases.
    """
    packages, hosts = clone.packages, containers(clone)
    redis = find_redis(code, base, given, packages, hosts)
    found = [redis] if redis is not None else []
    tried = {**given, **(redis.probes if redis is not None else {})}
    broker = find_broker(code, base, tried, packages)
    found += [broker] if broker is not None else []
    tried |= broker.probes if broker is not None else {}
    found += find_servers(code, base, tried, packages, clone.compose, taken)
    for each in found:
        tried |= each.probes
    run = evaluate(code, tried, thorough=True) if tried != given else base
    known = {each.kind.recipe for each in found}
    composed = {container.recipe or "" for container in clone.compose.containers}
    return Services((*found, *find_endpoints(run, packages, hosts, known, composed)), run)


def containers(clone: Clone) -> frozenset[str]:
    """Return the host names that mean a container: those in compose files, and usual ones such as `redis` or `db`."""
    return frozenset(clone.compose.hosts() | usual_hosts() | {DOCKER_HOST})
