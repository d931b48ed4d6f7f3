"""Finds the variables that hold a database server's address by trying values, and the expected database and user.

As with Redis each guess is verified: the application is evaluated again with a trial address as the variable's value,
and the variable counts only if the code then connects to that address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from devboot.onboarding.frameworks.known import framework_of
from devboot.onboarding.libraries import DOCKER_HOST, LOOPBACK, Kind, known_servers, part_of, usual_hosts
from devboot.onboarding.proposal_values import Database, Evidence, Note
from devboot.onboarding.reading.containers.compose import Compose
from devboot.onboarding.reading.dotenv import PLACEHOLDER
from devboot.onboarding.reading.layout import Application
from devboot.onboarding.services.connections import Connection, connections
from devboot.onboarding.services.databases import connections_of_tortoise, server_urls
from devboot.onboarding.services.drivers import needs_driver, scheme_of_mysql, scheme_of_postgres, with_asyncio_driver
from devboot.onboarding.services.served import Served, own_text_of, place_of, text_of
from devboot.onboarding.services.tls import CLIENTS, demands, on_socket
from devboot.onboarding.symbolic_eval.evaluate import Code, Run, evaluate
from devboot.onboarding.symbolic_eval.values import HOLE, Value, fields_of

HOST_ADDRESS = "PGHOSTADDR"  # libpq connects to it, whatever the host's name is
PROBE = {"host": "127.0.0.1", "port": "59998", "user": "probe_user", "password": "probe_password", "name": "probe_name"}
URL = re.compile(
    r"^([a-z]+)(\+\w+)?://(?=.)(?:([^:@/]*)(?::([^@/]*))?@)?([^:/?@]*)(?::([^/?@]*))?(?:/([^?]*))?", re.IGNORECASE
)
PLAIN = re.compile(r"[^\s'\"\\$`\N{HORIZONTAL ELLIPSIS}]+")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
FOR_TESTS = re.compile(r"(?:^|[_-])test|test(?:s|ing)?(?:[_-]?db)?$", re.IGNORECASE)
_WORD = re.compile(r"\w+")  # as a default a single word is only a placeholder for a url
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

# Names of variables for a url, and for its parts
ASKS = re.compile(r"^(?:\w+_)?(?:DATABASE|DB|POSTGRES(?:QL)?|PG|SQLALCHEMY_DATABASE)_(?:URL|URI|DSN)$")
ASKS_PART = re.compile(r"^(?:\w+_)?(?:DATABASE|DB|(POSTGRES(?:QL)?|PG)|(MYSQL|MARIADB))_?[A-Z]+$")
ROLES = (
    ("url", re.compile(r"(?:URL|URI|DSN)$")),
    ("port", re.compile(r"PORT$")),
    ("password", re.compile(r"PASS(?:WORD|WD)?$|_PWD?$")),
    ("host", re.compile(r"HOST(?:NAME)?$|SERVER$|ADDR(?:ESS)?$|ENDPOINT$")),
    ("user", re.compile(r"USER(?:NAME)?$|ROLE$")),
    ("name", re.compile(r"(?:DB|NAME|DATABASE)$")),
)
KINDS = tuple(each for each in known_servers().values() if each.composed)  # servers in which devboot creates databases


@dataclass(frozen=True, slots=True)
class Server:
    """A database on a server, such as PostgreSQL, with the parts of its address (host, name, …) in the code.

    Unknown characters of a part are replaced by a placeholder. `reads` maps each part to the variables that it comes
    from.
    """

    kind: Kind
    alias: str
    parts: Mapping[str, str]
    reads: Mapping[str, frozenset[str]]
    place: Evidence | None
    scheme: str = ""
    is_whole: bool = False  # True if a call gets a complete url of unknown value

    @property
    def variables(self) -> frozenset[str]:
        """All variables from which parts of the address come."""
        return frozenset().union(*self.reads.values())

    @property
    def is_elsewhere(self) -> bool:
        """True if the code fixes the host to another machine that isn't a container."""
        host = self.parts["host"]
        return "." in host and not self.variables and host not in LOOPBACK

    @property
    def is_reached(self) -> bool:
        """True if host and port are those of the trial address."""
        return (self.parts["host"], self.parts["port"]) == (PROBE["host"], PROBE["port"])


