"""Whether a process has become what a request wants of it, still will, or won't: an answer for every phase.

A request may only stay pending while something is under way that ends by itself. What it waits for is compared with
how often the process had been started when the request came, since a run may begin and end between two looks.
"""

from __future__ import annotations

from devboot.model import process as model
from devboot.supervisor import state as life
from devboot.supervisor.core import process_status
from devboot.supervisor.explain import failures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.supervisor.core.process import Process

# What may be wanted
STARTED = "started"  # it has been spawned, or is alive
RESTARTED = "restarted"  # it has been spawned anew
STOPPED = "stopped"  # the run that it had has ended
READY = "ready"  # it serves; a task: it has succeeded
HELD = "held"  # it has come as far as `up -d` waits for, or has ended as it is meant to

# Outcomes
PENDING, DONE, FAILED = "pending", "done", "failed"

_ENDED_BADLY = (model.STOPPED, model.FAILED, model.GAVE_UP)


def outcome(wanted: str, process: Process, starts: int) -> str:
    """What has become of a request for `process`, which had been started `starts` times when the request came."""
    return _OUTCOMES[wanted](process, process.starts > starts)


def _started(process: Process, is_new: bool) -> str:
    return DONE if process.state.phase in life.ALIVE else _restarted(process, is_new)


def _restarted(process: Process, is_new: bool) -> str:
    phase = process.state.phase
    if is_new:  # stopped: by somebody who came after this request
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
    """What a process whose request is pending does or waits for, for a person; empty where there is nothing to say."""
    phase, state = process.state.phase, process.state
    if phase == model.WAITING and process.blocked is not None:
        return f"waits {process.blocked.reason}"
    if phase == model.STOPPING and state.end is None:
        return f"is stopping, killed after {failures.seconds(process.spec.stop_timeout)}"
    if phase == model.STOPPING:
        return f"has ended, what it left is being ended, killed after {failures.seconds(process.spec.stop_timeout)}"
    if phase == model.BACKOFF:
        return process_status.note(process)
    return "is starting"
