"""Plans one service of the manifest as a process specification, without I/O; port and folders are arguments."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote

from devboot.errors import DevbootError, ManifestError, Place, Problems
from devboot.model.process import (
    EXEC,
    HTTP,
    LOG,
    SERVICE,
    TASK,
    TCP,
    UNTIL_READY,
    UNTIL_SUCCEEDED,
    Dependency,
    FailureHint,
    Probe,
    ProcessSpec,
)
from devboot.paths import project_key
from devboot.record import Record
from devboot.services.account import Account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.model.edge.recipe.recipe import Recipe, ServiceAccess, ServiceInit, ServiceProbe, ServiceTable

HOST = "127.0.0.1"
ACCESS = "access"  # folder in the data folder for files with credentials
DATA = "{data}"  # placeholder for the data folder in a first-time step
_FOLDER_DIGITS = 8  # few, since a socket's path is limited and the server appends its own file name
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
CLIENTS = {"mongodb": os.path.join(os.path.dirname(os.path.abspath(__file__)), "mongo_client.py")}  # run by path


class FirstStep(Record):
    """Command that creates a data folder: DATA in `argv` stands for the folder; `creates` is a file in it."""

    argv: tuple[str, ...]
    creates: str
    env: tuple[tuple[str, str], ...]


class AccessStep(Record):
    """Command that sets up access before a start, repeated until it succeeds; `refused` matches output of a failure."""

    argv: tuple[str, ...]
    input: str
    refused: str
    env: tuple[tuple[str, str], ...]


class WantedDatabase(Record):
    """A database of the manifest in a service: `name` is its key in the manifest, `database` its name on the server."""

    name: str
    database: str
    user: str  # "" for the recipe's default user
    extensions: tuple[str, ...] = ()
    password: str = ""


class Service(Record):
    """A planned service: `spec` starts it, `exports` has url, host, port, socket, data, user and database."""

    spec: ProcessSpec
    exports: dict[str, str]
    check: str  # which check of its data to run before a start
    version: str
    listens: str = ""  # the path of its socket
    folder: str = ""  # folder of the socket, if it has its own
    account: Account | None = None  # the user that it runs as, if not the caller
    first: FirstStep | None = None
    databases: tuple[ProcessSpec, ...] = ()  # tasks that create the manifest's databases, in order
    reads_older: bool = True  # it can read data of older major versions
    dump: str = ""  # shell command that writes all data to {file}, for another major version
    restore: str = ""
    files: tuple[tuple[str, str], ...] = ()  # (path, content) of files written before each start, mode 0600
    step: AccessStep | None = None
    is_open: bool = False  # everyone on this machine may connect

    @property
    def data(self) -> str:
        """The service's data folder."""
        return self.exports["data"]


