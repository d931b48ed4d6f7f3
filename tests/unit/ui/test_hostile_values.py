"""Each renderer shows hostile names, values, paths and versions as printable text, on as many lines as they have."""

from __future__ import annotations

import importlib
import inspect
import io
import json
import pkgutil

import pytest

import devboot.text
import devboot.ui
from devboot.app.commands.housekeeping.state import Listed
from devboot.app.commands.housekeeping.store import Repaired
from devboot.app.commands.preparing.dry_run import DryRun, Step
from devboot.app.commands.preparing.lock_diff import LockDiff
from devboot.app.preparation.compose.preview import Running
from devboot.app.preparation.generations.history import Change, Summary
from devboot.doctor.findings import ERROR, Answer, Area, Check, Finding, Fix, Outcome, Report
from devboot.errors import Place, Problems, WorkError
from devboot.events import DONE, FAILED, FETCH, NOTE, PROGRESS, RETRY, START, UNCHANGED, WARNING, Event
from devboot.model.edge.lockfile.diff import Difference
from devboot.model.process import GAVE_UP, PROCESS, LastExit, ProcessStatus
from devboot.onboarding.compose_import.fidelity import IN_DOCKER, NATIVE, Fidelity
from devboot.provision.collect import OBJECT, ROOT, Collected, Piece
from devboot.text import columns, paint, problems, process_table, summary
from devboot.text.masking import Masker
from devboot.text.symbols import UNICODE
from devboot.ui import (
    consoles,
    doctor,
    doctor_report,
    errors,
    fidelity,
    generations,
    locks,
    plans,
    reporters,
    state,
    store,
)
from devboot.ui.live_reporter import LiveReporter
from devboot.wire.jsontext import to_json
from tests.fakes.hostile_text import HOSTILE, ONE_LINE, unprintable

PLACE = Place(HOSTILE, 3, 2, width=4, label=HOSTILE, source=ONE_LINE, context=((2, ONE_LINE),))
ERROR_OF_ALL = WorkError(
    "work/failed",
    HOSTILE,
    place=PLACE,
    details=[HOSTILE],
    causes=[HOSTILE],
    help=[HOSTILE],
    kept=[HOSTILE],
)
FINDING = Finding("a/b", ERROR, HOSTILE, HOSTILE, Fix(HOSTILE, HOSTILE), (HOSTILE,), fact=HOSTILE)
CHECK = Check(HOSTILE, HOSTILE, lambda _: Answer())
REPORT = Report(
    (Area(HOSTILE, (Outcome(CHECK, Answer((HOSTILE,), (FINDING,), (HOSTILE,)), HOSTILE),)),), 1.0, changes=HOSTILE
)
PLAN = DryRun(HOSTILE, (Step("fetch", HOSTILE, HOSTILE, 1), Step("start", HOSTILE, HOSTILE)))
RUNNING = Running(*[(HOSTILE,)] * 5, same=False, installs=True, updated=(HOSTILE,), later=("b" + HOSTILE,))
CHANGES = [
    Change(kind, HOSTILE, old, new, secret=False)
    for kind in ("object", "variable", "process")
    for old, new in ((HOSTILE, HOSTILE), (None, HOSTILE), (HOSTILE, None))
]
STATUS = ProcessStatus(HOSTILE, PROCESS, GAVE_UP, last_exit=LastExit(1, 0, 0.0), note=HOSTILE, address=HOSTILE)
PIECES = (Piece(OBJECT, f"key-{HOSTILE}-1", 1, HOSTILE), Piece(ROOT, HOSTILE, 0, HOSTILE))
STYLE = process_table.TableStyle(symbols=True, colour=True, columns=200)
KINDS = (DONE, FAILED, FETCH, NOTE, PROGRESS, RETRY, START, UNCHANGED, WARNING)
EVENTS = [
    Event(kind, HOSTILE, HOSTILE, slug="a/b", done=1, total=2, unit="bytes", waits_for=waits, lines=(HOSTILE,))
    for kind in KINDS
    for waits in ("", HOSTILE)
]


def plain(text: object) -> str:
    """What a renderer returns, as text."""
    return text if isinstance(text, str) else "\n".join(map(str, text))


