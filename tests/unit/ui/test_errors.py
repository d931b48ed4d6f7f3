"""Errors for programs."""

import pytest

from devboot.errors import BusyError, ManifestError, Place, Problems
from devboot.text.masking import Masker
from devboot.text.problems import error_as_json, render_problem
from devboot.ui.errors import workflow_annotations

VERSION = ManifestError(
    "manifest/no-such-version",
    "redis has no version 7.9",
    place=Place("devboot.toml", 4, 11, width=5, label="newest 7 is 7.4.2", source='version = "7.9"'),
    help=['use "7.4", or see all with `devboot recipe show redis`'],
)
KEY = ManifestError(
    "manifest/unknown-key",
    "unknown key `prot` in `[services.redis]`",
    place=Place(
        "devboot.toml",
        9,
        1,
        width=4,
        label="not a key of a service",
        source="prot = 6380",
        context=[(8, "[services.redis]")],
    ),
    help=["did you mean `port`?"],
)
TYPE = ManifestError(
    "manifest/type",
    "`depends_on` must be a list of names, found a string",
    place=Place("devboot.toml", 15, 14, width=7, label="found here", source='depends_on = "redis"'),
    help=['write `depends_on = ["redis"]`'],
)


@pytest.mark.faults(67)
def test_secrets_are_masked_wherever_they_stand():
    mask = Masker(["hunter2-canary"])
    error = ManifestError(
        "a/b",
        "hunter2-canary",
        place=Place("f", 2, 1, source="X=hunter2-canary", context=[(1, "hunter2-canary")], label="hunter2-canary"),
        details=["hunter2-canary"],
        causes=["https://me:word@example.test/ refused"],
        help=["hunter2-canary"],
        kept=["hunter2-canary"],
    )
    shown = render_problem(error, mask=mask) + str(error_as_json(error, mask))
    shown += str(workflow_annotations(error, "/p", "/p", mask))
    assert "canary" not in shown
    assert "word" not in shown


def test_json_holds_the_facts_of_the_text():
    assert error_as_json(VERSION) == {
        "event": "error",
        "exit": 3,
        "slug": "manifest/no-such-version",
        "what": "redis has no version 7.9",
        "place": {"file": "devboot.toml", "line": 4, "column": 11},
        "details": [],
        "causes": [],
        "help": ['use "7.4", or see all with `devboot recipe show redis`'],
        "kept": [],
    }


def test_problems_in_json_are_a_list_with_one_exit_code():
    facts = error_as_json(Problems([KEY, VERSION]))
    assert [error["slug"] for error in facts["errors"]] == ["manifest/no-such-version", "manifest/unknown-key"]
    assert (facts["exit"], facts["summary"]) == (3, "2 problems in devboot.toml")


def test_each_error_becomes_an_annotation_with_file_line_column_and_slug():
    assert workflow_annotations(Problems([KEY, VERSION]), "/repo/app", "/repo") == [
        (
            "::error file=app/devboot.toml,line=4,col=11,title=manifest/no-such-version::"
            'redis has no version 7.9. use "7.4", or see all with `devboot recipe show redis`'
        ),
        (
            "::error file=app/devboot.toml,line=9,col=1,title=manifest/unknown-key::"
            "unknown key `prot` in `[services.redis]`. did you mean `port`?"
        ),
    ]


def test_annotations_escape_what_would_end_them():
    error = BusyError("a/b", "50 % of\nit")
    assert workflow_annotations(error, "/", "/") == ["::error title=a/b::50 %25 of%0Ait"]