def plan_service(
    recipe: Recipe,
    name: str,
    version: str,
    settings: Mapping[str, Sequence[str]],
    *,
    port: int,
    root: str,
    data: str,
    runtime: str,
    programs: str,
    ports: Mapping[str, int] = MappingProxyType({}),
    place: Place | None = None,
    notes: tuple[str, ...] = (),
    databases: Sequence[WantedDatabase] = (),
    password: str = "",
    run_as: Callable[[str, str, Sequence[str]], Account | None] = lambda _name, _data, _reaches: None,
) -> Service:
    """Return the service `name` of the project at `root`, from a recipe locked to `version`.

    `settings` are the manifest's, interpolated; `data` is the project's data folder; `runtime` is the folder for
    sockets; `programs` the store object's `bin`; `ports` has numbers of further ports, such as `mail.page`, missing
    ones have their defaults; `password` is required from clients, "" admits everyone; `run_as` returns the user for a
    server that can't run as the caller, given its name, its data and the paths it needs. Raises Problems of
    `manifest/reserved-setting` for settings that devboot sets itself, and ManifestError `manifest/no-databases`.
    """
    table = recipe.service
    if table is None:
        raise no_service(recipe, place)
    _refuse_settings(table, name, settings, place)
    is_open = not password
    access = _access(table, is_open=is_open)
    password = _own_password(recipe, databases, password)
    exports = _exports(
        recipe,
        table,
        name,
        version,
        port=port,
        root=root,
        data=data,
        runtime=runtime,
        databases=databases,
        password=password,
    )
    exports |= {f"port_{key}": str(ports.get(f"{name}.{key}", usual)) for key, usual in table.ports.items()}
    words = {
        **exports,
        "password": password,
        "name": name,
        "store": os.path.dirname(programs),
        ACCESS: os.path.join(exports["data"], ACCESS),
        "account": _account_name(),
    }
    exports["socket"] = _fill(recipe.provides.socket, words)
    exports["address"] = _fill(access.address, {**words, "socket": exports["socket"]}) or f"{HOST}:{port}"
    exports["url"] = _fill(access.url or recipe.provides.url, {**words, "socket": exports["socket"]})
    account = run_as(name, exports["data"], (programs, words["socket"])) if table.unprivileged else None
    prefix = () if account is None else account.prefix

    def command(template: Sequence[str], words: Mapping[str, str]) -> tuple[str, ...]:
        program, *arguments = (_fill(word, words) for word in template)
        return (*prefix, os.path.join(programs, program), *arguments)

    env = tuple((key, _fill(value, words)) for key, value in {**table.env, **access.env}.items())
    hints = tuple(
        FailureHint(hint.log, hint.slug, _fill(hint.what, words), _fill(hint.help, words), hint.passes)
        for hint in table.failure
    )
    arguments = tuple(_fill(word, words) for word in access.arguments)
    folder = "" if table.socket == "{socket}" else words["socket"]
    spec = _process(name, table, access.ready or table.ready, words)._replace(
        argv=(*command(table.command, words), *arguments, *_setting_arguments(table, settings, words)),
        env=env,
        port=port,
        address=exports["address"],
        failure_hints=hints,
        quiet=_quiet_lines(table, settings),
        notes=notes,
        socket_folders=(runtime, folder) if folder else (runtime,),
        socket_owner=(account.uid, account.gid) if account is not None and folder else (),
    )
    in_shell = {"run": "devboot run --", **{key: shlex.quote(value) for key, value in words.items()}}
    return Service(
        spec,
        exports,
        table.check,
        version,
        listens=_fill(table.socket, words),
        folder=folder,
        account=account,
        first=None if table.init is None else _first_step(table.init, words, env, command),
        databases=tuple(_database_tasks(recipe, name, databases, words, programs, hints, place)),
        files=tuple(
            (
                os.path.join(words[ACCESS], key),
                _for_roles(text, words, (recipe.provides.user, *(d.user for d in databases))),
            )
            for key, text in access.files.items()
        ),
        step=_access_step(access, table, settings, words, env, command),
        is_open=table.access is None or is_open,
        reads_older=table.reads_older,
        dump=_fill(table.dump, in_shell),
        restore=_fill(table.restore, in_shell),
    )


def _access(table: ServiceTable, *, is_open: bool) -> ServiceAccess:
    if table.access is None:
        from devboot.model.edge.recipe.recipe import ServiceAccess

        return ServiceAccess()
    return table.access.open if is_open else table.access.private


def _access_step(
    access: ServiceAccess,
    table: ServiceTable,
    settings: Mapping[str, Sequence[str]],
    words: Mapping[str, str],
    env: tuple[tuple[str, str], ...],
    command: Callable[[Sequence[str], Mapping[str, str]], tuple[str, ...]],
) -> AccessStep | None:
    step = access.step
    if step is None:
        return None
    client: tuple[str, ...] = ()
    if step.client:
        client = (sys.executable, "-I", "-S", CLIENTS[step.client], "give-user", _fill(table.socket, words))
    arguments = _setting_arguments(table, settings, words, only=step.settings)
    argv = (*client, *command(step.command, words), *arguments)
    return AccessStep(argv, _fill(step.input, words), step.refused, env)


def client_of(recipe: Recipe) -> str:
    """Return the path of devboot's own client program for a recipe's server; "" for none."""
    access = recipe.service.access if recipe.service is not None else None
    step = access.private.step if access is not None else None
    return CLIENTS[step.client] if step is not None and step.client else ""


def _account_name() -> str:
    """Return the caller's user name, by which servers identify clients on a socket."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _process(name: str, table: ServiceTable, ready: ServiceProbe, words: Mapping[str, str]) -> ProcessSpec:
    """Return a server's process specification without its command: probes, stop signal, failure hints."""
    return ProcessSpec(
        name=name,
        kind=SERVICE,
        cwd=words["data"],
        origin=f"[services.{name}]",
        pty=False,
        ready=_probe(ready, words),
        gates=True,
        stop_signal=signal.Signals[table.stop.signal].value,
        stop_timeout=table.stop.timeout,
        stop_command=_fill(table.stop.command, words),
        data=words["data"],
    )


