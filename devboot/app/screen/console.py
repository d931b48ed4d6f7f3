"""`devboot attach NAME`: connects this terminal to one process, until the detach keys or the process's end."""

from __future__ import annotations

import os
import select

from devboot.app.fast import daemon_connection
from devboot.app.fast.streams import Streams
from devboot.app.screen.terminal import KeyTerminal
from devboot.app.screen.terminal_state import TerminalState
from devboot.daemon.client import NoAnswerError
from devboot.model.keys import DETACH, LeaveKeys, parse_keys
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal

    from devboot.app.fast.call import Call
    from devboot.daemon.client import Client
else:
    import _signal  # the signal package imports enum

_LINES_BEFORE = 20  # at least; a screenful where the terminal is higher


def carry_out(call: Call) -> int:
    """Connect this terminal to that of one process; return 0 after detaching, and when the process has ended."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    _signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    before = _signal.signal(_signal.SIGWINCH, lambda *_: None)
    try:
        return visit(call, call.args, reading)
    finally:
        _signal.signal(_signal.SIGWINCH, before)
        _signal.set_wakeup_fd(-1)
        os.close(reading)
        os.close(writing)


def visit(call: Call, names: tuple[str, ...], wakeup: int) -> int:
    """Attach the terminal to a process from within another command that handles signals; return the exit code.

    `wakeup` is the descriptor from which the numbers of received signals are read. A terminating signal ends the
    attachment too, with 128 + n; the caller handles the rest.
    """
    found = daemon_connection.meet(call)
    if found.client is None:
        return _nobody(call, alive=found.lease is not None and found.lease.is_alive)
    try:
        return _Console(call, found.client, names, wakeup).run()
    except NoAnswerError:
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    finally:
        found.client.close()


def _nobody(call: Call, *, alive: bool) -> int:
    from devboot.errors import WorkError

    if alive:
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    project = daemon_connection.project_name(call)
    error = WorkError("daemon/not-running", f"{project} is not running", help=["devboot up -d"])
    return daemon_connection.complain(call, error)


def _detach_keys(call: Call) -> str:
    """Return the keys that leave `attach`: `[ui] detach-keys` of the manifest."""
    from devboot import snapshot

    known = snapshot.read(f"{call.state}/{snapshot.NAME}", has_plan=False)
    return DETACH if known is None else known.detach_keys or DETACH


class _Console:
    """A connection of this terminal to that of one process, until the detach keys are typed or the process ends."""

    def __init__(self, call: Call, client: Client, names: tuple[str, ...], wakeup: int) -> None:
        self._call = call
        self._client = client
        self._names = names
        self._name = "it"
        self._wakeup = wakeup
        self._streams = Streams()
        self._lent = TerminalState()
        self._terminal = KeyTerminal(0, enabled=call.stdin.terminal, raw=True)
        self._keys = _detach_keys(call)
        self._leave = LeaveKeys(parse_keys(self._keys))
        self._code: int | None = None

    def run(self) -> int:
        self._client.ask({"command": "attach", "names": list(self._names), "view": self._call.view()})
        self._client.welcome()
        try:
            self._turn_until_ended()
        finally:
            self._restore_terminal()
        return (
            daemon_connection.complain(self._call, daemon_connection.gone(self._call))
            if self._code is None
            else self._code
        )

    def _turn_until_ended(self) -> None:
        sock, stdin = self._client.sock.fileno(), 0
        self._show()
        watched = [sock, self._wakeup, stdin]
        while self._code is None:
            ready = select.select(watched, [], [])[0]
            if self._wakeup in ready:
                self._handle_signal(os.read(self._wakeup, 64))
            if sock in ready and not self._receive():
                return
            if stdin in ready and not self._handle_keys(os.read(stdin, 4096)):
                watched = [sock, self._wakeup]

    def _handle_signal(self, numbers: bytes) -> None:
        self._resize()
        for number in numbers:
            if number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
                self._code = 128 + number

    def _receive(self) -> bool:
        alive = self._client.receive()
        self._show()
        return alive

    def _show(self) -> None:
        for kind, payload in self._client.take():
            if kind == frames.OUT:
                self._lent.follow(payload)
                self._streams.write(1, payload)
            elif kind == frames.ERR:
                self._streams.write(2, payload)
            elif kind == frames.WORD:
                self._enter(payload.decode("utf-8", "replace").partition(" ")[2])
            elif kind == frames.EXIT:
                self._code = int(payload)
        if self._streams.failure:
            self._code = self._streams.failure

    def _enter(self, name: str) -> None:
        """Show the last output of the process, including an unfinished prompt, then pass on keys."""
        from devboot.supervisor.output import log_reader
        from devboot.supervisor.output.log_writer import log_path

        self._terminal.enter()  # first, so that keys typed now go to the process
        self._name = name
        self._streams.say(f"attached to {name}; {self._keys} leaves")
        self._streams.write(2, b"\r\n")  # the terminal is raw
        path = log_path(self._call.state, name)
        shown = b"\r\n".join(log_reader.last_lines(path, max(_LINES_BEFORE, self._call.stdout.rows - 2)))
        self._streams.write(1, shown + (b"\r\n" if shown and log_reader.is_ended(path) else b""))

    def _handle_keys(self, keys: bytes) -> bool:
        """Pass keys on to the process; return False after the detach keys, or when no more keys will come."""
        typed, leaves = self._leave.take(keys)
        if typed:
            self._client.type(typed)
        if leaves:
            self._restore_terminal()
            self._streams.say(f"\nleft {self._name}, which keeps running\n")
            self._code = 0
        return bool(keys)

    def _restore_terminal(self) -> None:
        """Undo a full-screen program's changes of the terminal, as the program isn't notified of the detachment."""
        if self._call.stdout.terminal and not self._streams.failure:
            self._streams.write(1, self._lent.reset_sequence())
        self._lent = TerminalState()
        self._terminal.leave()

    def _resize(self) -> None:
        from devboot.app.fast.call import look_at_streams

        size = look_at_streams(self._call.environ)[1]
        if size.terminal:
            self._client.tell(command="resize", view={"columns": size.columns, "rows": size.rows})
