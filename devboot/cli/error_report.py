"""Turns exceptions into messages and exit codes; a bug leaves a crash file."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType

from devboot import __version__
from devboot.cli.session import Session
from devboot.cli.streams import silence_stdout
from devboot.errors import BusyError, DevbootError, Exit, MachineError, TrustError, UsageError, reason_of, shell_word
from devboot.files import WRITABLE, elsewhere, machine_error
from devboot.text.columns import printable, wrap
from devboot.text.invocation import as_called
from devboot.text.masking import Masker
from devboot.text.paint import terminal_text
from devboot.text.problems import render_problem

_PREPARING = ("up", "sync")
_BROKEN_PIPE = 141  # 128 + SIGPIPE, what a shell reports for a program that the signal ended
# Their values aren't personal, and explain broken output.
_SHOWN = ("TERM", "LANG", "LC_ALL", "COLUMNS", "LINES", "CI", "NO_COLOR", "PYTHONIOENCODING")
# Parts of the paths in a traceback, which would be unreadable without them.
_PATHS = ("HOME", "PWD", "OLDPWD", "PATH", "SHELL", "USER", "LOGNAME", "VIRTUAL_ENV", "TMPDIR", "PYTHONPATH")


class Ended(BaseException):
    """Raised by a signal that ends devboot; carries the signal's number."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


def report(error: BaseException, session: Session, command: str, argv: list[str]) -> int:
    """Report an exception and return the exit code.

    Errors go to stderr, with --json also as JSON to stdout. Ctrl-C is one line, a signal or a closed pipe nothing. For
    a bug a crash file with `argv` is written. `command` is the name of the command that failed.
    """
    session.close_opening()
    try:
        return _report(error, session, command, argv)
    except BrokenPipeError:
        # Nobody reads the message.
        silence_stdout()
        return _BROKEN_PIPE


def _report(error: BaseException, session: Session, command: str, argv: list[str]) -> int:
    if isinstance(error, BrokenPipeError):
        silence_stdout()
        return _BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt):
        _report_interruption(session, command)
        return Exit.INTERRUPTED
    if isinstance(error, Ended):
        return 128 + error.signal_number
    if isinstance(error, DevbootError):
        if command in _PREPARING:
            _show_changes(error, session)
        show(error, session)
        return error.exit_code
    if isinstance(error, OSError) and (translated := _machine_error(error)):
        show(translated, session)
        return translated.exit_code
    bug = _bug(error, session, argv)
    show(bug, session)
    return Exit.BUG


def _show_changes(error: DevbootError, session: Session) -> None:
    """Print what has changed since the project's last start without errors, if that may have caused the error."""
    if isinstance(error, (UsageError, BusyError, TrustError)):
        return
    from devboot.app.preparation.generations.since_success import changes_of_project
    from devboot.state.project import find_project

    context = session.context
    try:
        project = find_project(context.cwd, context.environ)
        text = changes_of_project(project, context.environ, __version__, context.wall_clock())
    except (OSError, DevbootError, ValueError, KeyError):
        return  # records that can't be read must not replace the error
    if text:
        lines = wrap(session.mask(text), session.width(err=True), then="  ")
        sys.stderr.write(terminal_text("\n".join(lines) + "\n"))


def show(error: DevbootError, session: Session) -> None:
    """Print an error's message on stderr, with --json also as JSON on stdout."""
    from devboot.text.problems import error_as_json
    from devboot.ui.errors import workflow_annotations

    context = session.context
    colour, width = session.colour(err=True), session.width(err=True)
    sys.stderr.write(render_problem(error, colour=colour, width=width, mask=session.mask))
    if context.environ.get("GITHUB_ACTIONS") == "true":
        workspace = context.environ.get("GITHUB_WORKSPACE", context.cwd)
        for line in workflow_annotations(error, context.cwd, workspace, session.mask):
            sys.stderr.write(terminal_text(line) + "\n")
    sys.stderr.flush()
    if session.json:
        session.out_json(error_as_json(error, session.mask))


