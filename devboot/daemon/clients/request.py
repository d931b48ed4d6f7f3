"""Parses a client's request and its output options; keys of later versions are ignored."""

from __future__ import annotations

from devboot.errors import BusyError
from devboot.model.plan_check import LONGEST, PlanError, checked_plan
from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from devboot.errors import DevbootError
    from devboot.model.process import Plan
    from devboot.text.loglines import LineStyle
    from devboot.text.process_table import TableStyle


USUAL_WAIT = 60.0  # seconds that a client waits by default
_LATEST = 100 * LONGEST  # upper bound of floats, which include wall-clock seconds
MOST = 4096  # upper bound of columns, rows and lines


class View(Record):
    """Abilities of the client's terminal and its output options; `colour_err` is for standard error."""

    colour: bool = False
    colour_err: bool = False
    unicode: bool = True
    terminal: bool = False  # standard output is a terminal
    live: bool = False  # redrawing is allowed
    columns: int = 0
    rows: int = 0
    quiet: bool = False
    verbose: bool = False
    json: bool = False
    prefix: bool = True
    timestamps: str = "clock"
    raw: bool = False  # unchanged output, each block after a line with its time and name
    advises: bool = False  # the client adds advice to failures of processes
    folder: str = ""  # the project's folder, seen from the one where advice is pasted; "" for the same

    def line_style(self) -> LineStyle:
        """Return how log lines look for this client."""
        from devboot.text.loglines import LineStyle

        return LineStyle(
            colour=self.colour,
            unicode=self.unicode,
            timestamps=self.timestamps,
            prefix=self.prefix,
            columns=self.columns if self.terminal else 0,
        )

    def error_text(self, error: DevbootError) -> str:
        """Return the message of an error, wrapped to the width of the client's terminal."""
        from devboot.text.problems import render_problem

        return render_problem(error, colour=self.colour_err, width=self.columns if self.terminal else 0)

    def table_style(self) -> TableStyle:
        """Return how tables look for this client; with symbols only on a terminal."""
        from devboot.text.process_table import TableStyle

        return TableStyle(
            symbols=self.terminal,
            colour=self.colour,
            unicode=self.unicode,
            columns=self.columns if self.terminal else 0,
        )


class Request(Record):
    """A client's request, with defaults for missing values. Unknown keys are ignored: a later version may send them."""

    command: str
    names: tuple[str, ...] = ()
    view: View = View()
    detach: bool = False
    dependencies: bool = True
    began: float = 0.0  # wall-clock seconds at which the command was typed
    installed: str = ""  # result of the preparation, for the headline: `nothing to install`
    wait: float = USUAL_WAIT  # seconds after the last first spawn until unready processes count as failed
    is_wait_given: bool = False  # the user has set the time, so it isn't extended
    lines: int = 10
    timings: bool = False  # `up` also reports where the time went
    moves: bool = False  # the client of `up` can prepare a plan with other ports if a port is taken
    watch: bool = False  # `ps` again after each change
    fingerprint: str = ""  # of the plan that the client would start
    plan: tuple[object, ...] = ()  # that plan in plain form; empty if it wasn't sent

    @property
    def may_wait_longer(self) -> bool:
        """True if a process that is busy starting gets more time, because the user hasn't set a limit."""
        return self.wait == USUAL_WAIT and not self.is_wait_given


def checked(plain: object) -> Plan:
    """Validate the plan that a client has sent, and return it. Raises BusyError `daemon/plan`."""
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
    """Return the request in a client's decoded JSON message; never raises.

    Missing values and those of a wrong type get their defaults, numbers are limited.
    """
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
    """Return the values of `given` that have the type of their field's default; numbers are limited."""
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
