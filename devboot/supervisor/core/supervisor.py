"""Supervisor of all processes of one plan: starts them in order of dependencies, stops them in reverse, reports events.

A change of a process only marks the process as changed. Once per turn of the loop, `_review` works out the consequences
for other processes, so that nothing here recurses through the dependency graph.
"""

from __future__ import annotations

import os

from devboot.model import process as model
from devboot.supervisor import state_machine as life
from devboot.supervisor.core import graph, planning, process_status
from devboot.supervisor.core.planning import Changes
from devboot.supervisor.core.process import Process, Surroundings
from devboot.supervisor.core.run import Run
from devboot.supervisor.core.task_stamp import looked_at
from devboot.supervisor.explain import process_errors
from devboot.supervisor.system import proctable
from devboot.supervisor.system.child_exits import Exits
from devboot.supervisor.system.host import Host
from devboot.supervisor.system.limits import make_room
from devboot.supervisor.system.membership import Watcher
from devboot.supervisor.system.orphans import Orphans
from devboot.supervisor.system.pseudo_terminal import DEFAULT_SIZE
from devboot.supervisor.watch.watch_child import Watches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devboot.errors import DevbootError
    from devboot.supervisor.core.listener import Listener
    from devboot.supervisor.event_loop import Loop

SPAWNS_A_TURN = 8  # a spawn blocks the loop for a millisecond


