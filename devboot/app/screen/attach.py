"""Foreground `up`: copies the daemon's output, and turns Ctrl-C and a closed terminal into requests.

The client that started the run owns it: whatever ends this process, the daemon sees the connection close and stops
everything. A client that joined later owns nothing: Ctrl-C makes it ask the user whether to stop or to leave.
"""

from __future__ import annotations

import os
import select
import time

from devboot.app.fast import daemon_connection
from devboot.app.fast.streams import STUCK, AbandonedError, Streams
from devboot.app.screen.terminal import KeyTerminal
from devboot.daemon.client import NoAnswerError
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Set as AbstractSet
    from typing import Any

    from devboot.app.fast.call import Call
    from devboot.app.screen.edits import Edits
    from devboot.app.screen.live import Live
    from devboot.app.screen.menu import Action
    from devboot.app.screen.other_ports import OtherPorts
    from devboot.daemon.client import Client
else:
    import _signal  # the signal package imports enum

_FORCED_LONG_AGO = 2.0  # seconds until everything is killed, unless the daemon itself is stuck
_ENDING = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)
URGENT = (*_ENDING, _signal.SIGALRM)
_RESIZED, _SUSPENDED, _CONTINUED = _signal.SIGWINCH, _signal.SIGTSTP, _signal.SIGCONT


def attach(call: Call, client: Client, *, owner: bool, held: AbstractSet[int] | None = None) -> int:
    """Show the run until it ends or the user leaves; return the exit code of the command.

    `held` is the signal mask to return to, if signals have been held back until now. The exit code is 128 + n after an
    end by signal n, 141 if standard output was closed, else the daemon's.
    """
    return _Attachment(call, client, owner=owner).run(held)


def _live(call: Call, streams: Streams) -> Live:
    from devboot.app.screen.live import Live  # not for pipes: it imports re

    return Live(call, streams)


def _edits(call: Call) -> Edits | None:
    if call.output.quiet or not call.stderr.terminal:
        return None
    from devboot.app.screen.edits import Edits

    return Edits(call, "`devboot up -d`")


