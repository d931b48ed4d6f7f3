"""Prints lines of logs as text or JSON, in batches."""

from __future__ import annotations

import os
from errno import ENFILE

from devboot import __version__
from devboot.app.fast import daemon_connection
from devboot.app.logs.style import style_for
from devboot.supervisor.output.log_reader import merged
from devboot.supervisor.output.log_writer import log_path
from devboot.text.loglines import Prefixer
from devboot.wire.jsontext import to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from devboot.app.fast.call import Call
    from devboot.app.fast.streams import Streams
    from devboot.supervisor.output.log_reader import Filter, Lines

_BATCH = 64 * 1024  # bytes that are rendered and written together


def past_lines(
    call: Call, names: Sequence[str], chosen: Filter, count: int | None, ends: Mapping[str, int]
) -> Iterator[Lines]:
    """Yield the selected lines in the logs of processes, of each all or the last `count`; see `log_reader.merged`.

    Raises MachineError if not all of the logs can be open at once.
    """
    try:
        yield from merged({name: log_path(call.state, name) for name in names}, chosen, count, ends)
    except OSError as error:
        from devboot.errors import MachineError, shell_word
        from devboot.supervisor.system import limits

        if error.errno not in limits.EXHAUSTED:
            raise
        # Commands for the shell, whose limit the next command inherits.
        advice = limits.advice(ENFILE) if error.errno == ENFILE else ["sudo prlimit --pid $$ --nofile=4096:4096"]
        raise MachineError(
            "machine/no-descriptors",
            f"the logs of {len(names)} processes can't be open at once",
            causes=[os.strerror(error.errno).lower()],
            help=[*advice, f"devboot logs {shell_word(names[0])}"],
        ) from error


class LinePrinter:
    """Prints log lines on standard output; `among` are all process names, which set the width of the prefix."""

    def __init__(self, call: Call, streams: Streams, names: Sequence[str], among: Sequence[str]) -> None:
        self._call = call
        self._streams = streams
        style = style_for(call)
        self._prefixer = Prefixer(names, style, among)
        self.has_printed = False
        self._ticks = 1000 if style.timestamps == "full" else 1  # of the clock of the prefix, in a second

    def print(self, lines: Iterable[Lines]) -> None:
        """Print lines until all are printed or standard output is closed."""
        if self._call.output.json:
            self._write_all(b"".join(as_json(each)) for each in lines)
        else:
            self._write_all(self._rendered(lines))

    def print_head(self) -> None:
        """With `--json`, print the first line: schema number, devboot's version, project."""
        if self._call.output.json:
            project = daemon_connection.project_name(self._call)
            head = to_json({"schema": 1, "devboot": __version__, "project": project})
            self._streams.write(1, f"{head}\n".encode())

    def _rendered(self, lines: Iterable[Lines]) -> Iterable[bytes]:
        """Yield rendered lines; consecutive lines with the same prefix are rendered together."""
        run: list[bytes] = []
        name, time, size = "", 0.0, 0
        for each in lines:
            if run and (each.name != name or size > _BATCH or int(each.at * self._ticks) != int(time * self._ticks)):
                yield self._prefixer.block(name, b"".join(run), time)
                run, size = [], 0
            name, time = each.name, each.at
            run.append(each.data if each.data.endswith(b"\n") else each.data + b"\n")
            size += len(each.data)
        if run:
            yield self._prefixer.block(name, b"".join(run), time)

    def _write_all(self, pieces: Iterable[bytes]) -> None:
        batch: list[bytes] = []
        size = 0
        for piece in pieces:
            batch.append(piece)
            self.has_printed = self.has_printed or bool(piece)
            size += len(piece)
            if size >= _BATCH:
                self._streams.write(1, b"".join(batch))
                batch, size = [], 0
                if self._streams.failure:
                    return
        self._streams.write(1, b"".join(batch))


def as_json(lines: Lines) -> Iterable[bytes]:
    """Yield a JSON object `{"at": …, "name": …, "text": …}` for each line.

    `at` has milliseconds and the time zone, null if it is unknown.
    """
    from datetime import datetime

    from devboot.text.escapes import shown

    at = datetime.fromtimestamp(lines.at).astimezone().isoformat(timespec="milliseconds") if lines.at else None
    head = f'{{"at":{to_json(at)},"name":{to_json(lines.name)},"text":'
    for text in shown(lines.data, colour=False).decode("utf-8", "replace").removesuffix("\n").split("\n"):
        yield f"{head}{to_json(text)}}}\n".encode()
