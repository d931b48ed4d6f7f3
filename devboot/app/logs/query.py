"""`devboot logs` filtered by time or pattern, or as JSON: prints past lines, and with `-f` new ones."""

from __future__ import annotations

from devboot.app.fast import daemon_connection
from devboot.app.fast.streams import Streams
from devboot.app.logs.filter import parse_filter
from devboot.app.logs.printing import LinePrinter, past_lines
from devboot.app.logs.style import streams_for
from devboot.daemon.client import NoAnswerError
from devboot.errors import shell_word
from devboot.supervisor.output.log_reader import Lines
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from devboot.app.fast.call import Call
    from devboot.daemon.client import Client

_LONGEST = 1024 * 1024  # bytes of an incomplete line; a longer line is searched and printed in parts
_CONDITIONS = ("grep", "since", "until")


def carry_out(call: Call, names: Sequence[str], among: Sequence[str], count: int | None) -> int:
    """Print the last `count` matching lines of each process, and with `-f` new ones; return the exit code.

    `names` are the requested processes, `among` all processes of the project. Raises UsageError.
    """
    query = _Query(call, names, among, count)
    found = daemon_connection.meet(call) if call.flag("follow") else None
    if found is not None and found.client is not None:
        return _follow(call, found.client, query)
    if found is not None and found.lease is not None and found.lease.is_alive:
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    query.print_past({})
    code = query.streams.end()
    if not query.has_printed and not code and not call.output.quiet:
        given = [f"--{name} {shell_word(str(call.values[name]))}" for name in _CONDITIONS if call.values.get(name)]
        Streams().say(f"no line matches {' '.join(given)}\n" if given else "there are no lines yet\n")
    return code


class _Query:
    """Prints the selected lines, first from log files, then from the daemon's stream."""

    def __init__(self, call: Call, names: Sequence[str], among: Sequence[str], count: int | None) -> None:
        self._call = call
        self._names = names
        self._count = count
        self._filter = parse_filter(call.values, call.began)
        self._open: dict[str, bytearray] = {}  # incomplete lines, by process
        self.streams = Streams() if call.flag("follow") else streams_for(call)
        self._printer = LinePrinter(call, self.streams, names, among)
        self._printer.print_head()

    @property
    def has_printed(self) -> bool:
        """Return whether any line was printed."""
        return self._printer.has_printed

    def print_past(self, ends: Mapping[str, int]) -> None:
        """Print lines from log files, up to the offsets `ends` where the daemon's stream begins."""
        self._printer.print(past_lines(self._call, self._names, self._filter, self._count, ends))

    def print_new(self, block: bytes) -> None:
        """Print lines of a block that the daemon sent; an incomplete line is kept until it is complete or very long."""
        lines = raw_lines(block)
        kept = self._open.setdefault(lines.name, bytearray())
        end = lines.data.rfind(b"\n") + 1
        if not end and len(kept) + len(lines.data) >= _LONGEST:
            end = len(lines.data)
        if end:
            data = bytes(kept) + lines.data[:end]
            kept.clear()
            self._printer.print(self._filter.out_of(lines._replace(data=data)))
        kept += lines.data[end:]


def raw_lines(block: bytes) -> Lines:
    """Parse a block sent by the daemon: a first line with time and process name, then output."""
    head, _, data = block.partition(b"\n")
    at, _, name = head.decode("utf-8", "replace").partition(" ")
    return Lines(float(at), name, data)


def _follow(call: Call, client: Client, query: _Query) -> int:
    import json

    streams = query.streams
    try:
        client.ask({"command": "logs", "names": list(call.args), "view": {**call.view(), "raw": True}})
        client.welcome()
        while not streams.failure and (arrived := client.next()) is not None:
            kind, payload = arrived
            if kind == frames.OUT:
                query.print_new(payload)
            elif kind == frames.ERR:
                streams.write(2, payload)
            elif kind == frames.WORD and payload.startswith(b"from "):
                query.print_past(json.loads(payload[5:]))
            elif kind == frames.EXIT:
                return int(payload)
    except NoAnswerError:
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    except KeyboardInterrupt:
        return 130
    finally:
        client.close()
    return streams.failure or daemon_connection.complain(call, daemon_connection.gone(call))
