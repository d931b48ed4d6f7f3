"""Forks the daemon before anything else happens: no lock, no socket, no heavy import, no descriptor crosses over.

    command line ──fork── (leaves at once) ──fork── guardian ──fork── daemon in waiting

The daemon imports what it needs while the command line still works out what to run, then gets its plan through a
socket pair, which becomes the conversation with its first client. Without a plan both end with the command line.
"""

from __future__ import annotations

import marshal
import os

from devboot.wire import frames, sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    import signal as _signal
    from collections.abc import Mapping
    from typing import Any

    from devboot.daemon.client import Client
else:
    import _signal  # the signal package imports enum

PATIENCE = 30.0  # it may have to end what an earlier run has left first
_WILL_LIMIT = 64 * 1024


class LostError(Exception):
    """Another daemon has the project; its text says which: `pid 4711 (up, 12 s)`."""


class Handle:
    """A daemon in waiting."""

    def __init__(self, sock: _socket.socket, fork: int) -> None:
        from devboot.daemon.client import Client  # of no use to the daemon, which is on its way already

        self._client = Client(sock)
        self._fork = fork

    def launch(self, plan_plain: tuple[Any, ...], environ: Mapping[str, str], request: Mapping[str, Any]) -> Client:
        """Hand over the plan with `environ` as its environment; the answer to `request` comes from the Client.

        The request is that of `up`: see `daemon.server.handlers`. Raises LostError where another daemon was faster, and
        NoAnswerError where this one died.
        """
        from devboot.daemon.client import NoAnswerError

        self._reap()
        plan = (*plan_plain[:3], tuple(environ.items()), *plan_plain[4:])
        self._client.launch(marshal.dumps((plan, dict(request))))
        self._client.welcome(PATIENCE)
        answer = self._client.next(PATIENCE)
        if answer is None or answer[0] != frames.WORD:
            raise NoAnswerError("it ended before it began")
        word, _, rest = answer[1].decode("utf-8", "replace").partition(" ")
        if word == "lost":
            raise LostError(rest)
        return self._client

    def abandon(self) -> None:
        """There will be no plan."""
        self._reap()
        self._client.close()

    def _reap(self) -> None:
        if self._fork:
            os.waitpid(self._fork, 0)
            self._fork = 0


def prepare() -> Handle:
    """Fork guardian and daemon; costs the caller one small fork. Call it while there is one thread and no lock held."""
    ours, theirs = sockets.pair()
    fork = os.fork()
    if fork == 0:
        try:
            ours.close()
            _leave(theirs)
        finally:
            os._exit(70)
    theirs.close()
    return Handle(ours, fork)


def _leave(sock: _socket.socket) -> None:
    os.setsid()
    if os.fork():
        os._exit(0)
    testament, bequest = os.pipe()
    group_reader, group_writer = os.pipe()
    daemon = os.fork()
    if daemon == 0:
        _let_go_of_everything(sock.fileno(), bequest, group_reader)
        _become_daemon(sock, bequest, group_reader)
    _ignore_signals()
    os.close(bequest)
    group = _make_group(daemon, group_writer)
    will = b""  # whole when the first processes have been spawned: until then the daemon needs all processors
    while not will.endswith(b"\n") and (more := os.read(testament, _WILL_LIMIT)):
        will += more
    if will:  # else there came no plan, and nothing was started
        _let_go_of_everything()
        from devboot.daemon.process import guardian

        guardian.watch_over(daemon, will, group)
    elif group:
        from devboot.daemon import cgroup

        os.waitpid(daemon, 0)
        cgroup.remove(group)
    os._exit(0)


def _make_group(daemon: int, writer: int) -> str:
    """Move the daemon into a control group of its own while it imports what it needs, and report the group's path."""
    from devboot.daemon import cgroup

    group = cgroup.create(daemon)
    try:  # noqa: SIM105  contextlib costs an import
        os.write(writer, os.fsencode(group))
    except BrokenPipeError:
        pass  # it has ended
    os.close(writer)
    return group


def _become_daemon(sock: _socket.socket, bequest: int, group_reader: int) -> None:
    code = 70
    try:
        import gc

        gc.disable()  # while modules are imported there is nothing to be found
        from devboot.daemon.process.lifecycle import wait_for_plan
        from devboot.supervisor.system import proctable

        code = wait_for_plan(sock, bequest, group_reader, adopts=proctable.become_subreaper())
    finally:
        os._exit(code)


def _let_go_of_everything(*kept: int) -> None:
    """Close all other descriptors, so that no pipe of the caller stays open, and stand where nothing is held."""
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in os.listdir(folder):
        if int(name) > 2 and int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                continue  # the descriptor that listed the folder
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        if standard not in kept:
            os.dup2(nothing, standard)
    if nothing > 2:
        os.close(nothing)
    os.chdir("/")


def _ignore_signals() -> None:
    """The guardian ends when its daemon has: what asks all processes of a user to end asks the daemon too."""
    for number in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM, _signal.SIGQUIT):
        _signal.signal(number, _signal.SIG_IGN)