class _Attachment:
    """A terminal that shows a run: copies the daemon's output, and turns keys and signals into requests."""

    def __init__(self, call: Call, client: Client, *, owner: bool) -> None:
        self._call = call
        self._client = client
        self._owner = owner
        self._streams = Streams()
        self._live = _live(call, self._streams) if call.is_live() else None
        if self._live is not None:
            self._live.menu.has_joined = not owner
            client.applies_by_key = not call.flag("no-menu")
        self._edits = _edits(call) if self._live is None else None
        if self._live is None:
            client.pass_through = self._streams.passing_through()
        self._noticed = ""
        self._terminal = KeyTerminal(0, enabled=call.is_live())
        self._errands: list[Client] = []  # requests by keys without an answer yet
        self._moving: OtherPorts | None = None  # prepares a plan with other ports
        self._asking = False  # Ctrl-C was pressed by someone who owns nothing
        self._ended_by = 0
        self._stops = 0
        self._forced_at = 0.0
        self._handled: list[int] = []  # signals that were acted on before their byte was read
        self._code: int | None = None
        self._wakeup = -1

    def run(self, held: AbstractSet[int] | None) -> int:
        before = self._take_signals()
        if held is not None:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, held)
        try:
            self._terminal.enter()
            self._turn_until_ended()
        except NoAnswerError:
            return daemon_connection.complain(self._call, daemon_connection.gone(self._call))
        finally:
            for each in (self._live, self._edits, self._moving):
                if each is not None:
                    each.close()
            self._terminal.leave()
            self._give_back_signals(before)
            self._client.close()
        return self._exit_code()

    def _exit_code(self) -> int:
        if self._ended_by:
            return 128 + self._ended_by
        if self._streams.failure:
            return self._streams.failure
        if self._code is None:
            return daemon_connection.complain(self._call, daemon_connection.gone(self._call))
        return self._code

    def _turn_until_ended(self) -> None:
        sock = self._client.sock.fileno()
        self._show(self._client)  # output that arrived with the first answer
        while self._code is None:
            watched = [sock, self._wakeup, *(each.sock.fileno() for each in self._errands)]
            if self._terminal.is_on:
                watched.append(0)
            if self._moving is not None:
                watched.append(self._moving.fileno())
            ready = select.select(watched, [], [], self._turn())[0]
            if self._wakeup in ready:
                self._read_signals()
            if sock in ready and not self._receive():
                return
            if self._moving is not None and self._moving.fileno() in ready:
                self._end_moving(self._moving)
            if 0 in ready:
                self._keys(os.read(0, 64))
            for errand in [each for each in self._errands if each.sock.fileno() in ready]:
                self._show(errand, is_alive=errand.receive())

    def _turn(self) -> float | None:
        """Do what is due without input; return the seconds until the next time, None for never."""
        if self._live is not None:
            return self._live.turn()
        if self._edits is None:
            return None
        notice = self._edits.look(time.monotonic())
        if notice != self._noticed and not self._edits.is_asking:
            self._noticed = notice
            if notice:
                self._say(f"{notice}\n")
        return self._edits.patience

    def _read_signals(self) -> None:
        for number in os.read(self._wakeup, 64):
            if number in self._handled:
                self._handled.remove(number)
            else:
                self._handle_signal(number)

    def _receive(self) -> bool:
        """Show output and messages that have arrived; return False at the end of the connection."""
        alive = self._client.receive()
        self._show(self._client)
        return alive

    def _show(self, client: Client, *, is_alive: bool = True) -> None:
        for kind, payload in client.take():
            if kind in (frames.OUT, frames.ERR):
                self._write(1 if kind == frames.OUT else 2, payload)
            elif kind == frames.WORD and payload == frames.PORT_TAKEN:
                self._start_moving_ports()
            elif kind == frames.WORD and self._live is not None and client is self._client:
                self._live.receive(payload)
            elif kind == frames.EXIT and client is self._client:
                self._code = int(payload)
            elif kind == frames.EXIT:
                is_alive = False
        if not is_alive:
            self._errands.remove(client)
            client.close()
        if self._streams.failure and not self._stops:
            # The reader has gone: an owner ends the run, other clients just leave.
            self._stop() if self._owner else self._leave(self._streams.failure)

    def _start_moving_ports(self) -> None:
        """Start a child process that prepares and applies a plan with other ports, so that this process stays small."""
        from devboot.app.screen.other_ports import OtherPorts

        if self._moving is None and not self._stops:
            self._moving = OtherPorts(self._call)

    def _end_moving(self, moving: OtherPorts) -> None:
        if moving.read():
            return
        self._moving = None
        if complaint := moving.complaint():
            self._say(complaint)
        moving.close()
        self._client.tell(command="moved")

    def _write(self, number: int, data: bytes) -> None:
        if self._live is None:
            self._streams.write(number, data)
        else:
            self._live.write(number, data)

    def _say(self, text: str) -> None:
        self._write(2, text.encode("utf-8", "replace"))

    # Keys and signals

    def _keys(self, keys: bytes) -> None:
        if not keys:
            self._terminal.leave()  # the terminal has gone; SIGHUP says the rest
        elif self._asking:
            self._answered(keys)
        elif self._live is not None:
            for action in self._live.menu.press(keys):
                self._act(action)

    def _answered(self, keys: bytes) -> None:
        from devboot.app.screen import menu

        self._question("")
        if keys[:1] in (b"s", b"S"):
            self._stop()
        elif keys[:1] in (b"d", b"D"):
            self._detach()
        elif keys[:1] == b"\x1b" and (rest := menu.after_escape(keys)):
            self._keys(rest)

    def _act(self, action: Action) -> None:
        """Carry out the action that a key stands for."""
        from devboot.app.screen import menu

        if action.kind == menu.DETACH:
            self._detach()
        elif action.kind == menu.RESTART:
            self._send(action.kind, action.names)
        elif action.kind == menu.ATTACH:
            self._visit(action.names)
        elif action.kind == menu.APPLY:
            self._apply()
        elif action.kind in (menu.FILTER, menu.PAUSE, menu.RESUME):
            if action.kind == menu.PAUSE and self._live is not None:
                self._live.end_output()
            self._client.tell(command=action.kind, names=list(action.names))
        else:
            facts = menu.Facts() if self._live is None else self._live.menu.facts
            self._say(menu.help_text(facts, has_joined=not self._owner) if action.kind == menu.HELP else "\n")

    def _send(self, command: str, names: tuple[str, ...]) -> None:
        """Send a request over a second connection, since the first one's answer is the end of the run."""
        found = daemon_connection.meet(self._call)
        if found.client is None:
            return
        try:
            found.client.ask({"command": command, "names": list(names), "view": self._call.view(), "wait": 0.0})
        except NoAnswerError:
            found.client.close()
        else:
            self._errands.append(found.client)

    def _visit(self, names: tuple[str, ...]) -> None:
        """Attach the terminal to one process until the detach keys; other output isn't shown meanwhile."""
        from devboot.app.screen import console

        self._lend_terminal(lambda: console.visit(self._call, names, self._wakeup))

    def _apply(self) -> None:
        """Apply edited files to the running project, as `devboot up -d` does."""
        import subprocess

        from devboot.app.fast.self_invoke import command_line
        from devboot.app.screen.edits import repeated_flags

        command = command_line("-C", self._call.root, "up", "-d", *repeated_flags(self._call.values))
        self._lend_terminal(lambda: subprocess.run(command, check=False, env=dict(self._call.environ)).returncode)

    def _lend_terminal(self, work: Callable[[], int]) -> None:
        """Restore the terminal's modes while `work` runs, then read keys again."""
        assert self._live is not None
        self._client.tell(command="pause")
        self._live.end_output()
        self._terminal.leave()
        code = work()
        if code in {128 + number for number in _ENDING if number != _signal.SIGINT}:
            self._handle_signal(code - 128)
        self._terminal.enter()
        self._resize()
        if not self._live.menu.is_paused:
            self._client.tell(command="resume")

    def _handle_signal(self, number: int) -> None:
        if number == _RESIZED:
            self._resize()
        elif number == _SUSPENDED:
            self._suspend()
        elif number == _CONTINUED:
            self._terminal.enter()
            self._resize()
        elif number == _signal.SIGALRM:
            return  # it was slow, not stuck
        elif number == _signal.SIGQUIT:
            self._client.tell(command="dump")
        elif self._owner or self._stops:
            self._ended_by = self._ended_by or number
            self._stop()
        elif number == _signal.SIGINT and self._terminal.is_on:
            self._ask()
        else:
            self._leave(128 + number)

    def _stop(self) -> None:
        """Request a stop on the first call and a kill on the second.

        On a much later call, leave a daemon that won't end.
        """
        now = time.monotonic()
        if self._stops > 1 and now - self._forced_at > _FORCED_LONG_AGO:
            self._leave(128 + self._ended_by)
            return
        self._stops += 1
        self._forced_at = now if self._stops == 2 else self._forced_at
        self._client.tell(command="stop-all" if self._stops == 1 else "force")
        if self._live is not None:
            self._live.is_over = True

    def _ask(self) -> None:
        if self._asking:  # Ctrl-C to the question: as before the first one
            self._question("")
            return
        project = daemon_connection.project_name(self._call)
        self._question(f"{project} keeps running.  d detach   s stop everything   esc go on")

    def _question(self, text: str) -> None:
        self._asking = bool(text)
        if self._live is not None:
            self._live.question = text

    def _detach(self) -> None:
        self._client.tell(command="detach")
        self._owner = False
        if self._live is not None:
            self._live.is_over = True

    def _leave(self, code: int) -> None:
        self._code = code

    def _resize(self) -> None:
        from devboot.app.fast.call import look_at_streams

        size = look_at_streams(self._call.environ)[1]
        if size.terminal:
            if self._live is not None:
                self._live.resize(size.columns)
            self._client.tell(command="resize", view={"columns": size.columns, "rows": size.rows})

    def _suspend(self) -> None:
        if self._live is not None:
            self._live.clear()
        self._terminal.leave()
        os.kill(os.getpid(), _signal.SIGSTOP)

    # Signals arrive as bytes in a pipe, so that they interrupt nothing in the middle: except a write that nobody takes.

    def _interrupted(self, number: int, _frame: object) -> None:
        if not self._streams.is_writing or number not in URGENT:
            return
        self._handled.append(number)
        if number in _ENDING:
            self._handle_signal(number)
        if self._stops > 1 or self._code is not None:
            if self._streams.is_stuck:
                raise AbandonedError
            _signal.setitimer(_signal.ITIMER_REAL, STUCK)  # a slow reader gets the rest

    def _take_signals(self) -> dict[int, Any]:
        self._wakeup, writing = os.pipe()
        os.set_blocking(writing, False)
        before: dict[int, Any] = {-1: _signal.set_wakeup_fd(writing, warn_on_full_buffer=False), -2: writing}
        numbers = [*URGENT, _signal.SIGQUIT, *((_RESIZED, _SUSPENDED, _CONTINUED) if self._terminal.enabled else ())]
        for number in numbers:
            # What the caller ignores (nohup, a shell's `&`) stays ignored.
            if _signal.getsignal(number) != _signal.SIG_IGN:
                before[number] = _signal.signal(number, self._interrupted)
        return before

    def _give_back_signals(self, before: dict[int, Any]) -> None:
        _signal.setitimer(_signal.ITIMER_REAL, 0)
        _signal.set_wakeup_fd(before.pop(-1))
        os.close(before.pop(-2))
        os.close(self._wakeup)
        for number, handler in before.items():
            _signal.signal(number, handler)
