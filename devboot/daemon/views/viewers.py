"""Whoever watches: renders a block of output once for each kind of reader and offers it to all of that kind."""

from __future__ import annotations

from devboot.text.loglines import Prefixer
from devboot.text.problems import render_problem
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import View
    from devboot.errors import DevbootError


_PIECE = 4 * 1024 * 1024
HELD = 64 * 1024  # bytes that are kept for a viewer which is shown nothing for now


class Viewer:
    """A client that is shown output, of all processes or of some."""

    def __init__(self, connection: Connection, view: View, names: frozenset[str] = frozenset()) -> None:
        self.connection = connection
        self.view = view
        self.style = view.line_style()
        self.names = names  # empty: all
        self.after_room: Callable[[], None] | None = None
        self.open_line = ""  # whose unended line stands at the end of what it has been shown
        self._held: list[bytes] | None = None  # what comes now is for later
        self._room = 0
        self._is_paused = False
        connection.on_room = self._has_room

    def resize(self, rows: int, columns: int) -> None:
        """Its terminal has another size now."""
        self.view = self.view._replace(rows=rows, columns=columns)
        self.style = self.view.line_style()

    def wants(self, name: str) -> bool:
        """Whether it is shown the output of this process."""
        return not self.names or name in self.names

    def show(self, name: str, text: bytes, *, ended: bool) -> None:
        """Offer rendered text of one process."""
        lead = b"\n" if self.open_line and self.open_line != name else b""
        if self._held is not None and self._keep(lead + text):
            self.open_line = "" if ended else name
            return
        self.catch_up()
        text = lead + text if lead else text
        # Prefixes may make many short lines longer than a frame can be.
        pieces = [text] if len(text) <= _PIECE else [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
        were_taken = [self.connection.offer(piece) for piece in pieces]
        if all(were_taken):
            self.open_line = "" if ended else name

    def hand_over(self, name: str, data: bytes, at: float) -> None:
        """Offer a block for a program, which does the rest itself."""
        self.catch_up()
        self.connection.offer(b"%.3f %s\n%s" % (at, name.encode("utf-8", "replace"), data))

    def _keep(self, text: bytes) -> bool:
        """Put it aside; False where there is no room, and it is better shown now. A pause counts what has none."""
        assert self._held is not None
        self._room -= len(text)
        if self._room >= 0:
            self._held.append(text)
        elif self._is_paused:
            self.connection.left_out += text.count(b"\n")
        else:
            self.release()
            return False
        return True

    def hold(self, *, pause: bool = False) -> None:
        """Show no output until `release`; without `pause`, until there is a screenful or a message of devboot."""
        self._is_paused = self._is_paused or pause
        if pause:
            self.open_line = ""  # the client ends it: something else may come to stand there meanwhile
        if self._held is None:
            self._held, self._room = [], HELD

    def release(self, *, resume: bool = False) -> None:
        """Show what was held back, and from now on what comes; a pause ends with `resume` alone."""
        if self._held is None or (self._is_paused and not resume):
            return
        held, self._held, self._is_paused = b"".join(self._held), None, False
        if held:
            self.connection.offer(held)
        self.catch_up()

    def say(self, text: str, *, first: bool = False) -> None:
        """Tell it something of devboot's own, on standard error, whole lines; `first`: before what was held back."""
        if not first:
            self.release()
        if self._held is None:
            self.end_line()
        self.connection.say(text)
        if first:
            self.release()

    def end_line(self) -> None:
        """End a line that a process has left unended."""
        if self.open_line and self._held is None and self.connection.offer(b"\n"):
            self.open_line = ""

    def _has_room(self) -> None:
        self.catch_up()
        if self.after_room is not None:
            self.after_room()

    def catch_up(self, *, at_end: bool = False) -> None:
        """Say how much was left out, once there is room for it; `at_end`: now, since nothing more comes."""
        if self._held is not None:
            return
        count = self.connection.take_left_out(at_end=at_end)
        if count:
            dots = "…" if self.style.unicode else "..."
            lead = "\n" if self.open_line else ""
            self.open_line = ""
            self.connection.send(
                frames.ERR if self.view.raw else frames.OUT,
                f"{lead}{dots} {_grouped(count)} not shown (in the log)\n".encode(),
            )


class Viewers:
    """All viewers of one daemon; `after_room` is called when one of them has caught up."""

    def __init__(self, names: Iterable[str], after_room: Callable[[], None] | None = None) -> None:
        self._after_room = after_room
        self.on_join: Callable[[], None] | None = None  # called before somebody is added
        self._names = tuple(names)
        self._viewers: list[Viewer] = []
        self._prefixers: dict[tuple[object, ...], Prefixer] = {}
        self.reported: list[DevbootError] = []  # the latest errors that all of them have been shown

    def __len__(self) -> int:
        return len(self._viewers)

    def __iter__(self) -> Iterator[Viewer]:
        return iter(tuple(self._viewers))

    def add(self, viewer: Viewer) -> None:
        """From now on it is shown what comes."""
        if self.on_join is not None:
            self.on_join()
        viewer.after_room = self._after_room
        self._viewers.append(viewer)

    def remove(self, connection: Connection) -> None:
        """It has left, or wants no more."""
        self._viewers = [viewer for viewer in self._viewers if viewer.connection is not connection]
        wanted = {self._key(viewer) for viewer in self._viewers}
        self._prefixers = {key: prefixer for key, prefixer in self._prefixers.items() if key in wanted}

    def viewer_of(self, connection: Connection) -> Viewer | None:
        """The viewer that this client is, if it watches."""
        return next((viewer for viewer in self._viewers if viewer.connection is connection), None)

    def output(self, name: str, data: bytes, at: float, *, raw: bool | None = None) -> None:
        """Show a block of `name`; `at` is wall-clock seconds. `raw`: to programs alone, or to people alone."""
        rendered: dict[tuple[object, ...], bytes] = {}
        ended = data.endswith(b"\n")

        def show(viewer: Viewer) -> None:
            continued = viewer.open_line == name
            key = (*self._key(viewer), continued)
            if key not in rendered:
                rendered[key] = self.prefixer(viewer).block(name, data, at, continued=continued)
            if rendered[key]:
                viewer.show(name, rendered[key], ended=ended)

        for viewer in tuple(self._viewers):
            if not viewer.wants(name) or raw not in (None, viewer.view.raw):
                continue
            if viewer.view.raw:
                viewer.connection.call(viewer.hand_over, name, data, at)
            else:
                viewer.connection.call(show, viewer)

    def is_catching_up(self, name: str = "") -> bool:
        """Whether somebody who is shown `name` (empty: anything) is behind, but not hopelessly."""
        return any(viewer.connection.is_catching_up and (not name or viewer.wants(name)) for viewer in self._viewers)

    def prefixer(self, viewer: Viewer) -> Prefixer:
        """What renders for this viewer; shared by all that want the same."""
        key = self._key(viewer)
        if key not in self._prefixers:
            wanted = [name for name in self._names if viewer.wants(name)]
            self._prefixers[key] = Prefixer(wanted, viewer.style, self._names)
        return self._prefixers[key]

    @staticmethod
    def _key(viewer: Viewer) -> tuple[object, ...]:
        return (*viewer.style.key(), viewer.names)

    def renamed(self, names: Iterable[str]) -> None:
        """Other processes from now on: the names' column changes its width."""
        self._names = tuple(names)
        self._prefixers.clear()

    def release(self) -> None:
        """Something is wrong: show all what was held back."""
        for viewer in tuple(self._viewers):
            viewer.connection.call(viewer.release)

    def end(self) -> None:
        """Nothing more comes: tell those that have stopped reading, too, how much was left out."""
        for viewer in tuple(self._viewers):
            viewer.connection.call(viewer.release)
            viewer.connection.call(viewer.catch_up, at_end=True)

    def say(self, text: str) -> None:
        """Tell all of them."""
        for viewer in tuple(self._viewers):
            viewer.connection.call(viewer.say, text)

    def complain(self, error: DevbootError) -> None:
        """Tell all of them what went wrong."""
        self.reported = [*self.reported[-19:], error]
        for viewer in tuple(self._viewers):
            viewer.connection.call(viewer.say, render_problem(error, colour=viewer.view.colour_err))


def _grouped(count: int) -> str:
    unit = "line" if count == 1 else "lines"
    return f"{count:,}".replace(",", " ") + " " + unit
