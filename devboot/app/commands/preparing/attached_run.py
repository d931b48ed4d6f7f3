"""Runs a command on this terminal with a temporary daemon: services start before it and stop after it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from devboot.app.commands import down, fast_up
from devboot.app.fast.call import Call
from devboot.daemon.process import fork
from devboot.daemon.process.fork import Handle
from devboot.model.process import Plan, plan_to_plain


def with_daemon(
    call: Call, plan: Plan, environ: Mapping[str, str], handle: Handle | None, work: Callable[[], int]
) -> int:
    """Start `plan` in a new daemon, call `work`, stop the plan.

    Return the exit code of `work`, or of the failed start.
    """
    # By their names, since tasks that nothing in this plan waits for would not run.
    up = quiet_call(call, "up", tuple(spec.name for spec in plan.processes), detach=True)
    code = fast_up.launch(up, handle or fork.prepare(), plan_to_plain(plan), environ, installed="")
    try:
        return code or work()
    finally:
        down.carry_out(quiet_call(call, "down", ()))


def foreground(command: Sequence[str], environ: Mapping[str, str], folder: str) -> int:
    """Run a child on this terminal and wait for it; return its exit code, 128 + n after signal n.

    Ctrl-C reaches the child from the terminal; this process only waits. SIGTERM and SIGHUP are passed on.
    """
    child = subprocess.Popen(command, env=dict(environ), cwd=folder)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda sent, _frame: child.send_signal(sent))
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code


def quiet_call(call: Call, command: str, names: tuple[str, ...], *, detach: bool = False) -> Call:
    """Return a call of another command of devboot for the same project that prints only errors."""
    return Call(
        command,
        names,
        {"detach": detach},
        root=call.root,
        state=call.state,
        data=call.data,
        environ=call.environ,
        streams=(call.stdin, call.stdout, call.stderr),
        output=call.output._replace(quiet=True),
        began=call.began,
        cwd=call.cwd,
    )