def find_servers(
    code: Code, base: Run, given: Mapping[str, str], packages: Mapping[str, str], compose: Compose, taken: Iterable[str]
) -> list[Served]:
    """Return the database servers that the application needs with the variables `given`.

    `taken` has the names of other databases.
    """
    names, given = set(taken), dict(given)
    has_another = bool(names) and not any(_named(base, code.app))
    hints = {} if has_another else _given_elsewhere(base, compose.variables())
    servers = [each for each in _servers(base, code.app, packages, hints) if not each.is_elsewhere]
    found: list[Served] = []
    for kind in KINDS:
        mine = [server for server in servers if server.kind is kind]
        if mine:
            trial = _Trial(code, base, given, packages, compose, names, Served(kind, mine[0].place))
            trial.wire(mine)
            found.append(trial.found)
            given |= trial.found.probes
    return found


# -- the servers that the code connects to -----------------------------------------------------------------------------


def _servers(run: Run, app: Application, packages: Mapping[str, str], elsewhere: Mapping[str, str]) -> Iterator[Server]:
    known = [_with_client(server, packages) for server in _named(run, app)]
    told = _variables(known)
    asked = [each for each in _asked_for(run, app, packages) if not each.variables & told]
    # A variable for a url without further information is assumed to be for the database that is already known
    known += [each if each.scheme or not known else replace(each, parts=known[0].parts) for each in asked]
    yield from known
    for name in sorted(elsewhere.keys() - _variables(known)):
        server = _of_url(Value(elsewhere[name], frozenset({name})), None)
        if server is not None and server.kind.is_spoken(packages):
            yield replace(server, place=place_of(name, run))


def _with_client(server: Server, packages: Mapping[str, str]) -> Server:
    """Return the server changed to another kind, if no installed library supports the kind in a template's example."""
    if not server.reads.get("url") or server.kind.is_spoken(packages):
        return server
    kind = next((kind for kind in KINDS if kind.is_spoken(packages)), server.kind)
    return replace(server, kind=kind, scheme="")


def _named(run: Run, app: Application) -> Iterator[Server]:
    if framework_of(app.framework).databases:
        for alias, entry in run.fields("DATABASES").items():
            yield from _of_django(str(alias), fields_of(entry), entry)
        return
    for value, place in server_urls(app, run):
        server = _of_url(value, place)
        if server is not None:
            yield server
    for opened in connections(run, KINDS):
        yield _of_call(opened)
    for event in run.found.events:
        if event.name.startswith("tortoise."):
            yield from _of_tortoise(event.argument(-1, "config"), event.place)


def _of_tortoise(config: Value | None, place: Evidence | None) -> Iterator[Server]:
    """Yield the servers of Tortoise's connections with separate engine and credentials."""
    for alias, entry in connections_of_tortoise(config):
        data = fields_of(entry)
        engine, given = data.get("engine", Value("")).data, data.get("credentials", Value("")).data
        client = engine.rpartition(".")[2] if isinstance(engine, str) else ""
        kind = next((kind for kind in KINDS if client and (client in kind.clients or kind.engine.search(client))), None)
        if kind is not None and isinstance(given, dict):
            parts = {name: value for key, value in given.items() if (name := part_of(str(key)))}
            found = {part: parts.get(part, Value("")).data for part in PROBE}
            texts = {part: "" if data is None else _text(data) for part, data in found.items()}
            yield Server(kind, alias, texts, {part: value.reads for part, value in parts.items()}, place)


