"""`devboot logs` filtered by time or pattern, or as JSON: reads whole logs, and filters new lines."""

from __future__ import annotations

from collections import deque
from heapq import merge

from devboot import __version__
from devboot.app.fast import daemon_connection
from devboot.app.fast.streams import Streams
from devboot.app.logs.filter import Choice, as_json, parse_choice, raw_lines
from devboot.app.logs.style import streams_for, style_for
from devboot.daemon.client import NoAnswerError
from devboot.supervisor.output import log_reader as files
from devboot.supervisor.output.log_reader import Line
from devboot.text.loglines import Prefixer
from devboot.wire import frames
from devboot.wire.jsontext import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devboot.app.fast.call import Call
    from devboot.daemon.client import Client
    from devboot.wire.jsontext import Plain

_BATCH = 500  # lines that are written together


def carry_out(call: Call, names: Sequence[str], count: int | None) -> int:
    """Print the last `count` matching lines of each, and with `-f` new ones. Raises UsageError."""
    choice = parse_choice(call.values, call.began)
    writer = _Writer(call, names, choice)
    found = daemon_connection.meet(call) if call.flag("follow") else None
    if found is not None and found.client is not None:
        return _follow(call, found.client, writer, count)
    if found is not None and found.lease is not None and found.lease.is_alive:
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    writer.past(count, {})
    return writer.end()


class _Writer:
    """Writes matching lines to standard output, as text or JSON."""

    def __init__(self, call: Call, names: Sequence[str], choice: Choice) -> None:
        self._call = call
        self._names = names
        self._choice = choice
        self._streams = Streams() if call.flag("follow") else streams_for(call)
        self._prefixer = Prefixer(names, style_for(call))
        self._open: dict[str, bytes] = {}  # incomplete lines, by process
        if call.output.json:
            head: dict[str, Plain] = {
                "schema": 1,
                "devboot": __version__,
                "project": daemon_connection.project_name(call),
            }
            self._streams.write(1, f"{to_json(head)}\n".encode())

    @property
    def failure(self) -> int:
        """Return the exit code for a failed standard output, 0 for none."""
        return self._streams.failure

    def end(self) -> int:
        """Finish, and return the exit code."""
        return self._streams.end()

    def past(self, count: int | None, ends: Mapping[str, int]) -> None:
        """Write the last `count` lines of each log, up to the offsets where the daemon's stream begins."""
        paths = {name: files.log_path(self._call.state, name) for name in self._names}
        logs = [self._choice.out_of(files.read(path, name=name, end=ends.get(name))) for name, path in paths.items()]
        last = logs if count is None else [deque(log, maxlen=count) for log in logs]
        self.write(merge(*last, key=lambda line: line.at))

    def write(self, lines: Iterable[Line]) -> None:
        """Write lines that match, in batches."""
        batch: list[bytes] = []
        for line in lines:
            batch.append(self._rendered(line))
            if len(batch) == _BATCH:
                self._streams.write(1, b"".join(batch))
                batch = []
                if self.failure:
                    return
        self._streams.write(1, b"".join(batch))

    def come(self, block: bytes) -> None:
        """Handle a block from the daemon; an incomplete line is kept until it is complete."""
        name, at, lines, is_ended = raw_lines(block)
        lines[0] = self._open.pop(name, b"") + lines[0]
        if not is_ended:
            self._open[name] = lines.pop()
        self.write(self._choice.out_of(Line(at, name, data) for data in lines))

    def _rendered(self, line: Line) -> bytes:
        if self._call.output.json:
            return as_json(line)
        return self._prefixer.block(line.name, line.data + b"\n", line.at)


def _follow(call: Call, client: Client, writer: _Writer, count: int | None) -> int:
    import json

    streams = Streams()
    try:
        client.ask({"command": "logs", "names": list(call.args), "view": {**call.view(), "raw": True}})
        client.welcome()
        while not writer.failure and (arrived := client.next()) is not None:
            kind, payload = arrived
            if kind == frames.OUT:
                writer.come(payload)
            elif kind == frames.ERR:
                streams.write(2, payload)
            elif kind == frames.WORD and payload.startswith(b"from "):
                writer.past(count, json.loads(payload[5:]))
            elif kind == frames.EXIT:
                return int(payload)
    except NoAnswerError:
        return daemon_connection.complain(call, daemon_connection.silent_daemon(call))
    except KeyboardInterrupt:
        return 130
    finally:
        client.close()
    return writer.failure
