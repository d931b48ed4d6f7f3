"""Errors of devboot's own are noted once for each place, however many places there are."""

import linecache
import os
import resource
import sys

import pytest

from devboot.daemon import leases
from devboot.daemon.process import crash_report
from devboot.errors import Exit


def raised_at(number):
    """An error that comes from a place of its own."""
    try:
        exec(compile("1 / 0", f"place-{number}", "exec"))
    except ZeroDivisionError as error:
        return error
    raise AssertionError


def test_each_place_is_noted_once_beyond_those_that_are_written_down(tmp_path):
    (tmp_path / "run").mkdir()
    noted = []
    report = crash_report.Crashes(str(tmp_path), noted.append)
    places = crash_report.MOST + 5

    for number in [*range(places), *range(places)]:
        report(raised_at(number), None)

    assert len(noted) == places
    with open(leases.crash_path(str(tmp_path))) as file:
        assert file.read().count("ZeroDivisionError in devboot") == crash_report.MOST


@pytest.mark.faults(226)
def test_the_client_is_answered_even_where_nothing_can_be_opened_for_the_trace(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "tokenize", raising=False)  # linecache imports it while a trace is formatted
    linecache.clearcache()
    error, told = raised_at(1), []
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    report = crash_report.Crashes(str(tmp_path), told.append)

    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        report(error, told.append)
        report(error, told.append)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert [Exit.BUG, Exit.BUG] == [each.exit_code for each in told]
    assert "it could not be written" in told[0].help[0]


@pytest.mark.faults(225)
def test_a_lack_of_descriptors_is_no_mistake_of_ours_and_comes_with_the_command_that_mends_it(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        os.open(os.devnull, os.O_RDONLY)
    except OSError as error:
        told = crash_report.explain(error, str(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert "machine/no-descriptors" == told.slug
    assert f"prlimit --pid {os.getpid()} --nofile=" in told.help[0]
