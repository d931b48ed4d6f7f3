"""Renders the file of `doctor --report`, whose content may come from strangers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from devboot.doctor.findings import ERROR, IDLE, WARNING, Answer, Area, Check, Finding, Fix, Outcome, Report
from devboot.text.columns import printable, table
from devboot.text.symbols import Symbols
from devboot.ui.doctor import render_report

_LONGEST = 1e6  # seconds


def render_document(document: Mapping[str, Any], symbols: Symbols, *, width: int = 0, colour: bool = False) -> str:
    """Return the report in a file of `doctor --report` as text, without a newline at its end."""
    machine, project = _table(document, "machine"), _table(document, "project")
    head = f"report of {_text(document, 'at')} by devboot {_text(document, 'devboot')}"
    lines = [printable(head), *_rows({name: value for name, value in machine.items() if name != "devboot"})]
    lines += _rows({name: _text(project, name) for name in ("name", "manifest")})
    lines += ["", render_report(report_of(document), symbols, width=width, colour=colour, verbose=True)]
    if processes := _table(project, "processes"):
        lines += ["", "processes", *_rows(processes)]
    if variables := _texts(project, "variables"):
        lines += ["", "variables", f"  {printable(', '.join(variables))}"]
    logs = _table(document, "logs")
    for name in logs:
        last = [f"  {printable(line)}" for line in _texts(logs, name)]
        lines += ["", f"last lines of {printable(str(name))}", *last]
    return "\n".join(lines)


def report_of(document: Mapping[str, Any]) -> Report:
    """Return doctor's report stored in a file of `doctor --report`; values of another form are left out."""
    doctor = _table(document, "doctor")
    areas = _tables(doctor, "areas")
    facts = {_text(each, "area"): _text(each, "fact") for each in areas}
    findings: dict[str, list[Finding]] = {}
    for each in _tables(doctor, "findings"):
        area = _text(each, "area")
        findings.setdefault(area, []).append(_finding(each, facts.get(area, "")))
    seconds, checks = doctor.get("seconds"), doctor.get("checks")
    return Report(
        tuple(_area(each, findings.get(_text(each, "area"), [])) for each in areas),
        float(seconds) if isinstance(seconds, (int, float)) and 0 <= seconds < _LONGEST else 0.0,
        _text(doctor, "changes"),
        checks if isinstance(checks, int) else 0,
    )


def _area(area: Mapping[str, Any], findings: list[Finding]) -> Area:
    name = _text(area, "area")
    answer = Answer((_text(area, "fact"),), tuple(findings), tuple(_texts(area, "details")), area.get("state") == IDLE)
    crashes = ((_text(each, "check"), _text(each, "what")) for each in _tables(area, "crashes"))
    outcomes = [Outcome(_check(name, name), answer)]
    return Area(name, (*outcomes, *(Outcome(_check(check, name), crash=what) for check, what in crashes)))


def _check(name: str, area: str) -> Check:
    return Check(name, area, lambda _subject: Answer())


def _finding(plain: Mapping[str, Any], fact: str) -> Finding:
    fix = _table(plain, "fix")
    severity = _text(plain, "severity")
    return Finding(
        printable(_text(plain, "slug")),
        severity if severity in (ERROR, WARNING) else WARNING,
        _text(plain, "what"),
        _text(plain, "why"),
        Fix(_text(fix, "command"), _text(fix, "cost")),
        tuple(_texts(plain, "evidence")),
        fact,
    )


def _rows(facts: Mapping[str, Any]) -> Iterator[str]:
    rows = [(printable(str(name)), printable(str(value))) for name, value in facts.items() if value]
    yield from (f"  {line}" for line in (table(rows) if rows else ()))


def _text(plain: Mapping[str, Any], name: str) -> str:
    value = plain.get(name)
    return value if isinstance(value, str) else ""


def _table(plain: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = plain.get(name)
    return value if isinstance(value, Mapping) else {}


def _texts(plain: Mapping[str, Any], name: str) -> list[str]:
    value = plain.get(name)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _tables(plain: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = plain.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
