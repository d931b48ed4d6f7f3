"""Probe that runs a command; exit code 0 within the time limit means success."""

from __future__ import annotations

from devboot.supervisor.system.helper_command import Aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from devboot.model.process import Probe
    from devboot.supervisor.probes.target import Target
    from devboot.supervisor.state_machine import End


def run(probe: Probe, target: Target, done: Callable[[bool, str], None]) -> Aside:
    """Start the probe's command in the process' folder and environment; `done(passed, text)` is called when it ends."""

    def ended(end: End | None, text: str) -> None:
        good = end is not None and end.code == 0
        done(good, text or ("" if good else _how(end)))

    return Aside(target.host, probe.command, cwd=target.cwd, env=target.env, limit=probe.timeout, on_done=ended)


def _how(end: End | None) -> str:
    if end is None:
        return "took too long"
    return f"exit {end.code}" if end.signal is None else f"killed by signal {end.signal}"
