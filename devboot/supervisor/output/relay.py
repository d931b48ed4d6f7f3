"""Relays output of a child in blocks that end with a line, without creating an object per line.

Timestamps, prefixes and searches are applied per block; per line they would cost ten times the relaying.
"""

from __future__ import annotations

import os
from fcntl import fcntl

from devboot.supervisor.event_loop import READ
from devboot.supervisor.output.line_matcher import strip_escapes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from devboot.supervisor.event_loop import AbstractLoop, Timer
else:
    from _collections import deque  # the package costs a millisecond

BLOCK = 64 * 1024  # most bytes of a terminal's output that are gathered into one block
PIPE_BLOCK = 128 * 1024  # half of a pipe: fewer turns than with 64 KB, and still in the CPU caches when sent
TERMINAL_BLOCK = 8 * 1024  # a read from a terminal returns at most 4 KB, so several reads make a block
TERMINAL_READS = 64
# Seconds for which a flood from a terminal is gathered, since a block of 64 KB costs no more to pass on than one of
# 4 KB. A flood is a last read of at least FLOOD bytes; a line or two are passed on at once.
GATHER = 0.01
FLOOD = 4000
# A pipe whose writer flushes each line is readable again at once. After QUICK reads in a row that followed within PAUSE
# seconds, it is read every PAUSE seconds, or at once while a read returns a good part of what the pipe can hold.
QUICK = 8
PAUSE = 0.002
_PIPE_SIZE = 1032  # F_GETPIPE_SZ of Linux
_SMALL_PIPE = 16 * 1024  # of systems that don't tell the size
IDLE = 0.1  # seconds after which an unfinished line (a prompt) is passed on; a shorter time splits lines under load
FLOOD_IDLE = 0.5  # the same in a flood, whose writer is probably just blocked
# Longest line in bytes; a longer one is passed on in pieces, since viewers render a line in one go and every process
# may have one pending. In the log it is whole.
LONGEST = 1024 * 1024
DRAIN_LIMIT = 64 * 1024 * 1024  # most bytes read after the end, in case an unknown process keeps writing


