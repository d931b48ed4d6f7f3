"""recipe.toml and versions.toml: how a package is obtained, run and tested. Data only."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from devboot.errors import ManifestError
from devboot.model.edge.artifacts import PlatformRows
from devboot.model.edge.complaints import Complaints, problems_of
from devboot.model.edge.recipe.source_tables import TAGS, AnyOrigin, Pattern, pattern
from devboot.model.edge.toml.document import Document
from devboot.model.edge.types import (
    Count,
    EntryName,
    Filled,
    Port,
    Seconds,
    SignalName,
    String,
    Table,
    Text,
    Texts,
    VariableName,
    list_of,
    refusal,
)

_T = TypeVar("_T", bound=Table)
UNREAD = "the recipe isn't used"
_PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
PLACEHOLDERS = frozenset(
    {
        *("name", "host", "port", "socket", "data", "url", "store", "words", "value"),
        *("user", "login", "password", "userinfo", "database", "access", "account", "address", "username", "role"),
    }
)


def _template(value: str) -> str:
    for name in _PLACEHOLDER.findall(value):
        if name not in PLACEHOLDERS and not name.startswith("port_"):
            raise refusal(
                f"has the unknown placeholder `{{{name}}}`", label="expected " + ", ".join(sorted(PLACEHOLDERS))
            )
    return value


def _moving(value: str) -> str:
    _template(value.replace("{file}", "").replace("{run}", ""))
    return value


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", value):
        raise refusal("must be a slug", label="like redis/save-failed")
    return value


def _setting(value: Any) -> Any:
    return value if isinstance(value, list) else (value,)


Template = Annotated[String, AfterValidator(_template)]
Moving = Annotated[String, AfterValidator(_moving)]
Argv = Annotated[tuple[Annotated[Filled, AfterValidator(_template)], ...], list_of("words")]
Setting = Annotated[Texts, BeforeValidator(_setting)]


class Package(Table):
    """Identity of the package."""

    noun: ClassVar[str] = "a package"
    name: EntryName = Field(description="Name of the recipe and of its folder.")
    description: Filled = Field(description="Description in one line.")
    revision: Count = Field(default=1, description="Raised when a released row had to be corrected.")
    licenses: dict[Filled, Filled] = Field(default={}, description="Licence by version, as SPDX expression.")
    data_format: EntryName | None = Field(
        default=None, alias="data-format", description="Name of its data format, part of the name of its data folder."
    )


class Provides(Table):
    """Address, user and variables that the project gets from the service."""

    noun: ClassVar[str] = "what a recipe provides"
    url: Template = Field(default="", description="Address of the service.")
    socket: Template = Field(default="{socket}", description="Its socket, as clients take it.")
    user: String = Field(default="", description="User for databases whose `user` isn't set in the manifest.")
    database: String = Field(default="", description="Database if the manifest has none on the service.")
    env: dict[Filled, dict[VariableName, Template]] = Field(
        default={}, description="Variables by locked library; `*` stands for any."
    )


class ServiceSettings(Table):
    """Conversion of the manifest's settings into arguments of the server."""

    noun: ClassVar[str] = "the settings of a service"
    form: Argv = Field(
        default=(), description="Arguments for one setting; {words} stands for its words, {value} for all in one."
    )
    defaults: dict[Filled, Setting] = Field(default={}, description="Settings that the manifest's own replace.")
    reserved: dict[Filled, Filled] = Field(default={}, description="Settings that devboot sets itself, and why.")


class ServiceProbe(Table):
    """Readiness probe of the service."""

    noun: ClassVar[str] = "the readiness of a service"
    tcp: Template = Field(default="", description="Port, or host:port.")
    http: Template = Field(default="", description="Path or URL.")
    exec: Template = Field(default="", description="Command for the shell.")
    log: Annotated[String, AfterValidator(pattern)] = Field(default="", description="Expression for a line of output.")
    send: Template = Field(default="", description="Bytes to send, as latin-1 text.")
    expect: String = Field(default="", description="How the answer begins.")
    loading: String = Field(default="", description="How an answer begins that means: not yet.")
    timeout: Seconds = Field(default=1.0, description="How long one try may take.", json_schema_extra={"default": "1s"})


