"""Renders the report of `doctor`: a line per area, then each finding with cause and fix, last a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from devboot.doctor.findings import ERROR, IDLE, OK, WARNING, Area, Check, Finding, Report
from devboot.doctor.fixing import steps_of
from devboot.model.printable import counted
from devboot.text.columns import pad, printable, table, wrap
from devboot.text.paint import BOLD, GREEN, MAGENTA, RED, YELLOW, paint
from devboot.text.symbols import Symbols, margin
from devboot.text.units import duration

_AREA_WIDTH = 11
_LABEL_WIDTH = 6  # `why:  `
_FIX_COLUMN = 32
_COLOURS = {OK: GREEN, IDLE: YELLOW, WARNING: YELLOW, ERROR: RED}


def render_report(
    report: Report,
    symbols: Symbols,
    *,
    width: int = 0,
    colour: bool = False,
    verbose: bool = False,
    mask: Callable[[str], str] = str,
) -> str:
    """Return the report as text, without a newline at its end; `width` 0 wraps nothing."""

    def shown(text: str) -> str:
        return printable(mask(text))

    def painted(text: str, code: str) -> str:
        return paint(text, code, on=colour)

    lines = [line for area in report.areas for line in _area(area, symbols, width, painted, verbose, shown)]
    lines.append("")
    if report.changes:
        lines += [*wrap(shown(report.changes), width, then="  "), ""]
    for number, (_, finding) in enumerate(report.findings, 1):
        lines += [*_finding(number, finding, width, painted, shown), ""]
    lines += wrap(_summary(report), width)
    return "\n".join(line.rstrip() for line in lines)


def render_list(checks: Sequence[Check]) -> str:
    """Return the areas with their checks as text, for `--list`."""
    areas = {check.area: [one.name for one in checks if one.area == check.area] for check in checks}
    rows = [("AREA", "CHECKS"), *((area, ", ".join(names)) for area, names in areas.items())]
    return "\n".join(table(rows)) + "\n"


def report_as_json(report: Report, mask: Callable[[str], str] = str) -> dict[str, Any]:
    """Return the content of `doctor --json`."""
    return {
        "ok": report.is_ok(),
        "checks": report.checks,
        "seconds": round(report.seconds, 3),
        "changes": mask(report.changes) or None,
        "areas": [_area_facts(area, mask) for area in report.areas],
        "findings": [_finding_facts(area, finding, mask) for area, finding in report.findings],
    }


def _area(
    area: Area,
    symbols: Symbols,
    width: int,
    painted: Callable[[str, str], str],
    verbose: bool,
    mask: Callable[[str], str],
) -> Iterator[str]:
    shape = {OK: symbols.ok, IDLE: symbols.idle, WARNING: symbols.warning, ERROR: symbols.failed}[area.state]
    colour = _COLOURS[area.state]
    if area.crashes and area.state in {OK, IDLE}:
        shape, colour = symbols.crashed, MAGENTA
    lead = margin(shape, symbols)
    indent = " " * (len(lead) + _AREA_WIDTH)
    head = pad(printable(area.name), _AREA_WIDTH)
    first, *others = wrap(mask(area.fact), width, first=lead + head, then=indent)
    yield painted(lead, colour) + first[len(lead) :]
    yield from others
    for outcome in area.crashes:
        mark = painted(symbols.crashed, MAGENTA)
        said = f"check {mask(outcome.check.name)}: {mask(outcome.crash)}"
        first, *others = wrap(said, width, first=f"{indent}{symbols.crashed} ", then=indent)
        yield f"{indent}{mark}{first[len(indent) + len(symbols.crashed) :]}"
        yield from others
    if verbose:
        details = [detail for outcome in area.outcomes for detail in outcome.answer.details]
        for detail in details:
            yield from wrap(mask(detail), width, first=indent, then=indent)


def _finding(
    number: int, finding: Finding, width: int, painted: Callable[[str, str], str], mask: Callable[[str], str]
) -> Iterator[str]:
    head = f"{finding.severity}[{finding.slug}]"
    lines = wrap(mask(finding.what), width, first=f"{number}  {head}: ", then="     ")
    yield f"{number}  {painted(head, f'{BOLD};{_COLOURS[finding.severity]}')}{lines[0][3 + len(head) :]}"
    yield from lines[1:]
    for evidence in finding.evidence:
        yield from wrap(mask(evidence), width, first="     ", then="     ")
    indent = " " * (5 + _LABEL_WIDTH)
    yield from wrap(mask(finding.why), width, first="     why:  ", then=indent)
    command, cost = mask(finding.fix.command), mask(finding.fix.cost)
    is_short = len(command) <= _FIX_COLUMN and (not width or len(indent) + _FIX_COLUMN + 2 + len(cost) <= width)
    beside = f"{command.ljust(_FIX_COLUMN)}  {cost}" if cost and is_short else command
    yield f"     {painted('fix:', f'{BOLD};{GREEN}')}  {beside}"
    if cost and not is_short:
        yield from wrap(cost, width, first=indent, then=indent)


def _summary(report: Report) -> str:
    took = f"{counted(report.checks, 'check')} in {duration(report.seconds)}"
    counts = [counted(report.count(ERROR), "error")] if report.count(ERROR) else []
    counts += [counted(report.count(WARNING), "warning")] if report.count(WARNING) else []
    counts += [f"{counted(len(report.crashes), 'check')} without an answer"] if report.crashes else []
    fixes = len(steps_of(report))
    advice = f"; devboot doctor --fix carries out {counted(fixes, 'fix')}" if fixes else ""
    return f"{', '.join(counts) or 'no problems'}, {took}{advice}"


def _area_facts(area: Area, mask: Callable[[str], str]) -> dict[str, Any]:
    return {
        "area": area.name,
        "state": area.state,
        "fact": mask(area.fact),
        "details": [mask(detail) for outcome in area.outcomes for detail in outcome.answer.details],
        "crashes": [{"check": outcome.check.name, "what": mask(outcome.crash)} for outcome in area.crashes],
    }


def _finding_facts(area: str, finding: Finding, mask: Callable[[str], str]) -> dict[str, Any]:
    return {
        "slug": finding.slug,
        "severity": finding.severity,
        "area": area,
        "what": mask(finding.what),
        "why": mask(finding.why),
        "evidence": [mask(evidence) for evidence in finding.evidence],
        "fix": {"command": finding.fix.command, "cost": finding.fix.cost or None},
    }
