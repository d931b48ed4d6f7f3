"""Main program of the daemon process: waits for its plan, locks the project, serves clients until all is down."""

from __future__ import annotations

import errno
import gc
import marshal
import os
import sys
import time

# All modules are imported soon, here or in `import_the_rest`, so that an upgrade can't break a running daemon.
from devboot import __version__
from devboot.daemon import leases, ownership, search
from devboot.daemon.clients.request import checked, parse_request
from devboot.daemon.leases import DaemonLease
from devboot.daemon.process import crash_report
from devboot.daemon.process.signals import watch_signals
from devboot.daemon.process.strays import Strays
from devboot.daemon.server import early_spawns
from devboot.errors import BusyError, DevbootError, MachineError, shell_word
from devboot.files import atomic_write, machine_error, plain
from devboot.locks import Holder, is_folder_held, is_locked, read_holder
from devboot.model import process as model
from devboot.paths import runtime_directory, socket_path
from devboot.supervisor.core.supervisor import Supervisor
from devboot.supervisor.event_loop import Loop
from devboot.supervisor.system import proctable
from devboot.supervisor.system.process_tree import MARKER
from devboot.wire import frames, greeting, sockets
from devboot.wire.frames import frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Iterable, Mapping

    from devboot.daemon.clients.request import Request
    from devboot.daemon.leases import ChildLease, ChildrenBook
    from devboot.daemon.ownership import Ownership
    from devboot.daemon.server.server import Server

# In order of dependency; together they take as long to import as everything else in the daemon.
_LATER = (
    *("devboot.supervisor.probes.prober", "devboot.supervisor.probes.watchdog", "devboot.supervisor.probes.sd_notify"),
    "devboot.supervisor.probes.access_lines",
    *(
        "devboot.daemon.orphan_cleanup",
        "devboot.supervisor.system.memory",
        "devboot.supervisor.explain.spawn_errors",
        "devboot.supervisor.explain.stalled_start",
        "devboot.supervisor.core.schedule_timer",
        "devboot.supervisor.probes.target",
        "devboot.supervisor.core.name_patterns",
        "devboot.supervisor.watch.reload_loop",
        "devboot.supervisor.output.log_reader",
        "devboot.supervisor.last_failure",
        "devboot.supervisor.last_success",
        "devboot.text.masking",
    ),
    *("traceback", "tokenize", "zlib", "unicodedata"),
    *(
        "collections",
        "heapq",
        "enum",
        "signal",
        "functools",
        "re",
        "fnmatch",
        "json",
        "devboot.supervisor.explain.observed",
    ),
    *(
        "devboot.supervisor.explain.missing_programs",
        "devboot.environment.ports.holders",
        "devboot.environment.ports.holder_advice",
        "devboot.supervisor.explain.port_conflict",
    ),
)
_IMPORT_AFTER = 0.3  # seconds after the first spawns: a server that is ready sooner is reported without a delay
_IMPORT_AGAIN = 1.0  # seconds until an import is retried
_GROUP_PATIENCE = 1000  # milliseconds
_LOCK_PATIENCE = 20.0  # seconds to wait for `down` to clean up, or for a daemon to end
_RECLAIM_LIMIT = 20.0  # seconds for ending leftovers, less than the client's `fork.PATIENCE`
_LOOK_AFTER = 5.0  # seconds between checks that lease and socket exist


def wait_for_plan(sock: _socket.socket, handoff: int, group_reader: int, *, adopts: bool) -> int:
    """Run the project whose plan arrives through `sock`; return the exit code of the process, 0 without a plan.

    `adopts`: this process is a subreaper. `handoff` is a pipe to the guardian, `group_reader` a pipe on which the
    guardian sends the path of the control group.
    """
    sys.argv[:1] = ["devboot"]  # clients rewrite commands as they were called: `text.invocation`
    received = _receive(sock)
    if received is None:
        return 0
    plain, message = received
    request, state = parse_request(message), ""
    sock.sendall(frame(frames.HELLO, greeting.greeting(__version__)))
    try:
        plan = checked(plain)
        state = plan.state
        del received, plain  # else they are kept as long as the daemon runs
        return DaemonRun(plan, handoff, _group(group_reader), adopts=adopts).serve(sock, request)
    except Exception as error:  # noqa: BLE001  whatever it is, the caller has to be told, and the trace has to be kept
        _report(sock, *told(error, state, colour=request.view.colour_err))
    return 70