def _report_interruption(session: Session, command: str) -> None:
    kept = session.reporter.kept() if session.reporter else []
    # On a terminal the echoed ^C stands at the start of this line.
    lead = "\n" if session.context.stderr.terminal else ""
    lines = ["stopped by you; nothing is half installed" if session.reporter else "stopped by you"]
    if kept:
        lines.append(f"kept: {', '.join(kept)}")
    if session.reporter:
        lines.append(f"next: devboot {command}")
    sys.stderr.write(lead + "".join(f"{printable(as_called(line))}\n" for line in lines))


def _machine_error(error: OSError) -> DevbootError | None:
    """Return the error of devboot for an OSError that means a full disk or a missing permission; None for others."""
    where = f" `{error.filename}`" if error.filename else ""
    reason = reason_of(error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return MachineError(
            "machine/disk-full",
            f"no space is left to write{where}" if where else "no space is left on the disk",
            causes=[reason],
            help=["free some space, then run the same command again"],
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS} and where:
        path = str(error.filename)
        folder = os.path.dirname(path) or "."
        is_read_only = error.errno == errno.EROFS
        shown = f"look at owners and modes: `ls -ld {shell_word(folder)} {shell_word(path)}`"
        return MachineError(
            "machine/not-writable",
            f"access to{where} was refused",
            causes=[reason],
            help=[elsewhere(path, WRITABLE) if is_read_only else shown],
        )
    translated = machine_error(error, str(error.filename), "use") if where else None
    if translated is None or (translated.slug == "machine/io" and error.errno != errno.EIO):
        return None
    return translated


def _bug(error: BaseException, session: Session, argv: list[str]) -> DevbootError:
    path = _write_crash_file(error, session, argv)
    where = _deepest(error.__traceback__)
    details = f"(details without secrets: {path})" if path else "(the details could not be written to a file)"
    bug = DevbootError(
        "bug",
        f"devboot stopped because of a bug in itself ({type(error).__name__} in `{where}`)",
        help=[
            "`devboot doctor` may show the reason",
            f"please report it with this file, in which secrets are masked\n{details}",
        ],
        kept=["running processes continue"],
    )
    bug.exit_code = Exit.BUG
    return bug


def _deepest(at: TracebackType | None) -> str:
    """Return the name of the innermost function of devboot in a traceback."""
    where = "main"
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    while at is not None:
        if at.tb_frame.f_code.co_filename.startswith(own):
            where = at.tb_frame.f_code.co_name
        at = at.tb_next
    return where


def _write_crash_file(error: BaseException, session: Session, argv: list[str]) -> str:
    """Write a crash file and return its path; "" if it can't be written, which is not reported."""
    try:
        folder = os.path.join(session.context.paths().state, "crash")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        path = os.path.join(folder, f"c-{os.urandom(2).hex()}.txt")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(crash_text(error, argv, session.context.environ, session.mask))
    except (OSError, DevbootError):
        return ""
    return path


def crash_text(error: BaseException, argv: list[str], environ: Mapping[str, str], mask: Callable[[str], str]) -> str:
    """Return the text of a crash file: versions, the command, the traceback without variables, names of variables.

    Every value of the environment that is long enough to be recognised is masked in the whole text.
    """
    import platform

    facts = [
        f"devboot {__version__}",
        f"python {platform.python_version()} ({platform.python_implementation()})",
        f"machine {platform.system()} {platform.release()} {platform.machine()}",
        f"command devboot {' '.join(argv)}",
        "",
        "".join(traceback.format_exception(error)).rstrip(),
        "",
        "environment (values are left out):",
        *(f"  {name}={environ[name]}" if name in _SHOWN else f"  {name}" for name in sorted(environ)),
    ]
    other = Masker(value for name, value in environ.items() if name not in {*_SHOWN, *_PATHS})
    return other(mask("\n".join(facts) + "\n"))
