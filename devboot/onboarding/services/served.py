"""One server that the application needs: its service, databases, variables and warnings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from devboot.onboarding.libraries import DOCKER_HOST, LOOPBACK, Kind
from devboot.onboarding.proposal_values import CONTAINER, OPEN_ACCESS, Database, Evidence, Note, Service
from devboot.onboarding.symbolic_eval.evaluate import Run


@dataclass(slots=True)
class Served:
    """A server, such as Redis, that the application connects to, and the variables that give it the address.

    `values` maps variables to their values in the manifest, such as `${services.redis.url}`. `probes` maps the same
    variables to the trial addresses with which the code was evaluated. `port` is set if the code fixes it. `hosts` are
    the containers' host names in the code. `is_open`: the code connects without a password.
    """

    kind: Kind
    evidence: Evidence | None = None
    values: dict[str, str] = field(default_factory=dict)
    probes: dict[str, str] = field(default_factory=dict)
    places: dict[str, Evidence | None] = field(default_factory=dict)
    port: int | None = None
    hosts: set[str] = field(default_factory=set)
    is_open: bool = False
    databases: list[Database] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def service(self) -> Service | None:
        """The service to propose; None if no recipe runs the server."""
        if not self.kind.recipe:
            return None
        return Service(self.kind.recipe, self.kind.recipe, self.port, self.evidence, self.is_open)

    def tell(self, name: str, value: str, place: Evidence | None, probe: str = "") -> None:
        """Give the variable `name` this value in the manifest; `probe` is the value it has in trial evaluations."""
        self.values[name], self.places[name] = value, place
        if probe:
            self.probes[name] = probe

    def forget(self, name: str) -> None:
        """Remove a variable, so that the manifest doesn't set it."""
        for each in (self.values, self.probes, self.places):
            each.pop(name, None)

    def pin(self, host: str, port: int | None, place: Evidence | None, containers: Collection[str]) -> bool:
        """Give the service the port of an address fixed in the code; return False if that is on another machine."""
        if host not in LOOPBACK:
            if host not in containers:
                return False
            self.hosts.add(host)
        self.port = self.port or port or self.kind.port
        self.evidence = self.evidence or place
        return True

    def warn_of_container(self, host: str, place: Evidence | None) -> None:
        """Add a warning that a container's name can't be made to resolve to this machine."""
        text = f"{self.kind.recipe or self.kind.name}: {CONTAINER.format(host)}: read it from a variable"
        self.notes.append(Note(text, place, warns=True))

    def open_access(self, place: Evidence | None) -> None:
        """Open the server to every user of this machine, with a warning."""
        self.is_open = True
        self.notes.append(Note(f"{self.kind.recipe}: {OPEN_ACCESS}", place, warns=True))


def text_of(name: str, run: Run) -> str:
    """Return a variable's value: from a committed file, else the code's default, else a template's; "" for none.

    An example's URL takes precedence over a default that is only a placeholder (`default_url`).
    """
    own, example = own_text_of(name, run), str(run.machine.guesses.get(name) or "")
    holds_place = "://" in example and "://" not in own and name not in run.machine.environ
    return example if holds_place or not own else own


def own_text_of(name: str, run: Run) -> str:
    """Return a variable's value in a committed file, or its default in the code; "" for none."""
    read = run.found.reads.get(name)
    default = read.default.data if read is not None and read.default is not None else None
    return str(run.machine.environ.get(name) or default or "")


def place_of(name: str, run: Run) -> Evidence | None:
    """Return the place where the code reads the variable `name`; None if it doesn't."""
    read = run.found.reads.get(name) or run.found.needs.get(name)
    return read.place if read is not None else None


def host_of(text: str) -> str:
    """Return the host of a URL or of `host:port`; "" if there is none."""
    try:
        return urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""


def is_elsewhere(text: str) -> bool:
    """Return whether an address is on another machine, neither this one nor a container."""
    host = host_of(text)
    return text.startswith("mongodb+srv:") or ("." in host and host not in LOOPBACK and host != DOCKER_HOST)
