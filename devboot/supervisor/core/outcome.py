"""Decides whether a client's start, stop or restart of a process is done, still pending, or has failed.

A request stays pending only while something is under way that will end. A process may start and end between two checks,
so its number of starts is compared with the number at the time of the request.
"""

from __future__ import annotations

from devboot.model import process as model
from devboot.supervisor import state_machine as life
from devboot.supervisor.core import process_status
from devboot.supervisor.explain import process_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.core.process import Process

# States that can be requested
STARTED = "started"  # it has been spawned, or is alive
RESTARTED = "restarted"  # it has been spawned again
STOPPED = "stopped"  # its run at the time of the request has ended
READY = "ready"  # it serves; for a task: it has succeeded
HELD = "held"  # it is as far as `up -d` waits for, or has ended as it should

# Outcomes
PENDING, DONE, FAILED = "pending", "done", "failed"

_ENDED_BADLY = (model.STOPPED, model.FAILED, model.GAVE_UP)


def outcome(wanted: str, process: Process, starts: int) -> str:
    """Return PENDING, DONE or FAILED for a request to start, stop or restart `process` (`wanted`).

    `starts` is how often the process had been started when the request arrived.
    """
    return _OUTCOMES[wanted](process, process.starts > starts)


def _started(process: Process, is_new: bool) -> str:
    return DONE if process.state.phase in life.ALIVE else _restarted(process, is_new)


def _restarted(process: Process, is_new: bool) -> str:
    phase = process.state.phase
    if is_new:  # it may be stopped already, by a later request
        return FAILED if phase in _ENDED_BADLY or _has_failed(process) else DONE
    if phase == model.WAITING:
        return PENDING if process_status.is_pending(process) else FAILED
    return PENDING if phase in (*life.ALIVE, model.STOPPING, model.BACKOFF) else FAILED


def _stopped(process: Process, is_new: bool) -> str:
    return DONE if is_new or process.run is None else PENDING


def _ready(process: Process, _is_new: bool) -> str:
    phase = process.state.phase
    is_task = process.spec.kind == model.TASK
    if life.succeeded(process.state, process.policy) if is_task else phase in (model.RUNNING, model.READY):
        return DONE
    if phase == model.WAITING:
        return PENDING if process_status.is_pending(process) else FAILED
    return PENDING if phase in (*life.ALIVE, model.STOPPING, model.BACKOFF) else FAILED


def _held(process: Process, _is_new: bool) -> str:
    if process_status.is_pending(process):
        return PENDING
    return FAILED if process_status.failure_of(process) is not None else DONE


def _has_failed(process: Process) -> bool:
    return process.state.phase == model.EXITED and not life.succeeded(process.state, process.policy)


_OUTCOMES: dict[str, Callable[[Process, bool], str]] = {
    STARTED: _started,
    RESTARTED: _restarted,
    STOPPED: _stopped,
    READY: _ready,
    HELD: _held,
}


def progress(process: Process) -> str:
    """Return the progress of a process with a pending request as a predicate: `is starting`, `waits for redis`."""
    phase, state = process.state.phase, process.state
    if phase == model.WAITING and process.blocked is not None:
        return f"waits {process.blocked.reason}"
    if phase == model.STOPPING and state.end is None:
        return f"is stopping, killed after {process_errors.seconds(process.spec.stop_timeout)}"
    if phase == model.STOPPING:
        limit = process_errors.seconds(process.spec.stop_timeout)
        return f"has ended, its children are being stopped, killed after {limit}"
    if phase == model.BACKOFF:
        return process_status.note(process)
    return "is starting"