class Supervisor:
    """Supervises the processes of a plan on a loop; `run_id` is part of the marker in each child's environment.

    `adopts`: this program is a subreaper. The caller then has to call `reap_orphans` on SIGCHLD.
    """

    def __init__(
        self,
        loop: Loop,
        plan: model.Plan,
        listener: Listener,
        *,
        wall_clock: Callable[[], float],
        columns: int = 0,
        rows: int = 0,
        run_id: str = "",
        adopts: bool = False,
        make_run: Callable[..., Run] = Run,
    ) -> None:
        self.run_id = run_id or os.urandom(8).hex()
        self.ended_by: model.ProcessStatus | None = None  # the `exit_ends_all` process that ended everything
        self.loop = loop
        self._plan = plan
        self._listener = listener
        children: set[int] = set()
        self._exits = Exits(loop)
        self._host = Host(loop, self._exits, Watcher(loop, children, adopts=adopts), wall_clock, children)
        self._orphans = Orphans(self._host) if adopts else None
        self._around = Surroundings(
            self._host,
            plan,
            run_id=self.run_id,
            size=(rows, columns) if rows > 0 and columns > 0 else DEFAULT_SIZE,
            on_output=self._output,
            on_note=self._note,
            on_change=self._changed,
            make_run=make_run,
        )
        self.watches = Watches(
            self._host,
            run_id=self.run_id,
            root=plan.root,
            on_changed=self._files_changed,
            on_note=self._note,
        )
        make_room(len(plan.processes))
        self._processes = {spec.name: Process(spec, self._around) for spec in looked_at(plan).processes}
        self._removed: set[str] = set()
        self._free: set[str] = set()  # processes that start without their dependencies
        self._told: dict[str, tuple[model.ProcessStatus, int]] = {}  # the last reported status and number of starts
        self._dirty: set[str] = set()
        self._reviewing = False
        self._settled = self._finished = True
        self._shutting_down = False

    def report_to(self, listener: Listener) -> None:
        """Send events to this listener from now on, instead of the previous one."""
        self._listener = listener

    # -- queries -----------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> model.Plan:
        """The plan that is being run."""
        return self._plan

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all processes, in the plan's order."""
        return tuple(self._processes)

    @property
    def is_shutting_down(self) -> bool:
        """True after `shutdown` or `force`, whether called or caused by `exit_ends_all`."""
        return self._shutting_down

    @property
    def is_acting(self) -> bool:
        """True if work is scheduled for the next turn of the loop, such as spawning the next processes."""
        return self._reviewing

    @property
    def has_settled(self) -> bool:
        """True if no process is waiting, starting or in backoff."""
        return self._settled

    @property
    def has_finished(self) -> bool:
        """True if no process or service is running and none will start again on its own."""
        return self._finished

    @property
    def has_ended(self) -> bool:
        """True if no process of the Procfile is running or will start again; services may still be running."""
        return process_status.have_ended(self._processes.values())

    def process(self, name: str) -> Process:
        """Return the process with this name. Raises KeyError."""
        return self._processes[name]

    def statuses(self, *, memory_too: bool = False) -> tuple[model.ProcessStatus, ...]:
        """Return the rows of `ps` in the plan's order.

        `memory_too` adds memory use, which needs a scan of all processes.
        """
        memory = self._memory if memory_too else lambda _process: None
        return tuple(process_status.status(each, memory=memory(each)) for each in self._processes.values())

    def verdict(self, *, final: bool = False) -> process_status.Verdict:
        """Return whether everything is up. `final`: the wait is over, so pending processes count as failed."""
        return process_status.verdict(self._processes.values(), final=final)

    # -- commands ----------------------------------------------------------------------------------------------------

    def up(self, names: tuple[str, ...] = (), *, dependencies: bool = True, anyway: bool = False) -> None:
        """Start those of `names` that aren't running, with their dependencies.

        By default all that `planning.roots` returns. `anyway`: tasks among `names` run even if their stamps are
        current. Does nothing once a shutdown has begun; so do `start`, `restart` and `apply`.
        """
        if self._shutting_down:
            return
        roots = names or planning.roots(self._processes)
        wanted = graph.closure(roots, self._by_name()) if dependencies else frozenset(roots)
        wanted -= self._removed
        self._free = self._free - wanted if dependencies else self._free | wanted
        self._begin()
        for name in planning.to_start(self._processes, wanted, frozenset(names)):
            self._processes[name].feed(life.START)
        for name in names:
            self._processes[name].is_wanted_anyway = anyway
            self._processes[name].run_now()
        self._schedule_review()

    def start(self, names: Iterable[str]) -> None:
        """Start these processes, services or tasks, with their dependencies."""
        self.up(tuple(names), anyway=True)

    def stop(self, names: Iterable[str]) -> None:
        """Stop these processes, but not those that depend on them."""
        for name in names:
            self._processes[name].feed(life.STOP)

    def restart(self, names: Iterable[str], cause: str = "") -> None:
        """Stop and start these processes and those that restart with them (`cascade`); also start their dependencies.

        `cause` is the reason to show, such as `web.py changed`. A requested restart never counts as a failure.
        """
        if self._shutting_down:
            return
        self._begin()
        asked = frozenset(names)
        names = planning.cascade(self._processes, asked)
        for name in names:
            process = self._processes[name]
            process.cause = cause if name in asked else f"restarted with {', '.join(sorted(asked))}"
            process.feed(life.RESTART)
            process.is_wanted_anyway = name in asked
            process.run_now()
        for name in graph.closure(set(names) - self._free, self._by_name()) - set(names):
            process = self._processes[name]
            if process.spec.kind != model.TASK or process.error is not None:  # a task that has failed runs again
                process.feed(life.START)

    def apply(self, plan: model.Plan) -> Changes:
        """Switch to a new plan: start added processes, stop removed ones, restart changed ones (except services)."""
        if self._shutting_down:
            return Changes()
        changes = self.compare(plan)
        specs = {spec.name: spec for spec in looked_at(plan).processes}
        fresh = {name: Process(spec, self._around) for name, spec in specs.items() if name not in self._processes}
        self._removed -= specs.keys()
        for name in changes.stopped:
            self._removed.add(name)
            self._processes[name].feed(life.STOP)
        self._plan = self._around.plan = plan
        make_room(len(specs))
        for name, process in self._processes.items():
            if name in specs:
                process.take(specs[name])
        self._processes |= fresh
        self._processes = planning.ordered(self._processes, specs)
        self._begin()
        for name in changes.tasks:
            self._processes[name].feed(life.START)
        self.restart(changes.restarted)
        if changes.started:
            self.up(changes.started)
        self._schedule_review()
        return changes

    def compare(self, plan: model.Plan) -> Changes:
        """Return the changes that `apply` would make, without making them."""
        return planning.compare(self._plan, looked_at(plan), self._processes, self._removed)

    def preview(self, plan: model.Plan, names: tuple[str, ...] = (), *, dependencies: bool = True) -> Changes:
        """Return the changes that `apply` and then `up` would make, without making them."""
        looked = looked_at(plan)
        changes = planning.compare(self._plan, looked, self._processes, self._removed)
        return planning.with_missing(changes, looked, self._processes, self._removed, names, dependencies=dependencies)

    def act(self) -> None:
        """Carry out due starts, restarts and stops now, instead of in the next turn of the loop."""
        self._review()

    def shutdown(self) -> None:
        """Stop everything in reverse order of dependencies, then call `on_finished`."""
        self._shutting_down = True
        self.watches.close()
        self._begin()
        self._let_none_return()
        self._schedule_review()

    def force(self) -> None:
        """Send SIGKILL to all processes of all runs now."""
        self._shutting_down = True
        self.watches.close()
        self._begin()
        for process in self._processes.values():
            process.force()
        self._schedule_review()

    def resize(self, rows: int, columns: int) -> None:
        """Set the terminal size of all present and future runs."""
        self._around.size = (rows, columns) if rows > 0 and columns > 0 else DEFAULT_SIZE
        for process in self._processes.values():
            process.resize(*self._around.size)

    def hold_output(self, name: str, on: bool) -> None:
        """Stop (`on`) or resume reading a process' output, for a viewer that is too slow."""
        process = self._processes.get(name)
        if process is not None and process.run is not None:
            process.host.loop.call(process.run.hold_output, on)

    def reap_orphans(self) -> None:
        """Reap ended processes that this subreaper has adopted. Call it on SIGCHLD."""
        if self._orphans is not None:
            self._orphans.reap()

    def strays(self) -> list[proctable.Seen]:
        """Return descendants of this program that are in no session of a supervised process."""
        leaders = {process.run.pid for process in self._processes.values() if process.run is not None}
        return [seen for seen in proctable.own_descendants() if seen.session not in leaders and seen.pid not in leaders]

    def close(self) -> None:
        """Close the descriptors of watches and logs, after the supervisor has finished."""
        self.watches.close()
        self._exits.close()
        for process in self._processes.values():
            process.log.close()

    # -- consequences of changes ---------------------------------------------------------------------------------

    # An exception of the listener must not fail the process that the event is about.

    def _output(self, name: str, block: bytes) -> None:
        self.loop.call(self._listener.on_output, name, block)

    def _note(self, text: str, error: DevbootError | None = None) -> None:
        self.loop.call(self._listener.on_note, text, error=error)

    def _changed(self, process: Process) -> None:
        self._dirty.add(process.name)
        self._schedule_review()

    def _schedule_review(self) -> None:
        if not self._reviewing:
            self._reviewing = True
            self.loop.call_later(0, self._review)

    def _review(self) -> None:
        self._reviewing = False
        if self._shutting_down:
            self._let_none_return()  # a process that crashes during the shutdown would be restarted
        # Each step on its own: an error in one must not keep the others from running.
        self.loop.call(self._start_waiting)
        self.loop.call(self._end_all_if_due)
        if self._shutting_down:
            self.loop.call(self._stop_next)
        elif self.watches.pid or any(each.run is not None and each.spec.watch for each in self._processes.values()):
            self.loop.call(self.watches.watch, self._specs())
        self.loop.call(self._tell)

    def _files_changed(self, name: str, paths: tuple[str, ...]) -> None:
        process = self._processes.get(name)
        if process is None or self._shutting_down or not planning.may_restart(process):
            return
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        self._note(f"{name} restarts, {paths[0]}{more} changed")
        process.count_reload(paths[0])
        self.restart([name], f"changed: {paths[0]}{more}")

    def _start_waiting(self) -> None:
        spawns = 0
        for level in graph.levels(self._specs()):
            for process in (self._processes[name] for name in level):
                if process.state.phase == model.WAITING and spawns < SPAWNS_A_TURN:
                    spawns += self._look_at_dependencies(process)
        if spawns == SPAWNS_A_TURN:
            self._schedule_review()

    def _look_at_dependencies(self, process: Process) -> bool:
        """Start a waiting process if all its dependencies are met; return whether it was started."""
        if process_status.awaits_its_time(process):
            return False
        needed = () if process.name in self._free else process.spec.depends_on
        standings = {
            each.name: process_status.standing(self._processes[each.name])
            for each in needed
            if each.name in self._processes
        }
        blocked = graph.blocker(needed, standings) or planning.port_holder(
            process, (self._processes[name] for name in self._removed)
        )
        if blocked != process.blocked:
            process.blocked = blocked
            self._dirty.add(process.name)
        if blocked is None:
            process.feed(life.CLEAR)
        return blocked is None

    def _end_all_if_due(self) -> None:
        if self._shutting_down:
            return
        for name in sorted(self._dirty & self._processes.keys()):
            process = self._processes[name]
            ended = process.state.phase in (model.EXITED, model.FAILED, model.GAVE_UP)
            if process.spec.exit_ends_all and ended:
                self.ended_by = process_status.status(process)
                self._note(f"{name} has ended, so everything stops (`exit_ends_all`)")
                self.shutdown()
                return

    def _let_none_return(self) -> None:
        for process in self._processes.values():
            phase, then, process.was_up = process.state.phase, process.state.then, False
            if phase in life.PENDING or (phase == model.STOPPING and then == life.THEN_AGAIN):
                process.feed(life.STOP)

    def _stop_next(self) -> None:
        alive = {name for name, each in self._processes.items() if each.run is not None}
        dependents = graph.dependents(self._specs())
        for name in alive:
            if not dependents[name] & alive and self._processes[name].state.phase in life.ALIVE:
                self._processes[name].feed(life.STOP)

    def _forget_removed(self) -> None:
        gone = {name for name in self._removed if self._processes[name].run is None}
        for name in gone:
            self._processes.pop(name).log.close()
            self._told.pop(name, None)
        self._removed -= gone
        self._dirty -= gone

    def _tell(self) -> None:
        dirty, self._dirty = self._dirty, set()
        for name, process in self._processes.items():
            if name in dirty:
                status = process_status.status(process)
                if (status, process.starts) != self._told.get(name):  # a whole run may fit into one turn
                    self._told[name] = (status, process.starts)
                    self.loop.call(self._listener.on_change, status)
        self._forget_removed()
        if self._reviewing:
            return  # more work is due before anything can count as settled
        was_settled, self._settled = self._settled, not any(map(process_status.is_pending, self._processes.values()))
        if self._settled and not was_settled and not self._shutting_down:
            self.loop.call(self._listener.on_settled)
        if self._settled and not self._finished and not any(map(process_status.goes_on, self._processes.values())):
            self._finished = True
            self._finish()

    def _finish(self) -> None:
        if self._orphans is None or not self._shutting_down:
            self.loop.call(self._listener.on_finished)
            return

        def ended(left: frozenset[int]) -> None:
            if left:
                self._note(f"left running: pid {process_errors.pids(left)}")
            self.loop.call(self._listener.on_finished)

        # Orphans of supervised processes: nothing may outlive a shutdown.
        self._orphans.end(ended)

    # -- helpers -------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._settled = self._finished = False

    def _specs(self) -> tuple[model.ProcessSpec, ...]:
        return tuple(each.spec for each in self._processes.values())

    def _by_name(self) -> dict[str, model.ProcessSpec]:
        return {name: each.spec for name, each in self._processes.items()}

    def worked_on_start(self) -> dict[int, float]:
        """Return CPU seconds used so far, by pid, for the pids of all processes that are still starting."""
        census = self._host.watcher.census()
        pending = [each for each in self._processes.values() if process_status.is_pending(each)]
        runs = [each.run for each in pending if each.run is not None and each.state.phase != model.STOPPING]
        return {pid: proctable.used((pid,)) for run in runs for pid in census.members(run.pid)}

    def _memory(self, process: Process) -> int | None:
        from devboot.supervisor.system import memory

        run = process.run
        return None if run is None else memory.resident(self._host.watcher.census().members(run.pid))
