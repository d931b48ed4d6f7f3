"""Renders doctor's report: a line per area, then each finding with why and what to do, the summary last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.text import Text

from devboot.doctor.findings import ERROR, IDLE, OK, WARNING, Area, Check, Finding, Report
from devboot.text.columns import pad, printable, table, wrap
from devboot.text.symbols import Symbols, margin
from devboot.text.units import counted, duration

_AREA_WIDTH = 11
_LABEL_WIDTH = 6  # `why:  `
_FIX_COLUMN = 32
_STYLES = {OK: "green", IDLE: "yellow", WARNING: "yellow", ERROR: "red"}


def render_report(
    report: Report, symbols: Symbols, *, width: int = 0, verbose: bool = False, mask: Callable[[str], str] = str
) -> Text:
    """Return the whole report, styled, without a newline at its end; `width` 0 breaks no line."""

    def shown(text: str) -> str:
        return printable(mask(text))

    lines = [line for area in report.areas for line in _area(area, symbols, verbose=verbose, mask=shown)]
    lines.append(Text())
    for number, (_, finding) in enumerate(report.findings, 1):
        lines += [*_finding(number, finding, width, shown), Text()]
    lines.append(Text(_summary(report)))
    return Text("\n").join(lines)


def render_list(checks: Sequence[Check]) -> str:
    """List the areas with their checks, for `--list`."""
    areas = {check.area: [one.name for one in checks if one.area == check.area] for check in checks}
    rows = [("AREA", "CHECKS"), *((area, ", ".join(names)) for area, names in areas.items())]
    return "\n".join(table(rows)) + "\n"


def report_as_json(report: Report, mask: Callable[[str], str] = str) -> dict[str, Any]:
    """Return the facts of the report, for programs."""
    return {
        "ok": report.is_ok(),
        "checks": report.checks,
        "seconds": round(report.seconds, 3),
        "areas": [_area_facts(area, mask) for area in report.areas],
        "findings": [_finding_facts(area, finding, mask) for area, finding in report.findings],
    }


def _area(area: Area, symbols: Symbols, *, verbose: bool, mask: Callable[[str], str]) -> Iterator[Text]:
    shape = {OK: symbols.ok, IDLE: symbols.idle, WARNING: symbols.warning, ERROR: symbols.failed}[area.state]
    style = _STYLES[area.state]
    fact = mask(area.fact)
    if area.crashes and area.state in {OK, IDLE}:
        shape, style = symbols.crashed, "magenta"
    lead = margin(shape, symbols)
    yield Text.assemble((lead, style), pad(printable(area.name), _AREA_WIDTH), fact)
    indent = " " * (len(lead) + _AREA_WIDTH)
    for outcome in area.crashes:
        mark = (symbols.crashed, "magenta")
        yield Text.assemble(indent, mark, f" check {mask(outcome.check.name)}: {mask(outcome.crash)}")
    if verbose:
        details = [detail for outcome in area.outcomes for detail in outcome.answer.details]
        yield from (Text(indent + mask(detail)) for detail in details)


def _finding(number: int, finding: Finding, width: int, mask: Callable[[str], str]) -> Iterator[Text]:
    head = f"{finding.severity}[{finding.slug}]"
    lines = wrap(mask(finding.what), width, first=f"{number}  {head}: ", then="     ")
    yield Text.assemble(f"{number}  ", (head, f"bold {_STYLES[finding.severity]}"), lines[0][3 + len(head) :])
    yield from (Text(line) for line in lines[1:])
    for evidence in finding.evidence:
        yield from (Text(line) for line in wrap(mask(evidence), width, first="     ", then="     "))
    indent = " " * (5 + _LABEL_WIDTH)
    why = wrap(mask(finding.why), width, first="     why:  ", then=indent)
    yield from (Text(line) for line in why)
    command, cost = mask(finding.fix.command), mask(finding.fix.cost)
    is_short = len(command) <= _FIX_COLUMN
    beside = f"{command.ljust(_FIX_COLUMN)}  {cost}" if cost and is_short else command
    yield Text.assemble("     ", ("fix:", "bold green"), "  ", beside)
    if cost and not is_short:
        yield Text(indent + cost)


def _summary(report: Report) -> str:
    took = f"{counted(report.checks, 'check')} in {duration(report.seconds)}"
    counts = [counted(report.count(ERROR), "error")] if report.count(ERROR) else []
    counts += [counted(report.count(WARNING), "warning")] if report.count(WARNING) else []
    counts += [f"{counted(len(report.crashes), 'check')} without an answer"] if report.crashes else []
    return f"{', '.join(counts) or 'no problems'}, {took}"


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