def _group(reader: int) -> str:
    """Read the path of the daemon's control group from the guardian.

    "" if there is none, or if the guardian is stopped.
    """
    import select

    poll = select.poll()
    poll.register(reader, select.POLLIN)
    path = os.read(reader, 4096) if poll.poll(_GROUP_PATIENCE) else b""
    os.close(reader)
    return os.fsdecode(path)


def import_the_rest(loop: Loop, names: tuple[str, ...]) -> None:
    """Import the modules `names`, one per turn of the loop, while the processes start."""
    try:
        __import__(names[0])
    except OSError:  # out of descriptors
        loop.call_later(_IMPORT_AGAIN, lambda: import_the_rest(loop, names))
        return
    if names[1:]:
        loop.call_later(0, lambda: import_the_rest(loop, names[1:]))
    else:
        # Objects that exist now live for ever: exempt them, so that the collector neither visits them nor postpones a
        # collection until there is a quarter as much garbage.
        gc.freeze()
        gc.enable()


def _receive(sock: _socket.socket) -> tuple[tuple[object, ...], Mapping[str, object]] | None:
    reader = frames.FrameReader(256 * 1024 * 1024)
    while data := sock.recv(sockets.CHUNK):
        for kind, payload in reader.feed(data):
            if kind == frames.LAUNCH:
                return marshal.loads(payload)  # type: ignore[no-any-return]  # noqa: S302  from the process we were forked from
    return None


def told(error: Exception, state: str, *, colour: bool) -> tuple[str, int]:
    """Return an exception's message for the user and the exit code; an unexpected exception is reported as a bug."""
    from devboot.text.problems import render_problem

    told = crash_report.explain(error, state)
    if told is None:
        path = crash_report.keep_trace(state, error, fresh=True)
        told = crash_report.mistake(error, path, kept="nothing is left running")
    return render_problem(told, colour=colour), told.exit_code


def _report(sock: _socket.socket, text: str, code: int) -> None:
    try:
        sock.setblocking(True)
        answer = [(frames.WORD, b"failed"), (frames.ERR, text.encode("utf-8", "replace")), (frames.EXIT, b"%d" % code)]
        sock.sendall(b"".join(frame(kind, payload) for kind, payload in answer))
    except OSError:
        return  # the caller has ended


def data_in_use(data: str, pids: Iterable[int]) -> BusyError:
    """Return the error for a data folder that is locked by these processes, none of which is a daemon."""
    known = sorted(pids)
    who = ", ".join(f"pid {pid} ({proctable.name_of(pid)})" for pid in known) or "another process"
    return BusyError(
        "state/data-in-use",
        "another process uses the project's data folder",
        causes=[f"{who} holds the lock of `{data}`"],
        help=[f"ps -fp {','.join(map(str, known))}" if known else f"fuser -v {shell_word(data)}"],
        kept=["nothing was started"],
    )


def _content(path: str) -> bytes:
    if not path:
        return b""
    try:
        with open(path, "rb", buffering=0, opener=plain) as file:
            return file.read(64 * 1024) or b""
    except OSError:
        return b""


def no_socket(path: str, error: OSError) -> MachineError:
    """Return the error for a socket that can't be created at `path`, as in some shared or network folders."""
    if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EINVAL):
        return machine_error(error, path, "listen at")
    return MachineError(
        "machine/no-unix-sockets",
        f"the filesystem of `{os.path.dirname(path)}` doesn't support Unix sockets",
        causes=[(error.strerror or "").lower()],
        help=["export DEVBOOT_HOME=/a/short/path/on/a/local/disk"],
    )


