"""A command on our terminal beside a daemon of its own: what it needs is up before it starts, and down when it ends."""

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
    """Bring `plan` up, do `work`, take it down again; the exit code of the work, or why it could not begin."""
    # By their names, since tasks that nothing in this plan waits for would not run.
    up = quiet_call(call, "up", tuple(spec.name for spec in plan.processes), detach=True)
    code = fast_up.launch(up, handle or fork.prepare(), plan_to_plain(plan), environ, installed="")
    try:
        return code or work()
    finally:
        down.carry_out(quiet_call(call, "down", ()))


def foreground(command: Sequence[str], environ: Mapping[str, str], folder: str) -> int:
    """Run a child on our terminal to its end; 128 + n after signal n.

    Ctrl-C reaches it from the terminal; we only wait for what it makes of it. SIGTERM and SIGHUP are passed on.
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
    """Another command for the same project, which says nothing but errors."""
    return Call(
        command,
        names,
        {"detach": detach},
        root=call.root,
        state=call.state,
        data=call.data,
        environ=call.environ,
        streams=(call.stdin, call.stdout, call.stderr),
        wishes=call.wishes._replace(quiet=True),
        began=call.began,
    )
