"""State and lines of the progress display, without I/O: takes events, returns lines.

The live and the plain reporter both keep a board; time is an argument, seconds of any monotonic clock.
"""

from __future__ import annotations

from devboot.events import BESIDE, DOING, DONE, FAILED, FETCH, NOTE, PROGRESS, RETRY, START, UNCHANGED, WARNING, Event
from devboot.model.printable import counted
from devboot.record import Record
from devboot.text.columns import cells, clip, wrap
from devboot.text.symbols import Symbols, margin
from devboot.text.units import duration, size
from devboot.ui.units import progress, whole_seconds

PROCESSES = "processes"  # the one step that installs nothing
NAME_WIDTH = 11  # the longest step of ours, `processes`, and two blanks
_BAR = 20
SILENT = 1.0  # seconds after which an activity without a step is shown
_NAMELESS = "project"
_EDGE = 78  # column where times end on a wide terminal
_STALL = 5.0  # seconds without data before a stall is reported
_RATE_WINDOW = 4.0  # seconds that a rate is an average of


class Step(Record):
    """One step of provisioning, such as `venv`, with its line of the progress display."""

    name: str
    since: float
    text: str = ""
    waits_for: str = ""
    done: int = -1
    total: int = -1
    unit: str = ""
    last_data: float = 0.0
    samples: tuple[tuple[float, int], ...] = ()  # (time, bytes done) of the last seconds
    notice: str = ""  # a retry, or who holds a lock
    doing: str = ""  # the activity within it, shown in place of its text
    doing_since: float = 0.0

    @property
    def rate(self) -> float:
        """Bytes per second during the last few seconds; 0 while unknown."""
        if len(self.samples) < 2:
            return 0.0
        (begin, before), (end, after) = self.samples[0], self.samples[-1]
        return (after - before) / (end - begin) if end > begin else 0.0


class Finished(Record):
    """A final line of the display: `kind` is DONE, UNCHANGED, FAILED, WARNING or NOTE; `seconds` is -1 for no time."""

    kind: str
    name: str
    text: str
    seconds: float = -1.0
    lines: tuple[str, ...] = ()