class DaemonRun:
    """One run of a project by this daemon: takes lock, socket and leases, and releases them in a safe order."""

    def __init__(self, plan: model.Plan, handoff: int, group: str, *, adopts: bool) -> None:
        self._plan = plan
        self._group = group
        self._strays: Strays | None = None
        self._kept: list[ChildLease] = []  # of an earlier run, which could not be ended
        self._handoff = handoff
        self._adopts = adopts
        self._since = time.time()
        self._marker = ""
        me = proctable.look(os.getpid())
        self.guardian = None if me is None else proctable.forked_from(me, proctable.look(me.parent))
        self.owned: Ownership | None = None
        self.socket = ""
        self.listener: _socket.socket | None = None
        self.book: ChildrenBook | None = None
        self.server: Server | None = None  # set before the loop runs
        self._record = b""  # content of the state folder's record

    def serve(self, sock: _socket.socket, request: Request) -> int:
        """Run the project until it is down, and return the exit code; do nothing if another daemon runs the project."""
        state = self._plan.state
        has_run = os.path.lexists(leases.lock_path(state))
        os.makedirs(leases.run_directory(state), mode=0o700, exist_ok=True)
        owned = self.take_ownership()
        if owned is None:
            sock.sendall(frame(frames.WORD, f"lost {self._winner()}".encode()))
            return 0
        self._record = _content(self._plan.record)
        reclaimed = self.reclaim(owned, has_run=has_run)
        if has_run:
            leases.forget_sudden_end(state)
        proctable.hold_reserve()
        loop = Loop()
        loop.on_error = crash_report.Crashes(self._plan.state, self._note)
        self.book = owned.open_book()
        first = early_spawns.EarlyEvents(self.book)
        supervisor = Supervisor(
            loop, self._plan, first, wall_clock=time.time, adopts=self._adopts, run_id=search.new_run_id()
        )
        self._marker = f"{MARKER}={supervisor.run_id}:"
        self.listen(owned)
        self.write_lease(owned)
        self._kept = leases.read_children(leases.strays_path(state))
        self._strays = strays = Strays(loop, supervisor.strays, owned.write_strays, self._kept)

        def child_has_ended() -> None:
            supervisor.reap_orphans()
            strays.look_soon()

        watch_signals(loop, self._signalled, self.refresh, child_has_ended)
        os.write(self._handoff, leases.handoff(self._plan.state, self._grace()))
        sock.sendall(frame(frames.WORD, b"launched"))  # before the spawns: the client handles signals then
        early_spawns.spawn(supervisor, request)
        server = self._serve(supervisor)
        os.write(self._handoff, b"\n")
        connection = server.adopt(sock, greeted=True)
        connection.say(reclaimed)
        from devboot.daemon.server import handlers  # imported with the server

        connection.call(handlers.launch, server, connection, request)
        first.hand_over(supervisor, server)
        loop.call_later(_IMPORT_AFTER, lambda: import_the_rest(loop, _LATER))
        loop.call_later(_LOOK_AFTER, lambda: self._look_after_files(loop))
        loop.run()
        return 0

    def _serve(self, supervisor: Supervisor) -> Server:
        """Create the server and accept clients."""
        from devboot.daemon.server import handlers
        from devboot.daemon.server.server import Server

        assert self.book is not None
        assert self.listener is not None
        sockets.keep_blocks()
        self.server = server = Server(
            supervisor,
            carry_out=handlers.carry_out,
            version=__version__,
            wall_clock=time.time,
            since=self._since,
            book=self.book,
            release=self.release,
            uid=os.getuid(),
        )
        server.listen(self.listener)
        return server

    def take_ownership(self) -> Ownership | None:
        """Take the daemon's lock, waiting a while; return None if a live daemon or another process keeps it."""
        state, data = self._plan.state, self._plan.data
        self.owned = ownership.wait(state, "up", _LOCK_PATIENCE, data, is_hopeless=lambda: self._rival() is not None)
        return self.owned

    def _rival(self) -> DaemonLease | None:
        """Return the lease of another live daemon that runs this project; None if there is none."""
        paths = [leases.daemon_path(self._plan.state)]
        paths += [leases.data_path(self._plan.data)] if self._plan.data else []
        return next((found for path in paths if (found := leases.read_daemon(path)) and found.is_alive), None)

    def _winner(self) -> str:
        """Describe the process that has locked the project.

        Raises BusyError `state/data-in-use` if it is neither a daemon nor a command of devboot.
        """
        rival = self._rival()
        if rival is not None:
            return Holder(rival.pid, "up", float(rival.since)).describe(time.time())
        data = self._plan.data
        if data and is_folder_held(data) and not is_locked(leases.lock_path(self._plan.state)):
            raise data_in_use(data, proctable.lock_holders([data]))
        return read_holder(leases.lock_path(self._plan.state)).describe(time.time())

    def reclaim(self, owned: Ownership, *, has_run: bool) -> str:
        """End the processes of an earlier daemon whose guardian died, too; return a message about them.

        `has_run`: the state folder shows that the project ran before. If not, the files of a daemon may have been
        deleted, and the process table is searched.
        """
        state, data = self._plan.state, self._plan.data
        known = leases.read_daemon(leases.data_path(data)) if data else None
        if known is None and (not has_run or leases.served_folders(data)):
            known = search.find_run(self._plan.root, dict(self._plan.env), state, data)
            known = None if known is not None and known.is_alive else known
        if known is None and not any(os.path.lexists(path(state)) for path in leases.WRITTEN):
            return ""
        from devboot.daemon.orphan_cleanup import reclaim

        ended = reclaim(owned, state, known, limit=_RECLAIM_LIMIT).describe()
        return f"stopped processes that an earlier run had left: {ended}\n" if ended else ""

    def listen(self, owned: Ownership) -> None:
        """Open the listening socket; clients that connect before the server exists wait in its queue.

        Raises MachineError.
        """
        runtime = runtime_directory(dict(self._plan.env), os.getuid())
        self.socket = socket_path(runtime, self._plan.root)
        try:
            self.listener = owned.listen(self.socket)
        except OSError as error:
            raise no_socket(self.socket, error) from error

    def _signalled(self, number: int) -> None:
        assert self.server is not None
        self.server.on_signal(number)

    def refresh(self) -> None:
        """Recreate deleted sockets and leases of this daemon, unless another daemon has the project now."""
        if self.owned is None or not self.owned.renew():
            return
        assert self.server is not None
        assert self.book is not None
        os.makedirs(leases.run_directory(self._plan.state), mode=0o700, exist_ok=True)
        os.makedirs(os.path.dirname(self.socket), mode=0o700, exist_ok=True)
        if self._record and not os.path.lexists(self._plan.record):
            atomic_write(self._plan.record, self._record, mode=0o600, sync=False)
        before, self.listener = self.listener, self.owned.listen(self.socket)  # on failure the old one stays
        self.server.listen(self.listener)
        if before is not None:
            before.close()
        self.write_lease(self.owned)
        self.book.write_again()
        if self._strays is not None:
            self._strays.write_again()

    def _look_after_files(self, loop: Loop) -> None:
        """Check from time to time that the daemon's files exist, and recreate deleted ones."""
        loop.call_later(_LOOK_AFTER, lambda: self._look_after_files(loop))
        if self.owned is None or self.owned.is_published:
            return
        try:
            self.refresh()
        except (OSError, DevbootError):
            return  # a full disk, for instance; it is tried again

    def _note(self, error: DevbootError) -> None:
        if self.server is not None:
            self.server.on_note(error.what, error=error)

    def _grace(self) -> float:
        return max((spec.stop_timeout for spec in self._plan.processes), default=leases.DEFAULT_GRACE)

    def write_lease(self, owned: Ownership) -> None:
        """Write the lease, so that commands find this daemon."""
        me, parent = proctable.look(os.getpid()), self.guardian
        lease = DaemonLease(
            pid=os.getpid(),
            started=me.started if me else "",
            boot=proctable.boot_id(),
            socket=self.socket,
            marker=self._marker,
            version=__version__,
            project=self._plan.project,
            root=self._plan.root,
            since=str(self._since),
            guardian=parent.pid if parent else 0,
            guardian_started=parent.started if parent else "",
            grace=str(self._grace()),
            group=self._group,
            state=self._plan.state,
            data=self._plan.data,
        )
        owned.publish(lease)

    def release(self) -> None:
        """Release the project after everything is down: first remove the lease, then unlock."""
        if self.owned is None:
            return
        if self._strays is not None:
            self._strays.close()
        self.owned.forget()
        if self._kept:  # the next daemon has to know them
            self.owned.write_strays(self._kept)
        if self.listener is not None:  # close it last, so that a client never finds a lease without a socket
            self.listener.close()
        self.owned.release()
