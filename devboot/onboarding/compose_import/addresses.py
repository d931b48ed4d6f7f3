"""Replaces addresses of containers in values of variables by `${services.…}` references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from devboot.onboarding.libraries import DOCKER_HOST, Kind
from devboot.onboarding.proposal_values import Database
from devboot.onboarding.reading.containers.container import Container
from devboot.onboarding.services.endpoints import is_address_of, written_address
from devboot.onboarding.tables import is_called

URL = re.compile(
    r"(?P<scheme>[A-Za-z][\w+.-]{0,30})://(?:(?P<login>[^@/\s,]*)@)?(?P<host>[A-Za-z0-9_][\w.-]*)(?::(?P<port>\d+))?"
    r"(?P<path>/[^\s,?\"']*)?(?P<query>\?[^\s,\"']*)?"
)
_HOST_AND_PORT = re.compile(r"(?P<host>[A-Za-z0-9_][\w.-]*):(?P<port>\d+)")
_HOLDS_HOST = re.compile(r"(?:HOST(?:NAME)?|SERVER|ADDR(?:ESS)?|ENDPOINT)$", re.IGNORECASE)
_WHOLE_REFERENCE = re.compile(r"\$\{\w+\}")
_PARTS = (
    ("port", re.compile(r"PORT$", re.IGNORECASE)),
    ("user", re.compile(r"(?:USER(?:_?NAME)?|LOGIN)$", re.IGNORECASE)),
    ("password", re.compile(r"(?:PASS(?:WORD|WD)?|PWD)$", re.IGNORECASE)),
    ("name", re.compile(r"(?:NAME|DB|DATABASE|DB_?NAME)$", re.IGNORECASE)),
)
HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Target:
    """A container and what replaces it in the manifest.

    `service` is the service that replaces a server, `process` the process that runs its program; with neither it stays
    in Docker, where `ports` maps its ports to those that it publishes on this machine.
    """

    container: Container
    kind: Kind | None = None
    service: str = ""
    databases: tuple[Database, ...] = ()
    process: str = ""
    port: int | None = None
    ports: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name for messages: of the service, the process, or the container."""
        return self.service or self.process or self.container.name

    def part(self, part: str, database: str = "") -> str:
        """Return the `${…}` reference to a part (host, port, user, password, name), of a database if given.

        "" for none.
        """
        if self.service:
            known = self.database(database)
            if known is not None:
                return f"${{databases.{known.name}.{part}}}"
            return "" if part == "name" else f"${{services.{self.service}.{part}}}"
        if part == "host":
            return HERE
        if part == "port" and self.process and self.port:
            return f"${{processes.{self.process}.port}}"
        return ""

    def database(self, name: str) -> Database | None:
        """Return the database named `name` on the server, else the first one; None if there is none."""
        same = (each for each in self.databases if each.database == name)
        return next(same, self.databases[0] if self.databases else None)

    def address(self, port: str) -> str:
        """Return `host:port` for a port of the container; "" for a port that isn't published."""
        if not self.service and not self.process:
            published = self.ports.get(port) or ("" if port else next(iter(self.ports.values()), ""))
            return f"{HERE}:{published}" if published else ""
        number = self.part("port") or port
        return f"{self.part('host')}:{number}" if number else self.part("host")


class Led(NamedTuple):
    """A rewritten value, the containers whose addresses it contained, and (`lost`) those unreachable from here."""

    text: str
    targets: tuple[Target, ...] = ()
    lost: tuple[Target, ...] = ()


