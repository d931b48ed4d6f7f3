"""Renders the output of `ps`: a title, a table, and hints for processes that failed."""

from __future__ import annotations

from devboot.model import process as model
from devboot.text.columns import cells, pad, printable, table, wrap
from devboot.text.paint import GREEN, RED, YELLOW, paint
from devboot.text.symbols import symbols
from devboot.text.units import duration, uptime, whole_megabytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADER = ("NAME", "PHASE", "UP", "ADDRESS", "RESTARTS", "MEM", "NOTE")
_RIGHT = frozenset({2, 4, 5})
_ADDRESS, _NOTE = 3, 6
_LESS_IMPORTANT = (5, 4, 2, _ADDRESS)  # columns that a narrow terminal does without, the first one first
_BELOW = "    "  # indents what doesn't fit beside a row: it is never cut
_UP = (model.STARTING, model.RUNNING, model.READY, model.UNREADY, model.STOPPING)
_COLOURS = {
    model.READY: GREEN,
    model.RUNNING: GREEN,
    model.STARTING: YELLOW,
    model.UNREADY: YELLOW,
    model.BACKOFF: YELLOW,
    model.STOPPING: YELLOW,
    model.WAITING: YELLOW,
    model.FAILED: RED,
    model.GAVE_UP: RED,
}


class TableStyle:
    """Abilities of the reader's terminal; without a terminal there are no symbols and no line breaks."""

    __slots__ = ("colour", "columns", "symbols", "unicode")

    def __init__(self, *, symbols: bool, colour: bool = False, unicode: bool = True, columns: int = 0) -> None:
        self.symbols = symbols
        self.colour = colour
        self.unicode = unicode
        self.columns = columns


def title(project: str, pid: int, seconds: float) -> str:
    """Return the title of `ps`: `shop, up for 2 h 10 min (pid 4711)`."""
    return f"{printable(project)}, up for {duration(max(0.0, seconds))} (pid {pid})"


def process_table(statuses: Sequence[model.ProcessStatus], now: float, style: TableStyle) -> list[str]:
    """Return the lines of the table of `ps`, header first; `now` is wall-clock seconds."""
    rows = [_HEADER, *(_row(status, now, style) for status in statuses)]
    kept = _columns_within(rows, style.columns)
    leads = _leads(rows, kept)
    width = max(map(cells, leads))
    header = f"{pad(leads[0], width)}  {_HEADER[_NOTE]}"
    lines = [leads[0] if style.columns and cells(header) > style.columns else header]
    for lead, row, status in zip(leads[1:], rows[1:], statuses, strict=True):
        beside = () if _ADDRESS in kept or row[_ADDRESS] == "-" else (printable(row[_ADDRESS]),)
        note = ", ".join(filter(None, (*beside, row[_NOTE])))
        line = f"{pad(lead, width)}  {note}".rstrip()
        below: list[str] = []
        if style.columns and cells(line) > style.columns:
            line, below = lead, wrap(note, style.columns, first=_BELOW, then=_BELOW)
        lines += [_painted(line, row, status) if style.colour else line, *below]
    return lines


def _leads(rows: Sequence[tuple[str, ...]], kept: Sequence[int]) -> list[str]:
    right = frozenset(place for place, index in enumerate(kept) if index in _RIGHT)
    return table([[row[index] for index in kept] for row in rows], right=right)


def _columns_within(rows: Sequence[tuple[str, ...]], columns: int) -> list[int]:
    """Return the indexes of the columns that fit into a terminal.

    Name and phase always stay, the note isn't counted.
    """
    kept = [index for index in range(len(_HEADER)) if index != _NOTE]
    for index in _LESS_IMPORTANT if columns else ():
        if max(map(cells, _leads(rows, kept))) > columns:
            kept.remove(index)
    return kept


def hints(statuses: Sequence[model.ProcessStatus]) -> list[str]:
    """Return a line of advice for each process that won't recover without help."""
    lines = []
    for status in statuses:
        name = printable(status.name)
        if status.phase == model.GAVE_UP:
            lines.append(f"{name} is not restarted any more: devboot logs {name}")
        elif status.phase == model.FAILED:
            lines.append(f"{name} could not be started: devboot logs {name}")
    return lines