class ServiceStep(Table):
    """A program that is run before the start, repeated until it succeeds."""

    noun: ClassVar[str] = "the step of an access"
    command: Argv = Field(description="Program and arguments.")
    input: Template = Field(default="", description="Its input.")
    refused: Annotated[String, AfterValidator(pattern)] = Field(
        default="", description="Regular expression for output that means failure, whatever the exit code."
    )
    client: Literal["", "mongodb"] = Field(
        default="",
        description="Client of devboot's own that starts the command, a server on its socket alone, and gives it the "
        "user of the input: name and password, a line each.",
    )
    settings: Texts = Field(default=(), description="Settings of the service that the command gets, too.")


class ServiceAccess(Table):
    """One mode of access to a server: its additional arguments and files, and the clients' address."""

    noun: ClassVar[str] = "an access"
    how: Filled = Field(default="anybody on this machine", description="Who may connect and how, in one line.")
    url: Template = Field(default="", description="Address, if it differs from that of [provides].")
    address: Template = Field(default="", description="Address on which it listens, if not {host}:{port}.")
    socket_only: bool = Field(
        default=False, alias="socket-only", strict=True, description="It listens on its socket alone."
    )
    arguments: Annotated[tuple[Annotated[Filled, AfterValidator(_template)], ...], list_of("words")] = Field(
        default=(), description="Arguments after the command."
    )
    env: dict[VariableName, Template] = Field(default={}, description="Variables for the server.")
    files: dict[Filled, Template] = Field(
        default={}, description="Files in {access}, a private folder, written before each start."
    )
    step: ServiceStep | None = Field(default=None, description="Step that is run once, before the start.")
    ready: ServiceProbe | None = Field(default=None, description="Readiness probe, if it differs.")


class ServiceAccesses(Table):
    """Modes of access: only this user and the project, or everyone on the machine."""

    noun: ClassVar[str] = "the access of a service"
    private: ServiceAccess = Field(description="With a password that devboot generates, or a private socket.")
    open: ServiceAccess = Field(default=ServiceAccess(), description='With `access = "open"` in the manifest.')


class ServiceStop(Table):
    """Stopping of the service."""

    noun: ClassVar[str] = "the stopping of a service"
    signal: SignalName = Field(default="SIGTERM", description="Signal that asks it to stop.")
    timeout: Seconds = Field(default=5.0, description="Time until SIGKILL.", json_schema_extra={"default": "5s"})
    command: Template = Field(default="", description="Command that stops it.")


class ServiceInit(Table):
    """Creation of the data folder before the first start."""

    noun: ClassVar[str] = "the first-time step of a service"
    command: Argv = Field(
        description="Program and arguments; {data} is a temporary folder, renamed when it is complete."
    )
    creates: Filled = Field(description="File in the data directory that isn't there without this step.")


class ServiceDatabase(Table):
    """Creation of the manifest's databases in the running service."""

    noun: ClassVar[str] = "the databases of a service"
    command: Filled = Field(
        description="Command for the shell, harmless where everything is there; it reads $bin, $host, $port, $socket, "
        "$access, $database, $user, $password and $extensions."
    )
    url: Template = Field(default="{url}/{database}", description="Address of one database.")


class ServiceFailure(Table):
    """A log line that explains why the server can't run."""

    noun: ClassVar[str] = "a failure of a service"
    log: Pattern = Field(description="Regular expression for one line of output.")
    slug: Annotated[Filled, AfterValidator(_slug)] = Field(description="Stable name of the failure.")
    what: Template = Field(description="What happened, in one line.")
    help: Template = Field(default="", description="Command to paste.")
    passes: bool = Field(
        default=False, strict=True, description="Another try may do; without it the service is not restarted."
    )


class ServiceQuiet(Table):
    """Log lines that are irrelevant in development and left out."""

    noun: ClassVar[str] = "quiet lines"
    lines: tuple[Filled, ...] = Field(min_length=1, description="Parts of the lines that are left out.")
    unless: String = Field(default="", description="Setting that shows them again when the manifest has it.")


