"""`devboot logs`: prints output of processes from their log files; `-f` continues with the daemon's stream."""

from __future__ import annotations

import os

from devboot.app.fast import daemon_connection
from devboot.app.fast.streams import Streams
from devboot.app.logs.printing import LinePrinter, past_lines
from devboot.app.logs.style import streams_for, timestamps
from devboot.supervisor.output.log_reader import ALL
from devboot.supervisor.output.log_writer import log_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devboot.app.fast.call import Call
    from devboot.daemon.client import Client

_LINES, _MOST_LINES = 100, 10**9


def carry_out(call: Call) -> int:
    """Print the last lines of the selected logs, with `-f` also new ones.

    Return the exit code, 141 for a broken pipe.
    """
    from devboot.errors import DevbootError

    try:
        return _print_logs(call)
    except DevbootError as error:
        return daemon_connection.complain(call, error)


def _print_logs(call: Call) -> int:
    count = _count(call)
    among = _names_in_plan(call)
    names = _names(call, among)
    if _is_chosen(call.values):
        from devboot.app.logs.query import carry_out as select  # for these flags alone: it imports re

        return select(call, names, among, count if "lines" in call.values else None)
    if call.flag("follow"):
        found = daemon_connection.meet(call)
        if found.client is not None:
            return _follow(call, found.client, names, among, count)
        if found.lease is not None and found.lease.is_alive:
            return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    if not names:
        Streams().say(f"{daemon_connection.project_name(call)} has no logs yet: devboot up\n")
    for name in names if call.args else ():
        if not os.path.exists(log_path(call.state, name)):
            Streams().say(f"{name} has no log, it was never started{_why(call, name)}\n")
    streams = streams_for(call)
    LinePrinter(call, streams, names, among).print(past_lines(call, names, ALL, count, {}))
    return streams.end()


def _why(call: Call, name: str) -> str:
    """Return the recorded reason why a process could not be started, in parentheses; "" if there is none."""
    from devboot.supervisor.last_failure import read_failures

    return next((f" ({each.what})" for each in read_failures(call.state) if each.name == name), "")


def _is_chosen(values: Mapping[str, object]) -> bool:
    return any(values.get(name) for name in ("since", "until", "grep", "json"))


def _count(call: Call) -> int:
    from devboot.errors import UsageError
    from devboot.text.units import whole_number

    text = str(call.values.get("lines", _LINES))
    count = whole_number(text, _MOST_LINES)
    if count is None:
        raise UsageError("usage/argument", f"`-n` can't read `{text}` as a number", help=["devboot logs -n 100"])
    return count


def _names_in_plan(call: Call) -> list[str]:
    """Return the names of the project's processes, as far as known without reading the manifest."""
    from devboot import snapshot

    known = snapshot.read(f"{call.state}/{snapshot.NAME}")
    return [] if known is None else [spec[0] for spec in known.processes_plain]


def _names(call: Call, among: Sequence[str]) -> tuple[str, ...]:
    """Return the process names that the arguments select, in the plan's order.

    Removed processes with a log come last.
    """
    try:
        found = sorted(entry[: -len(".log")] for entry in os.listdir(f"{call.state}/logs") if entry.endswith(".log"))
    except OSError:
        found = []
    names = [*among, *(name for name in found if name not in among)]
    if not call.args:
        return tuple(name for name in names if name in found)
    if not names:
        _refuse_unknown(call)
        return ()
    if set(call.args) <= set(names):
        return tuple(name for name in names if name in call.args)
    from devboot.supervisor.core.name_patterns import expand  # for wildcards and mistakes: it imports re

    return expand(call.args, names)


def _refuse_unknown(call: Call) -> None:
    """Raise UsageError `usage/unknown-name` if a project that never ran has no process of a given name."""
    from devboot.app.preparation.compose.composition import names_in_plan
    from devboot.app.preparation.project.load import look_at_project
    from devboot.supervisor.core.name_patterns import expand

    expand(call.args, names_in_plan(look_at_project(call.root, call.environ)))


def _follow(call: Call, client: Client, names: Sequence[str], among: Sequence[str], count: int) -> int:
    import json

    from devboot.daemon.client import NoAnswerError

    streams = Streams()
    printer = LinePrinter(call, streams, names, among)
    client.pass_through = streams.passing_through()
    view = {**call.view(), "prefix": not call.flag("no-prefix"), "timestamps": timestamps(call)}

    begun = False

    def on_word(word: str, rest: str) -> None:
        nonlocal begun
        if word == "from":
            begun = True
            printer.print(past_lines(call, names, ALL, count, json.loads(rest)))

    def write(number: int, data: bytes) -> None:
        streams.write(number, data)
        if streams.failure:
            raise _ReaderGoneError

    try:
        client.ask({"command": "logs", "names": list(call.args), "view": view})
        client.welcome()
        code = client.copy(write, on_word)
    except NoAnswerError:
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    except _ReaderGoneError:
        return streams.failure
    except KeyboardInterrupt:
        return 130
    finally:
        client.close()
    if not begun and not code:  # the daemon was exiting and didn't answer: the files have everything
        printer.print(past_lines(call, names, ALL, count, {}))
    elif code is None and not streams.failure:
        return daemon_connection.complain(call, daemon_connection.gone(call))
    return streams.failure or code or 0


class _ReaderGoneError(Exception):
    """Raised if the reader of standard output has closed it (broken pipe)."""
