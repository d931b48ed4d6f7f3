"""Rules of the tests themselves: each can fail, and none counts on the time that something takes."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = [path for path in sorted(TESTS.rglob("*.py")) if "projects" not in path.relative_to(TESTS).parts]
FAILING = {"raises", "warns", "fail"}  # of pytest
# Tests whose result is that nothing is raised. A new entry needs a reason.
NOTHING_IS_RAISED = {
    "test_a_fail_point_does_nothing_outside_of_tests": "it would end the tests",
    "test_a_manifest_of_a_folder_in_which_nothing_is_detected_may_have_services_alone": "nothing is refused",
    "test_a_path_that_is_written_as_one_outside_passes": "nothing is refused",
    "test_a_process_that_ends_before_it_is_signalled_is_no_error": "no such process",
    "test_an_example_of_a_manifest_can_be_read": "nothing is refused",
    "test_output_is_rendered_in_linear_time": "else the limit of all tests ends it",
    "test_root_itself_is_not": "nothing is refused",
    "test_the_module_can_be_read_by_old_interpreters": "no mistake of syntax",
    "test_what_is_wrong_in_other_ways_is_left_to_uv": "nothing is refused",
    "test_without_modules_nothing_is_run": "no program is there that could be",
}
# Functions that may sleep, all of them polling, and that may look at a clock
SLEEPING = {("fakes/processes.py", "wait_until"), ("fakes/forked_commands.py", "_fork")}
CLOCKS = {"time.time", "time.monotonic", "time.perf_counter", "time.process_time", "time.thread_time"}
WAITING = {("fakes/stage.py", "until"), ("fakes/processes.py", "wait_until")}


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Let go of the trees: each process that a test forks would have to copy their pages."""
    yield
    for each in (tree, functions, calls, names_called):
        each.cache_clear()


@cache
def functions(path):
    return tuple(node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def calls(node):
    return tuple(each for each in ast.walk(node) if isinstance(each, ast.Call))


@cache
def names_called(node):
    """Return the last names of what is called: `until` for `stage.until(…)`."""
    return frozenset(
        each.func.attr if isinstance(each.func, ast.Attribute) else getattr(each.func, "id", "") for each in calls(node)
    )


def says_what_must_be(node):
    return bool(names_called(node) & FAILING) or any(
        isinstance(each, ast.Assert) or (isinstance(each, ast.Raise) and "AssertionError" in ast.unparse(each))
        for each in ast.walk(node)
    )


@cache
def checking():
    """Return the names of helpers that check something, themselves or by what they call."""
    helpers = [node for path in FILES for node in functions(path) if not node.name.startswith("test_")]
    found = {node.name for node in helpers if says_what_must_be(node)}
    while more := {node.name for node in helpers if node.name not in found and names_called(node) & found}:
        found |= more
    return found


def is_vain(node):
    return not names_called(node) & checking() and not says_what_must_be(node)


def places(is_meant):
    """Return file and function for each call that `is_meant` takes."""
    return {
        (str(path.relative_to(TESTS)), function.name)
        for path in FILES
        for function in functions(path)
        if any(map(is_meant, calls(function)))
    }


def test_every_test_can_fail():
    vain = {node.name for path in FILES for node in functions(path) if node.name.startswith("test_") and is_vain(node)}

    assert NOTHING_IS_RAISED.keys() == vain


def test_no_test_sleeps_instead_of_waiting_for_something():
    assert SLEEPING == places(lambda call: ast.unparse(call.func) == "time.sleep")


def test_no_check_looks_at_a_clock():
    found = {
        (str(path.relative_to(TESTS)), function.name)
        for path in FILES
        for function in functions(path)
        for each in ast.walk(function)
        if isinstance(each, ast.Assert) and any(ast.unparse(call.func) in CLOCKS for call in calls(each))
    }

    assert WAITING == found


def test_a_process_is_stopped_only_by_what_waits_for_its_stop():
    def stops(call):
        return any(getattr(each, "attr", getattr(each, "id", "")) == "SIGSTOP" for each in call.args)

    assert {("fakes/processes.py", "freeze")} == places(stops)


@pytest.mark.parametrize(
    ("text", "vain"),
    [
        ("def test_x():\n    parse(1)\n", True),
        ("def test_x():\n    wait_until(lambda: True)\n", False),
        ("def test_x():\n    with pytest.raises(E):\n        f()\n", False),
        ("def test_x():\n    assert f()\n", False),
        ("def test_x():\n    if f():\n        raise AssertionError\n", False),
    ],
)
def test_what_can_fail_is_told_from_what_can_not(text, vain):
    assert vain == is_vain(ast.parse(text).body[0])
