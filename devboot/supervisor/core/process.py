"""One supervised process: feeds events to its state machine, carries out the actions, keeps the results of its runs."""

from __future__ import annotations

import os

from devboot.model import process as model
from devboot.model.observation import RECORD, SWITCH
from devboot.supervisor import state_machine as life
from devboot.supervisor.core.run import Run
from devboot.supervisor.core.settling import LONGEST, QUIET
from devboot.supervisor.core.task_stamp import write_stamp
from devboot.supervisor.explain import process_errors
from devboot.supervisor.explain.import_errors import LINES, TROUBLE, WITHIN, broken_code
from devboot.supervisor.output.line_matcher import find_hint, without
from devboot.supervisor.output.log_writer import LogFile, log_path
from devboot.supervisor.output.relay import Tail
from devboot.supervisor.system import pseudo_terminal
from devboot.supervisor.system.command import Launch, launch_of
from devboot.supervisor.system.process_tree import INSIDE, MARKER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devboot.errors import DevbootError, WorkError
    from devboot.supervisor.core.graph import Blocker
    from devboot.supervisor.core.schedule_timer import Timetable
    from devboot.supervisor.event_loop import Timer
    from devboot.supervisor.explain.port_conflict import Conflict
    from devboot.supervisor.explain.stalled_start import Silence
    from devboot.supervisor.system.host import Host
    from devboot.supervisor.watch.reload_loop import ReloadLoop

PORT_IN_USE = "port/in-use"  # slug of the recipes' failure hints for a port that another program has
UNHEARD = 5.0  # seconds after which a process whose port was taken at its start is assumed not to get it
SOON = 5.0  # seconds; a leader that exits earlier and leaves children behind has daemonised


class Surroundings:
    """Shared by all processes of a supervisor: the host, the plan, the terminal size, and callbacks for events."""

    def __init__(
        self,
        host: Host,
        plan: model.Plan,
        *,
        run_id: str,
        size: tuple[int, int],
        on_output: Callable[[str, bytes], None],
        on_note: Callable[[str, WorkError | None], None],
        on_change: Callable[[Process], None],
        make_run: Callable[..., Run] = Run,
    ) -> None:
        self.host = host
        self.plan = plan
        self.run_id = run_id
        self.size = size
        self.on_output = on_output
        self.on_note = on_note
        self.on_change = on_change
        self.make_run = make_run


