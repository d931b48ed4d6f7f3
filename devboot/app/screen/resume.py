"""Continues an `up` after its preparation in a fresh interpreter (exec), to free the memory of the preparation.

A first `up` has imported what prepares a project, four times as much as what shows its output, and memory that an
interpreter has used once doesn't shrink. The connection to the daemon stays open, and signals are held back meanwhile.
"""

from __future__ import annotations

import marshal
import os
import sys

from devboot.app.fast.call import Call, look_at_streams
from devboot.app.screen.attach import URGENT, attach
from devboot.daemon.client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal  # the signal package imports enum

KEPT = ("root", "state", "data", "cwd", "began")
VARIABLE = "DEVBOOT_RESUME"  # this process, and numbers of its open files: what is to be continued, the connection


def attach_afresh(call: Call, client: Client, *, owner: bool) -> int:
    """Replace this process by a fresh one that shows the run; return the exit code only if that fails.

    It has the same command line, so that the table of processes shows what was typed.
    """
    known = (call.command, call.args, dict(call.values))
    named = {name: getattr(call, name) for name in KEPT}
    held = _signal.pthread_sigmask(_signal.SIG_BLOCK, URGENT)
    mask = tuple(map(int, held))
    body = marshal.dumps((known, named, tuple(call.output), owner, client.received(), mask))
    try:
        number = _file_of(body)
    except OSError:  # no descriptors left, or no place for a file
        _signal.pthread_sigmask(_signal.SIG_SETMASK, held)
        return attach(call, client, owner=owner)
    os.set_inheritable(client.sock.fileno(), True)
    sys.stdout.flush()
    sys.stderr.flush()
    environ = {**call.environ, VARIABLE: f"{os.getpid()} {number} {client.sock.fileno()}"}
    try:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environ)  # noqa: S606  this program again
    except OSError:
        os.close(number)
        os.set_inheritable(client.sock.fileno(), False)
        _signal.pthread_sigmask(_signal.SIG_SETMASK, held)
    return attach(call, client, owner=owner)


def resume(numbers: str) -> int | None:
    """In the fresh interpreter, continue what `attach_afresh` began; return the exit code of the command.

    Returns None for a variable that this process has not set: a parent or a person has.
    """
    import _socket

    pid, _, opened = numbers.partition(" ")
    if pid != str(os.getpid()):
        return None
    file, sock = map(int, opened.split())
    with os.fdopen(file, "rb", buffering=0) as stream:
        known, named, output, owner, received, mask = marshal.loads(stream.read())  # noqa: S302  by this process
    os.set_inheritable(sock, False)
    environ = {name: value for name, value in os.environ.items() if name != VARIABLE}
    from devboot.text.modes import OutputOptions

    streams = look_at_streams(environ)
    call = Call(*known, **named, environ=environ, streams=streams, output=OutputOptions(*output))
    client = Client(_socket.socket(fileno=sock), received)
    return attach(call, client, owner=owner, held=frozenset(mask))


def _file_of(body: bytes) -> int:
    """Return the descriptor of a nameless temporary file with this content, to be inherited by exec."""
    import tempfile

    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(body)
        number = os.dup(file.fileno())
    os.lseek(number, 0, os.SEEK_SET)
    os.set_inheritable(number, True)
    return number
