"""A report of `doctor --report`: what is shown is what is in the file, and a file of a stranger does no harm."""

from __future__ import annotations

import json
import random

import pytest

from devboot.text.symbols import UNICODE
from devboot.ui.doctor import render_report, report_as_json
from devboot.ui.doctor_report import render_document

from .test_doctor import THREE

DOCUMENT = {
    "devboot-report": 1,
    "devboot": "0.4.0",
    "at": "2026-12-01 13:51 +0000",
    "machine": {"system": "Debian 13", "python": "3.13.5"},
    "project": {"name": "shop", "manifest": "devboot.toml", "processes": {"web": "flask run"}, "variables": ["KEY"]},
    "doctor": json.loads(json.dumps(report_as_json(THREE))),
    "logs": {"web": ["Traceback", "boom"]},
}


def texts(value):
    """All texts in a JSON value, names of keys left out."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


def test_what_is_shown_has_everything_that_the_file_has():
    shown = render_document(DOCUMENT, UNICODE)

    states = {"ok", "idle"}  # symbols
    assert [] == [text for text in texts(DOCUMENT) if text not in shown and text not in states]


def test_findings_are_shown_as_doctor_itself_shows_them():
    assert render_report(THREE, UNICODE, verbose=True) in render_document(DOCUMENT, UNICODE)


def damaged(value, random_):
    """A JSON value with one part replaced by something else."""
    if isinstance(value, dict) and value and random_.random() < 0.8:
        name = random_.choice(sorted(value))
        return {**value, name: damaged(value[name], random_)}
    if isinstance(value, list) and value and random_.random() < 0.8:
        at = random_.randrange(len(value))
        return [*value[:at], damaged(value[at], random_), *value[at + 1 :]]
    return random_.choice([None, 1, True, "\x1b[2J\x00", [], {}, [[]], {"a": {}}, -1e99, float("nan")])


@pytest.mark.parametrize("seed", range(200))
def test_a_report_of_any_form_is_shown_without_control_characters(seed):
    random_ = random.Random(seed)
    name = random_.choice(sorted(DOCUMENT))

    shown = render_document({**DOCUMENT, name: damaged(DOCUMENT[name], random_)}, UNICODE)

    assert "\x1b" not in shown
    assert "\x00" not in shown
