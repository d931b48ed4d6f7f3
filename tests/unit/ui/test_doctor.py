"""What doctor's report looks like."""

import re

import pytest

from devboot.doctor.findings import ERROR, WARNING, Answer, Area, Check, Finding, Fix, Outcome, Report
from devboot.text.symbols import ASCII, UNICODE
from devboot.ui.doctor import render_list, render_report, report_as_json

MODIFIED = Finding(
    "store/modified",
    ERROR,
    "redis 7.4.2 is not what was downloaded",
    "it could crash, or somebody may have tampered with it",
    Fix("devboot sync", "fetches 2.4 MB again"),
    ("bin/redis-server was changed, its digest is wrong",),
    fact="8 objects intact, 1 changed",
)
STALE = Finding(
    "lock/stale",
    WARNING,
    "devboot.toml asks for redis 7.4, the lockfile has 7.2",
    "colleagues and CI would start a different redis",
    Fix("devboot lock", "then commit devboot.lock"),
    fact="older than devboot.toml",
)


def check(name, area):
    return Check(name, area, lambda _: Answer())


def area(name, *answers):
    return Area(name, tuple(Outcome(check(str(number), name), answer) for number, answer in enumerate(answers)))


THREE = Report(
    (
        area("devboot", Answer(("0.4.0",), details=("python 3.12.4 at /usr/bin/python3",))),
        area("lockfile", Answer(("x",), (STALE,))),
        area("store", Answer(("x",), (MODIFIED,))),
        area("processes", Answer(("not running",), idle=True)),
    ),
    0.5,
)


def test_findings_come_numbered_errors_first_with_why_and_one_command():
    assert render_report(THREE, UNICODE) == (
        """\
  ✓ devboot    0.4.0
  ! lockfile   older than devboot.toml
  ✗ store      8 objects intact, 1 changed
  ○ processes  not running

1  error[store/modified]: redis 7.4.2 is not what was downloaded
     bin/redis-server was changed, its digest is wrong
     why:  it could crash, or somebody may have tampered with it
     fix:  devboot sync                      fetches 2.4 MB again

2  warning[lock/stale]: devboot.toml asks for redis 7.4, the lockfile has 7.2
     why:  colleagues and CI would start a different redis
     fix:  devboot lock                      then commit devboot.lock

1 error, 1 warning, 4 checks in 0.5 s"""
    )


def test_what_has_changed_comes_before_the_findings():
    changed = THREE._replace(changes="since it last worked, 2 days ago: python 3.12.3 → 3.13.5")

    text = render_report(changed, UNICODE)

    assert text.index("\n\nsince it last worked, 2 days ago: python 3.12.3 → 3.13.5\n\n1  error[") > 0
    assert report_as_json(changed)["changes"] == changed.changes


def test_without_problems_the_summary_says_so():
    report = Report((area("devboot", Answer(("0.4.0",)), Answer()),), 0.4)
    assert render_report(report, UNICODE) == "  ✓ devboot    0.4.0\n\nno problems, 2 checks in 0.4 s"


def test_a_check_that_failed_itself_is_told_apart_from_what_it_checks():
    crashed = Outcome(check("base", "python"), Answer(), "gave no answer within 10 s")
    report = Report((Area("python", (Outcome(check("uv", "python"), Answer(("3.12.4",))), crashed)),), 10.0)
    assert render_report(report, UNICODE) == (
        """\
 ?! python     3.12.4
               ?! check base: gave no answer within 10 s

1 check without an answer, 2 checks in 10.0 s"""
    )


def test_symbols_and_heads_have_the_colour_of_their_meaning():
    report = render_report(THREE, UNICODE, colour=True)

    assert "\x1b[32m  ✓ \x1b[0mdevboot" in report
    assert "1  \x1b[1;31merror[store/modified]\x1b[0m: redis" in report
    assert "\x1b[1;32mfix:\x1b[0m  devboot sync" in report
    assert re.sub("\x1b\\[[0-9;]*m", "", report) == render_report(THREE, UNICODE)


def test_details_come_with_verbose_only():
    assert "/usr/bin/python3" not in render_report(THREE, UNICODE)
    assert "/usr/bin/python3" in render_report(THREE, UNICODE, verbose=True)


def test_columns_stay_aligned_with_ascii_symbols():
    lines = render_report(THREE, ASCII).split("\n")
    assert lines[:4] == [
        "  ok devboot    0.4.0",
        "   ! lockfile   older than devboot.toml",
        "   x store      8 objects intact, 1 changed",
        "   . processes  not running",
    ]


def test_json_and_text_have_the_same_facts():
    facts = report_as_json(THREE)
    text = render_report(THREE, UNICODE)
    assert [finding["slug"] for finding in facts["findings"]] == ["store/modified", "lock/stale"]
    for finding in facts["findings"]:
        told = [finding["what"], finding["why"], finding["fix"]["command"], finding["fix"]["cost"]]
        assert all(one in text for one in [*told, *finding["evidence"]])
    assert all(one["fact"] in text for one in facts["areas"])
    assert (facts["ok"], facts["checks"]) == (False, 4)


def test_the_list_names_areas_and_checks():
    checks = [check("uv", "python"), check("base", "python"), check("space", "machine")]
    assert render_list(checks) == "AREA     CHECKS\npython   uv, base\nmachine  space\n"


def test_the_last_line_names_the_command_that_carries_out_all_fixes():
    known = Finding("lock/stale", WARNING, "what", "why", Fix("devboot lock", "", "lock"))

    last = str(render_report(Report((area("lockfile", Answer((), (known,))),), 0.5), UNICODE)).splitlines()[-1]

    assert "1 warning, 1 check in 0.5 s; devboot doctor --fix carries out 1 fix" == last


@pytest.mark.parametrize("width", [44, 80, 200])
def test_no_word_is_cut_in_a_narrow_terminal(width):
    facts = ("~/.local/share/devboot, private", "8000 for web, 5100 for worker, 6379 for redis: free")
    report = Report((*THREE.areas, area("dirs", Answer(facts, details=("a detail of many words " * 4,)))), 0.4)

    wide = render_report(report, UNICODE, verbose=True)
    lines = render_report(report, UNICODE, width=width, verbose=True).splitlines()

    assert wide.split() == " ".join(lines).split()
    assert [each for each in lines if len(each) > width] == []
