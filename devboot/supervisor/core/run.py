"""One run of a process, from its spawn until all its processes have ended: child, output, probes and termination."""

from __future__ import annotations

import os

from devboot.model import process as model
from devboot.paths import make_socket_folders
from devboot.supervisor.core.settling import QUIET, Settling
from devboot.supervisor.output.line_matcher import LineMatcher
from devboot.supervisor.output.relay import Output
from devboot.supervisor.system import pseudo_terminal, spawn
from devboot.supervisor.system.helper_command import Aside, end_of, reap
from devboot.supervisor.system.process_tree import send
from devboot.supervisor.system.termination import Ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from signal import SIGKILL
    from typing import Protocol

    from devboot.supervisor.event_loop import Timer
    from devboot.supervisor.probes.access_lines import AccessLines
    from devboot.supervisor.probes.prober import Prober
    from devboot.supervisor.probes.sd_notify import Notifications
    from devboot.supervisor.probes.target import Target
    from devboot.supervisor.probes.watchdog import Heartbeat
    from devboot.supervisor.state_machine import End
    from devboot.supervisor.system.command import Launch
    from devboot.supervisor.system.host import Host

    class Owner(Protocol):
        """Receiver of the events of a run; implemented by `Process`."""

        def on_output(self, block: bytes) -> None:
            """Receive a block of output: whole lines, or an unfinished one after a short idle time."""

        def on_probed(self, passed: bool) -> None:
            """Receive a change of the readiness probe's result."""

        def on_not_alive(self, text: str) -> None:
            """Called when the liveness probe has failed as often as its threshold.

            `text` is the message of its last try.
            """

        def on_settled(self) -> None:
            """Called when a run without readiness probe counts as up."""

        def on_exited(self, end: End) -> None:
            """Called when the leader (the spawned process) has exited; its remaining children are being ended."""

        def on_left(self, pids: frozenset[int]) -> None:
            """Receive the pids of children that still ran when the leader exited; SIGTERM was sent to them."""

        def on_killed(self, pids: frozenset[int]) -> None:
            """Receive the pids to which SIGKILL was sent."""

        def on_gone(self, end: End, unkillable: frozenset[int]) -> None:
            """Called when all processes of the run have ended, except for `unkillable` ones, which survived SIGKILL."""

        def on_note(self, text: str) -> None:
            """Receive a message for the user."""
else:
    from _signal import SIGKILL  # the signal package imports enum


_TEMPORARY = "/tmp"  # noqa: S108  names in it can't be guessed
ELSEWHERE = 2.0  # seconds after which to check whether a process that isn't ready listens on a different port
_RARELY = 60.0  # longest time in seconds between checks whether it listens on its assigned port after all
_FOREVER = 1e9  # seconds
_LONGEST_SILENCE = 10**15  # microseconds