# Every renderer of `devboot.ui` and `devboot.text` that takes values, with hostile ones.
LISTED = (Listed(HOSTILE, HOSTILE, is_gone=True, is_current=False, state_size=1, data_size=1),)
DOCUMENT = {
    "devboot-report": 1,
    **dict.fromkeys(("at", "devboot"), HOSTILE),
    "machine": {HOSTILE: HOSTILE},
    "project": {"name": HOSTILE, "processes": {HOSTILE: HOSTILE}, "variables": [HOSTILE]},
    "doctor": json.loads(json.dumps(doctor.report_as_json(REPORT))),
    "logs": {HOSTILE: [HOSTILE]},
}
RENDERERS = {
    "ui.doctor_report.render_document": lambda: doctor_report.render_document(DOCUMENT, UNICODE),
    "text.columns.printable": lambda: columns.printable(HOSTILE),
    "text.columns.table": lambda: columns.table([(HOSTILE, HOSTILE), ("a", "b")]),
    "text.columns.table_within": lambda: columns.table_within([(HOSTILE, HOSTILE, HOSTILE), ("a", "b", "c")], 40),
    "text.paint.terminal_text": lambda: paint.terminal_text(HOSTILE),
    "text.problems.render_problem": lambda: (
        problems.render_problem(ERROR_OF_ALL, colour=True, width=60)
        + problems.render_problem(
            Problems([ERROR_OF_ALL, WorkError("a/b", "c", place=Place(HOSTILE))], summary=HOSTILE)
        )
    ),
    "text.problems.error_as_json": lambda: to_json(problems.error_as_json(ERROR_OF_ALL)),
    "text.process_table.title": lambda: process_table.title(HOSTILE, 1, 1.0),
    "text.process_table.process_table": lambda: process_table.process_table([STATUS, STATUS], 0.0, STYLE),
    "text.process_table.hints": lambda: process_table.hints([STATUS]),
    "text.summary.ready_text": lambda: summary.ready_text([(HOSTILE, 1.0), (HOSTILE, None)]),
    "text.summary.headline": lambda: summary.headline(HOSTILE, 1.0, ""),
    "text.summary.idle_text": lambda: summary.idle_text([HOSTILE] * 5),
    "text.summary.titled": lambda: summary.titled("idle", summary.idle_text([HOSTILE]), 40),
    "text.summary.unchanged": lambda: summary.unchanged(HOSTILE, 1.0, ""),
    "text.summary.addresses": lambda: summary.addresses([(HOSTILE, HOSTILE)]),
    "text.summary.list_in_order": lambda: summary.list_in_order([[HOSTILE]]),
    "text.columns.wrap": lambda: columns.wrap(HOSTILE, 20),
    "text.columns.expand_tabs": lambda: columns.expand_tabs(HOSTILE),
    "ui.doctor.render_report": lambda: doctor.render_report(REPORT, UNICODE, width=60, colour=False, verbose=True),
    "ui.doctor.render_list": lambda: doctor.render_list([CHECK]),
    "ui.doctor.report_as_json": lambda: reporters.json_line(doctor.report_as_json(REPORT)),
    "ui.errors.workflow_annotations": lambda: map(
        paint.terminal_text, errors.workflow_annotations(ERROR_OF_ALL, "/", "/")
    ),
    "ui.fidelity.render_fidelity": lambda: (
        fidelity.render_fidelity([Fidelity(HOSTILE, 1, HOSTILE, IN_DOCKER, HOSTILE)])
        + fidelity.render_fidelity([Fidelity(HOSTILE, 0, HOSTILE, NATIVE, HOSTILE)], width=60, colour=True)
    ),
    "ui.generations.render_list": lambda: generations.render_list([Summary(1, 0.0, HOSTILE, is_current=True)]),
    "ui.generations.render_changes": lambda: generations.render_changes(CHANGES, unicode=True),
    "ui.generations.changes_as_json": lambda: reporters.json_line(
        {"changes": generations.changes_as_json(CHANGES, Masker())}
    ),
    "ui.locks.render_diff": lambda: (
        locks.render_diff(LockDiff(HOSTILE, HOSTILE, (Difference("+", HOSTILE, HOSTILE, (HOSTILE,)),)))
        + locks.render_diff(LockDiff(HOSTILE, HOSTILE, ()))
    ),
    "ui.plans.render_plan": lambda: plans.render_plan(PLAN, None) + plans.render_plan(PLAN, RUNNING),
    "ui.plans.plan_as_json": lambda: reporters.json_line(plans.plan_as_json(PLAN, RUNNING)),
    "ui.store.render_collected": lambda: store.render_collected(Collected(PIECES, PIECES, is_dry=True), "/home"),
    "ui.store.render_contents": lambda: store.render_contents(PIECES, "/home"),
    "ui.state.render_list": lambda: state.render_list(LISTED, "/home"),
    "ui.state.list_as_json": lambda: reporters.json_line(state.list_as_json(LISTED)),
    "ui.store.render_repaired": lambda: store.render_repaired(Repaired((HOSTILE,), (HOSTILE,), 1)),
}
# Those that get text which others have cleaned, or take no text of anybody's.
OTHERS = {
    "text.columns.cells", "text.columns.clip", "text.columns.pad", "text.escapes.shown",
    "text.loglines.prefix_width",
    # How devboot was called by the person who reads it, in text that an edge cleans afterwards
    "text.invocation.as_called", "text.invocation.folder_in", "text.invocation.how_called",
    "text.invocation.named_folder", "text.invocation.rewrite",
    "text.modes.has_colour", "text.modes.why_plain", "text.paint.colour_of",
    "text.paint.colours_of", "text.paint.paint", "text.process_table.is_done", "text.problems.count",
    "text.masking.passwords_in", "text.masking.replace_passwords", "text.prompts.debugger_at", "text.summary.url",
    "text.process_table.exit_words", "text.process_table.iso_time", "text.process_table.phase_symbol",
    "text.process_table.phase_words", "text.process_table.process_facts", "text.summary.edge", "ui.fidelity.summary",
    "text.summary.event_line",
    "text.summary.step_line",
    "text.summary.stopwatch", "text.symbols.margin", "text.symbols.symbols", "text.units.ago",
    "text.units.duration", "text.units.size",
    "text.units.uptime", "text.units.whole_megabytes",
    # The board gets events that the reporter has cleaned: see the test of reporters below.
    "ui.board.active_lines", "ui.board.at_edge", "ui.board.bar", "ui.board.cut", "ui.board.finished_lines",
    "ui.board.what_goes_on", "ui.consoles.console", "ui.consoles.line_text",
    "ui.generations.list_as_json", "ui.locks.diff_as_json", "ui.locks.lock_as_json", "ui.reporters.event_as_json",
    "ui.reporters.json_line", "ui.store.collected_as_json", "ui.store.contents_as_json", "ui.store.verified_as_json",
    "ui.units.progress", "ui.units.whole_seconds",
}  # fmt: skip