class Addresses:
    """Rewrites the values of a compose file's variables, knowing all containers by their host names."""

    def __init__(self, targets: Iterable[Target], variables: Mapping[str, str]) -> None:
        self._by_host = {host: each for each in targets for host in sorted(each.container.hosts)}
        self._by_prefix: dict[str, Target] = {}  # the servers whose host is in `<prefix>HOST`
        for name, text in variables.items():
            target = self._by_host.get(text.partition(":")[0])
            if target is not None and target.service and _HOLDS_HOST.search(name):
                self._by_prefix.setdefault(_HOLDS_HOST.sub("", name), target)

    def led(self, name: str, text: str) -> Led:
        """Return the value of a variable with containers' addresses replaced by `${services.…}` or local addresses."""
        if URL.search(text):
            return self._replaced(URL, text, name)
        part = self._part(name, text)
        if part.targets:
            return part
        if text in self._by_host and is_called("holds_host", name):
            target = self._by_host[text]
            return Led(
                target.part("host"), (target,), () if target.service or target.process or target.ports else (target,)
            )
        if text == DOCKER_HOST:
            return Led(HERE)
        if all(_HOST_AND_PORT.fullmatch(each.strip()) for each in text.split(",")):
            return self._replaced(_HOST_AND_PORT, text, name)
        return Led(text)

    def _replaced(self, pattern: re.Pattern[str], text: str, name: str) -> Led:
        found: list[Target] = []
        lost: list[Target] = []

        def replaced(match: re.Match[str]) -> str:
            if match["host"] == DOCKER_HOST:
                return match[0].replace(DOCKER_HOST, HERE, 1)
            target = self._by_host.get(match["host"])
            if target is None:
                return match[0]
            found.append(target)
            address = target.address(match["port"] or "")
            if not address:
                lost.append(target)
                return match[0]
            return address if pattern is _HOST_AND_PORT else _url(target, address, match, name)

        return Led(pattern.sub(replaced, text), tuple(found), tuple(lost))

    def _part(self, name: str, text: str) -> Led:
        """Return the value of a variable with a port, user, password or database, if another variable has the host."""
        for end in range(len(name), -1, -1):
            target = self._by_prefix.get(name[:end])
            if target is not None and (found := self._of_part(target, name[end:], text)):
                return Led(found, (target,))
        for target in self._by_host.values():
            if target.service and (found := _login(target, name, text)):
                return Led(found, (target,))
        return Led(text)

    def _of_part(self, target: Target, word: str, text: str) -> str:
        for part, pattern in _PARTS:
            if pattern.fullmatch(word):
                if part == "name":
                    is_known = any(each.database == text for each in target.databases)
                    return target.part("name", text) if is_known else ""
                return _login(target, f"{target.kind.name}_{word}" if target.kind else word, text) or target.part(part)
        return ""


def _login(target: Target, name: str, text: str) -> str:
    """Return the reference for a variable that contains the container's own user, password or database.

    "" for others.
    """
    kind, own = target.kind, target.container.environment
    if kind is None or not text or text not in own.values():
        return ""
    is_certain = _WHOLE_REFERENCE.fullmatch(text) is not None  # the same variable, whatever its value
    for part, variable in kind.composed.items():
        if (name == variable or is_certain) and own.get(variable) == text and target.databases:
            return target.part(part, text if part == "name" else "")
    same = [each for each, given in own.items() if given == text]
    names = [name, *(same if is_certain or is_called("secret", name) else ())]
    return next((each for name in names if (each := _login_of(kind, name, target.service))), "")


def _login_of(kind: Kind, name: str, service: str) -> str:
    """Return the reference for a variable that is called like a user or password of a kind of server; "" for others."""
    found = next((value for pattern, value in kind.login if pattern.search(name)), "")
    return found.replace(f"${{services.{kind.recipe}.", f"${{services.{service}.")


def _url(target: Target, address: str, match: re.Match[str], name: str) -> str:
    scheme, path, query = match["scheme"], match["path"] or "", match["query"] or ""
    if not target.service or target.kind is None:
        login = f"{match['login']}@" if match["login"] else ""
        return f"{scheme}://{login}{address}{path}{query}"
    if target.databases:
        database = path.strip("/")
        login = f"{target.part('user', database)}:{target.part('password', database)}"
        place = f"{target.part('host', database)}:{target.part('port', database)}"
        is_known = not database or "$" in database or any(each.database == database for each in target.databases)
        return f"{scheme}://{login}@{place}/{target.part('name', database) if is_known else database}{query}"
    kind = target.kind
    is_whole = not kind.url.endswith("/")  # else the path of the recipe's url may be another one than the code expects
    if is_whole and is_address_of(kind, match[0]) and not scheme.endswith("ss"):
        written = written_address(kind, name, match[0]) if kind.url else f"${{services.{kind.recipe}.url}}{path}{query}"
        return written.replace(f"${{services.{kind.recipe}.", f"${{services.{target.service}.")
    login = f"{target.part('user')}:{target.part('password')}@" if match["login"] or kind.is_in_url else ""
    return f"{scheme}://{login}{address}{path}{query}"