class Board:
    """The steps that are waiting or working, in the order of their first events."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self._doing: list[tuple[str, str, float]] = []  # (step, text, since), the innermost last
        self._unchanged: list[Finished] = []
        self._first_unchanged = 0.0
        self._anything_done = False

    def take(self, event: Event, now: float) -> list[Finished]:
        """Apply an event; return the lines that are final now.

        Steps without work are collected, and shown as one line before the next step that had work.
        """
        if event.kind == WARNING:
            return [Finished(WARNING, event.slug or event.step, event.text)]
        if event.kind == NOTE and not event.waits_for:
            return [Finished(NOTE, event.step, event.text, lines=event.lines)]
        if event.kind == DOING:
            self._take_doing(event, now)
            return []
        step = self.steps.get(event.step) or Step(event.step, now, last_data=now)
        if event.kind == UNCHANGED:
            self.steps.pop(event.step, None)
            self._first_unchanged = self._first_unchanged if self._unchanged else step.since
            self._unchanged.append(Finished(UNCHANGED, event.step, event.text or "unchanged", now - step.since))
            return []
        if event.kind in {DONE, FAILED}:
            self.steps.pop(event.step, None)
            final = Finished(event.kind, event.step, event.text or step.text, now - step.since, event.lines)
            return [*self.settle(now, event.step), final]
        self.steps[event.step] = _advanced(step, event, now)
        return []

    def _take_doing(self, event: Event, now: float) -> None:
        if event.text:
            self._doing.append((event.step, event.text, now))
            return
        last = next((at for at in reversed(range(len(self._doing))) if self._doing[at][0] == event.step), None)
        if last is not None:
            del self._doing[last]

    def active(self, now: float) -> list[Step]:
        """Return the steps that are waiting or working, then one for a long activity outside of any step."""
        within = {name: (text, since) for name, text, since in self._doing}
        steps = [
            step._replace(doing=within[step.name][0], doing_since=within[step.name][1]) if step.name in within else step
            for step in self.steps.values()
        ]
        beside = [each for each in self._doing if each[0] not in self.steps and not (steps and each[0] == BESIDE)]
        name, text, since = beside[-1] if beside else ("", "", now)
        # An activity that began before a step is shown in it.
        if now - since >= SILENT and all(step.since <= since for step in steps):
            steps.append(Step(name or _NAMELESS, since, doing=text, doing_since=since))
        return steps

    def settle(self, now: float, before: str = PROCESSES) -> list[Finished]:
        """Return one line for all steps that had no work; empty if there are none, or if it was returned before.

        If nothing was installed until the processes start (step `before`), or until the end, it says just that; but not
        if a step never ended, since it may have had something to install.
        """
        steps, self._unchanged = self._unchanged, []
        is_first, self._anything_done = not self._anything_done and self.steps.keys() <= {PROCESSES}, True
        if is_first and steps and before == PROCESSES:
            text = f"nothing to install, {counted(len(steps), 'check')}"
            return [Finished(UNCHANGED, "", text, now - self._first_unchanged)]
        if len(steps) < 2:
            return steps
        return [Finished(UNCHANGED, "", f"{', '.join(step.name for step in steps)} in place already")]

    def kept(self) -> list[str]:
        """Return the names of partial downloads that can be resumed after an interruption."""
        return [
            f"{step.name} ({100 * step.done // step.total} %, will resume)"
            for step in self.steps.values()
            if step.unit == "bytes" and step.total > 0 and step.done >= 0
        ]


def _advanced(step: Step, event: Event, now: float) -> Step:
    if step.waits_for and not event.waits_for:
        step = step._replace(since=now, last_data=now)  # its waiting time doesn't count
    if event.kind == RETRY:
        return step._replace(notice=event.text, waits_for="")
    step = step._replace(text=event.text or step.text, waits_for=event.waits_for)
    if event.kind in {PROGRESS, FETCH, START} and event.done >= 0:
        samples = [sample for sample in step.samples if sample[0] >= now - _RATE_WINDOW]
        has_data = event.done != step.done
        step = step._replace(
            done=event.done,
            samples=(*samples, (now, event.done)),
            last_data=now if has_data else step.last_data,
            notice="" if has_data else step.notice,
        )
    return step._replace(total=max(event.total, step.total), unit=event.unit or step.unit)


def active_lines(board: Board, now: float, symbols: Symbols, *, width: int, height: int, frame: int = 0) -> list[str]:
    """Return the lines to redraw, at most `height`: working steps in order, then waiting ones.

    `frame` counts up and turns the spinner.
    """
    steps = sorted(board.active(now), key=lambda step: bool(step.waits_for))
    lines = [_step_line(step, now, width, symbols, frame) for step in steps]
    if len(lines) > height:
        hidden = len(lines) - max(0, height - 1)
        lines = [*lines[: max(0, height - 1)], f"    and {hidden} more"][:height]
    return [cut(line, width) for line in lines]


def _step_line(step: Step, now: float, width: int, symbols: Symbols, frame: int) -> str:
    if step.waits_for:
        return f"{margin(symbols.idle, symbols)}{_name(step.name)}{step.text or f'waits for {step.waits_for}'}"
    spinner = symbols.spinner[frame % len(symbols.spinner)]
    head = f"{margin(spinner, symbols)}{_name(step.name)}"
    elapsed = now - step.since
    seconds = whole_seconds(elapsed)
    if step.doing:
        return _with_room(head, step.doing, "", seconds if elapsed >= 1 else "", width, symbols)
    if stall := _stall(step, now):
        return _with_room(head, step.text, f"  {stall}", seconds, width, symbols)
    if step.unit == "bytes" and step.done >= 0:
        return _with_room(head, step.text, f"  {_transfer(step, symbols, width)}", "", width, symbols)
    if step.done >= 0 and step.total > 0:
        return _with_room(head, step.text, f"  {step.done} of {step.total} {step.unit}", seconds, width, symbols)
    return _with_room(head, step.text, "", seconds if elapsed >= 1 else "", width, symbols)


def _with_room(head: str, text: str, count: str, right: str, width: int, symbols: Symbols) -> str:
    """Return a line of `width` cells with its text shortened, so that the numbers at its right end stay visible."""
    dots = "..." if symbols.ok.isascii() else "…"
    room = width - 2 - cells(head) - cells(count) - (cells(right) + 2 if right else 0)
    if cells(text) > room > 2 * len(dots):
        text = cut(text, room - len(dots) + 1) + dots
    return at_edge(f"{head}{text}{count}", right, width)


def what_goes_on(step: Step, now: float) -> str:
    """Return a step's current activity and how long it takes so far: `choosing versions, 20 s so far`."""
    parts = [step.doing or step.text or (f"waits for {step.waits_for}" if step.waits_for else "")]
    if stall := _stall(step, now):
        parts.append(stall)
    elif step.doing:
        pass
    elif step.unit == "bytes" and step.done >= 0:
        parts.append(progress(step.done, step.total) if step.total > 0 else size(step.done))
    elif step.done >= 0 and step.total > 0:
        parts.append(f"{step.done} of {step.total} {step.unit}")
    parts.append(f"{whole_seconds(now - step.since)} so far")
    return ", ".join(filter(None, parts))


