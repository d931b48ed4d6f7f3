"""Probes in `ready` and `alive` of devboot.toml, with Kubernetes' names for timings and thresholds."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from devboot.model.edge.toml.text import inline
from devboot.model.edge.types import (
    Always,
    Count,
    Filled,
    Seconds,
    Table,
    Text,
    branch_of,
    has_reference,
    list_of,
    refusal,
)


def _http(value: str) -> str:
    if not (value.startswith(("/", "http://", "https://")) or has_reference(value)):
        written = f'"http://127.0.0.1:{value}/"' if _is_port(value) else inline(f"/{value}")
        raise refusal("must be a path or a URL", label="neither `/…` nor `http://…`", help=f"write `http = {written}`")
    return value


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65535


def _tcp(value: str) -> str:
    port = value.rpartition(":")[2]
    if not has_reference(value) and not _is_port(port):
        raise refusal(
            "must be a port or host:port", label="no port from 1 to 65535", help='write `tcp = "127.0.0.1:8000"`'
        )
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise refusal(
            "must be a regular expression", label=str(error.msg), help="a literal bracket or dot takes a `\\`"
        ) from None
    return value


def _schema(pattern: str, *also: str) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", *also] if also else "string", "pattern": pattern})


def _statuses(value: Any) -> Any:
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


StatusCodes = Annotated[
    tuple[Annotated[int, Field(strict=True, ge=100, le=599)], ...],
    list_of("status codes"),
    BeforeValidator(_statuses),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}),
]


class Timings(Table):
    """Timings and thresholds of a probe."""

    initial_delay: Seconds = Field(
        default=0.0, description="Time from the start to the first try.", json_schema_extra={"default": "0s"}
    )
    period: Seconds = Field(
        default=10.0, description="Time between tries once ready.", json_schema_extra={"default": "10s"}
    )
    timeout: Seconds = Field(default=1.0, description="How long one try may take.", json_schema_extra={"default": "1s"})
    success_threshold: Count = Field(default=1, description="Successes in a row that count as ready.")
    failure_threshold: Count = Field(default=3, description="Failures in a row that count as not ready.")


class HttpProbe(Timings):
    """Succeeds if the page answers."""

    noun: ClassVar[str] = "an http probe"
    http: Annotated[Filled, AfterValidator(_http), _schema(r"^/|^https?://|\$\{")] = Field(
        description="A path on the process's port, or a URL. The line that the server logs for a try is left out."
    )
    status: StatusCodes = Field(default=(), description="Status codes that count as up; without them any below 500.")
    expect: Filled | None = Field(default=None, description="Text that the body must hold.")


class TcpProbe(Timings):
    """Succeeds if a connection is accepted."""

    noun: ClassVar[str] = "a tcp probe"
    tcp: Annotated[Text, AfterValidator(_tcp), _schema(r"^(.*:)?[0-9]+$|\$\{", "number")] = Field(
        description="A port, or host:port."
    )


class ExecProbe(Timings):
    """Succeeds if a command exits with 0."""

    noun: ClassVar[str] = "an exec probe"
    exec: Filled = Field(description="A command for the shell.")


class LogProbe(Timings):
    """Succeeds if a line of output matches."""

    noun: ClassVar[str] = "a log probe"
    log: Annotated[Filled, AfterValidator(_pattern)] = Field(description="A regular expression for one line of output.")


class NotifyProbe(Timings):
    """Succeeds if the process reports it on NOTIFY_SOCKET, as with systemd."""

    noun: ClassVar[str] = "a notify probe"
    notify: Always = Field(
        description="READY=1 on the socket in NOTIFY_SOCKET. In `alive`: WATCHDOG=1 at least once in `period` times "
        "`failure_threshold`, which WATCHDOG_USEC tells the process."
    )


PROBES: dict[str, type[Timings]] = {
    "http": HttpProbe,
    "tcp": TcpProbe,
    "exec": ExecProbe,
    "log": LogProbe,
    "notify": NotifyProbe,
}


Probe = Annotated[
    Annotated[HttpProbe, Tag("<http>")]
    | Annotated[TcpProbe, Tag("<tcp>")]
    | Annotated[ExecProbe, Tag("<exec>")]
    | Annotated[LogProbe, Tag("<log>")]
    | Annotated[NotifyProbe, Tag("<notify>")],
    Discriminator(
        lambda value: branch_of(value, PROBES),
        custom_error_type="branch",
        custom_error_message="a table with one of http, tcp, exec, log, notify",
    ),
]
