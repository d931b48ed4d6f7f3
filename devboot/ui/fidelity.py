"""Renders the report of `import`: one entry per key of the compose file, last the percentage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from devboot.model.printable import counted
from devboot.onboarding.compose_import.fidelity import (
    APPROXIMATED,
    IN_DOCKER,
    NATIVE,
    NO_EQUIVALENT,
    VERDICTS,
    Fidelity,
    percentage,
)
from devboot.text.columns import cells, clip, pad, printable, wrap
from devboot.text.paint import GREEN, MAGENTA, RED, YELLOW, paint

_COLOURS = {NATIVE: GREEN, APPROXIMATED: YELLOW, IN_DOCKER: MAGENTA, NO_EQUIVALENT: RED}
_GAP = "  "
_LEAST = 40  # cells for the text of an entry that stands beside its key
_INDENT = "    "


def render_fidelity(report: Sequence[Fidelity], *, width: int = 0, colour: bool = False) -> str:
    """Return the report as text with a newline at its end; with `width` 0, each entry is one line."""
    places = max((cells(each.place) for each in report), default=0)
    keys = max((cells(printable(each.key)) for each in report), default=0)
    verdicts = max(map(len, VERDICTS))
    lead = places + keys + verdicts + 3 * len(_GAP)
    lines: list[str] = []
    for each in report:
        painted = paint(each.verdict, _COLOURS[each.verdict], on=colour)
        if not width or width - lead >= _LEAST:
            head = _GAP.join(
                (
                    pad(printable(each.place), places),
                    pad(printable(each.key), keys),
                    painted + " " * (verdicts - len(each.verdict)),
                )
            )
            first, *rest = wrap(each.text, max(width - lead, 0))
            lines += [f"{head}{_GAP}{first}".rstrip(), *(" " * lead + line for line in rest)]
        else:
            lines += _stacked(each, painted, width)
    return "\n".join([*lines, "", *wrap(summary(report), width)]) + "\n"


def _stacked(each: Fidelity, painted: str, width: int) -> Iterator[str]:
    """Yield the lines of an entry for a narrow terminal: place, verdict and key, below them a text that is too long."""
    place, key, text = printable(each.place), printable(each.key), printable(each.text)
    room = width - cells(place) - len(each.verdict) - 2 * len(_GAP)
    if cells(key) + len(_GAP) + cells(text) <= room:
        yield _GAP.join((place, painted, key, text)).rstrip()
        return
    if cells(key) <= room:
        yield _GAP.join((place, painted, key))
    else:
        yield _GAP.join((clip(place, width - len(each.verdict) - len(_GAP)), painted))
        yield _INDENT + clip(key, width - len(_INDENT))
    yield from (clip(line, width) for line in wrap(each.text, width, first=_INDENT, then=_INDENT))


def summary(report: Sequence[Fidelity]) -> str:
    """Return the percentage of converted entries, and the number of entries for each verdict."""
    counts = {verdict: sum(each.verdict == verdict for each in report) for verdict in VERDICTS}
    shown = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    entries = counted(len(report), "entry")
    return f"{percentage(report)} % of {entries} {'is' if len(report) == 1 else 'are'} native or approximated: {shown}"
