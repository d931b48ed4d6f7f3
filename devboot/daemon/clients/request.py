"""How a client wants to be answered, and what it asks for: read from its message, tolerant of what it doesn't know."""

from __future__ import annotations

from devboot.errors import BusyError
from devboot.model.plan_check import LONGEST, PlanError, checked_plan
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from devboot.model.process import Plan
    from devboot.text.loglines import LineStyle
    from devboot.text.processes import TableStyle


USUAL_WAIT = 60.0  # seconds that a client waits unless it says how long
_LATEST = 100 * LONGEST  # wall-clock seconds are among the numbers
MOST = 4096  # columns, rows and lines: nobody looks at more at once


class View(Record):
    """The client's streams: `colour` and `columns` of standard output, `colour_err` of standard error."""

    colour: bool = False
    colour_err: bool = False
    unicode: bool = True
    terminal: bool = False  # standard output is one
    live: bool = False  # redrawing is allowed
    columns: int = 0
    rows: int = 0
    quiet: bool = False
    verbose: bool = False
    json: bool = False
    prefix: bool = True
    timestamps: str = "clock"
    raw: bool = False  # output as it came, each block behind a line with its time and name

    def line_style(self) -> LineStyle:
        """For log lines."""
        from devboot.text.loglines import LineStyle

        return LineStyle(
            colour=self.colour,
            unicode=self.unicode,
            timestamps=self.timestamps,
            prefix=self.prefix,
            columns=self.columns if self.terminal else 0,
        )

    def table_style(self) -> TableStyle:
        """For tables: symbols only where a person looks."""
        from devboot.text.processes import TableStyle

        return TableStyle(
            symbols=self.terminal,
            colour=self.colour,
            unicode=self.unicode,
            columns=self.columns if self.terminal else 0,
        )


class Request(Record):
    """What a client asks for. Unknown keys of its message are ignored: a later version may send them."""

    command: str
    names: tuple[str, ...] = ()
    view: View = View()
    detach: bool = False
    dependencies: bool = True
    began: float = 0.0  # wall-clock seconds at which the command was typed
    installed: str = ""  # what was done before, for the headline: `nothing to install`
    wait: float = USUAL_WAIT  # seconds after the last first spawn until what isn't ready counts as failed
    is_wait_given: bool = False  # the user has said how long, so that nothing gets more time
    lines: int = 10
    timings: bool = False  # `up` also says where the time went
    moves: bool = False  # the client of `up` prepares a plan with other ports where a port is taken
    watch: bool = False  # `ps` again after each change
    fingerprint: str = ""  # of the plan that the client would start
    plan: tuple[object, ...] = ()  # that plan, plain; empty where it wasn't sent

    @property
    def may_wait_longer(self) -> bool:
        """Whether what works on its start gets more time: not where somebody has said how long to wait."""
        return self.wait == USUAL_WAIT and not self.is_wait_given


def checked(plain: object) -> Plan:
    """The plan that a client has sent. Raises BusyError `daemon/plan`."""
    try:
        return checked_plan(plain)
    except PlanError as error:
        raise BusyError(
            "daemon/plan",
            "the client has sent a plan that this daemon can't read",
            causes=[str(error)],
            help=["devboot down", "devboot up -d"],
        ) from error


def parse_request(message: Mapping[str, object]) -> Request:
    """Read a message; what is missing or of another type has its default."""
    given = message.get("view")
    view = View(**_fitting(View._fields, View._field_defaults, given if isinstance(given, dict) else {}))
    command = message.get("command")
    names = message.get("names")
    plan = message.get("plan")
    values = _fitting(Request._fields, Request._field_defaults, message)
    values |= {
        "command": command if isinstance(command, str) else "",
        "names": tuple(str(name) for name in names) if isinstance(names, (list, tuple)) else (),
        "view": view,
        "plan": tuple(plan) if isinstance(plan, (list, tuple)) else (),
    }
    return Request(**values)


def _fitting(fields: tuple[str, ...], defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `given` that are fields and of the type of their default; numbers within bounds, floats also whole."""
    fitting: dict[str, Any] = {}
    for name in fields:
        value = given.get(name)
        wanted = type(defaults.get(name))
        if wanted is int and type(value) is int:
            fitting[name] = max(0, min(value, MOST))
        elif wanted is float and isinstance(value, (int, float)) and not _is_nan(value):
            fitting[name] = float(max(0, min(value, _LATEST)))
        elif type(value) is wanted:
            fitting[name] = value
    return fitting


def _is_nan(value: float) -> bool:
    return value != value  # noqa: PLR0124  math costs an import
