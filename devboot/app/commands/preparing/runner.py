"""`up --runner`: runs the processes with honcho or overmind in the prepared environment; services stay with devboot."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator

from devboot import snapshot as snapshots
from devboot.app.commands.preparing.attached_run import foreground, with_daemon
from devboot.app.fast import daemon_connection
from devboot.app.fast.call import Call
from devboot.app.fast.streams import Streams
from devboot.app.preparation.prepare import Prepared
from devboot.daemon.process.fork import Handle
from devboot.environment.process_specs import BASE_PORT, PORT_STEP
from devboot.errors import BusyError, MachineError, UsageError
from devboot.files import atomic_write
from devboot.model.edge.manifest.manifest import PROCFILES, Manifest
from devboot.model.process import PROCESS, Plan, ProcessSpec, variables_of
from devboot.model.project_files.procfile import Procfile
from devboot.record import Record
from devboot.supervisor.core.name_patterns import expand

HONCHO, OVERMIND = "honcho", "overmind"
RUNNERS = (HONCHO, OVERMIND)

# Keys of `[processes.*]` that neither runner supports.
_LOST = (
    *("depends_on", "ready", "alive", "restart", "max_restarts", "window", "watch", "cascade", "schedule"),
    *("pty", "stop_signal", "stop_timeout", "stop_command", "exit_ends_all", "expected_exit"),
)


class Handover(Record):
    """The command line and environment to run another runner (honcho, overmind), and manifest features it ignores."""

    argv: tuple[str, ...]
    environ: dict[str, str]
    lost: tuple[str, ...]


def refuse_unknown(runner: str) -> None:
    """Raise UsageError `runner/unknown` for a runner other than honcho or overmind."""
    if runner not in RUNNERS:
        raise UsageError(
            "runner/unknown",
            f"there is no runner `{runner}`",
            help=["devboot up --runner honcho", "devboot up --runner overmind"],
        )


def hand_over(
    runner: str, plan: Plan, manifest: Manifest, procfile: Procfile | None, names: tuple[str, ...]
) -> Handover:
    """Prepare to run the processes of `plan` with `runner`; write a Procfile if the project's own isn't equivalent.

    Raises UsageError `runner/unknown`, MachineError `runner/not-found`, and the errors of `expand` for the names.
    """
    refuse_unknown(runner)
    environ = dict(plan.env)
    processes = [spec for spec in plan.processes if spec.kind == PROCESS]
    path = _procfile(plan, processes, manifest, procfile)
    known = [spec.name for spec in processes]
    chosen = [_plain_name(name) for name in (expand(names, known) if names else known)]
    lost = tuple(lost_features(manifest))
    if runner == HONCHO:
        # -I: the project's PYTHONPATH is not honcho's. No env-file: honcho would read it in a grammar of its own.
        argv = (sys.executable, "-I", "-m", "honcho", "-e", os.devnull, "-d", plan.root, "-f", path, "start", *chosen)
        return Handover(argv, environ, lost)
    for program in (OVERMIND, "tmux"):
        if shutil.which(program, path=environ.get("PATH")) is None:
            raise MachineError(
                "runner/not-found",
                f"`{program}` is not on PATH",
                causes=["overmind needs its own binary and tmux"],
                help=["use devboot's own supervisor: `devboot up`"],
            )
    environ["OVERMIND_SKIP_ENV"] = "1"
    argv = (OVERMIND, "start", "-f", path, "--root", plan.root, "-l", ",".join(chosen))
    return Handover(argv, environ, lost)


def lost_features(manifest: Manifest) -> Iterator[str]:
    """Yield `PROCESS: KEY`, as `web: ready`, for each key of the manifest that other runners don't support."""
    for name, wanted in manifest.processes.items():
        yield from (f"{name}: {key}" for key in _LOST if key in wanted.model_fields_set)


def run_with(runner: str, call: Call, prepared: Prepared, handle: Handle | None) -> int:
    """Run services and tasks under devboot and processes under `runner`, in the foreground; return its exit code.

    Raises the errors of `hand_over`, UsageError `usage/argument` with `-d`, and BusyError if the project runs.
    """
    if call.flag("detach"):
        raise UsageError("usage/argument", "`--runner` runs in the foreground only", help=["leave out `-d`"])
    if daemon_connection.is_running(call):
        raise BusyError(
            "busy/already-running",
            f"{prepared.loaded.name} is already up under devboot's own supervisor",
            help=["`devboot down` stops it first; `devboot logs -f` shows its output"],
        )
    plan = prepared.composed.plan
    environ = snapshots.apply(prepared.snapshot.patch, call.environ)
    full = plan._replace(env=tuple(environ.items()))
    handover = hand_over(runner, full, prepared.loaded.manifest, prepared.loaded.procfile, call.args)
    for lost in handover.lost:
        Streams().say(f"{runner} can't do this, so it is left out: {lost}\n")
    ours = tuple(spec for spec in plan.processes if spec.kind != PROCESS)
    if not ours:
        return foreground(handover.argv, handover.environ, plan.root)
    return with_daemon(
        call,
        plan._replace(processes=ours),
        environ,
        handle,
        lambda: foreground(handover.argv, handover.environ, plan.root),
    )


def _procfile(plan: Plan, processes: list[ProcessSpec], manifest: Manifest, procfile: Procfile | None) -> str:
    """Return the path of the project's Procfile if it is equivalent to the plan, else of one written for the runner."""
    names = PROCFILES if manifest.procfile.path is None else (manifest.procfile.path,)
    own = next((path for name in names if os.path.isfile(path := os.path.join(plan.root, name))), None)
    if own is not None and procfile is not None and _is_equivalent(plan, processes, manifest, procfile):
        return own
    folder = os.path.join(plan.state, "run", "procfile")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    lines = []
    for spec in processes:
        script = os.path.join(folder, f"{spec.name}.sh")
        atomic_write(script, _script(plan, spec), mode=0o600, sync=False)  # it holds variables, maybe secret ones
        lines.append(f"{_plain_name(spec.name)}: exec /bin/sh {shlex.quote(script)}\n")
    path = os.path.join(folder, "Procfile")
    atomic_write(path, "".join(lines), mode=0o600, sync=False)
    return path


def _is_equivalent(plan: Plan, processes: list[ProcessSpec], manifest: Manifest, procfile: Procfile) -> bool:
    same_processes = [_plain_name(spec.name) for spec in processes] == list(procfile.names)
    same_places = all(spec.cwd == plan.root for spec in processes)
    same_ports = all(spec.port == BASE_PORT + PORT_STEP * number for number, spec in enumerate(processes))
    own_variables = any(wanted.env or wanted.command for wanted in manifest.processes.values())
    bound = any("GUNICORN_CMD_ARGS" in dict(spec.env) for spec in processes)
    return same_processes and same_places and same_ports and not own_variables and not bound


def _plain_name(name: str) -> str:
    """Return a process name with `_` for dots, since both runners silently ignore names with dots."""
    return name.replace(".", "_")


def _script(plan: Plan, spec: ProcessSpec) -> str:
    exports = [f"export {name}={shlex.quote(value)}\n" for name, value in variables_of(plan, spec).items()]
    return "".join([f"cd {shlex.quote(spec.cwd)} || exit 1\n", *exports, f"{spec.command}\n"])
