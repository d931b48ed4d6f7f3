"""`devboot run`, fast path: replaces this process by a command in the environment of a fresh snapshot."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Iterable, Mapping, Sequence

    from devboot.snapshot import Snapshot
else:
    import _signal  # the signal package imports enum

NOT_FOUND, NOT_EXECUTABLE = 127, 126
_SHELL = "/bin/sh"


def from_snapshot(
    root: str, state: str, args: Sequence[str], environ: Mapping[str, str], directory: str = ""
) -> int | None:
    """Replace this process by `-- CMD…` (in `directory`) or a task; None if the snapshot is stale or insufficient.

    Returns an exit code only if the command can't be started.
    """
    from devboot import snapshot

    path = f"{state}/{snapshot.NAME}"
    known = snapshot.read(path, has_plan=False)
    if known is None or not snapshot.is_fresh(known, root, environ):
        return None
    if args[0] == "--":
        command, cwd = list(args[1:]), directory
    else:
        task = next((task for task in known.tasks if task[0] == args[0]), None)
        if task is None or task[3]:  # what it depends on may have to be started first
            return None
        rest = args[2:] if args[1:2] == ["--"] else args[1:]
        command, cwd = task_command(task[1], rest), task[2]
    if not command:
        return None
    variables = snapshot.apply(known.patch, environ)
    is_client = args[0] == "--" and _is_client(command[0], known, variables)
    return become(command, variables, cwd, snapshot.read(path) if is_client else None)


def task_command(text: str, args: Sequence[str]) -> list[str]:
    """Return the argv that runs a task's shell text with further arguments."""
    return [_SHELL, "-c", f'{text} "$@"' if args else text, "devboot-run", *args]


def become(
    command: Sequence[str], environ: Mapping[str, str], cwd: str = "", known: Snapshot | None = None
) -> int | None:
    """Replace this process by a command; return 126 or 127 if that fails, after printing the reason.

    With the project's snapshot, and its plan, it first warns of a program whose service isn't running.
    """
    if cwd:
        os.chdir(cwd)
    if known is not None and (service := _stopped_service(command[0], known, environ)):
        _warn_of_stopped(service, command[0])
    _default_signals()
    error: OSError | None = None
    for path in _candidates(command[0], environ):
        try:
            os.execve(path, list(command), environ)  # noqa: S606  running a command is what this is for
        except (FileNotFoundError, NotADirectoryError) as missing:
            error = error or missing
        except PermissionError as denied:
            error = denied
        except OSError as failed:
            if failed.errno != 8:  # ENOEXEC: a script without a first line
                raise
            os.execve(_SHELL, [_SHELL, path, *command[1:]], environ)  # noqa: S606  as above
    return _explain(command[0], environ, error)


def _candidates(program: str, environ: Mapping[str, str]) -> list[str]:
    if "/" in program:
        return [program]
    return [f"{folder or '.'}/{program}" for folder in environ.get("PATH", os.defpath).split(os.pathsep)]


def _default_signals() -> None:
    """Reset SIGPIPE and SIGXFSZ, which Python ignores, to their defaults: the new program would inherit that."""
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
        _signal.signal(number, _signal.SIG_DFL)


def _folder_of(program: str, environ: Mapping[str, str]) -> str:
    """Return the folder in which a program is found, with a slash at its end; "" if it isn't found."""
    path = next((each for each in _candidates(program, environ) if os.access(each, os.X_OK)), "")
    return path[: path.rfind("/") + 1]


def _is_client(program: str, known: Snapshot, environ: Mapping[str, str]) -> bool:
    """Return whether a program may be a service's client: it has the name of one, and isn't in the clone."""
    if not known.ports or _folder_of(program, environ).startswith(f"{known.root}/"):
        return False  # as for most commands, which needn't wait for the table
    from devboot.model.client_programs import CLIENTS

    name = program[program.rfind("/") + 1 :]
    return name in CLIENTS or name.endswith("-cli")


def _stopped_service(program: str, known: Snapshot, environ: Mapping[str, str]) -> str:
    """Return the name of the service to which a client program (`psql`) belongs if that isn't running; "" otherwise."""
    folder = _folder_of(program, environ)
    if not folder or not _is_client(program, known, environ):
        return ""
    ports = {name: port for name, port, _ in known.ports}
    for service, kind, _, _, command, *_ in known.processes_plain:
        if kind == "service" and service in ports and any(word.startswith(folder) for word in command):
            from devboot.environment.ports.loopback import is_free

            return service if is_free(ports[service]) else ""
    return ""


def _warn_of_stopped(service: str, program: str) -> None:
    from devboot.errors import WorkError
    from devboot.text.problems import render_problem

    what = f"`{service}` isn't running, so `{program}` can't connect to it"
    problem = WorkError("run/service-stopped", what, help=[f"devboot up -d {service}"])
    os.write(2, render_problem(problem, severity="warning").encode("utf-8", "replace"))


def _explain(program: str, environ: Mapping[str, str], error: OSError | None) -> int:
    from devboot.errors import WorkError, shell_word
    from devboot.supervisor.explain.missing_programs import origin_of
    from devboot.text.problems import render_problem

    if isinstance(error, PermissionError):
        problem = WorkError(
            "run/not-executable", f"`{program}` is not executable", help=[f"chmod +x {shell_word(error.filename)}"]
        )
        code = NOT_EXECUTABLE
    else:
        problem = WorkError(
            "run/not-found",
            f"`{program}` was not found",
            help=[*filter(None, [origin_of(program, ".")]), *_similar(program, environ)],
        )
        code = NOT_FOUND
    os.write(2, render_problem(problem).encode("utf-8", "replace"))
    return code


def _similar(program: str, environ: Mapping[str, str]) -> list[str]:
    from devboot.model.nearest import nearest

    if "/" in program:
        return []
    names: set[str] = set()
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        try:
            names.update(os.listdir(folder or "."))
        except OSError:
            continue
    near = nearest(program, sorted(names))
    return [f"did you mean `{near}`?"] if near else []


def unknown_task(name: str, near: str | None, tasks: Iterable[str]) -> list[str]:
    """Return advice for a task name that doesn't exist; `near` is the most similar one."""
    there = ", ".join(f"`{each}`" for each in sorted(tasks))
    return [
        *([f"did you mean `devboot run {near}`?"] if near else []),
        f"the tasks are {there}" if there else "a task is a table `[tasks.NAME]` of devboot.toml with `run`",
        f"devboot run -- {name}   # a command of that name",
    ]
