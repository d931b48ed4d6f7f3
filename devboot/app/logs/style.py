"""How `devboot logs` shows lines, chosen ones or the last ones, and where those of the past go."""

from __future__ import annotations

from devboot.text.loglines import LineStyle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.fast.call import Call
    from devboot.app.fast.pager import PagedStreams


def streams_for(call: Call) -> PagedStreams:
    """Where lines of the past go that nothing follows: through a pager, if a terminal hasn't room for them."""
    from devboot.app.fast.pager import PagedStreams, pager_command

    return PagedStreams(pager_command(call.stdout, call.environ, call.wishes), call.stdout, call.environ)


def style_for(call: Call) -> LineStyle:
    """How the lines of this call look."""
    view = call.view()
    return LineStyle(
        colour=bool(view["colour"]),
        unicode=bool(view["unicode"]),
        timestamps=timestamps(call),
        prefix=not call.flag("no-prefix"),
    )


def timestamps(call: Call) -> str:
    """Which time stands before each line."""
    return "full" if call.flag("timestamps") else "clock"
