"""Chooses the format of log lines for `devboot logs`, and whether they go through a pager."""

from __future__ import annotations

from devboot.text.loglines import LineStyle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.fast.call import Call
    from devboot.app.fast.pager import PagedStreams


def streams_for(call: Call) -> PagedStreams:
    """Return the output streams for past lines, which use a pager if the lines don't fit the terminal."""
    from devboot.app.fast.pager import PagedStreams, pager_command

    return PagedStreams(pager_command(call.stdout, call.environ, call.output), call.stdout, call.environ)


def style_for(call: Call) -> LineStyle:
    """Return the format of log lines that suits the terminal and the flags."""
    view = call.view()
    return LineStyle(
        colour=bool(view["colour"]),
        unicode=bool(view["unicode"]),
        timestamps=timestamps(call),
        prefix=not call.flag("no-prefix"),
    )


def timestamps(call: Call) -> str:
    """Return which time is printed before each line: `full` (with date) or `clock`."""
    return "full" if call.flag("timestamps") else "clock"