class ServiceTable(Table):
    """The service: how it is started, probed and stopped."""

    noun: ClassVar[str] = "a service"
    command: Argv = Field(description="Program and arguments.")
    port: Port = Field(description="Port that it usually has.")
    ports: dict[EntryName, Port] = Field(
        default={}, description="Further ports by name, with the numbers that they usually have: {port_NAME}."
    )
    env: dict[VariableName, Text] = Field(default={}, description="Variables for the server.")
    check: String = Field(default="", description="Name of the check of its data before a start.")
    socket: Template = Field(
        default="{socket}", description="Path of its socket; if it is longer than {socket}, that is a folder."
    )
    reads_older: bool = Field(
        default=True, alias="reads-older", strict=True, description="It reads data of older major versions."
    )
    dump: Moving = Field(
        default="",
        description="Shell command that writes all data to {file}; {run} runs a program.",
    )
    restore: Moving = Field(default="", description="Shell command that restores {file}.")
    unprivileged: bool = Field(default=False, strict=True, description="It refuses to run as root.")
    access: ServiceAccesses | None = Field(default=None, description="Who may connect.")
    init: ServiceInit | None = Field(default=None, description="How its data directory comes into being.")
    database: ServiceDatabase | None = Field(default=None, description="How a database of the manifest is made.")
    settings: ServiceSettings = Field(default=ServiceSettings(), description="Conversion of settings into arguments.")
    ready: ServiceProbe = Field(description="Readiness probe.")
    stop: ServiceStop = Field(default=ServiceStop(), description="Stopping of the service.")
    failure: tuple[ServiceFailure, ...] = Field(default=(), description="Log lines that explain a failure.")
    quiet: ServiceQuiet | None = Field(default=None, description="Log lines that are left out.")


class Exchange(Table):
    """A request to the service, or a command run against it, and the beginning of the expected answer."""

    noun: ClassVar[str] = "an exchange"
    send: String = Field(default="", description="Bytes to send to its port, as latin-1 text.")
    run: String = Field(
        default="",
        description="Command for the shell instead; it reads $bin, $host, $port, $socket, $access, $user, $password "
        "and $client.",
    )
    expect: String = Field(description="How the answer begins.")


class RecipeTest(Table):
    """The test of a recipe; required."""

    noun: ClassVar[str] = "a test"
    version: Filled = Field(default="--version", description="Arguments that make the program print its version.")
    ask: Exchange | None = Field(default=None, description="A question to the running service.")
    kept: Exchange | None = Field(default=None, description="A question after a restart: the data is still there.")
    stranger: Exchange | None = Field(
        default=None, description="A request of another user without password, and the answer that refuses it."
    )


class Recipe(Table):
    """The whole of recipe.toml."""

    noun: ClassVar[str] = "a recipe"
    package: Package
    source: tuple[AnyOrigin, ...] = Field(min_length=1)
    provides: Provides = Provides()
    service: ServiceTable | None = None
    test: RecipeTest


class Release(PlatformRows):
    """One version of the product."""

    noun: ClassVar[str] = "a version"
    version: Filled


class Releases(Table):
    """The whole of versions.toml, newest first."""

    noun: ClassVar[str] = "the list of versions"
    version: tuple[Release, ...]


def parse_recipe(text: str, file: str) -> Recipe:
    """Parse the text of a recipe.toml. Raises Problems with slugs `recipe/…`."""
    return _parse(text, file, Recipe)


def parse_releases(text: str, file: str) -> Releases:
    """Parse the text of a versions.toml. Raises Problems with slugs `recipe/…`."""
    return _parse(text, file, Releases)


def _parse(text: str, file: str, model: type[_T]) -> _T:
    try:
        document = Document(text, file, area="recipe")
    except ManifestError as error:
        raise problems_of([error], UNREAD) from None
    complaints = Complaints(document, TAGS)
    try:
        found = model.model_validate(document.values)
    except ValidationError as error:
        raise problems_of(complaints.of(error, model), UNREAD) from None
    return found