class Output:
    """Reads one child's output descriptor and delivers it in blocks; owns the descriptor."""

    def __init__(self, loop: AbstractLoop, fd: int, deliver: Callable[[bytes], None], *, terminal: bool) -> None:
        self._loop = loop
        self._fd = fd
        self._deliver = deliver
        self._reads, self._size = (TERMINAL_READS, TERMINAL_BLOCK) if terminal else (1, PIPE_BLOCK)
        self._gathers = terminal
        self._gathered: list[bytes] = []
        self._gathered_size = 0
        self._floods = False
        self._gathering: Timer | None = None
        self._partial: list[bytes] = []
        self._pending = 0
        self._touched = 0.0
        self._idle: Timer | None = None
        self._held = False
        self._plenty = _size_of_pipe(fd) // 4  # bytes of a read after which there is probably more
        self._read_at = self._loop.now() - PAUSE
        self._quick = 0  # reads in a row that followed the one before at once
        self._is_polled = False  # read by a timer, not watched
        self._polling: Timer | None = None
        self.tap: Callable[[bytes], None] | None = None  # receives raw bytes at once, for `attach`
        loop.watch(fd, READ, self._readable)

    @property
    def fd(self) -> int:
        """Descriptor of the child's output (also to write to its terminal); -1 after it is closed."""
        return self._fd

    def hold(self, on: bool) -> None:
        """Stop (`on`) or resume reading; while stopped, the child blocks when it writes, and no output is lost."""
        if self._fd < 0 or on == self._held:
            return
        self._held = on
        self._stop_polling()
        if on:
            if not self._is_polled:
                self._loop.unwatch(self._fd)
                self._is_polled = not self._gathers  # it is probably a flood, and held again soon
            if self._gathering is not None:
                self._gathering.cancel()
                self._gathering = None
        else:
            self._touched = self._loop.now()
            self._watch()
            self._take_gathered()  # last, since a receiver may hold the output again

    def close(self) -> None:
        """Read and deliver the remaining output, including an unfinished line, then close the descriptor."""
        total = 0
        while self._fd >= 0 and total < DRAIN_LIMIT:
            got = self._read()
            total += got
            if not got:
                break
        self._finish()

    def drop(self) -> None:
        """Close the descriptor and discard what wasn't delivered yet."""
        for timer in (self._gathering, self._idle, self._polling):
            if timer is not None:
                timer.cancel()
        if self._fd >= 0:
            self._loop.unwatch(self._fd)
            os.close(self._fd)
            self._fd = -1
        self._gathered, self._partial, self._pending = [], [], 0

    def _readable(self, _ready: int) -> None:
        before, self._read_at = self._read_at, self._loop.now()
        self._quick = self._quick + 1 if self._read_at - before < PAUSE else 0
        got = self._read()
        if self._quick >= QUICK and not self._gathers and self._fd >= 0:
            self._loop.unwatch(self._fd)
            self._is_polled = True
            self._poll_later(got)

    def _poll(self) -> None:
        self._polling = None
        got = 0
        try:
            got = self._read()
        finally:  # after an exception the loop has to call again, whatever becomes of the receiver
            if self._fd >= 0:
                self._poll_later(got)

    def _poll_later(self, got: int) -> None:
        """Schedule the next read after one of `got` bytes: by timer, or by the loop if there was nothing to read."""
        self._stop_polling()
        if not got:
            self._is_polled, self._quick = False, 0
        if not self._held:
            self._watch(0 if got >= self._plenty else PAUSE)

    def _watch(self, pause: float = 0) -> None:
        """Wait for output: in a flood by a timer of `pause` seconds, since a poll would cost more than a read."""
        if self._is_polled:
            self._polling = self._loop.call_later(pause, self._poll)
        else:
            self._loop.watch(self._fd, READ, self._readable)

    def _stop_polling(self) -> None:
        if self._polling is not None:
            self._polling.cancel()
            self._polling = None

    def _read(self) -> int:
        """Read and handle one block of output; return its number of bytes."""
        chunks: list[bytes] = []
        total = 0
        ended = False
        for _ in range(self._reads):
            try:
                data = os.read(self._fd, self._size)
            except BlockingIOError:
                break
            except OSError:
                data = b""  # EIO: no process has the terminal open any more
            if not data:
                ended = True
                break
            chunks.append(data)
            total += len(data)
            if total >= BLOCK:
                break
        if chunks:
            self._arrived(chunks[0] if len(chunks) == 1 else b"".join(chunks))
        if ended:
            self._finish()
        return total

    def _arrived(self, data: bytes) -> None:
        """Deliver output at once, or in a flood together with the output of the next GATHER seconds."""
        if self.tap is not None:
            self.tap(data)
        self._gathered.append(data)
        self._gathered_size += len(data)
        gathers = self._gathers and self._floods
        self._floods = len(data) >= FLOOD
        if not gathers or self._gathered_size >= BLOCK:
            self._take_gathered()
        elif self._gathering is None and not self._held:
            self._gathering = self._loop.call_later(GATHER, self._take_gathered)

    def _take_gathered(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        gathered, self._gathered, self._gathered_size = self._gathered, [], 0
        if gathered:
            self._take(gathered[0] if len(gathered) == 1 else b"".join(gathered))

    def _take(self, data: bytes) -> None:
        end = data.rfind(b"\n") + 1
        if end:
            block = b"".join((*self._partial, data[:end])) if self._partial else data[:end]
            self._partial = [data[end:]] if end < len(data) else []
            self._pending = len(data) - end
            self._pass_on(block)
        else:
            self._partial.append(data)
            self._pending += len(data)
        if self._pending > LONGEST:
            self._flush()
        if self._pending:
            self._touched = self._loop.now()
            if self._idle is None:
                self._idle = self._loop.call_later(IDLE, self._idled)

    def _idled(self) -> None:
        self._idle = None
        rest = self._touched + (FLOOD_IDLE if self._floods else IDLE) - self._loop.now()
        if self._pending and (rest > 0 or self._held):
            # While output is held, the rest of the line may be waiting to be read.
            self._idle = self._loop.call_later(IDLE if self._held else rest, self._idled)
        else:
            self._flush()

    def _flush(self, *, last: bool = False) -> None:
        data = b"".join(self._partial)
        # A carriage return may be the first half of CRLF, whose CR is dropped.
        kept = b"\r" if data.endswith(b"\r") and not last else b""
        self._partial = [kept] if kept else []
        self._pending = 0
        data = data[: len(data) - len(kept)]
        if data:
            self._pass_on(data)

    def _pass_on(self, block: bytes) -> None:
        # Searching for one byte first is ten times as fast as for two, and few programs write CR at all.
        self._deliver(block.replace(b"\r\n", b"\n") if b"\r" in block else block)

    def _finish(self) -> None:
        if self._fd < 0:
            return
        self._loop.unwatch(self._fd)
        os.close(self._fd)
        self._fd = -1
        self._take_gathered()
        for timer in (self._idle, self._polling):
            if timer is not None:
                timer.cancel()
        self._flush(last=True)


def _size_of_pipe(fd: int) -> int:
    try:
        return fcntl(fd, _PIPE_SIZE)
    except OSError:
        return _SMALL_PIPE


class Tail:
    """The last output of a run, for error messages: at most twice LIMIT bytes."""

    LIMIT = 16 * 1024

    def __init__(self) -> None:
        self._blocks: deque[bytes] | None = None  # most of hundreds of processes write nothing, and it takes 800 bytes
        self._size = 0

    def add(self, block: bytes) -> None:
        """Append a block and drop the oldest ones beyond the limit."""
        if self._blocks is None:
            self._blocks = deque()
        if len(block) > self.LIMIT:
            block = block[-self.LIMIT :]
        self._blocks.append(block)
        self._size += len(block)
        while self._size - len(self._blocks[0]) >= self.LIMIT:
            self._size -= len(self._blocks.popleft())

    def clear(self) -> None:
        """Drop all kept output, because a new run begins."""
        self._blocks = None
        self._size = 0

    @property
    def text(self) -> bytes:
        """All kept output, with colours."""
        return b"".join(self._blocks or ())

    def lines(self, count: int) -> tuple[str, ...]:
        """Return the last `count` lines, decoded, without colours; undecodable bytes become U+FFFD."""
        text = strip_escapes(self.text).decode("utf-8", "replace")
        return tuple(text.rstrip("\n").split("\n")[-count:]) if text.strip() else ()
