"""Clients that are shown output: renders each block once per style and sends it to all viewers with that style."""

from __future__ import annotations

from devboot.model.printable import counted
from devboot.text.loglines import Prefixer
from devboot.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from devboot.daemon.clients.connection import Connection
    from devboot.daemon.clients.request import View
    from devboot.errors import DevbootError


_PIECE = 4 * 1024 * 1024
HELD = 64 * 1024  # most bytes held back for a viewer


class Viewer:
    """A client that is shown output of all or some processes."""

    def __init__(self, connection: Connection, view: View, names: frozenset[str] = frozenset()) -> None:
        self.connection = connection
        self.view = view
        self.style = view.line_style()
        self.names = names  # of the shown processes; empty for all
        self.after_room: Callable[[], None] | None = None
        self.open_line = ""  # the process whose unfinished line was shown last
        self._held: list[bytes] | None = None  # held-back output; None while output is shown
        self._room = 0
        self._is_paused = False
        connection.on_room = self._has_room

    def resize(self, rows: int, columns: int) -> None:
        """Store the new size of the client's terminal."""
        self.view = self.view._replace(rows=rows, columns=columns)
        self.style = self.view.line_style()

    def wants(self, name: str) -> bool:
        """Return whether the client is shown the output of process `name`."""
        return not self.names or name in self.names

    def show(self, name: str, text: bytes, *, ended: bool) -> None:
        """Send rendered output of the process `name` to the client; `ended`: it ends with a whole line."""
        lead = b"\n" if self.open_line and self.open_line != name else b""
        if self._held is not None and self._keep(lead + text):
            self.open_line = "" if ended else name
            return
        self.catch_up()
        text = lead + text if lead else text
        # Prefixes may make a block of many short lines longer than a frame's limit.
        pieces = [text] if len(text) <= _PIECE else [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
        were_taken = [self.connection.offer(piece) for piece in pieces]
        if all(were_taken):
            self.open_line = "" if ended else name

    def hand_over(self, name: str, data: bytes, at: float) -> None:
        """Send unrendered output, with time and process name, to a client that renders output itself."""
        self.catch_up()
        self.connection.offer(b"%.3f %s\n%s" % (at, name.encode("utf-8", "replace"), data))

    def _keep(self, text: bytes) -> bool:
        """Hold output back; return False if the buffer is full, so that everything is shown instead.

        During a pause, output that doesn't fit is counted as omitted.
        """
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
        """Hold output back until `release`.

        Without `pause`, only until a screenful has gathered or devboot has a message.
        """
        self._is_paused = self._is_paused or pause
        if pause:
            self.open_line = ""  # the client ends the line itself
        if self._held is None:
            self._held, self._room = [], HELD

    def release(self, *, resume: bool = False) -> None:
        """Show held-back output and stop holding; a pause ends only with `resume`."""
        if self._held is None or (self._is_paused and not resume):
            return
        held, self._held, self._is_paused = b"".join(self._held), None, False
        if held:
            self.connection.offer(held)
        self.catch_up()

    def say(self, text: str, *, first: bool = False) -> None:
        """Send a message of devboot, whole lines, on standard error; `first`: before held-back output."""
        if not first:
            self.release()
        if self._held is None:
            self.end_line()
        self.connection.say(text)
        if first:
            self.release()

    def complain(self, error: DevbootError) -> None:
        """Send the client an error message."""
        self.release()
        if self._held is None:
            self.end_line()
        self.connection.complain(error, self.view)

    def end_line(self) -> None:
        """Send a line end if the last output of a process was an unfinished line."""
        if self.open_line and self._held is None and self.connection.offer(b"\n"):
            self.open_line = ""

    def _has_room(self) -> None:
        self.catch_up()
        if self.after_room is not None:
            self.after_room()

    def catch_up(self, *, at_end: bool = False) -> None:
        """Report the number of omitted lines once the client's buffer has room again; `at_end`: at once."""
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
    """All clients that are shown output; `after_room` is called when one of them has caught up."""

    def __init__(self, names: Iterable[str], after_room: Callable[[], None] | None = None) -> None:
        self._after_room = after_room
        self.on_join: Callable[[], None] | None = None  # called before a viewer is added
        self._names = tuple(names)
        self._viewers: list[Viewer] = []
        self._prefixers: dict[tuple[object, ...], Prefixer] = {}
        self.reported: list[DevbootError] = []  # the latest errors shown to all viewers

    def __len__(self) -> int:
        return len(self._viewers)

    def __iter__(self) -> Iterator[Viewer]:
        return iter(tuple(self._viewers))

    def add(self, viewer: Viewer) -> None:
        """Add a viewer, which gets all further output."""
        if self.on_join is not None:
            self.on_join()
        viewer.after_room = self._after_room
        self._viewers.append(viewer)

    def remove(self, connection: Connection) -> None:
        """Remove the viewer of a client."""
        self._viewers = [viewer for viewer in self._viewers if viewer.connection is not connection]
        wanted = {self._key(viewer) for viewer in self._viewers}
        self._prefixers = {key: prefixer for key, prefixer in self._prefixers.items() if key in wanted}

    def viewer_of(self, connection: Connection) -> Viewer | None:
        """Return the viewer of a client; None if the client doesn't receive output."""
        return next((viewer for viewer in self._viewers if viewer.connection is connection), None)

    def output(self, name: str, data: bytes, at: float, *, raw: bool | None = None) -> None:
        """Show a block of output of process `name`, written at `at` (wall-clock seconds), to the viewers that want it.

        With `raw` True only to clients that render output themselves, with False only to the others.
        """
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
        """Return whether any viewer of process `name` ("": of any) is behind with reading but makes progress."""
        return any(viewer.connection.is_catching_up and (not name or viewer.wants(name)) for viewer in self._viewers)

    def prefixer(self, viewer: Viewer) -> Prefixer:
        """Return the object that adds times and names to lines; viewers with the same style and names share one."""
        key = self._key(viewer)
        if key not in self._prefixers:
            wanted = [name for name in self._names if viewer.wants(name)]
            self._prefixers[key] = Prefixer(wanted, viewer.style, self._names)
        return self._prefixers[key]

    @staticmethod
    def _key(viewer: Viewer) -> tuple[object, ...]:
        return (*viewer.style.key(), viewer.names)

    def renamed(self, names: Iterable[str]) -> None:
        """Adopt the process names of a new plan, which determine the width of the prefix."""
        self._names = tuple(names)
        self._prefixers.clear()

    def release(self) -> None:
        """Show all held-back output, because of a failure."""
        for viewer in tuple(self._viewers):
            viewer.connection.call(viewer.release)

    def end(self) -> None:
        """Show held-back output and the numbers of omitted lines at the end."""
        for viewer in tuple(self._viewers):
            viewer.connection.call(viewer.release)
            viewer.connection.call(viewer.catch_up, at_end=True)

    def say(self, text: str) -> None:
        """Send a message to all viewers."""
        for viewer in tuple(self._viewers):
            viewer.connection.call(viewer.say, text)

    def complain(self, error: DevbootError) -> None:
        """Send an error to all viewers."""
        self.reported = [*self.reported[-19:], error]
        for viewer in tuple(self._viewers):
            viewer.connection.call(viewer.complain, error)


def _grouped(count: int) -> str:
    return counted(count, "line").replace(str(count), f"{count:,}".replace(",", " "))