def _of_django(alias: str, data: Mapping[object, Value], entry: Value) -> Iterator[Server]:
    engine = data.get("ENGINE", Value("")).data
    kind = next((kind for kind in KINDS if isinstance(engine, str) and kind.engine.search(engine)), None)
    if kind is None:
        return
    values = {part: data.get(part.upper(), Value("")) for part in PROBE}
    place = data["ENGINE"].place or entry.place
    yield Server(
        kind,
        alias,
        {part: "" if value.data is None else _text(value.data) for part, value in values.items()},
        {part: value.reads for part, value in values.items()} | {"url": data["ENGINE"].reads},
        place,
    )


def _of_call(opened: Connection) -> Server:
    """Return the server to which a client's call connects: by a complete URL, or by separate parts."""
    place = opened.place
    reads = {part: value.reads for part, value in opened.parts.items()}
    if opened.url is not None:
        known = _of_url(opened.url, place)
        if known is not None:
            return known
        reads["url"] = opened.url.reads
    given = {part: value.data for part, value in opened.parts.items()}
    texts = {part: "" if given.get(part) is None else _text(given[part]) for part in PROBE}
    return Server(opened.kind, "default", texts, reads, place, is_whole=opened.url is not None)


def _text(data: object) -> str:
    return str(data) if isinstance(data, str | int) else HOLE


def _of_url(value: Value, place: Evidence | None) -> Server | None:
    text = value.data
    match = URL.match(text) if isinstance(text, str) else None
    kind = next((kind for kind in KINDS if match is not None and kind.schemes.match(match[0])), None)
    if match is None or kind is None:
        return None
    parts = dict(zip(("user", "password", "host", "port", "name"), match.groups()[2:], strict=True))
    texts = {part: text or "" for part, text in parts.items()}
    return Server(kind, "default", texts, {"url": value.reads}, place, match[1] + (match[2] or ""))


def _asked_for(run: Run, app: Application, packages: Mapping[str, str]) -> Iterator[Server]:
    """Yield servers for required variables that have a database URL, or a name like one for that."""
    unset = run.names.get("DATABASES") or run.names.get("SQLALCHEMY_DATABASE_URI")
    unset = fields_of(unset).get("default", unset)
    asking = dict.fromkeys(run.found.needs)
    if unset is not None and _lacks_server(unset):
        asking |= dict.fromkeys(sorted(unset.reads))
    addresses = [value for value, _place in server_urls(app, run) if not isinstance(value.data, str)]
    entries = run.fields("DATABASES").values()
    addresses += [value for value in entries if not isinstance(value.data, dict) or _lacks_server(value)]
    opened = {name for value in addresses for name in value.reads if len(value.reads) == 1}
    for name in asking:
        need = run.found.needs.get(name)
        place = need.place if need is not None else unset.place if unset is not None else None
        where = place
        text = run.machine.environ.get(name) or run.machine.guesses.get(name) or ""
        server = _of_url(Value(text, frozenset({name})), where)
        if server is not None:
            yield _with_client(server, packages)
        elif not URL.match(text) and (name in opened or ASKS.match(name.upper())):
            kind = next((kind for kind in KINDS if kind.is_spoken(packages)), None)
            if kind is not None:
                parts, reads = dict.fromkeys(PROBE, ""), {"url": frozenset({name})}
                yield Server(kind, "default", parts, reads, where, is_whole=name in opened)


def _lacks_server(value: Value) -> bool:
    """Return whether an entry of Django's DATABASES has no engine, or SQLite with a server's TLS options."""
    if not isinstance(value.data, dict):
        return not value.data
    data = fields_of(value)
    engine = data.get("ENGINE", Value("")).data
    return not engine or (
        isinstance(engine, str) and "sqlite" in engine and "sslmode" in fields_of(data.get("OPTIONS"))
    )


def _given_elsewhere(run: Run, hints: Mapping[str, str]) -> dict[str, str]:
    """Return required variables for database URLs with their values in a template or `hints`."""
    found: dict[str, str] = {}
    for name, read in run.found.reads.items():
        text = run.machine.environ.get(name) or run.machine.guesses.get(name) or hints.get(name) or ""
        default = read.default.data if read.default is not None else None
        has_default = default is not None and not (isinstance(default, str) and _WORD.fullmatch(default))
        if text and not has_default and ASKS.match(name.upper()):
            found[name] = text
    return found