class Process:
    """A process of the plan and its present run, if any.

    Events reach its state machine by `feed`; changes of its state are reported to the callbacks of `around`.
    """

    # Defaults stand in the class: hundreds of processes that never leave them would take 1.5 KB each.
    run: Run | None = None
    error: WorkError | None = None  # why it is failed or gave-up, or exited with an unexpected code
    parting: WorkError | None = None  # message for an exit that is no failure but was not requested
    blocked: Blocker | None = None  # the dependency that it waits for, while it is waiting
    last_exit: model.LastExit | None = None
    stuck: WorkError | None = None  # why it probably won't become ready
    port_taken = False  # the latest run failed, or can't become ready, because another program has its port
    silence: Silence | None = None
    _reloads: ReloadLoop | None = None  # created at the first reload
    probed = ("", "")  # last results of the readiness and the liveness probe in the previous run
    settled = was_skipped = False
    _is_quiet = False  # it is idle; only an error line in its output keeps it from being settled
    starts = 0  # how often it was spawned, skipped, or couldn't be spawned
    is_wanted_anyway = False  # a task that runs next time even if its stamp is current
    due = 0.0  # on the loop's clock, when backoff ends
    cause = ""  # the reason for a requested restart, if it has one
    timetable: Timetable | None = None  # of a scheduled process
    is_due = False  # a scheduled process may run now
    delay: Timer | None = None
    _forced = _hinted = False
    _broken = ""  # the import error of the previous run
    _conflict: Conflict | None = None  # the port conflict of the previous run
    _was_ready = was_up = False  # in this run; in any run since it was requested
    _port_check: Timer | None = None
    _hung = ""  # the probe's result for a run that was stopped because its liveness probe failed
    _settles_after = QUIET
    _found_port = 0  # the port on which it was seen to listen, if its specification has none or another
    serves_pages = False  # its address has answered an HTTP request

    def __init__(self, spec: model.ProcessSpec, around: Surroundings) -> None:
        self.around = around
        self.host = around.host.within(self.fail)
        self.state = life.State()
        self.tail = Tail()
        self.log = LogFile(log_path(around.plan.state, spec.name), self.host.wall_clock, self.on_note)
        self.take(spec)

    def take(self, spec: model.ProcessSpec) -> None:
        """Replace the specification of the process; a present run keeps the old command and environment."""
        self.spec = spec
        self._found_port = 0
        self.port_taken = False
        self.name = spec.name
        self.mark = f"{self.around.run_id}:{spec.name}"
        by_words = bool(spec.argv) and not spec.command
        self._quiet = tuple(part.encode() for part in spec.quiet)
        self._launch = Launch(spec.argv, leads=True, program=spec.argv[0]) if by_words else launch_of(spec.command)
        self.policy = life.Policy(
            has_probe=spec.kind != model.TASK and model.has_gate(spec),
            restart="never" if spec.kind == model.TASK or spec.exit_ends_all else spec.restart,
            max_restarts=spec.max_restarts,
            window=spec.window,
            expected_exit=spec.expected_exit,
            scheduled=bool(spec.schedule),
        )
        self._take_schedule()

    def _take_schedule(self) -> None:
        if self.timetable is not None and self.timetable.text != self.spec.schedule:
            self.timetable.cancel()
            self.timetable = None
        if self.spec.schedule and self.timetable is None:
            from devboot.supervisor.core.schedule_timer import Timetable

            self.timetable = Timetable(self.host, self.spec.schedule, self.run_now)
            self._plan_run()

    def resize(self, rows: int, columns: int) -> None:
        """Set the terminal size of the present run, if it has a terminal."""
        if self.run is not None:
            self.host.loop.call(self.run.resize, rows, columns)

    def run_now(self) -> None:
        """Run a scheduled process now instead of at its next time; does nothing for other processes."""
        is_next = self.state.phase == model.STOPPING and self.state.then == life.THEN_AGAIN
        if self.timetable is not None and (self.state.phase == model.WAITING or is_next):
            self.timetable.cancel()
            self.is_due = True
            self.around.on_change(self)

    def _plan_run(self) -> None:
        if self.timetable is not None:
            if self.state.phase == model.WAITING and not self.is_due:
                self.timetable.plan()
            else:
                self.timetable.cancel()

    def feed(self, kind: str, end: life.End | None = None) -> None:
        """Pass an event `kind` (a constant of `state_machine`) to the state machine and carry out the resulting action.

        An internal error while doing so fails only this process.
        """
        self.host.loop.call(self._feed, kind, end)

    def _feed(self, kind: str, end: life.End | None) -> None:
        before = self.state.phase
        self.state, action = life.advance(self.state, life.Event(kind, end), self.host.loop.now(), self.policy)
        if before == model.BACKOFF != self.state.phase and self.delay is not None:
            self.delay.cancel()
        if kind == life.STOP:
            self.is_due = self.is_wanted_anyway = False
        self._obey(action)
        if before in (model.STARTING, model.RUNNING) and self.state.phase != before:
            self._hear_no_more()
        self._plan_run()
        self.around.on_change(self)

    def fail(self, error: DevbootError) -> None:
        """Kill the run and mark the process as failed, because of an internal error of devboot."""
        run, self.run = self.run, None
        self.error = process_errors.mistake(self.spec, error)
        self.state = life.failed(self.state)
        self._hear_no_more()
        if self.delay is not None:
            self.delay.cancel()
        if run is not None:
            run.abandon()
        self.around.on_note(self.error.what, self.error)
        self.around.on_change(self)

    def force(self) -> None:
        """Send SIGKILL to all processes of the present run."""
        self.host.loop.call(self._force)

    def _force(self) -> None:
        self._forced = True
        self.feed(life.STOP)
        if self.run is not None:
            self.run.force()

    @property
    def awaits_mending(self) -> bool:
        """True if the process once was up, then used up its restarts, and starts again when a watched file changes."""
        return self.was_up and self.state.phase == model.GAVE_UP and bool(self.spec.watch)

    @property
    def port(self) -> int:
        """Port on which the process listens: the observed one, else that of its specification; 0 if unknown."""
        return self._found_port or self.spec.port

    @property
    def address(self) -> str:
        """Address of the process for users, such as `127.0.0.1:8000`; "" if unknown."""
        return f"127.0.0.1:{self._found_port}" if self._found_port else self.spec.address

    @property
    def scheme(self) -> str:
        """URL scheme of the process' address, such as `http`; "" unless the process is known to serve pages."""
        return self.spec.scheme or ("http" if self.serves_pages else "")

    def _find_port(self) -> None:
        """Look up the port on which the run really listens, and report it to the user if the plan has another one."""
        ready = self.spec.ready
        moved = self.run is not None and ready is not None and self.run.probed_port not in (0, ready.port)
        is_known = ready is not None and ready.kind in ("listen", "accept") and ready.port and self._was_ready
        is_known = is_known and not moved
        if is_known and self._found_port:
            self._found_port = 0
            self.on_note(f"listens on {self.spec.port}, as set in PORT")
        if self.run is None or self.spec.kind != model.PROCESS or is_known or (ready and ready.kind == "line"):
            return
        from devboot.supervisor.probes import listen

        found = listen.ports(self.host.watcher, self.run.pid, self.mark)
        if found and (not self.spec.address or self.spec.port not in found):
            self._found_port = listen.main_port(found)
        if moved and found:
            place = self._place_of_bind()
            self.on_note(f"listens on {self._found_port}{place}, not on {self.spec.port} as set in PORT")

    def _place_of_bind(self) -> str:
        from devboot.model.observation import BIND, read_observations

        seen = read_observations(self.spec.observed[1]) if self.spec.observed else ()
        return next((each.where for each in seen if each.kind == BIND and each.port == self._found_port), "")

    @property
    def has_served(self) -> bool:
        """True if the present run has become ready, or if the process has no readiness probe."""
        return self._was_ready or not self.policy.has_probe

    @property
    def _is_starting(self) -> bool:
        """True while the present run is neither ready nor, without a probe, alive long enough to count as up."""
        is_unproven = not (self.settled or model.has_gate(self.spec))
        return self.state.phase == model.STARTING or (self.state.phase == model.RUNNING and is_unproven)

    def environment(self) -> dict[str, str]:
        """Return the environment variables that the next run of the process will have."""
        env = dict(model.environment_of(self.around.plan, self.spec))
        env[MARKER] = self.mark
        env[INSIDE] = self.around.plan.root
        env["PWD"] = self.spec.cwd
        if self.spec.observed and env.get(SWITCH) != "0":
            modules, env[RECORD] = self.spec.observed
            env["PYTHONPATH"] = os.pathsep.join(filter(None, (modules, env.get("PYTHONPATH", ""))))
        if self._has_terminal:
            env["TERM"] = pseudo_terminal.terminal_type(env.get("TERM"))
            for name in ("COLUMNS", "LINES"):  # they would override the terminal's size
                env.pop(name, None)
        else:
            env.setdefault("PYTHONUNBUFFERED", "1")  # else output through a pipe is held back in blocks
        return env

    @property
    def _has_terminal(self) -> bool:
        return self.spec.pty and self.spec.kind == model.PROCESS

    def _obey(self, action: life.Action) -> None:
        if action.kind == life.SPAWN:
            self.spawn()
        elif action.kind == life.SIGNAL and self.run is not None:
            self.run.stop()
        elif action.kind == life.DELAY:
            self.cause, self._hung = f"it hung: {self._hung}" if self._hung else "", ""
            self.due = self.host.loop.now() + action.seconds
            self.delay = self.host.loop.call_later(action.seconds, lambda: self.feed(life.DUE))
        elif action.kind == life.GIVE_UP:
            tail = self.tail.lines(process_errors.TAIL_LINES)
            is_hopeless = self.state.then == life.THEN_GIVEN_UP
            known = self._why_hopeless(tail) if is_hopeless else None
            self.error, self._broken = known or process_errors.crash_loop(self.spec, self.state, tail), ""
            self.around.on_note(self.error.what, self.error)

    def spawn(self) -> None:
        """Begin a run; a task that is marked with `skip` counts as succeeded without one."""
        self.error, self.settled, self._forced, self._hinted, self.is_due = None, False, False, False, False
        self.parting, self._was_ready, self._is_quiet, self.port_taken = None, False, False, False
        self.starts += 1
        self.was_skipped = bool(self.spec.skip) and not self.is_wanted_anyway
        self.is_wanted_anyway = False
        if self.was_skipped:
            self.feed(life.SKIP)
            return
        self.tail.clear()
        self._forget_observations()
        env = self.environment()
        size = self.around.size if self._has_terminal else None
        try:
            self.run = self.around.make_run(
                self.host,
                self.spec,
                self._launch,
                self,
                mark=self.mark,
                env=env,
                size=size,
                settles_after=self._settles_after,
            )
        except OSError as error:
            self._could_not_start(error, env)
            return
        self.feed(life.SPAWNED)
        self.run.begin()
        if self._needs_port:
            self._port_check = self.host.loop.call_later(0, self._check_port)

    def _forget_observations(self) -> None:
        """Remove the observations recorded in the previous run."""
        for path in self.spec.observed[1:]:
            try:  # noqa: SIM105  contextlib costs an import
                os.unlink(path)
            except OSError:
                pass

    def _could_not_start(self, error: OSError, env: Mapping[str, str], program: str = "") -> None:
        from devboot.supervisor.explain import spawn_errors

        program = program or self._launch.program or self._launch.argv[0]
        spec = self.spec
        self.error = spawn_errors.explain(
            error, name=self.name, program=program, cwd=spec.cwd, env=env, command=spec.command, origin=spec.origin
        )
        self.around.on_note(self.error.what, self.error)
        self.feed(life.SPAWN_FAILED)

    @property
    def _needs_port(self) -> bool:
        """True if the process only counts as up when it listens on the port that its specification has."""
        return self.spec.port != 0 and (self.spec.kind == model.SERVICE or self.spec.gates)

    def _check_port(self) -> None:
        """If another program listens on the process' port, check again later.

        Until it leaves, the process can't become ready.
        """
        from devboot.supervisor.probes import listen  # after the first spawn

        if listen.is_taken(self.spec.port, self.host.watcher):
            self._port_check = self.host.loop.call_later(UNHEARD, self._look_at_port_again)

    def _look_at_port_again(self) -> None:
        if self.state.phase == model.STARTING:
            self._look_at_port()

    def _look_at_port(self, tail: tuple[str, ...] = ()) -> None:
        """Set `port_taken` if a program outside of devboot listens on the port that this unready process needs."""
        if not self._needs_port or model.fixed_port(self.spec):
            return
        from devboot.supervisor.probes import listen

        is_strangers = listen.is_strangers(self.spec.port, self.host.watcher, self.around.run_id)
        known = find_hint(self.spec.failure_hints, "\n".join(tail).encode()) if is_strangers is None else None
        # A hint without a listener is about another port of the service, or about one that was just released
        self.port_taken = is_strangers or (known is not None and known[0].slug == PORT_IN_USE)
        if self.port_taken:
            self.around.on_change(self)

    def _is_port_held(self, tail: tuple[str, ...]) -> bool:
        """Return whether the ended run could not listen because another program has its port.

        A program of the same project may be about to release the port, so it counts only the second time in a row.
        """
        before, self._conflict = self._conflict, self._find_conflict(tail)
        holder = self._conflict.holder if self._conflict is not None else None
        return holder is not None and (before is not None or holder.root != self.around.plan.root)

    def _why_not_listening(self, tail: tuple[str, ...]) -> WorkError | None:
        return None if self._conflict is None else process_errors.cannot_listen(self.spec, self._conflict, tail)

    def _find_conflict(self, tail: tuple[str, ...]) -> Conflict | None:
        """Return the port conflict that ended the run, if only an edit of the project can resolve it.

        None otherwise.
        """
        if self.spec.kind != model.PROCESS:
            return None
        from devboot.supervisor.explain.port_conflict import port_conflict
        from devboot.supervisor.probes import listen

        found = port_conflict(self.spec, tail, lambda port: listen.is_taken(port, self.host.watcher))
        is_movable = found is not None and str(found.port) == dict(self.spec.env).get("PORT")
        is_own = found is not None and found.holder.process == self.name and found.holder.root == self.around.plan.root
        return None if is_movable or is_own else found

    # -- events of its run: see run.Owner ------------------------------------------------------------------------

    def on_output(self, block: bytes) -> None:
        """Log a block of output and pass it on.

        Search it for reloads, start-up errors and failure hints of the recipe.
        """
        if self._quiet and not (block := without(block, self._quiet)):
            return
        self.log.write(block)
        self.tail.add(block)
        self.around.on_output(self.name, block)
        if b"eload" in block or b"demon" in block:  # most output has neither "reload" nor "nodemon"
            self._count_reloads(block)
        if self._is_starting:
            self.heed(block)
        if self.state.phase == model.STOPPING and self.spec.failure_hints and not self._hinted:
            error = process_errors.hint(self.spec, block)
            if error is not None:
                self._hinted = True
                self.around.on_note(error.what, error)

    def _count_reloads(self, block: bytes) -> None:
        from devboot.supervisor.watch.reload_loop import reloads_in

        for path in reloads_in(block):
            self.count_reload(path)

    def count_reload(self, path: str) -> None:
        """Count a reload caused by a file, and report a reload loop when it is first detected."""
        from devboot.supervisor.watch.reload_loop import ReloadLoop

        self._reloads = self._reloads or ReloadLoop()
        if text := self._reloads.count(path, self.host.loop.now()):
            self.log.write(f"devboot: {text}\n".encode())
            self.on_note(text)
            self.around.on_change(self)

    @property
    def reload_note(self) -> str:
        """A sentence about the reload loop that the process is in; "" if there is none."""
        return self._reloads.note(self.host.loop.now()) if self._reloads is not None else ""

    def heed(self, block: bytes) -> None:
        """Look for errors in output of a starting process; after one, watch whether the process stalls."""
        if self.stuck is not None:
            self.stuck = None
            self.around.on_change(self)
        if self.silence is not None:
            self.silence.begin_anew()
        # Up to 5 bytes are found four times as fast in a big block as longer words
        elif self.run is not None and any(word[:5] in block and word in block for word in TROUBLE):
            from devboot.supervisor.explain.stalled_start import Silence

            self.silence = Silence(
                self.host,
                self.run.pid,
                self.tail,
                self._on_stuck,
                on_calm=self._settle_if_quiet,
                only_broken=not model.has_gate(self.spec),
            )

    def _on_stuck(self, line: str) -> None:
        tail = self.tail.lines(process_errors.TAIL_LINES)
        self._conflict = self._find_conflict(tail)
        self.stuck = self._why_not_listening(tail) or process_errors.not_ready(self.spec, line, tail)
        self.around.on_note(self.stuck.what, self.stuck)
        self._look_at_port()
        self.around.on_change(self)

    def _hear_no_more(self) -> None:
        self.stuck = None
        if self._port_check is not None:
            self._port_check.cancel()
            self._port_check = None
        if self.silence is not None:
            self.silence.end()
            self.silence = None

    def on_probed(self, passed: bool) -> None:
        """Mark the process as ready or unready: its readiness probe now passes, or fails."""
        self.port_taken = self.port_taken and not passed
        self._was_ready = self._was_ready or passed
        if passed:
            self._find_port()
        self.feed(life.PROBE_PASSED if passed else life.PROBE_FAILED)

    def on_not_alive(self, text: str) -> None:
        """Stop the run and count it as a failure: its liveness probe has failed with the message `text`."""
        self._hung = text or "no answer"
        self.on_note(f"liveness probe failed: {self._hung}")
        self.feed(life.ALIVE_FAILED)

    def on_settled(self) -> None:
        """Count the run as up, unless it has just written that its code can't be loaded."""
        self._is_quiet = True
        if self.stuck is None and (self.silence is None or not self.silence.is_waiting):
            self._settle_if_quiet()

    def _settle_if_quiet(self) -> None:
        if self._is_quiet and not self.settled:
            self.settled = True
            self._find_port()
            self._hear_no_more()
            self.around.on_change(self)

    def on_exited(self, end: life.End) -> None:
        """Record how the leader (the first process of the run) ended, and continue as its restart policy says."""
        self.last_exit = model.LastExit(end.code, end.signal, self.host.wall_clock())
        self.feed(life.EXITED, end)

    def on_left(self, pids: frozenset[int]) -> None:
        """Report to the user the children that the exited leader left running; SIGTERM was already sent to them.

        If the leader exited with 0 early, it has daemonised: the report says so.
        """
        by_itself = self.state.then == life.THEN_JUDGED and self.state.end == life.End(0)
        if by_itself and self.run is not None and self.run.age < SOON and self.spec.kind != model.TASK:
            error = process_errors.daemonised(self.spec, len(pids))
            self.parting = error
            self.around.on_note(error.what, error)

    def on_killed(self, pids: frozenset[int]) -> None:
        """Report to the user that these processes got SIGKILL, by a forced stop or after the grace period."""
        pid = self.run.pid if self.run else 0
        limit = process_errors.seconds(self.spec.stop_timeout)
        if self._forced:
            self.on_note(f"killed ({process_errors.family(pid, len(pids - {pid}))})")
        elif self.state.then == life.THEN_JUDGED:
            self.on_note(f"left processes that did not stop in {limit}, killed (pid {process_errors.pids(pids)})")
        else:
            self.around.on_note(f"{self.name} did not stop in {limit}, killed", None)

    def on_gone(self, end: life.End, unkillable: frozenset[int]) -> None:
        """Handle the end of a run, once all its processes have ended: build its error, decide about a restart."""
        age = self.run.age if self.run else 0.0
        self.probed = (self.run.probe_text, self.run.alive_text) if self.run else self.probed
        self.run, self._settles_after = None, QUIET
        self.was_up = self.was_up or self._was_ready or age >= LONGEST
        if unkillable:
            self.on_note(f"could not be killed: pid {process_errors.pids(unkillable)}")
        if self.state.end is None:  # it could not be killed, so it has no exit
            self.feed(life.EXITED, end)
        if self.state.then == life.THEN_JUDGED:
            if (missing := self._why_not_found(end)) is not None:
                self._could_not_start(missing[0], self.environment(), missing[1])
                return
            if life.is_expected(end, self.policy):
                self._leave_stamp()
                if self.spec.kind != model.TASK and self.parting is None:
                    tail = self.tail.lines(process_errors.TAIL_LINES)
                    self.parting = process_errors.parted(self.spec, end, age, tail, was_up=self.has_served)
                    if self.policy.restart == "on-failure" and not self.spec.schedule:
                        self.around.on_note(self.parting.what, None)
            else:
                # A run that crashed after a second isn't up when the next one has lived for a second
                self._settles_after = min(QUIET + 2 * age, LONGEST)
                tail = self.tail.lines(process_errors.TAIL_LINES)
                self._look_at_port(tail)
                before, self._broken = self._broken, self._broken_code(age)
                is_broken = bool(before) and before == self._broken and end.signal is None
                if is_broken or self._is_port_held(tail) or process_errors.hopeless(self.spec, tail) is not None:
                    self.feed(life.HOPELESS)
                self.error = self._why_not_listening(tail) or process_errors.ended(self.spec, end, tail)
                if self.spec.schedule:  # its next run would hide the error
                    self.around.on_note(self.error.what, self.error)
        self.feed(life.GONE)

    def on_note(self, text: str) -> None:
        """Report a message about this process to the user."""
        self.around.on_note(f"{self.name}: {text}", None)

    def _broken_code(self, age: float) -> str:
        """Return the output line by which the ended run would fail again: an import error, or something missing.

        It is "" for a run that was ready or lived long, or ended with another error.
        """
        if self._was_ready or age > WITHIN:
            return ""
        lack = process_errors.lasting_lack(self.spec, self.tail.lines(process_errors.TAIL_LINES))
        return broken_code(self.tail.lines(LINES)) or lack

    def _why_hopeless(self, tail: tuple[str, ...]) -> WorkError | None:
        known = process_errors.hopeless(self.spec, tail) or self._why_not_listening(tail)
        return process_errors.cannot_load(self.spec, self._broken, tail) if known is None and self._broken else known

    def _why_not_found(self, end: life.End) -> tuple[OSError, str] | None:
        """Return the OSError of a missing program, and its name, if that explains exit code 126 or 127.

        The program may be the interpreter in a script's first line. Check that it is really missing: the project's own
        programs may use these codes, too.
        """
        if end.code not in (126, 127):
            return None
        from devboot.supervisor.explain import spawn_errors

        env = self.environment()
        for program in (
            self._launch.program,
            spawn_errors.named_as_missing(self.tail.lines(process_errors.TAIL_LINES)),
        ):
            if program and (error := spawn_errors.missing(program, cwd=self.spec.cwd, env=env)):
                return error, program
        return None

    def _leave_stamp(self) -> None:
        stamp = [*self.spec.stamp, *self.spec.stamp_databases] or [*self.spec.record]
        if stamp:
            path, text, *databases = stamp
            try:
                write_stamp(path, text, databases)
            except OSError as error:
                why = f"{error.strerror or error} ({path})"
                self.on_note(f"its success could not be recorded, so it runs again next time: {why}")
