"""Status of processes: the row of `ps` with its note, and the verdict whether everything is up."""

from __future__ import annotations

import time

from devboot.errors import WorkError
from devboot.model import process as model
from devboot.record import Record
from devboot.supervisor import state_machine as life
from devboot.supervisor.core import graph
from devboot.supervisor.explain import process_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devboot.supervisor.core.process import Process


class Failure(Record):
    """A process that failed or isn't ready, and its error, whose details have the last output."""

    name: str
    error: WorkError


class Verdict(Record):
    """Result of a start: `settled` if nothing is waiting, starting or in backoff any more, `ok` if nothing failed."""

    settled: bool
    ok: bool
    failures: tuple[Failure, ...]


def standing(process: Process) -> graph.Standing:
    """Return the state of a process in the form in which `graph` checks dependencies."""
    state = process.state
    return graph.Standing(
        state.phase,
        ok=life.succeeded(state, process.policy),
        settled=process.settled,
        gates=model.has_gate(process.spec),
        hopeless=process.stuck is not None or (process.blocked is not None and process.blocked.forever),
    )


def is_pending(process: Process) -> bool:
    """Return whether a process will yet be up or fail without a command: waiting, starting, in backoff, restarting."""
    phase = process.state.phase
    if phase == model.WAITING:
        if awaits_its_time(process):
            return False
        return process.blocked is None or not process.blocked.forever
    if phase == model.STOPPING:
        return process.state.then != life.THEN_STOPPED
    if phase == model.BACKOFF:
        return True
    return phase in life.ALIVE and process.stuck is None and not graph.is_up(standing(process))


def awaits_its_time(process: Process) -> bool:
    """Return whether a process with a schedule is between two runs."""
    return process.state.phase == model.WAITING and process.policy.scheduled and not process.is_due


def goes_on(process: Process) -> bool:
    """Return whether a process is running, or will start again on its own (schedule, change of watched files)."""
    return process.run is not None or awaits_its_time(process) or process.awaits_mending


def have_ended(processes: Iterable[Process]) -> bool:
    """Return whether none of the Procfile's processes is running or will start again; services aren't considered."""
    return not any(
        process.spec.kind == model.PROCESS and (is_pending(process) or goes_on(process)) for process in processes
    )


def verdict(processes: Iterable[Process], *, final: bool = False) -> Verdict:
    """Return whether the start is over and nothing failed.

    `final`: don't wait longer; pending processes count as failed.
    """
    processes = tuple(processes)
    settled = not any(is_pending(process) for process in processes)
    found = [Failure(each.name, error) for each in processes if (error := failure_of(each, final=final)) is not None]
    return Verdict(settled, settled and not found, tuple(found))


def endings(processes: Iterable[Process]) -> tuple[Failure, ...]:
    """Return processes that should keep running but exited successfully; `up` reports them as failures.

    Left out: processes with `restart = "never"`, and those on whose end another process depends.
    """
    processes = tuple(processes)
    ends = (model.UNTIL_SUCCEEDED, model.UNTIL_COMPLETED)
    awaited = {each.name for process in processes for each in process.spec.depends_on if each.until in ends}
    return tuple(
        Failure(each.name, each.parting)
        for each in processes
        if each.state.phase == model.EXITED and each.parting is not None
        if each.policy.restart != "never" and each.name not in awaited
    )


def failure_of(process: Process, *, final: bool = False) -> WorkError | None:
    """Return why a process failed or isn't ready; None if nothing is wrong, or if it may still become ready.

    `final`: the wait is over, so a pending process counts as failed.
    """
    phase = process.state.phase
    if phase in (model.FAILED, model.GAVE_UP) or (phase == model.EXITED and not standing(process).ok):
        return process.error
    if awaits_its_time(process):
        return None
    if phase == model.WAITING and process.blocked is not None and (process.blocked.forever or final):
        return process_errors.waits(process.spec, _waits(process.blocked))
    if process.stuck is not None or not final or not is_pending(process):
        return process.stuck
    return _why_pending(process)


def _why_pending(process: Process) -> WorkError:
    """Return the error of a process that isn't up at the end of the wait: its last exit, else its probe."""
    if process.state.phase == model.BACKOFF and process.error is not None:
        return process.error
    last = process.last_exit
    if process.state.restarts and last is not None and (last.code or last.signal):
        return process_errors.ended(process.spec, life.End(last.code, last.signal), _last_logged(process))
    return process_errors.not_ready(process.spec, _note_probe(process), process.tail.lines(process_errors.TAIL_LINES))


