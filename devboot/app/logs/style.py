"""Chooses the format of `devboot logs`, and the streams for past lines."""

from __future__ import annotations

from devboot.text.loglines import LineStyle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.fast.call import Call
    from devboot.app.fast.pager import PagedStreams


def streams_for(call: Call) -> PagedStreams:
    """Return streams for past lines without `-f`: through a pager if they don't fit a terminal."""
    from devboot.app.fast.pager import PagedStreams, pager_command

    return PagedStreams(pager_command(call.stdout, call.environ, call.output), call.stdout, call.environ)


def style_for(call: Call) -> LineStyle:
    """Return the format of log lines for the terminal and flags of this call."""
    view = call.view()
    return LineStyle(
        colour=bool(view["colour"]),
        unicode=bool(view["unicode"]),
        timestamps=timestamps(call),
        prefix=not call.flag("no-prefix"),
    )


def timestamps(call: Call) -> str:
    """Return which time is printed before each line."""
    return "full" if call.flag("timestamps") else "clock"