def _transfer(step: Step, symbols: Symbols, width: int) -> str:
    """Return a download's bar, bytes, rate and time left; only bytes and rate if the total is unknown."""
    rate = f"  {size(round(step.rate))}/s" if step.rate > 0 else ""
    if step.total <= 0:
        return f"{size(step.done)}{rate}"
    left = f"  {whole_seconds((step.total - step.done) / step.rate)}" if step.rate > 0 else ""
    drawn = f"{bar(step.done, step.total, symbols)}  " if width >= 72 else ""
    return f"{drawn}{progress(step.done, step.total)}{rate}{left}"


def _stall(step: Step, now: float) -> str:
    if step.notice:
        return step.notice
    if step.unit == "bytes" and step.done >= 0 and now - step.last_data >= _STALL:
        return f"no data for {whole_seconds(now - step.last_data)}"
    return ""


def bar(done: int, total: int, symbols: Symbols) -> str:
    """Return a progress bar of twenty cells."""
    filled = max(0, min(_BAR, _BAR * done // total))
    if filled == _BAR:
        return symbols.bar_done * _BAR
    return symbols.bar_done * filled + symbols.bar_head + symbols.bar_rest * (_BAR - filled - 1)


def finished_lines(final: Finished, width: int, symbols: Symbols) -> list[str]:
    """Return a final line with its details below, never cut, since it may be copied."""
    if final.kind == WARNING:
        lead = margin(symbols.warning, symbols)
        return wrap(f"warning[{final.name}]: {final.text}", width, first=lead, then=" " * len(lead))
    if final.kind == NOTE:
        lead = margin("", symbols) + _name(final.name)
        return [*wrap(final.text, width, first=lead, then=" " * len(lead)), *(" " * len(lead) + d for d in final.lines)]
    symbol = symbols.failed if final.kind == FAILED else symbols.ok
    text = f"{_name(final.name)}{final.text}" if final.name else final.text
    lead = margin(symbol, symbols)
    line = lead + text
    first = at_edge(line, duration(final.seconds), width) if final.seconds >= 0 else line
    return [first, *(" " * (len(lead) + NAME_WIDTH) + detail for detail in final.lines)]


def at_edge(left: str, right: str, width: int) -> str:
    """Return a line with `right` at its right edge, at least two blanks after `left`.

    The edge is at 78 cells, or two less than the terminal's width.
    """
    if not right:
        return left
    gap = min(width - 2, _EDGE) - cells(left) - cells(right)
    return f"{left}{' ' * max(2, gap)}{right}"


def cut(line: str, width: int) -> str:
    """Return a line cut to less than the terminal's width, since a wrapped line can't be redrawn in place."""
    return clip(line, width - 1)


def _name(name: str) -> str:
    return name + " " * max(2, NAME_WIDTH - cells(name))
