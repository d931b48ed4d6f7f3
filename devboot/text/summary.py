"""Formats the summary lines of `up` and `down`, for the fast and the slow path."""

from __future__ import annotations

from devboot.text.columns import cells, pad, printable, wrap
from devboot.text.paint import GREEN, RED, paint
from devboot.text.symbols import margin, symbols
from devboot.text.units import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH = 78
_STEP_WIDTH = 10
_NAMED = 3  # most names in a line about processes
NEXT = "devboot logs -f   devboot ps   devboot down"


def step_line(
    step: str,
    text: str,
    seconds: float | None,
    *,
    ok: bool = True,
    colour: bool = False,
    unicode: bool = True,
    columns: int = 0,
) -> str:
    """Return `  ✓ venv       .venv, 61 packages          6.3 s`, the time at the right edge; without newline.

    The edge is that of a terminal with `columns`, if it is narrower than usual; text that is too wide is wrapped.
    """
    known = symbols(unicode)
    sign = known.ok if ok else known.failed
    lead = f"{margin(sign, known)}{pad(step, _STEP_WIDTH)} "
    took = "" if seconds is None else duration(seconds)
    width = edge(columns)
    *lines, last = wrap(text, width if columns else 0, first=lead, then=" " * cells(lead))
    if took and lines and cells(f"{last}  {took}") > width:
        lines, last = [*lines, last], ""
    line = "\n".join([*lines, last + " " * max(2, width - cells(last) - cells(took)) + took if took else last])
    return line.rstrip().replace(sign, paint(sign, GREEN if ok else RED, on=colour), 1)


def edge(columns: int) -> int:
    """Return the width of lines with a right-aligned end, for a terminal with so many columns (0: no terminal)."""
    return min(WIDTH, columns) if columns else WIDTH


def stopwatch(seconds: float) -> str:
    """Format seconds for the first column of plain output, at least five cells wide: `14.1s`, `124s `."""
    return f"{seconds:.1f}s".ljust(5) if seconds < 99.95 else f"{seconds:.0f}s".ljust(5)


def event_line(seconds: float, step: str, kind: str, text: str) -> str:
    """Return one line of plain output: `14.1s processes  ok      redis, web, worker ready`."""
    return f"{stopwatch(seconds)} {pad(step, _STEP_WIDTH)} {kind:<7} {text}".rstrip()


def ready_text(times: Iterable[tuple[str, float | None]]) -> str:
    """Return `redis 0.2 s, web 1.4 s to ready; worker running`; None as a time means no readiness probe."""
    times = tuple(times)
    ready = ", ".join(f"{printable(name)} {duration(took)}" for name, took in times if took is not None)
    others = ", ".join(printable(name) for name, took in times if took is None)
    parts = [*([f"{ready} to ready"] if ready else []), *([f"{others} running"] if others else [])]
    return "; ".join(parts) or "none"


def headline(project: str, seconds: float, installed: str, *, has_processes: bool = True) -> str:
    """Return the first line after a start, `shop is up in 1.4 s, nothing to install`.

    Without processes it says that only the project's servers run.
    """
    said = "is up" if has_processes else "has no process of its own; its servers are up"
    return f"{printable(project)} {said} in {duration(seconds)}" + (f", {installed}" if installed else "")


def idle_text(names: Sequence[str], *, awaits_line: bool = False) -> str:
    """Return `worker, beat: no probe, so they count as up once idle for a second`.

    `awaits_line`: the processes have a known ready line, but haven't written it.
    """
    shown = ", ".join(printable(name) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    verb = "it counts" if len(names) == 1 else "they count"
    if awaits_line:
        return f"{shown}{more}: no log line yet that shows readiness, so {verb} as up once idle for a second"
    return f"{shown}{more}: no probe, so {verb} as up once idle for a second"


def titled(title: str, text: str, columns: int) -> list[str]:
    """Return `  idle    worker: no probe, …` as lines, wrapped on a terminal with `columns` (0: none)."""
    lead = f"  {pad(title, 6)}  "
    return wrap(text, columns, first=lead, then=" " * cells(lead))


def unchanged(project: str, age: float, installed: str) -> str:
    """Return `shop is up already, for 2 h 10 min; nothing changed`; with packages installed, `nothing to restart`."""
    said = "nothing changed" if installed else "nothing to restart"
    return f"{printable(project)} is up already, for {duration(age)}; {said}"


def url(scheme: str, address: str) -> str:
    """Return an address as URL, `http://127.0.0.1:8000`; unchanged if `scheme` is ""."""
    return f"{scheme}://{address}" if scheme else address


def addresses(entries: Sequence[tuple[str, str]]) -> list[str]:
    """Return lines such as `  web     http://127.0.0.1:8000`, with names padded to the longest."""
    width = max([6, *(cells(printable(name)) for name, _ in entries)])
    return [f"  {pad(printable(name), width)}  {printable(value)}" for name, value in entries]


def list_in_order(groups: Sequence[Sequence[str]]) -> str:
    """Return groups of names as text, in order: `worker, web, then redis`."""
    return ", then ".join(", ".join(printable(name) for name in group) for group in groups if group)
