"""Fast path of the command line: runs warm commands without heavy imports, and passes all others to `cli`.

Every import here costs each warm command, so modules are imported where they are needed. A command line that isn't
plainly warm (unusual flags, a stale snapshot, a mistake) goes to `cli`, which explains it.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from devboot.app.fast.call import Call

RESUME = "DEVBOOT_RESUME"  # set by an `up` that continues in a fresh interpreter: see `app.screen.resume`
_OBJECTS = 100_000  # allocations before a garbage collection: modules and classes come in thousands, and stay
_UP_FLAGS = {"detach", "no-deps", "no-menu", "timings", "wait-timeout", "locked", "offline"}


def main() -> int:
    """Entry point of the console script `devboot`; returns the exit code.

    After a fast command it ends the process directly, to skip the interpreter's teardown.
    """
    try:
        code, is_fast = dispatch(sys.argv[1:], os.environ)
    except BaseException as error:  # noqa: BLE001  the fast path has no handler of its own: this costs nothing until then
        from devboot.cli.main import explain_failure

        return explain_failure(error, sys.argv[1:])
    if is_fast:
        os._exit(code)  # two milliseconds of tearing down modules that wrote nothing through buffers
    return code


def dispatch(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[int, bool]:
    """Run one command line; return its exit code, and whether the fast path handled it."""
    _open_standard_streams()
    code: int | None
    if RESUME in environ:
        from devboot.app.screen.resume import resume

        code = resume(os.environ.pop(RESUME))
        if code is not None:
            return code, True
    directory, rest = leading(argv)
    command = rest[0] if rest else ""
    code = None
    if command == "run":
        code = _run(directory, rest[1:], environ)
    elif _is_fast(command) and not {"-h", "--help", "--version"} & set(rest):
        handle = _daemon_for(command, rest) if _is_down(command, directory, environ) else None
        code, handle = _fast(argv, environ, handle)
        if code is None:
            return _slow(argv, handle or _daemon_for(command, rest)), False
    if code is not None:
        return code, True
    return _slow(argv, None), False


def _slow(argv: Sequence[str], handle: Any) -> int:
    import gc

    gc.set_threshold(_OBJECTS, 20, 100)
    from devboot.cli.main import main as cli_main

    try:
        return cli_main(list(argv), handle)
    finally:
        gc.freeze()  # else the interpreter's last collection visits all of them


def _daemon_for(command: str, rest: Sequence[str]) -> Any:
    """Fork a daemon for an `up` that takes the slow path, while this process is small; None for other commands."""
    if command != "up" or {"-n", "--dry-run", "--runner"} & set(rest):
        return None
    from devboot.daemon.process import fork

    return fork.prepare()


def _is_down(command: str, directory: str, environ: Mapping[str, str]) -> bool:
    """Return whether an `up` will probably start a daemon, judged by one `stat` of the daemon's lease."""
    if command != "up" or "DEVBOOT_INSIDE" in environ:
        return False
    from devboot.state.projects import Projects

    projects = Projects.from_environ(environ)
    root = projects.find_root(directory)
    try:
        os.stat(f"{projects.state_of(root)}/run/daemon")
    except FileNotFoundError:
        return bool(root)
    except OSError:
        return False
    return False  # it runs, or was killed


def _open_standard_streams() -> None:
    """Open closed standard streams on /dev/null: else the next socket or file would get their descriptors."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def leading(argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the folder of a leading `-C`, and the arguments from the command on, without global flags before it."""
    directory, position = "", 0
    while position < len(argv) and argv[position].startswith("-"):
        if argv[position] == "-C" and position + 1 < len(argv):
            directory = os.path.join(directory, argv[position + 1])
            position += 2
        elif _is_switch(argv[position]):
            position += 1
        else:
            return "", ()
    return directory, argv[position:]


def _is_switch(word: str) -> bool:
    """Return whether a word is a global switch that a fast command can carry."""
    from devboot.app.command_table import GLOBAL, HELP, VERSION

    return any(word in flag.names for flag in GLOBAL if not flag.metavar and flag not in (HELP, VERSION))


def _is_fast(command: str) -> bool:
    """Return whether a command other than `run` has a fast path."""
    if command == "up":  # the daemon is forked before the table is imported
        return True
    from devboot.app.command_table import BY_NAME

    return command in BY_NAME and bool(BY_NAME[command].fast)


def _run(directory: str, args: Sequence[str], environ: Mapping[str, str]) -> int | None:
    """Replace this process by the command if the environment is up to date; else return None."""
    if not args or (args[0].startswith("-") and args[0] != "--"):
        return None
    from devboot.state.projects import Projects

    projects = Projects.from_environ(environ)
    root = projects.find_root(directory)
    if not root or _is_refused(root, directory, environ):
        return None
    from devboot.app.commands.run import from_snapshot

    return from_snapshot(root, projects.state_of(root), args, environ, directory)


def _is_refused(root: str, directory: str, environ: Mapping[str, str]) -> bool:
    """Return whether the project is in a folder above `directory` and belongs to another user."""
    if root == os.path.abspath(directory or "."):
        return False
    from devboot.environment.project_owner import is_refused

    return is_refused(root, directory, environ, os.geteuid())


def _fast(argv: Sequence[str], environ: Mapping[str, str], handle: Any) -> tuple[int | None, Any]:
    """Run a command on the fast path.

    Return (exit code, None), or (None, forked daemon) if the slow path must continue. `handle` is the waiting daemon of
    an `up`, if one was forked already.
    """
    import time

    began = time.time()
    call = _call(argv, environ, began)
    if call is None:
        return None, handle
    if call.command == "up":
        if call.output.json or set(call.values) - _UP_FLAGS or "SUDO_UID" in environ:
            return None, handle
        from devboot.app.commands.fast_up import carry_out as launch

        return launch(call, handle)
    from devboot.app.command_table import BY_NAME

    module = __import__(BY_NAME[call.command].fast, fromlist=["carry_out"])
    return module.carry_out(call), None


def _call(argv: Sequence[str], environ: Mapping[str, str], began: float) -> Call | None:
    from devboot.app.arguments import take_apart
    from devboot.errors import UsageError
    from devboot.state.projects import Projects, is_there

    try:
        typed = take_apart(argv)
    except UsageError:
        return None  # explained on the long way
    directory = str(typed.globals.get("C", ""))
    projects = Projects.from_environ(environ)
    root = projects.find_root(directory)
    state = projects.state_of(root)
    if not root or not is_there(state) or (typed.command in ("start", "stop", "restart", "attach") and not typed.args):
        return None
    if not typed.values.get("all") and _is_refused(root, directory, environ):
        return None  # explained on the long way
    from devboot.app.fast.call import Call, current_folder, look_at_streams, options_of

    return Call(
        typed.command,
        typed.args,
        typed.values,
        root=root,
        state=state,
        data=projects.data_of(root),
        environ=environ,
        streams=look_at_streams(environ),
        output=options_of(typed.globals, typed.values),
        began=began,
        cwd=current_folder(),
    )


if __name__ == "__main__":
    sys.exit(main())