def _last_logged(process: Process) -> tuple[str, ...]:
    """Return the last lines of a process' log, which has the output of its earlier runs, too."""
    from devboot.supervisor.output.log_reader import last_text_lines

    return tuple(last_text_lines(process.log.path, process_errors.TAIL_LINES))


def _waits(blocked: graph.Blocker) -> str:
    return blocked.reason if blocked.forever else f"waits {blocked.reason}"


def status(process: Process, *, memory: int | None = None) -> model.ProcessStatus:
    """Return the row of `ps` for the process; `memory` is in bytes, None if not measured."""
    spec, state, run = process.spec, process.state, process.run
    return model.ProcessStatus(
        name=spec.name,
        kind=spec.kind,
        phase=state.phase,
        pid=run.pid if run else None,
        started=run.started if run else None,
        port=process.port,
        address=process.address,
        scheme=process.scheme,
        restarts=state.restarts,
        memory=memory,
        last_exit=process.last_exit,
        note=note(process),
        log=process.log.path,
        next_run=process.timetable.at or None if process.timetable else None,
        port_taken=process.port_taken,
    )


def note(process: Process) -> str:
    """Return the note of `ps` that explains a process' phase, such as `exit 1 at 10:05`; "" for none."""
    write = _NOTES.get(process.state.phase)
    text = process.reload_note or (write(process) if write is not None else "")
    notes = process.spec.notes if not text or process.spec.kind == model.TASK else ()
    return "; ".join(part for part in (*notes, text, process.log.trouble) if part)


def _note_waiting(process: Process) -> str:
    if awaits_its_time(process) and process.timetable is not None:
        return _note_schedule(process, process.timetable.at)
    return process.blocked.reason if process.blocked else ""


def _note_failed(process: Process) -> str:
    return process.error.what.partition(": ")[2] if process.error else ""


def _note_exited(process: Process) -> str:
    """Return the note of an exited process: why it isn't restarted, if known, and when it exited."""
    if process.was_skipped:
        return process.spec.skip
    last = process.last_exit
    when = time.strftime("at %H:%M", time.localtime(last.at)) if last is not None else ""
    why = process.error.what.partition(": ")[2] if process.error is not None else ""
    return ", ".join(filter(None, (why, when)))


def _note_ended(process: Process) -> str:
    if process.state.then == life.THEN_FAILED and process.cause:
        return process.cause  # the signal that ended it was sent by this supervisor
    return process_errors.how_it_ended(process.state.end) if process.state.end else ""


def _note_gave_up(process: Process) -> str:
    if process.error is None:
        return _note_ended(process)
    if process.state.then == life.THEN_GIVEN_UP:
        return process.error.what
    return process.error.what.removeprefix(f"{process.name} ")


def _note_backoff(process: Process) -> str:
    rest = max(0.0, process.due - process.host.loop.now())
    return f"{_note_ended(process)}, in {process_errors.seconds(rest)}"


def _note_probe(process: Process) -> str:
    if process.stuck is not None:
        return process.stuck.what.partition(": ")[2]
    return process.run.probe_text if process.run else ""


def _note_schedule(process: Process, at: float) -> str:
    """Return the last result and the next run, such as `exit 1 at 10:05, next 10:10`."""
    last = process.last_exit
    now = time.localtime(process.host.wall_clock())
    there = time.localtime(at)
    every = " " not in process.spec.schedule and process.spec.schedule[:1] != "@"
    clock = time.strftime("%H:%M:%S" if every else "%H:%M", there)
    upcoming = clock if there[:3] == now[:3] else f"{time.strftime('%Y-%m-%d', there)} {clock}"
    if last is None:
        return f"next {upcoming}"
    is_ours = process.state.then in (life.THEN_AGAIN, life.THEN_STOPPED) and last.signal is not None
    how = "stopped" if is_ours else process_errors.how_it_ended(life.End(last.code, last.signal))
    return f"{how} at {time.strftime('%H:%M', time.localtime(last.at))}, next {upcoming}"


def _note_alive(process: Process) -> str:
    last = process.last_exit
    if process.stuck is not None:
        return _note_probe(process)
    if process.cause:
        return process.cause
    if last is None or not process.state.restarts:
        return ""
    return f"last {process_errors.how_it_ended(life.End(last.code, last.signal))}"


_NOTES: dict[str, Callable[[Process], str]] = {
    model.WAITING: _note_waiting,
    model.STARTING: _note_probe,
    model.RUNNING: _note_alive,
    model.READY: _note_alive,
    model.UNREADY: _note_probe,
    model.BACKOFF: _note_backoff,
    model.EXITED: _note_exited,
    model.FAILED: _note_failed,
    model.GAVE_UP: _note_gave_up,
}
