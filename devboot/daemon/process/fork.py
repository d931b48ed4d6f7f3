"""Forks the daemon before anything else happens, so that it inherits no lock, socket, heavy import or descriptor.

    command line ──fork── (exits at once) ──fork── guardian ──fork── daemon, waiting for its plan

The daemon imports its modules while the command line still prepares the plan, then receives the plan through a socket
pair, which becomes the session with its first client. Without a plan, daemon and guardian end with the command line.
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

PATIENCE = 30.0  # seconds; it may have to end leftovers of an earlier run first
_HANDOFF_LIMIT = 64 * 1024


class LostError(Exception):
    """Raised if another daemon already runs the project; the text describes it: `pid 4711 (up, 12 s)`."""


class Handle:
    """A forked daemon that waits for its plan, as seen from the command line."""

    def __init__(self, sock: _socket.socket, fork: int) -> None:
        from devboot.daemon.client import Client  # late: the daemon, forked already, doesn't need it

        self._client = Client(sock)
        self._fork = fork

    def launch(self, plan_plain: tuple[Any, ...], environ: Mapping[str, str], request: Mapping[str, Any]) -> Client:
        """Send the daemon its plan, its environment `environ` and the request of `up`.

        Return the client for the answer. Raises LostError if another daemon was faster, and NoAnswerError if this one
        died.
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
        """End the forked daemon, which has received no plan."""
        self._reap()
        self._client.close()

    def _reap(self) -> None:
        if self._fork:
            os.waitpid(self._fork, 0)
            self._fork = 0


def prepare() -> Handle:
    """Fork guardian and daemon, at the cost of one small fork. Call it with one thread and no lock held."""
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
    handoff_reader, handoff_writer = os.pipe()
    group_reader, group_writer = os.pipe()
    daemon = os.fork()
    if daemon == 0:
        _close_descriptors(sock.fileno(), handoff_writer, group_reader)
        _become_daemon(sock, handoff_writer, group_reader)
    _ignore_signals()
    os.close(handoff_writer)
    group = _make_group(daemon, group_writer)
    handoff = b""  # complete after the first spawns; until then the guardian leaves all processors to the daemon
    while not handoff.endswith(b"\n") and (more := os.read(handoff_reader, _HANDOFF_LIMIT)):
        handoff += more
    if handoff:  # otherwise no plan came, and nothing was started
        _close_descriptors()
        from devboot.daemon.process import guardian

        guardian.watch_over(daemon, handoff, group)
    elif group:
        from devboot.daemon import cgroup

        os.waitpid(daemon, 0)
        cgroup.remove(group)
    os._exit(0)


def _make_group(daemon: int, writer: int) -> str:
    """Move the daemon into a new control group while it imports its modules; write the group's path to `writer`."""
    from devboot.daemon import cgroup

    group = cgroup.create(daemon)
    try:  # noqa: SIM105  contextlib costs an import
        os.write(writer, os.fsencode(group))
    except BrokenPipeError:
        pass  # it has ended
    os.close(writer)
    return group


def _become_daemon(sock: _socket.socket, handoff_writer: int, group_reader: int) -> None:
    code = 70
    try:
        import gc

        gc.disable()  # imports create no garbage
        from devboot.daemon.process.lifecycle import wait_for_plan
        from devboot.supervisor.system import proctable

        code = wait_for_plan(sock, handoff_writer, group_reader, adopts=proctable.become_subreaper())
    finally:
        os._exit(code)


def _close_descriptors(*kept: int) -> None:
    """Close all file descriptors but those `kept`, so that no pipe of the caller stays open, and change to `/`."""
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    for name in os.listdir(folder):
        if int(name) > 2 and int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                continue  # the descriptor used to list the folder
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        if standard not in kept:
            os.dup2(nothing, standard)
    if nothing > 2:
        os.close(nothing)
    os.chdir("/")


def _ignore_signals() -> None:
    """Ignore termination signals in the guardian: it ends after its daemon, which gets the same signals."""
    for number in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM, _signal.SIGQUIT):
        _signal.signal(number, _signal.SIG_IGN)
