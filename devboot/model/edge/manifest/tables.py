"""Tables of devboot.toml as frozen models; their descriptions appear in editors and in the reference."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from devboot.model.edge.manifest.probes import Probe
from devboot.model.edge.types import (
    NAME_PATTERN,
    Count,
    EntryName,
    ExitCodes,
    Filled,
    Names,
    Port,
    PortOrAuto,
    Seconds,
    SignalName,
    Strings,
    Table,
    Text,
    Texts,
    VariableName,
    When,
    list_of,
    refusal,
)
from devboot.model.keys import DETACH, parse_keys
from devboot.model.schedule import parse_schedule

SOURCES = ("wheel", "app", "conda", "deb", "npm", "archive", "build", "host")
UNTIL = ("started", "ready", "succeeded", "completed")
_PERSISTENT = ("application_id", "auto_vacuum", "encoding", "journal_mode", "page_size", "user_version")


def _specifier(value: str) -> str:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        SpecifierSet(value)
    except InvalidSpecifier:
        raise refusal(
            "must be a version specifier", label='like ">=0.1"', help='write `requires-devboot = ">=0.1"`'
        ) from None
    return value


def _pragma(name: str) -> str:
    if name not in _PERSISTENT:
        raise refusal(
            "is not stored in an SQLite file",
            label="belongs to each connection, not to the file",
            help="set it when the application connects; stored in the file: " + ", ".join(_PERSISTENT),
        )
    return name


def _keys(text: str) -> str:
    try:
        parse_keys(text)
    except ValueError as error:
        raise refusal(
            f"has a key that no terminal sends: {error}",
            label="keys separated by blanks",
            help='write `detach-keys = "ctrl-p ctrl-q"`',
        ) from None
    return text


def _schedule(text: str) -> str:
    try:
        parse_schedule(text)
    except ValueError as error:
        raise refusal(str(error), label="no schedule", help='write `schedule = "*/5 * * * *"` or `"30s"`') from None
    return text


def _setting(value: Any) -> Any:
    return value if isinstance(value, list) else (value,)


_WORD: dict[str, Any] = {"type": ["string", "number"]}
Setting = Annotated[
    Texts,
    BeforeValidator(_setting),
    WithJsonSchema({"anyOf": [_WORD, {"type": "array", "items": _WORD}]}),
]
Pragma = Annotated[
    Filled,
    AfterValidator(_pragma),
    WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(_PERSISTENT)})$"}),
]


def _dependency(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Specifier = Annotated[
    Filled,
    AfterValidator(_specifier),
    WithJsonSchema({"type": "string", "pattern": r"^\s*(~=|===?|!=|[<>]=?)\s*[0-9]"}),
]


def _package(value: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(value)
    except InvalidRequirement:
        raise refusal(
            "must be a package as in a requirements file",
            label='like "django>=5"',
            help='write `packages = ["django>=5"]`',
        ) from None
    return value


Package = Annotated[Filled, AfterValidator(_package)]


class Project(Table):
    """The project as a whole."""

    noun: ClassVar[str] = "the project"
    name: Filled | None = Field(default=None, description="Name of the project; the directory's name by default.")
    requires_devboot: Specifier | None = Field(
        default=None, alias="requires-devboot", description="Versions of devboot that read this file."
    )
    silence: Strings = Field(default=(), description="Slugs of warnings that aren't shown.")


def _host(value: str) -> str:
    if not re.fullmatch(_HOST, value) or re.fullmatch(r"[\d.]+", value):
        raise refusal("must be a host's name", label="letters, digits, `-`, `_` and `.`, as in `db`")
    return value.lower()


_HOST = r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?"
HostName = Annotated[Filled, AfterValidator(_host), WithJsonSchema({"type": "string", "pattern": f"^{_HOST}$"})]


class Python(Table):
    """The interpreter and the virtualenv."""

    noun: ClassVar[str] = "the Python environment"
    version: Text | None = Field(
        default=None,
        description="Python version; by default that of .python-version, runtime.txt, Pipfile or requires-python.",
    )
    exact: bool = Field(default=False, strict=True, description="Refuse every other patch version.")
    requirements: Strings | None = Field(
        default=None,
        description="Locks or requirement files to install; by default the first that is there of uv.lock, "
        "pylock.toml, poetry.lock, Pipfile.lock, pdm.lock, requirements.txt, other requirements*.txt, pyproject.toml.",
    )
    packages: Annotated[tuple[Package, ...], list_of("packages")] = Field(
        default=(), description="Further packages to install, as in a requirements file: `django>=5`."
    )
    groups: Strings | None = Field(default=None, description="Dependency groups; by default those for development.")
    extras: Strings = Field(default=(), description="Extras of the project itself.")
    venv: Filled = Field(default=".venv", description="Folder of the virtualenv.")
    exclude_newer: When | None = Field(
        default=None, alias="exclude-newer", description='Take no package newer than this date or age ("7 days").'
    )
    hosts: Annotated[tuple[HostName, ...], list_of("hosts")] = Field(
        default=(), description="Names of containers that Python programs of the virtualenv find on this machine."
    )


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", value):
        raise refusal("must be a plain name", label="letters, digits, `_` and `-`, no digit first")
    return value


def _password(value: str) -> str:
    if not re.fullmatch(r"[!-~]+", value) or re.search(r"['\"\\\\$`]", value):
        raise refusal("must be plain", label="no blanks, quotes, `$`, backslashes, letters of ASCII")
    return value


Identifier = Annotated[
    Filled, AfterValidator(_identifier), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]*$"})
]


class OwnDatabase(Table):
    """A database of the enclosing service: created if missing, never dropped."""

    noun: ClassVar[str] = "a database of a service"
    name: Identifier | None = Field(default=None, description="Its name there; by default the table's.")
    user: Identifier | None = Field(default=None, description="Its owner; by default the service's own user.")
    password: Annotated[Filled, AfterValidator(_password)] | None = Field(
        default=None, description="Password of the owner, if the application requires a fixed one."
    )
    extensions: Annotated[tuple[Identifier, ...], list_of("names")] = Field(
        default=(), description="Extensions to create in it."
    )


Insisted = Literal["wheel", "app", "conda", "deb", "npm", "archive", "build", "host"]


class Tool(Table):
    """A tool from a recipe."""

    noun: ClassVar[str] = "a tool"
    main: ClassVar[str] = "version"
    version: Text = Field(default="*", description="Version, as exact as you like.")
    source: Insisted | None = Field(default=None, description="Use only this source.")


def _tool_kind(value: Any) -> str:
    return "<tool>" if isinstance(value, dict | Tool) else "<text>"


AnyTool = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[Tool, Tag("<tool>")],
    Discriminator(
        _tool_kind, custom_error_type="branch", custom_error_message="a version, or a table with version and source"
    ),
]


class Service(Table):
    """A server from a recipe."""

    noun: ClassVar[str] = "a service"
    main: ClassVar[str] = "version"
    recipe: EntryName | None = Field(default=None, description="Recipe to use; by default the one of this name.")
    version: Text | None = Field(default=None, description="Version, as exact as you like.")
    port: PortOrAuto = Field(default="auto", description='Port to listen on; "auto" uses the usual one if it is free.')
    settings: dict[Filled, Setting] = Field(
        default={},
        description="Settings of the server by its own names; a list repeats a setting.",
    )
    source: Insisted | None = Field(default=None, description="Use only this source.")
    access: Literal["private", "open"] = Field(
        default="private",
        description='Who may connect: "private" requires the generated password or the private socket, "open" admits '
        "everyone on this machine. By default it is private; if code names the address without a password and reads "
        "it from no variable, it is open, with a warning.",
    )
    databases: dict[EntryName, OwnDatabase] = Field(
        default={}, description="Databases to create in it; the same as `[databases.NAME]` with `service`."
    )


class Database(Table):
    """An SQLite database."""

    noun: ClassVar[str] = "a database"
    main: ClassVar[str] = "path"
    path: Filled = Field(description="Path of the SQLite file, relative to the project.")
    pragmas: dict[Pragma, Text] = Field(
        default={}, description="Pragmas that the file keeps: " + ", ".join(_PERSISTENT) + "."
    )
    migrations: Filled | None = Field(default=None, description="SQL files to apply in the order of their names.")
    seed: Filled | None = Field(default=None, description="SQL file for a database that is new.")


class ServerDatabase(OwnDatabase):
    """A database of a service: created if missing, never dropped."""

    main: ClassVar[str] = "service"
    service: EntryName = Field(description="The service in which it is created.")


def _database_kind(value: Any) -> str:
    is_of_service = isinstance(value, ServerDatabase) or (isinstance(value, dict) and "service" in value)
    return "<server>" if is_of_service else "<sqlite>"


DATABASES: dict[str, type[Table]] = {"<sqlite>": Database, "<server>": ServerDatabase}
AnyDatabase = Annotated[
    Annotated[Database, Tag("<sqlite>")] | Annotated[ServerDatabase, Tag("<server>")],
    Discriminator(_database_kind),
]


class Dependency(Table):
    """Something to wait for. Without `until`, its kind decides what to wait for."""

    noun: ClassVar[str] = "a dependency"
    name: EntryName = Field(description="Name of a service, database, task or process.")
    until: Literal["started", "ready", "succeeded", "completed"] | None = Field(
        default=None, description="State to wait for; the default depends on the kind of dependency."
    )


_NAME: dict[str, Any] = {"type": "string", "pattern": NAME_PATTERN}
Dependencies = Annotated[
    tuple[
        Annotated[
            Dependency,
            BeforeValidator(_dependency),
            WithJsonSchema(
                {
                    "anyOf": [
                        _NAME,
                        {
                            "type": "object",
                            "properties": {"name": _NAME, "until": {"enum": list(UNTIL)}},
                            "required": ["name"],
                            "additionalProperties": False,
                        },
                    ]
                }
            ),
        ],
        ...,
    ],
    list_of("names"),
]


class EnvFiles(Table):
    """Env files that are read."""

    noun: ClassVar[str] = "the env-files"
    read: Strings | None = Field(default=None, description="Files to read, later ones win; replaces .env, .env.local.")


class Task(Table):
    """A command that runs to its end, before processes or on request."""

    noun: ClassVar[str] = "a task"
    main: ClassVar[str] = "run"
    run: Filled = Field(description="Command for the shell.")
    cwd: Filled = Field(default=".", description="Folder to run in, relative to the project.")
    inputs: Strings = Field(default=(), description="Globs of files; the task is skipped while they are unchanged.")
    once: bool = Field(default=False, strict=True, description="Once per database, not per change.")
    before: Names = Field(default=(), description='Tasks and processes that wait for this one, or "processes" for all.')
    depends_on: Dependencies = Field(default=(), description="Dependencies that have to be ready before the task runs.")


class ProcfileTable(Table):
    """Location of the Procfile."""

    noun: ClassVar[str] = "the Procfile"
    path: Filled | None = Field(
        default=None, description="Path of the Procfile; by default Procfile.dev, else Procfile."
    )


class Process(Table):
    """Settings of a process that a Procfile can't express."""

    noun: ClassVar[str] = "a process"
    main: ClassVar[str] = "command"
    command: Filled | None = Field(default=None, description="Command; the Procfile's by default.")
    cwd: Filled = Field(default=".", description="Folder to run in, relative to the project.")
    depends_on: Dependencies | None = Field(
        default=None,
        description="Dependencies to wait for; by default every service. Tasks with `before` are always added.",
    )
    port: Port | None = Field(default=None, description="Port on which it listens, if it doesn't use $PORT.")
    ready: Probe | None = Field(default=None, description="Readiness probe.")
    alive: Probe | None = Field(default=None, description="Liveness probe; the process is restarted when it fails.")
    restart: Literal["never", "on-failure", "always"] = Field(
        default="on-failure", description="When to start it again."
    )
    max_restarts: Count = Field(
        default=5,
        description="Restarts within the window before devboot gives up; at once after two starts that end in the same "
        "error while a program loads.",
    )
    window: Seconds = Field(
        default=60.0,
        description="Only failures within this time count towards `max_restarts`; those of a process with a readiness "
        "check all do until it is ready for the first time.",
        json_schema_extra={"default": "60s"},
    )
    watch: Strings = Field(
        default=(), description="Globs of files, relative to the project; a change restarts the process."
    )
    cascade: bool = Field(default=False, strict=True, description="Restart its dependents with it.")
    schedule: Annotated[Filled, AfterValidator(_schedule)] | None = Field(
        default=None, description='When it runs: five fields as cron has them, "@daily" and the like, or "30s".'
    )
    instances: Count = Field(default=1, description="How many of it run.")
    pty: bool = Field(default=True, strict=True, description="Give it a terminal; false for a pipe.")
    stop_signal: SignalName = Field(default="SIGTERM", description="Signal that asks it to stop.")
    stop_timeout: Seconds = Field(
        default=5.0,
        description="Time from the stop signal to SIGKILL. `devboot down --force` and a second Ctrl-C skip it.",
        json_schema_extra={"default": "5s"},
    )
    stop_command: Filled | None = Field(default=None, description="Command that stops it, instead of the signal.")
    exit_ends_all: bool = Field(
        default=False,
        strict=True,
        description="Its end stops everything, with its exit code. By default the others keep running; a crashed "
        "process is restarted, and `ps` explains why one gave up.",
    )
    expected_exit: ExitCodes = Field(default=(0,), description="Exit codes that don't count as a failure.")
    env: dict[VariableName, Text] = Field(default={}, description="Variables for this process alone.")


class Ui(Table):
    """Settings of the user interface."""

    noun: ClassVar[str] = "the user interface"
    detach_keys: Annotated[Filled, AfterValidator(_keys)] = Field(
        default=DETACH, alias="detach-keys", description="Keys that detach from a process after `devboot attach`."
    )
