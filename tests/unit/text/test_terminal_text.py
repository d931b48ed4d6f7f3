"""What is written for people ends in one function; nothing else reaches the streams."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

import devboot
from devboot.text.columns import printable
from devboot.text.paint import BOLD, GREEN, MAGENTA, RED, YELLOW, colour_of, paint, terminal_text
from devboot.wire.jsontext import printable_json, to_json
from tests.fakes.hostile_text import HOSTILE, unprintable

PACKAGE = Path(devboot.__file__).parent
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("\x1b[]0;1m\n\x07\x9b\u202e")), max_size=80)


@pytest.mark.faults(183)
@given(TEXTS)
def test_nothing_but_line_ends_and_own_colours_is_left(text):
    shown = terminal_text(text)
    assert unprintable(shown) == []
    assert shown.count("\n") == text.count("\n")
    assert terminal_text(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=80))
def test_text_that_is_printable_stays_as_it_is(text):
    assert terminal_text(f"{text} \n") == f"{text} \n"


@pytest.mark.parametrize(
    "code", [RED, GREEN, YELLOW, MAGENTA, BOLD, "1;31", "1;34", colour_of("web"), colour_of("x.2")]
)
def test_colours_of_devboot_pass(code):
    painted = paint("text", code, on=True)
    assert terminal_text(painted) == painted


@pytest.mark.faults(183)
@pytest.mark.parametrize("code", ["8", "7", "5", "48;5;1", "38;5;16", "1;31;8", "", ";", "31;"])
def test_attributes_that_devboot_never_uses_do_not(code):
    assert terminal_text(f"a\x1b[{code}mb") == f"a\\x1b[{code}mb"


@pytest.mark.faults(183)
def test_a_name_is_one_line_whatever_it_holds():
    assert printable("a\nb\x1b[31m\u202e\x9b") == r"a\nb\x1b[31m\u202e\x9b"


@pytest.mark.faults(183)
@given(TEXTS)
def test_json_is_printable_and_means_the_same(text):
    for document in (to_json({text: text}), printable_json(json.dumps({text: text}, ensure_ascii=False))):
        assert document.isprintable()
        assert json.loads(document) == {text: text}
    assert unprintable(to_json(HOSTILE)) == []


# Where text leaves devboot for a terminal, besides `app/fast/streams.py`, whose `say` is the edge of the fast commands.
EDGES = {
    "cli/session.py": "the edge of all other commands; the words that it takes back by an escape are its own",
    "cli/error_report.py": "`render_problem`, which is an edge, and `terminal_text`",
    "app/commands/run.py": "`render_problem`",
    "services/mongo_client.py": "a program of its own, whose output is shown as a cause of an error",
    "services/unprivileged.py": "a program of its own, whose output is a log",
    "watching/__main__.py": "a program of its own, whose output the daemon reads",
}
_STREAMS = {"sys.stdout.write", "sys.stderr.write", "print"}


@pytest.mark.faults(183)
def test_no_other_module_writes_to_the_standard_streams():
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(_writes(node) for node in ast.walk(ast.parse(path.read_text())))
    }
    assert found == EDGES.keys()


def _writes(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    is_descriptor = bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value in (1, 2)
    called = ast.unparse(node.func)
    return called in _STREAMS or (is_descriptor and called == "os.write")


@pytest.mark.faults(183)
def test_the_daemon_sends_words_of_its_own_through_one_method():
    """Output of processes (`frames.OUT`) is cleaned by the prefixer; whatever else is text goes through `say`."""
    allowed = {
        "daemon/server/console.py",
        "daemon/views/viewers.py",
    }  # which say how much was left out, and what has ended
    found = {
        str(path.relative_to(PACKAGE))
        for path in (PACKAGE / "daemon").rglob("*.py")
        if re.search(r"\.send\(\s*frames\.ERR\b", path.read_text())
    }
    assert found == allowed