def phase_words(status: model.ProcessStatus) -> str:
    """Return the phase for `ps`, with exit code or signal if the process has exited; `done` for a succeeded task."""
    if is_done(status):
        return "done"
    if status.phase == model.EXITED and status.last_exit is not None:
        return f"exited {exit_words(status.last_exit)}"
    return status.phase


def is_done(status: model.ProcessStatus) -> bool:
    """Return whether the row is of a task that has succeeded or was skipped."""
    last = status.last_exit
    has_failed = last is not None and (last.code or last.signal)
    return status.kind == model.TASK and status.phase == model.EXITED and not has_failed


def exit_words(last: model.LastExit) -> str:
    """Return an exit in a word: the code (`0`, `1`) or the signal (`SIGKILL`)."""
    if last.signal:
        return model.signal_name(last.signal)
    return str(last.code)


def phase_symbol(phase: str, *, unicode: bool) -> str:
    """Return the symbol that stands before a phase in `ps`."""
    known = symbols(unicode)
    if phase in (model.FAILED, model.GAVE_UP):
        return known.failed
    shapes = {model.READY: known.ready, model.RUNNING: known.running}
    shapes |= dict.fromkeys((model.STARTING, model.UNREADY, model.BACKOFF, model.STOPPING), known.busy)
    return shapes.get(phase, known.idle)


def _row(status: model.ProcessStatus, now: float, style: TableStyle) -> tuple[str, ...]:
    phase = phase_words(status)
    if style.symbols:
        sign = symbols(style.unicode).ok if is_done(status) else phase_symbol(status.phase, unicode=style.unicode)
        phase = f"{sign} {phase}"
    is_up = status.phase in _UP and status.started is not None
    is_task = status.kind == model.TASK
    return (
        printable(status.name),
        phase,
        uptime(now - (status.started or now)) if is_up else "-",
        (status.address or "-") if is_up else "-",
        "-" if is_task else str(status.restarts),
        whole_megabytes(status.memory) if is_up and status.memory is not None else "-",
        printable(status.note or _last_words(status)),
    )


def _last_words(status: model.ProcessStatus) -> str:
    last = status.last_exit
    if last is None or status.phase == model.STOPPED:
        return ""
    if status.phase in _UP:
        return f"last exit {exit_words(last)}" if (last.code or last.signal) and status.restarts else ""
    if status.phase == model.EXITED:
        import time

        return f"at {time.strftime('%H:%M', time.localtime(last.at))}"
    return f"exit {exit_words(last)}"


def _painted(line: str, row: tuple[str, ...], status: model.ProcessStatus) -> str:
    code = GREEN if is_done(status) else _COLOURS.get(status.phase, "")
    before, phase, after = line.partition(row[1]) if row[1] not in row[0] else line.rpartition(row[1])
    return before + paint(phase, code, on=True) + after


def process_facts(status: model.ProcessStatus) -> dict[str, object]:
    """Return a row of `ps` as JSON values: times as ISO 8601 with zone, memory in bytes, None for missing values."""
    last = status.last_exit
    return {
        "name": status.name,
        "kind": status.kind,
        "phase": status.phase,
        "pid": status.pid,
        "address": status.address or None,
        "port": status.port or None,
        "restarts": status.restarts,
        "memory": status.memory,
        "started": iso_time(status.started) if status.started is not None else None,
        "last_exit": {"code": last.code, "signal": last.signal, "at": iso_time(last.at)} if last is not None else None,
        "note": status.note or None,
        "next_run": iso_time(status.next_run) if status.next_run is not None else None,
        "log": status.log or None,
        "port_taken": status.port_taken,
    }


def iso_time(at: float) -> str:
    """Format wall-clock seconds as local time: `2026-05-12T11:27:03+02:00`."""
    import time

    text = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(at))
    return f"{text[:-2]}:{text[-2:]}"