def _quiet_lines(table: ServiceTable, settings: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return () if table.quiet is None or table.quiet.unless in settings else table.quiet.lines


def _first_step(
    init: ServiceInit,
    words: Mapping[str, str],
    env: tuple[tuple[str, str], ...],
    command: Callable[[Sequence[str], Mapping[str, str]], tuple[str, ...]],
) -> FirstStep:
    return FirstStep(command(init.command, {**words, "data": DATA}), init.creates, env)


def _database_tasks(
    recipe: Recipe,
    service: str,
    databases: Sequence[WantedDatabase],
    words: Mapping[str, str],
    programs: str,
    hints: tuple[FailureHint, ...],
    place: Place | None,
) -> Iterator[ProcessSpec]:
    """Yield the tasks that create the databases in a service, each after the one before.

    Creating the same role twice at the same time fails.
    """
    table = recipe.service.database if recipe.service is not None else None
    if databases and table is None:
        raise _no_databases(recipe, databases[0], place)
    before = Dependency(service, UNTIL_READY)
    for wanted in databases:
        assert table is not None
        own = {
            "bin": programs,
            **{key: words[key] for key in ("host", "port", "socket", ACCESS)},
            "database": wanted.database,
            "user": wanted.user or recipe.provides.user,
            "password": wanted.password or words["password"],
            "extensions": " ".join(wanted.extensions),
        }
        yield ProcessSpec(
            name=wanted.name,
            kind=TASK,
            cwd="/",
            command=table.command.strip(),
            env=tuple(own.items()),
            origin=f"[databases.{wanted.name}]",
            pty=False,
            depends_on=(before,),
            restart="never",
            failure_hints=hints,
            notes=(f"database {wanted.database} in {service}",),
        )
        before = Dependency(wanted.name, UNTIL_SUCCEEDED)


def database_exports(recipe: Recipe, exports: Mapping[str, str], wanted: WantedDatabase) -> dict[str, str]:
    """Return the values of `${databases.NAME.KEY}` for one database in a service, by key."""
    assert recipe.service is not None
    assert recipe.service.database is not None
    user, password = wanted.user or recipe.provides.user, wanted.password or exports["own_password"]
    words = {**exports, **_identity(user, password, is_named=True), "database": wanted.database}
    words["url"] = _fill(recipe.provides.url, words)
    return {
        "url": _fill(recipe.service.database.url, words),
        "name": wanted.database,
        "user": user,
        "password": password,
        **{key: exports[key] for key in ("host", "port", "socket")},
    }


def provided_variables(recipe: Recipe, exports: Mapping[str, str], libraries: Collection[str]) -> dict[str, str]:
    """Return the variables that a service's recipe sets for the locked libraries (names in any spelling).

    If the service admits everyone, variables for credentials are left out.
    """
    locked = {_normal(library) for library in libraries} | {"*"}
    return {
        variable: _fill(template, exports)
        for library, variables in recipe.provides.env.items()
        if _normal(library) in locked
        for variable, template in variables.items()
        if exports["password"] or template not in ("{password}", "{username}")
    }


def data_directory(data: str, name: str, data_format: str, version: str) -> str:
    """Return the data folder of a service: `services/<name>/<format>-<major>` below `data`.

    The name differs for each major version, so that none opens another's files.
    """
    return os.path.join(data, "services", name, f"{data_format}-{version.partition('.')[0]}")


def socket_of(runtime: str, root: str, name: str, *, is_folder: bool = False) -> str:
    """Return the path of a service's socket, or of its folder; short, whatever the names of project and service."""
    key = project_key(f"{root}\0{name}")
    return os.path.join(runtime, key[:_FOLDER_DIGITS] + ".d" if is_folder else key + ".svc")


def _exports(
    recipe: Recipe,
    table: ServiceTable,
    name: str,
    version: str,
    *,
    port: int,
    root: str,
    data: str,
    runtime: str,
    databases: Sequence[WantedDatabase],
    password: str,
) -> dict[str, str]:
    data_format = recipe.package.data_format or recipe.package.name
    first = databases[0] if databases else WantedDatabase("", recipe.provides.database, "")
    exports = {
        "host": HOST,
        "port": str(port),
        "socket": socket_of(runtime, root, name, is_folder=table.socket != "{socket}"),
        "data": data_directory(data, name, data_format, version),
    }
    user = first.user or recipe.provides.user
    exports["own_password"] = password
    exports |= _identity(user, first.password or password, is_named=table.database is not None)
    if recipe.provides.database:
        exports["database"] = first.database
    return exports


def _setting_arguments(
    table: ServiceTable,
    settings: Mapping[str, Sequence[str]],
    words: Mapping[str, str],
    only: Collection[str] | None = None,
) -> list[str]:
    """Return the server's arguments for the settings, or only for the settings named in `only`."""
    chosen = {**table.settings.defaults, **settings}
    return [
        argument
        for key, values in chosen.items()
        if only is None or key in only
        for value in values
        for argument in _one_setting(table.settings.form, key, _fill(value, words))
    ]


def _one_setting(form: Sequence[str], key: str, value: str) -> list[str]:
    arguments: list[str] = []
    for word in form:
        if word == "{words}":  # the server's syntax: words separated by blanks, quoted if they contain blanks
            arguments += shlex.split(value) or [""]
        else:
            arguments.append(word.replace("{name}", key).replace("{value}", value))
    return arguments


def _refuse_settings(
    table: ServiceTable, name: str, settings: Mapping[str, Sequence[str]], place: Place | None
) -> None:
    """Raise an error for each setting that devboot sets itself, or whose value the server would split wrongly."""
    errors: list[DevbootError] = []
    for key, values in settings.items():
        if key.lower() in table.settings.reserved:
            errors.append(
                ManifestError(
                    "manifest/reserved-setting",
                    f"setting `{key}` of `{name}` is reserved for devboot",
                    place=place,
                    causes=[table.settings.reserved[key.lower()]],
                    help=[f"remove `{key}` from `settings` in [services.{name}]"],
                )
            )
        elif "{words}" in table.settings.form and not all(map(_is_balanced, values)):
            advice = f"close it in `settings` of [services.{name}]; a quote that is text needs a backslash before it"
            what = f"setting `{key}` of `{name}` lacks a closing quote, or ends with a backslash"
            errors.append(ManifestError("manifest/value", what, place=place, help=[advice]))
    if errors:
        raise Problems(errors)


def _is_balanced(value: str) -> bool:
    try:
        shlex.split(value)
    except ValueError:
        return False
    return True


def _probe(ready: ServiceProbe, words: Mapping[str, str]) -> Probe:
    if ready.exec:
        return Probe(EXEC, command=_fill(ready.exec, words), timeout=ready.timeout)
    if ready.log:
        return Probe(LOG, expect=ready.log, timeout=ready.timeout)
    target = _fill(ready.tcp or ready.http, words)
    if ready.http:
        return Probe(HTTP, HOST, int(words["port"]), target, expect=ready.expect, timeout=ready.timeout)
    host, _, port = target.rpartition(":")
    return Probe(
        TCP,
        host or HOST,
        int(port),
        send=_fill(ready.send, words),
        expect=ready.expect,
        loading=ready.loading,
        timeout=ready.timeout,
    )


def _for_roles(text: str, words: Mapping[str, str], roles: Iterable[str]) -> str:
    """Replace the placeholders in an access file; a line with `{role}` is repeated for each role."""
    known = [role for role in dict.fromkeys(roles) if role]
    lines = (
        _fill(line, {**words, "role": role})
        for line in text.splitlines(keepends=True)
        for role in (known if "{role}" in line else known[:1] or [""])
    )
    return "".join(lines)


def _fill(template: str, words: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: words.get(found[1], found[0]), template)


def _normal(library: str) -> str:
    return re.sub(r"[-_.]+", "-", library).lower()


def _login(user: str, password: str) -> str:
    """Return `user:password`, quoted for a URL."""
    return f"{quote(user)}:{quote(password, safe='')}" if password else quote(user)


def _own_password(recipe: Recipe, databases: Sequence[WantedDatabase], password: str) -> str:
    """Return the manifest's password for the server's main user, if it sets one; else `password`."""
    given = (each.password for each in databases if each.user in ("", recipe.provides.user))
    return next(filter(None, given), password)


def _identity(user: str, password: str, *, is_named: bool) -> dict[str, str]:
    """Return values of placeholders for a connecting user; `is_named`: also for a user without a password."""
    login = _login(user, password)
    return {
        "user": user,
        "username": user,
        "password": password,
        "login": login,
        "userinfo": f"{login}@" if password or (is_named and user) else "",
    }


def _no_databases(recipe: Recipe, wanted: WantedDatabase, place: Place | None) -> ManifestError:
    return ManifestError(
        "manifest/no-databases",
        f"`{recipe.package.name}` does not support databases, so `{wanted.name}` can't be created in it",
        place=place,
        help=[f"remove [databases.{wanted.name}]"],
    )


def no_service(recipe: Recipe, place: Place | None) -> ManifestError:
    """Return the error for a service whose recipe provides a tool."""
    return ManifestError(
        "manifest/not-a-service",
        f"`{recipe.package.name}` is a tool, not a service",
        place=place,
        help=[f'[packages]\n{recipe.package.name} = "*"'],
    )