class Run:
    """A spawned child with its output, probes and termination.

    The constructor spawns it, and raises OSError if that fails.
    """

    def __init__(
        self,
        host: Host,
        spec: model.ProcessSpec,
        launch: Launch,
        owner: Owner,
        *,
        mark: str,
        env: Mapping[str, str],
        size: tuple[int, int] | None,
        settles_after: float = QUIET,
    ) -> None:
        self._settles_after = settles_after
        self._notifications: Notifications | None = None
        if any(probe is not None and probe.kind == model.NOTIFY for probe in (spec.ready, spec.alive)):
            from devboot.supervisor.probes.sd_notify import VARIABLE, WATCHDOG, Notifications

            self._notifications = Notifications(host.loop, env.get("TMPDIR", _TEMPORARY), self._notified)
            env = {**env, VARIABLE: self._notifications.address}
            if spec.alive is not None and spec.alive.kind == model.NOTIFY:
                env[WATCHDOG] = str(int(_silence(spec.alive) * 1_000_000))
        data = spec.data if spec.kind == model.SERVICE else ""
        try:
            if spec.socket_folders:
                make_socket_folders(spec.socket_folders, spec.socket_owner)
            child = spawn.start(launch, cwd=spec.cwd, env=env, size=size, data=data)
        except OSError:
            if self._notifications is not None:
                self._notifications.close()
            raise
        self.pid = child.pid
        self.spec = spec
        self.started = host.wall_clock()
        self._spawned_at = host.loop.now()
        self._host = host
        self._owner = owner
        self._child = child
        self._env = env if _runs_commands(spec) else {}  # kept by hundreds of processes, it would grow quadratically
        self._mark = mark
        self._ending = Ending(
            host, child.pid, mark, grace=spec.stop_timeout, on_killed=owner.on_killed, on_gone=self._gone
        )
        self._ready: Prober | None = None
        self._alive: Prober | Heartbeat | None = None
        self._matcher: LineMatcher | None = None
        self._access_lines: AccessLines | None = None  # of HTTP probes
        self._stopper: Aside | None = None
        self._settle: Settling | None = None
        self._asking: Timer | None = None
        self._looking: Timer | None = None
        self._is_ready = False
        self._end: End | None = None
        host.children.add(child.pid)
        try:
            self._output = Output(host.loop, child.output, self._deliver, terminal=child.has_terminal)
            host.exits.watch(child.pid, self._exited)
        except BaseException:  # out of descriptors or memory: a child that can't be watched must not run
            self._undo(child)
            raise

    def _undo(self, child: spawn.Child) -> None:
        send((child.pid,), SIGKILL)
        self._host.loop.unwatch(child.output)
        os.close(child.output)
        self._close_slave()
        if self._notifications is not None:
            self._notifications.close()
        self._host.exits.unwatch(child.pid, self._exited)
        self._host.exits.watch(child.pid, lambda pid: reap(self._host, pid))  # it may take its time to die

    def begin(self) -> None:
        """Start the probes. Separate from the constructor, because the first result may be reported at once."""
        probe = self.spec.ready
        if not model.has_gate(self.spec):
            self._settle = Settling(
                self._host,
                self.pid,
                self._owner.on_settled,
                at_least=self._settles_after,
                is_waiting=self._awaits_answer,
            )
        if probe is None:
            self._watch_life()
            return
        if probe.kind in (model.LOG, model.LINE):
            self._matcher = LineMatcher(probe.expect)
        if probe.kind in model.OF_ITSELF and not self.spec.gates:
            self._watch_life()  # it may never listen, but it can hang
            # The first probe is due much later: let other spawns of this turn come first.
            self._asking = self._host.loop.call_later(0, lambda: self._ask(probe, patient=True))
        else:
            self._ask(probe)
            if probe.kind in (model.LISTEN, model.ACCEPT) and probe.port and self.spec.kind == model.PROCESS:
                self._look_later()

    def _awaits_answer(self) -> bool:
        if not self.spec.observed:
            return False
        from devboot.model.observation import awaits_answer

        return awaits_answer(self.spec.observed[1])

    def _look_later(self) -> None:
        self._looking = self._host.loop.call_later(ELSEWHERE, self._wait_until_quiet)

    def _wait_until_quiet(self) -> None:
        """Look for the port where the process listens once it is idle.

        A port opened while it loads may have another purpose.
        """
        self._settle = Settling(self._host, self.pid, self._look_elsewhere, longest=_FOREVER)

    def _look_elsewhere(self) -> None:
        """If the process listens, but not on its assigned port, point the readiness probe to a port where it does."""
        from devboot.supervisor.probes import listen

        found = listen.ports(self._host.watcher, self.pid, self._mark)
        if found and self.probed_port not in found and self._ready is not None:
            self._ready.move(listen.main_port(found))
            self._look_back(ELSEWHERE)
        else:
            self._look_later()

    def _look_back(self, seconds: float) -> None:
        """In `seconds`, check whether the process listens on its assigned port after all.

        Then point the probe back to it.
        """
        self._looking = self._host.loop.call_later(seconds, lambda: self._return_to_port(seconds))

    def _return_to_port(self, seconds: float) -> None:
        from devboot.supervisor.probes import listen

        told = self.spec.ready.port if self.spec.ready is not None else 0
        if self._ready is None or not listen.look(told, self._host.watcher, self.pid, self._mark)[0]:
            self._look_back(min(seconds * 2, _RARELY))
            return
        was_ready = self._is_ready
        self._ready.move(told)
        if was_ready:  # another success changes nothing for the prober, so it would not report it
            self._owner.on_probed(passed=True)

    @property
    def probed_port(self) -> int:
        """Port of the readiness probe; 0 for none."""
        return self._ready.port if self._ready is not None else 0

    def _ask(self, probe: model.Probe, *, patient: bool = False) -> None:
        from devboot.supervisor.probes.prober import Prober

        self._ready = Prober(
            probe,
            self._target(),
            self._probed,
            patient=patient,
            own_port=self.spec.port,
            is_sole=self.spec.kind == model.SERVICE,
            on_ask=self._expecting_line(probe),
        )

    def _expecting_line(self, probe: model.Probe) -> Callable[[], None]:
        """Return the callback to call before each request of an HTTP probe; it keeps that request out of the log."""
        if probe.kind not in (model.HTTP, model.HTTPS):
            return lambda: None
        from devboot.supervisor.probes.access_lines import AccessLines

        lines, loop = self._access_lines or AccessLines(), self._host.loop
        self._access_lines = lines
        return lambda: lines.expect(probe.path or "/", probe.timeout, loop.now())

    def _target(self) -> Target:
        from devboot.supervisor.probes.target import Target

        return Target(self._host, self.pid, self._mark, self.spec.cwd, self._env)

    @property
    def age(self) -> float:
        """Seconds since the spawn."""
        return self._host.loop.now() - self._spawned_at

    @property
    def probe_text(self) -> str:
        """Message of the readiness probe's last try, such as `connection refused`."""
        by_itself = self.spec.ready is not None and self.spec.ready.kind == model.NOTIFY
        asked = self._notifications if by_itself else self._ready
        return asked.text if asked else ""

    @property
    def alive_text(self) -> str:
        """Message of the liveness probe's last try."""
        return self._alive.text if self._alive is not None else ""

    @property
    def terminal(self) -> int:
        """Descriptor of the child's terminal; -1 if there is none or it is closed."""
        return self._output.fd if self._child.has_terminal else -1

    def tap(self, callback: Callable[[bytes], None] | None) -> None:
        """Also pass raw output to `callback` as it arrives; None stops that."""
        self._output.tap = callback

    def hold_output(self, on: bool) -> None:
        """Stop (`on`) or resume reading the child's output; while stopped, the child blocks when it writes."""
        self._output.hold(on)

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of the child's terminal, if there is one."""
        if self.terminal >= 0:
            pseudo_terminal.resize(self.terminal, rows, columns)

    def stop(self) -> None:
        """Send the stop signal to the child, or run the configured stop command."""
        self._quiet()
        if not self.spec.stop_command:
            self._ending.ask(self.spec.stop_signal, leads=self._child.leads)
            return
        self._ending.limit()
        self._stopper = Aside(
            self._host,
            self.spec.stop_command,
            cwd=self.spec.cwd,
            env=self._env,
            limit=self.spec.stop_timeout,
            on_done=self._stop_command_done,
        )

    def force(self) -> None:
        """Send SIGKILL to all processes of the run."""
        self._ending.force()

    def abandon(self) -> None:
        """Send SIGKILL to all processes of the run and release all resources at once; never raises."""
        steps = (self._kill, self._quiet, self._ending.cancel, self._output.drop, self._close_slave, self._reap_later)
        for step in steps:
            try:  # noqa: SIM105  contextlib costs an import
                step()
            except Exception:  # noqa: BLE001, S110  the original error is reported already; the other steps must run
                pass

    def _kill(self) -> None:
        members = {self.pid}
        try:
            members |= self._host.watcher.census().members(self.pid, self._mark)
        finally:
            send(members, SIGKILL)

    def _close_slave(self) -> None:
        if self._child.has_terminal:
            os.close(self._child.slave)

    def _reap_later(self) -> None:
        if self._stopper is not None:
            self._stopper.cancel()
        self._host.exits.unwatch(self.pid, self._exited)
        self._host.exits.watch(self.pid, lambda pid: reap(self._host, pid))

    def _deliver(self, block: bytes) -> None:
        if self._access_lines is not None and not (block := self._access_lines.without(block, self._host.loop.now())):
            return
        self._owner.on_output(block)
        if self._matcher is not None and self._matcher.matches(block):
            self._matcher = None
            self._probed(passed=True)
        elif self._ready is not None:
            self._ready.nudge()

    def _probed(self, passed: bool) -> None:
        self._is_ready = passed
        if passed:
            self._watch_life()
            is_elsewhere = self.spec.ready is not None and self.probed_port not in (0, self.spec.ready.port)
            for waiting in (self._settle, None if is_elsewhere else self._looking):
                if waiting is not None:
                    waiting.cancel()
        self._owner.on_probed(passed)

    def _notified(self, key: str, value: str) -> None:
        """Handle an sd_notify message of the child: READY, WATCHDOG or WATCHDOG_USEC; others are ignored."""
        from devboot.supervisor.probes.watchdog import Heartbeat
        from devboot.text.units import whole_number

        life = self._alive if isinstance(self._alive, Heartbeat) else None
        if (key, value) == ("READY", "1") and self.spec.ready is not None and self.spec.ready.kind == model.NOTIFY:
            self._probed(passed=True)
        elif life is None:
            return
        elif (key, value) == ("WATCHDOG", "1"):
            life.beat()
        elif (key, value) == ("WATCHDOG", "trigger"):
            life.fail()
        elif key == "WATCHDOG_USEC" and (allowed := whole_number(value, _LONGEST_SILENCE)):
            life.allow(allowed / 1_000_000)

    def _watch_life(self) -> None:
        probe = self.spec.alive
        if probe is None or self._alive is not None:
            return
        if probe.kind == model.NOTIFY:
            from devboot.supervisor.probes.watchdog import Heartbeat

            loop, first = self._host.loop, probe.initial_delay
            self._alive = Heartbeat(loop, _silence(probe), lambda: self._answered_alive(passed=False), first=first)
        else:
            from devboot.supervisor.probes.prober import Prober

            expecting = self._expecting_line(probe)
            self._alive = Prober(probe, self._target(), self._answered_alive, passed=True, on_ask=expecting)

    def _answered_alive(self, passed: bool) -> None:
        if not passed and self._alive is not None:
            self._owner.on_not_alive(self._alive.text)

    def _stop_command_done(self, end: End | None, text: str) -> None:
        self._stopper = None
        if end is None or end.code != 0:
            self._owner.on_note(f"stop command failed: {text or 'no output'}")
            if self._end is None:
                self._ending.ask(self.spec.stop_signal, leads=self._child.leads)

    def _quiet(self) -> None:
        """Stop all probes."""
        for prober in (self._ready, self._alive):
            if prober is not None:
                prober.stop()
        self._matcher = None
        if self._notifications is not None:
            self._notifications.close()
        for waiting in (self._settle, self._asking, self._looking):
            if waiting is not None:
                waiting.cancel()

    def _exited(self, pid: int) -> None:
        self._quiet()
        # It isn't reaped yet: while it is a zombie, its pid can't be reused for another session.
        self._end = end_of(pid)
        self._owner.on_exited(self._end)
        left = self._ending.sweep()
        if left:
            self._owner.on_left(left)

    def _gone(self, unkillable: frozenset[int]) -> None:
        if self._stopper is not None:
            self._stopper.cancel()
        self._output.close()
        if self._child.has_terminal:
            os.close(self._child.slave)
        self._host.exits.unwatch(self.pid, self._exited)
        end = self._end or end_of(self.pid)
        reap(self._host, self.pid)
        self._owner.on_gone(end, unkillable)
        self._let_go()

    def _let_go(self) -> None:
        """Break the reference cycles between this run and its parts.

        Otherwise thirty objects per run would wait for the garbage collector, which visits its old generation only
        every ten minutes, and memory would grow until then.
        """
        del self._output, self._ending
        self._ready = self._alive = self._notifications = self._stopper = self._settle = self._asking = None
        self._looking = None


def _runs_commands(spec: model.ProcessSpec) -> bool:
    """Return whether the process has a stop command or a probe that is a command."""
    probes = (spec.ready, spec.alive)
    return bool(spec.stop_command) or any(probe is not None and probe.kind == model.EXEC for probe in probes)


def _silence(probe: model.Probe) -> float:
    """Return after how many seconds without a watchdog message a process counts as hung."""
    return probe.period * max(1, probe.failure_threshold)