# -- the variables -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Trial:
    """Tries values of variables for one kind of database server."""

    code: Code
    base: Run
    given: Mapping[str, str]
    packages: Mapping[str, str]
    compose: Compose
    taken: set[str]
    found: Served

    def wire(self, servers: list[Server]) -> None:
        """Propose the service's databases, and set the variables by which the code finds them."""
        for server in servers:
            if server.parts["name"] != servers[0].parts["name"] and FOR_TESTS.search(server.parts["name"]):
                continue  # tests create their own database
            database = self._database(server)
            for variable in sorted(server.variables):
                self._tell(variable, server, database)
        self._thin_out()
        self._tell_parts()
        self._name_asyncio_drivers()
        self._check()
        self._do_without_tls()

    def _reached(self, probes: Mapping[str, str]) -> set[str]:
        servers = _named(evaluate(self.code, {**self.given, **probes}), self.code.app)
        return {f"{each.alias} {each.place}" for each in servers if each.kind is self.found.kind and each.is_reached}

    def _thin_out(self) -> None:
        """Drop variables that change nothing: complete URLs first if their parts suffice.

        The recipe's own variable stays: it is always set, maybe in a form that the code doesn't accept. Variables that
        no followed connection uses stay as well.
        """
        found, goal = self.found, self._reached(self.found.probes)
        names = found.probes.keys() & _variables(_named(self.base, self.code.app)) - {found.kind.exports}
        for name in sorted(names, key=lambda name: ("://" not in found.probes[name], name)):
            fewer = {other: probe for other, probe in found.probes.items() if other != name}
            if goal and fewer and _leads(found.probes[name]) and goal <= self._reached(fewer):
                found.forget(name)

    def _tell_parts(self) -> None:
        """Set required variables for single parts (host, user, …) of an address that the code also reads as a whole."""
        if not any("://" in probe for probe in self.found.probes.values()):
            return
        own = f"databases.{self.found.databases[0].name}"
        kinds = {"postgres": 1, "mysql": 2}
        for name, need in self.base.found.needs.items():
            asks = ASKS_PART.match(name.upper())
            role = next((role for role, pattern in ROLES if pattern.search(name.upper())), "url")
            of_kind = [kind for kind, group in kinds.items() if asks is not None and asks[group]]
            if asks is None or role == "url" or of_kind not in ([], [self.found.kind.name]):
                continue
            if name not in {*self.found.values, *self.given}:
                self.found.tell(name, f"${{{own}.{role}}}", need.place, PROBE[role])

    def _database(self, server: Server) -> Database:
        kind, known = self.found.kind, self.found.databases
        container = self.compose.of(kind.name)
        composed = container.environment if container is not None else {}
        name = _identifier(self._meant("name", server), composed.get(kind.composed["name"]), "app")
        user = _identifier(self._meant("user", server), composed.get(kind.composed["user"]), "")
        if same := next((each for each in known if each.database == name), None):
            return same
        spare = (server.alias, name, f"{name}-{kind.recipe}")
        alias = next((n for n in spare if NAME.fullmatch(n) and n not in self.taken), f"{kind.recipe}-database")
        self.taken.add(alias)
        own = "" if user == kind.user else user
        wanted = tuple(sorted({kind.extensions[each] for each in self.packages if each in kind.extensions}))
        known.append(Database(alias, "", server.place, kind.recipe, name, own, extensions=wanted))
        return known[-1]

    def _meant(self, part: str, server: Server) -> str:
        """Return a part of the server's address; "" if it is only a template's placeholder."""
        text = server.parts[part]
        reads = server.reads.get(part) or server.reads.get("url") or frozenset()
        is_example = reads and not any(own_text_of(name, self.base) for name in reads)
        return "" if is_example and PLACEHOLDER.search(text) else text

    def _tell(self, name: str, server: Server, database: Database) -> None:
        role = self._role(name, server)
        if role is None or name in self.found.values:
            return
        if role in ("name", "user") and own_text_of(name, self.base):
            return
        probe, text = self._written(role, name, server, database)
        self.found.tell(name, text, place_of(name, self.base) or server.place, probe)

    def _role(self, name: str, server: Server) -> str | None:
        """Return which part of the address a variable carries, by its value, its use, or its name; None if unclear."""
        if URL.match(text_of(name, self.base)) or (server.is_whole and server.reads["url"] == {name}):
            return "url"
        parts = [part for part, reads in server.reads.items() if reads == {name} and part != "url"]
        if len(parts) == 1:
            return parts[0]
        role = next((role for role, pattern in ROLES if pattern.search(name.upper())), None)
        # otherwise it is a fragment of a url, such as its scheme
        return (
            None if role == "url" and text_of(name, self.base) else "url" if role is None and len(parts) > 1 else role
        )

    def _written(self, role: str, name: str, server: Server, database: Database) -> tuple[str, str]:
        """Return (value for the trial, text for the manifest) of a variable with this part of the address."""
        own = f"databases.{database.name}"
        if role == "password":
            return PROBE["password"], f"${{{own}.password}}"
        if role != "url":
            return PROBE[role], f"${{{own}.{role}}}"
        return _url_of(own, self._scheme(name, server))

    def _scheme(self, name: str, server: Server) -> str:
        """Return the scheme for a variable's URL: the present one, else one that the installed libraries accept."""
        match = URL.match(text_of(name, self.base))
        tree = self.code.tree
        is_mysql = server.kind.name == "mysql"
        needs_one = match is not None and needs_driver(match[2], self.packages, tree, is_mysql=is_mysql)
        if match is not None and server.kind.schemes.match(match[0]) and not needs_one:
            return match[1] + (match[2] or "")
        is_plain = bool(framework_of(self.code.app.framework).databases)  # Django's setting names the driver separately
        if server.kind.recipe != "postgres":
            known = "" if needs_one else server.scheme
            return "mysql" if is_plain else known or scheme_of_mysql(self.packages, tree)
        if is_plain:
            return "postgresql"
        return scheme_of_postgres(self.packages, tree)

    def _name_asyncio_drivers(self) -> None:
        """Add a driver for asyncio to the URLs of variables that reach SQLAlchemy's asyncio engine without one."""
        arriving = {"create_async_engine": dict[str, str](), "create_engine": dict[str, str]()}
        for event in self._wired().found.events:
            names = arriving.get(event.name.rpartition(".")[2])
            url = event.argument(0, "url") if names is not None else None
            if names is not None and url is not None and isinstance(url.data, str):
                names |= dict.fromkeys(url.reads, url.data)
        for name, address in arriving["create_async_engine"].items():
            scheme = address.partition("://")[0]
            suits = with_asyncio_driver(scheme, self.packages)
            if suits != scheme and address == self.found.probes.get(name) and name not in arriving["create_engine"]:
                own = re.sub(r".*?\$\{(databases\.[^.]+).*", r"\1", self.found.values[name])
                probe, text = _url_of(own, suits)
                self.found.tell(name, text, self.found.places[name], probe)

    def _check(self) -> None:
        """Handle connections that variables don't redirect: a port fixed in the code, or a container's name."""
        kind = self.found.kind
        for server in _named(self._wired(), self.code.app):
            if server.kind is kind and not server.is_elsewhere:
                self._check_password(server)
            if server.kind is not kind or server.is_reached:
                continue
            host, port = server.parts["host"], server.parts["port"]
            if HOLE in host or (host == PROBE["host"] and HOLE in port):
                continue
            if host not in LOOPBACK and host != PROBE["host"] and not self._leads_here(server):
                self.found.warn_of_container(host, server.place)
            elif (port or not kind.libpq) and port != PROBE["port"] and (port or "0").isdigit():
                self.found.port = int(port or kind.port)

    def _wired(self) -> Run:
        """Evaluate the application with the found variables and the recipe's own variable."""
        exported = {self.found.kind.exports: _probe_url("postgresql")} if self.found.kind.exports else {}
        return evaluate(self.code, {**exported, **self.given, **self.found.probes})

    def _do_without_tls(self) -> None:
        """Redirect connections that require TLS to the server's socket, where clients don't use TLS."""
        found, run = self.found, self._wired()
        places = list(demands(run, self.code.app, found.kind)) if found.kind.libpq else []
        if not places or not found.databases or CLIENTS.isdisjoint(self.packages):
            return
        own = f"databases.{found.databases[0].name}"
        if found.kind.exports not in found.values:
            found.tell(found.kind.exports, f"${{{own}.url}}", places[0], _probe_url("postgresql"))
        servers = list(_named(run, self.code.app))
        composed = frozenset().union(*(each.reads["url"] for each in servers if each.scheme))
        for name, text in found.values.items():
            found.values[name] = on_socket(text, in_address=name in composed)
        found.tell("PGHOST", f"${{{own}.socket}}", places[0])
        found.notes.append(
            Note("postgres: the code requires TLS: PGHOST leads to the socket, where clients don't use it", places[0])
        )
        for server in servers:
            is_fixed = server.parts["host"] not in ("", PROBE["host"]) and not server.is_elsewhere
            if server.kind is found.kind and is_fixed:
                text = "postgres: the code requires TLS, which isn't available here: read the host from a variable"
                found.notes.append(Note(text, server.place, warns=True))

    def _leads_here(self, server: Server) -> bool:
        """Let a container's name resolve to this machine, if the client allows that; return whether it does."""
        kind, host = self.found.kind, server.parts["host"]
        known = self.compose.hosts() | usual_hosts() | {DOCKER_HOST}
        if host not in known or not kind.can_be_led(self.packages):
            return False
        self.found.hosts.add(host)
        if kind.libpq and any(name.startswith("psycopg") or name == "aiopg" for name in self.packages):
            self.found.tell(HOST_ADDRESS, PROBE["host"], server.place)
        return True

    def _check_password(self, server: Server) -> None:
        """Give the database the password that is in the code, or open the server if the code has none."""
        kind, password = self.found.kind, server.parts["password"]
        if password == PROBE["password"] or HOLE in password:
            return
        if password and PLAIN.fullmatch(password):
            names = (_identifier(server.parts["name"], "app"), PROBE["name"])
            self.found.databases = [
                replace(each, password=password) if each.database in names else each for each in self.found.databases
            ]
            text = f"{kind.recipe}: its password is in the code, so everybody with the code can connect"
            self.found.notes.append(Note(text, server.place, warns=True))
        elif kind.asks:
            self.found.open_access(server.place)


def _variables(servers: Iterable[Server]) -> frozenset[str]:
    return frozenset().union(*(server.variables for server in servers))


def _url_of(database: str, scheme: str) -> tuple[str, str]:
    """Return (URL for the trial, text for the manifest) of a database."""
    probe = _probe_url(scheme)
    if scheme in ("postgres", "postgresql", "mysql"):
        return probe, f"${{{database}.url}}"
    user, password, host, port, name = (
        f"${{{database}.{part}}}" for part in ("user", "password", "host", "port", "name")
    )
    return probe, f"{scheme}://{user}:{password}@{host}:{port}/{name}"


def _probe_url(scheme: str) -> str:
    return f"{scheme}://{PROBE['user']}:{PROBE['password']}@{PROBE['host']}:{PROBE['port']}/{PROBE['name']}"


def _leads(probe: str) -> bool:
    """Return whether a trial value contains the server's host or port."""
    return "://" in probe or probe in (PROBE["host"], PROBE["port"])


def _identifier(*candidates: str | None) -> str:
    """Return the first candidate that is a plain SQL name, else the last one."""
    return next((text for text in candidates[:-1] if text and IDENTIFIER.fullmatch(text)), candidates[-1] or "")
