"""Entry point of the slow path: parses the command line, calls the command, reports errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from devboot import __version__
from devboot.app.arguments import Invocation, take_apart
from devboot.app.command_table import BY_NAME
from devboot.cli import direct, error_report, streams
from devboot.cli.session import Session, fallback_session, open_session
from devboot.cli.termination_signals import end_by_exception
from devboot.environment.project_owner import refuse_foreign
from devboot.errors import Exit, UsageError
from devboot.state.project import find_project

# Printed at once by commands with slow imports, and replaced by their first output.
_OPENINGS = dict.fromkeys(("up", "sync", "lock", "init", "import"), "reading the project") | {
    "doctor": "looking at everything"
}
# `init` and `import` make a project of the folder that they are typed in.
_OF_NO_PROJECT = {"init", "import", "gc", "explain", "completions", "help"}


def main(argv: Sequence[str], handle: Any = None) -> int:
    """Run one command line (without the program's name) and return its exit code; raises nothing.

    `handle` is the daemon that was forked before the heavy imports, if there is one.
    """
    streams.make_safe()
    # A copy: what a library puts into os.environ is not the user's.
    environ = dict(os.environ)
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # looking for them reads a file of each installed package
    session = fallback_session(argv, environ, handle)
    command = ""
    try:
        invocation = take_apart(argv)
        command = invocation.command
        session = open_session(invocation, environ, handle)
        end_by_exception()
        return _dispatch(invocation, session)
    except BaseException as error:  # noqa: BLE001  the one place where all of them end
        return error_report.report(error, session, command, list(argv))
    finally:
        if session.handle is not None:
            session.handle.abandon()


def explain_failure(error: BaseException, argv: Sequence[str]) -> int:
    """Report an exception of the fast path in the same form as one of the slow path; return the exit code."""
    if isinstance(error, SystemExit):
        raise error
    session = fallback_session(argv, dict(os.environ))
    if isinstance(error, FileNotFoundError):
        try:
            open_session(Invocation(), session.context.environ)
        except UsageError as gone:  # the directory itself: the fast path looks for a project before anything else
            error = gone
    return error_report.report(error, session, " ".join(argv[:1]), list(argv))


def _dispatch(invocation: Invocation, session: Session) -> int:
    if invocation.globals.get("version"):
        session.out(f"devboot {__version__}\n")
        return Exit.OK
    if invocation.globals.get("help"):
        return _help(invocation, session)
    if not invocation.command:
        from devboot.cli.commands.welcome import welcome

        return welcome(session)
    command = BY_NAME[invocation.command]
    if command.name not in _OF_NO_PROJECT and not invocation.values.get("all"):
        context = session.context
        root = find_project(context.cwd, context.environ).root
        refuse_foreign(root, context.cwd, context.environ, os.geteuid(), command.name)
    if command.fast and command.name != "run":
        from devboot.cli.commands import fast

        code = fast.carry_out(command, invocation, session)
        if code is not None:
            return code
    if invocation.command == "completions" and invocation.args[:1] == ("names",):
        from devboot.cli.completions import completions

        return completions("names", "".join(invocation.args[1:2]), session)
    if command.name in _OPENINGS:
        session.open_with(_OPENINGS[command.name])
    carry_out = direct.COMMANDS.get(invocation.command) or _with_typer()
    return carry_out(invocation, session)


def _with_typer() -> Callable[[Invocation, Session], int]:
    from devboot.cli.application import carry_out

    return carry_out


def _help(invocation: Invocation, session: Session) -> int:
    from devboot.cli.help import command_help, overview

    width = session.width()
    session.out(command_help(BY_NAME[invocation.command], width) if invocation.command else overview(width))
    return Exit.OK
