"""Builds that only an older setuptools can do."""

import pytest

from devboot.uv.builds.older_setuptools import VARIABLE, wanted_setuptools, with_older_setuptools
from devboot.uv.child import Finished

FINE = Finished(0, "", ())


def failed(*lines):
    return Finished(1, "", ("error: Failed to build `toy==1`", *lines))


class Runs:
    """Stands for uv: gives one result after the other and keeps what the build constraints were."""

    def __init__(self, *results):
        self.results = list(results)
        self.held = []

    def __call__(self, variables):
        path = variables[VARIABLE].split()[0]
        with open(path, encoding="utf-8") as file:
            self.held.append((file.read().split(), variables[VARIABLE].split()[1:]))
        return self.results.pop(0)


@pytest.mark.parametrize(
    ("line", "constraint"),
    [
        ("error in toy setup command: use_2to3 is invalid.", "setuptools<58"),
        ("ImportError: cannot import name 'Feature'", "setuptools<46"),
        ("ImportError: cannot import name Feature", "setuptools<46"),
        ("ModuleNotFoundError: No module named 'pkg_resources'", "setuptools<81"),
        ("ModuleNotFoundError: No module named 'setuptools.command.test'", "setuptools<72"),
        ("ImportError: cannot import name 'convert_path' from 'setuptools' (/x/__init__.py)", "setuptools<70"),
        ("error: command 'gcc' failed", ""),
    ],
)
def test_what_setuptools_no_longer_has_names_the_last_one_that_did(line, constraint):
    assert wanted_setuptools(failed(line).lines) == constraint


def test_a_run_that_is_no_build_asks_for_nothing():
    assert wanted_setuptools(("No module named 'pkg_resources'",)) == ""


def test_one_build_after_the_other_gets_what_it_asks_for():
    runs = Runs(failed("cannot import name 'Feature'"), FINE)
    done = with_older_setuptools(failed("use_2to3 is invalid"), runs, {VARIABLE: "/mine.txt"})
    assert (done, runs.held) == (
        FINE,
        [(["setuptools<58"], ["/mine.txt"]), (["setuptools<58", "setuptools<46"], ["/mine.txt"])],
    )


def test_a_build_that_fails_for_another_reason_is_not_repeated():
    reason = failed("gcc: no such file")
    assert with_older_setuptools(reason, Runs(), {}) is reason


@pytest.mark.parametrize("line", ["network was disabled", "AttributeError: module 'pkgutil' has no 'ImpImporter'"])
def test_where_the_older_one_does_not_help_the_first_failure_counts(line):
    reason = failed("use_2to3 is invalid")
    assert with_older_setuptools(reason, Runs(failed(line)), {}) is reason


def test_where_it_helps_the_failure_that_comes_after_it_counts():
    later = failed("gcc: no such file")
    assert with_older_setuptools(failed("use_2to3 is invalid"), Runs(later), {}) is later
