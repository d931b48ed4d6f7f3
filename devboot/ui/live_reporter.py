"""The reporter for terminals: shows one line per working step, redrawn in place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from devboot.text.symbols import Symbols
from devboot.ui.board import PROCESSES, Finished, active_lines, finished_lines
from devboot.ui.reporters import QuietReporter

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

_FRAMES_PER_SECOND = 10


class LiveReporter(QuietReporter):
    """Shows one line per working step, redrawn in place; finished lines stay above.

    Between start and end a single thread draws, and only it calls rich. Events change the board and return: our lock is
    never held while rich waits for one of its own, and a terminal that accepts no output delays no work. The console is
    opened, and rich imported, once there is something to draw: most commands end before.
    """

    def __init__(
        self,
        open_console: Callable[[], Console],
        symbols: Symbols,
        clock: Callable[[], float],
        *,
        hint: str = "",
        mask: Callable[[str], str] = str,
        frames_per_second: float = _FRAMES_PER_SECOND,
    ) -> None:
        super().__init__(clock, mask)
        self._open_console = open_console
        self._symbols = symbols
        self._hint = hint
        self._period = 1 / frames_per_second
        self._frame = 0
        self._unprinted: list[Finished] = []
        self._is_due = threading.Event()  # there are finished lines, or this is the end
        self._has_ended = False
        self._drawer = threading.Thread(target=self._keep_drawing, name="devboot-drawer", daemon=True)
        self._live: Live | None = None  # while nothing was drawn

    def _settle(self, final: list[Finished]) -> None:
        if final:
            self._unprinted += final
            self._is_due.set()

    def _keep_drawing(self) -> None:
        # A terminal that has gone must not end the work: the result counts, not its display.
        with suppress(OSError, ValueError):
            while not self._has_ended:
                self._is_due.clear()
                if self._live is not None or self._has_lines():
                    self._draw(self._live or self._start())
                self._is_due.wait(self._period)

    def _has_lines(self) -> bool:
        with self._lock:
            return bool(self._unprinted or self._board.active(self._clock()))

    def _start(self) -> Live:
        from rich.live import Live

        self._live = Live(
            console=self._open_console(),
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()
        return self._live

    def _draw(self, live: Live) -> None:
        from rich.console import Group
        from rich.text import Text

        from devboot.ui.consoles import line_text

        self._frame += 1
        width, height = live.console.size
        with self._lock:
            final, self._unprinted = self._unprinted, []
            # Blank line, hint and the line that the cursor is left on.
            room = max(1, height - 3)
            lines = active_lines(
                self._board, self._clock(), self._symbols, width=width, height=room, frame=self._frame // 2
            )
        texts = [line_text(line, self._symbols) for line in lines]
        if lines and self._hint and width > len(self._hint):
            texts += [Text(), Text(self._hint)]
        live.update(Group(*texts))
        self._print(live.console, final)
        live.refresh()

    def _print(self, console: Console, final: list[Finished]) -> None:
        from devboot.ui.consoles import line_text

        for finished in final:
            for line in finished_lines(finished, console.width, self._symbols):
                console.print(line_text(line, self._symbols), soft_wrap=True)

    def __enter__(self) -> Self:
        self._drawer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._has_ended = True
        self._is_due.set()
        try:
            self._drawer.join()
        finally:
            with self._lock:
                final = [*self._unprinted, *self._board.settle(self._clock(), PROCESSES if error is None else "")]
            with suppress(OSError, ValueError):
                if self._live is not None:
                    self._live.stop()
                if final:
                    self._print(self._open_console() if self._live is None else self._live.console, final)
