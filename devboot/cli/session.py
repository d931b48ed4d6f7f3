"""One run of the command line: its context, and the only functions by which commands print."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from devboot import __version__
from devboot.app.arguments import Invocation
from devboot.app.context import Context
from devboot.app.fast.call import Call, current_folder, look_at_streams, options_of
from devboot.app.fast.pager import PagedStreams, pager_command
from devboot.cli.streams import silence_stdout
from devboot.errors import UsageError, WorkError, shell_word
from devboot.text.columns import printable
from devboot.text.invocation import as_called
from devboot.text.masking import Masker
from devboot.text.modes import has_colour, is_live, is_unicode, may_ask, why_plain
from devboot.text.paint import terminal_text
from devboot.text.symbols import Symbols, margin, symbols

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.preparation.project.loaded import Loaded
    from devboot.locks import Holder
    from devboot.state.project import Project
    from devboot.ui.consoles import Console
    from devboot.ui.reporters import RunReporter

SCHEMA = 1  # version of every JSON document; grows when a key changes its meaning


class Session:
    """The context of one command. `handle` is the daemon that `__main__` has forked in advance, or None."""

    def __init__(self, context: Context, handle: Any = None) -> None:
        self.context = context
        self.handle = handle
        self.mask = Masker()
        self.reporter: RunReporter | None = None
        self.project = ""  # its name, once it is known
        self.began = context.wall_clock()
        self._is_opened = False

    @property
    def json(self) -> bool:
        """Return whether stdout is to contain JSON."""
        return self.context.output.json

    def call(self, command: str, args: Sequence[str], values: Mapping[str, object], project: Project) -> Call:
        """Return the input for a fast command, equal to that of the fast path."""
        context = self.context
        return Call(
            command,
            tuple(args),
            values,
            root=project.root,
            state=project.state,
            data=project.data,
            environ=context.environ,
            streams=(context.stdin, context.stdout, context.stderr),
            output=context.output,
            began=self.began,
            is_grown=True,
            cwd=current_folder(),
        )

    def symbols(self, *, err: bool = False) -> Symbols:
        """Return the symbols that stdout, or stderr, can encode."""
        return symbols(is_unicode(self.context.stderr if err else self.context.stdout))

    def colour(self, *, err: bool = False) -> bool:
        """Return True if stdout (with `err`: stderr) is written with colours."""
        context = self.context
        return has_colour(context.stderr if err else context.stdout, context.environ, context.output)

    def width(self, *, err: bool = False) -> int:
        """Return the terminal's columns; 0 if the stream isn't a terminal, so that lines aren't wrapped."""
        return (self.context.stderr if err else self.context.stdout).columns

    def open_with(self, text: str) -> None:
        """Print a first line on a terminal at once, because the imports that follow take some hundred ms."""
        context = self.context
        if is_live(context.stderr, context.environ, context.output):
            known = self.symbols(err=True)
            sys.stderr.write(f"{margin(known.busy, known)}{text}")
            sys.stderr.flush()
            self._is_opened = True

    def close_opening(self) -> None:
        """Erase the line printed by `open_with`."""
        if self._is_opened:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_opened = False

    def out(self, text: str, *, is_exact: bool = False) -> None:
        """Write a command's output to stdout; `is_exact`: unchanged, without escaping for terminals.

        Raises BrokenPipeError if its reader has gone, WorkError for a full disk.
        """
        self.close_opening()
        try:
            sys.stdout.write(text if is_exact and not self.context.stdout.terminal else terminal_text(text))
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            silence_stdout()
            raise WorkError(
                "output/not-written",
                "the output could not be written",
                causes=[(error.strerror or "unknown reason").lower()],
                help=[
                    "df -h .   # is a disk full?"
                    if error.errno == errno.ENOSPC
                    else "devboot explain output/not-written"
                ],
            ) from error

    def page(self, text: str) -> None:
        """Write output like `out`, through a pager if it may be longer than the screen."""
        context = self.context
        command = pager_command(context.stdout, context.environ, context.output)
        if not command:
            self.out(text)
            return
        self.close_opening()
        streams = PagedStreams(command, context.stdout, context.environ)
        streams.write(1, terminal_text(text).encode(context.stdout.encoding, "replace"))
        streams.end()

    def out_json(self, value: Mapping[str, Any], *, header: bool = True) -> None:
        """Write one JSON document to stdout; with `header` it begins with the keys `schema` and `devboot`."""
        from devboot.ui.reporters import json_line

        self.out(json_line({**(self.document() if header else {}), **value}))

    def document(self) -> dict[str, Any]:
        """Return the keys with which every JSON document begins."""
        return {"schema": SCHEMA, "devboot": self.context.version}

    def say(self, *lines: str) -> None:
        """Print messages to stderr, unless --quiet is given."""
        self.close_opening()
        if not self.context.output.quiet:
            sys.stderr.write("".join(f"{printable(self.mask(as_called(line)))}\n" for line in lines))

    @property
    def can_ask(self) -> bool:
        """Return whether questions can be asked: both streams are terminals, and no flag forbids it."""
        context = self.context
        is_person = may_ask(context.stdin, context.stderr, context.environ, context.output)
        return is_person and not context.output.json

    def is_yes(self) -> bool:
        """Wait for the user's answer to a question that was printed; return whether it is yes."""
        self.close_opening()
        sys.stderr.write("do it? [Y/n] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("", "y", "yes")

    def load(self) -> Loaded:
        """Load the project of the current folder, waiting for other commands of devboot as the flags allow."""
        from devboot.app.preparation.project.load import load_project
        from devboot.state.claiming import Patience

        def waiting(holder: Holder) -> None:
            self.say(f"waiting for {holder.describe(self.context.wall_clock())}")

        patience = Patience(0.0) if self.context.output.no_wait else Patience(waiting=waiting)
        return load_project(self.context.cwd, self.context.environ, patience)

    def reporting(self, project: str, *, as_events: bool = False, is_brief: bool = False) -> RunReporter:
        """Return the reporter that fits the streams and flags, to be used as a context manager.

        With --json, `as_events` prints each event on stdout; else stdout carries only the command's one document.
        `is_brief` leaves out the header, for a command that usually takes no time.
        """
        self.close_opening()
        self.project = project
        self.reporter = self._make_reporter(as_events=as_events, is_brief=is_brief)
        return self.reporter

    def _make_reporter(self, *, as_events: bool, is_brief: bool) -> RunReporter:
        from devboot.ui import reporters

        context, clock = self.context, self.context.clock
        if context.output.json and as_events:
            start = {**self.document(), "project": self.project}
            return reporters.JsonReporter(
                lambda value: self.out_json(value, header=False), clock, start, mask=self.mask
            )
        if context.output.quiet:
            return reporters.QuietReporter(clock, self.mask)
        if is_live(context.stderr, context.environ, context.output):
            from devboot.ui.live_reporter import LiveReporter

            hint = "ctrl-c stops; downloads are kept"
            return LiveReporter(self._console, self.symbols(err=True), clock, hint=hint, mask=self.mask)
        reason = why_plain(context.stderr, context.environ, context.output)
        header = f"devboot {context.version}, project {self.project}, {reason}: plain output"
        is_folded = context.environ.get("GITHUB_ACTIONS") == "true" and not is_brief
        header = "" if is_brief else header
        return reporters.PlainReporter(sys.stderr, clock, header=header, is_folded=is_folded, mask=self.mask)

    def _console(self) -> Console:
        """Return the console of a live display on stderr."""
        from devboot.ui.consoles import console

        return console(sys.stderr, self.context.environ, colour=self.colour(err=True), live=True)


def fallback_session(argv: Sequence[str], environ: Mapping[str, str], handle: Any = None) -> Session:
    """Return a session for reporting an error in the command line or its folder, when no other can be opened."""
    return _session(Invocation(values={"json": "--json" in argv}), environ, "/", handle)


def open_session(invocation: Invocation, environ: Mapping[str, str], handle: Any = None) -> Session:
    """Open the session of a command with the present streams, environment, folder and clocks.

    Raises UsageError if the directory of `-C` is missing.
    """
    return _session(invocation, environ, _directory(str(invocation.globals.get("C", ""))), handle)


def _session(invocation: Invocation, environ: Mapping[str, str], cwd: str, handle: Any) -> Session:
    stdin, stdout, stderr = look_at_streams(environ)
    context = Context(
        cwd=cwd,
        environ=environ,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        output=options_of(invocation.globals, invocation.values),
        clock=time.monotonic,
        wall_clock=time.time,
        uid=os.getuid(),
        version=__version__,
    )
    return Session(context, handle)


def _directory(wanted: str) -> str:
    try:
        base = os.getcwd()
    except OSError as error:
        if os.path.isabs(wanted):
            base = "/"
        else:
            raise UsageError(
                "usage/no-directory",
                "the current directory is gone",
                help=["cd ~   # or to another directory that exists"],
            ) from error
    path = os.path.normpath(os.path.join(base, wanted))
    if wanted and not os.path.isdir(path):
        raise UsageError(
            "usage/no-directory",
            f"there is no directory `{wanted}`",
            help=[f"look with `ls {shell_word(os.path.dirname(path))}`"],
        )
    return path