@pytest.mark.faults(183)
@pytest.mark.parametrize("name", RENDERERS)
def test_a_renderer_shows_hostile_values_as_printable_text(name):
    shown = plain(RENDERERS[name]())
    assert unprintable(shown) == []
    assert shown


@pytest.mark.faults(183)
@pytest.mark.parametrize("name", sorted(set(RENDERERS) - {"text.paint.terminal_text"}))
def test_no_value_begins_a_line_of_its_own(name):
    assert not any(line.startswith("error[forged]") for line in plain(RENDERERS[name]()).split("\n"))


@pytest.mark.faults(183)
def test_every_renderer_is_known_here():
    found = set()
    for package in (devboot.text, devboot.ui):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for name, each in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
                if each.__module__ == module.name and not name.startswith("_") and _gives_text(each):
                    found.add(f"{module.name.removeprefix('devboot.')}.{name}")
    assert found - RENDERERS.keys() - OTHERS == set()


def _gives_text(function) -> bool:
    return any(kind in str(function.__annotations__.get("return")) for kind in ("str", "Text", "bytes"))


@pytest.mark.faults(183)
@pytest.mark.parametrize("kind", ["live", "plain", "json"])
def test_reporters_show_hostile_events_as_printable_text(kind):
    stream, ticks = io.StringIO(), iter(range(10_000))

    def clock() -> float:
        return float(next(ticks))

    if kind == "live":
        console = consoles.console(stream, {"TERM": "xterm"}, colour=True, live=True)
        reporter = LiveReporter(lambda: console, UNICODE, clock)
    elif kind == "plain":
        reporter = reporters.PlainReporter(stream, clock, header=HOSTILE, looks_every=1000.0)
    else:
        reporter = reporters.JsonReporter(
            lambda value: stream.write(reporters.json_line(value)), clock, {"project": HOSTILE}
        )
    with reporter:
        for event in EVENTS:
            reporter.emit(event)
        if kind == "plain":
            reporter.remind()

    assert unprintable(stream.getvalue(), is_live=kind == "live") == []
    assert "forged" in stream.getvalue()
