"""Doctor and `up` agree: what `up` refuses, doctor names first, and what `up` repairs, doctor doesn't find again."""

from __future__ import annotations

import os
from contextlib import contextmanager

import pytest

from tests.fakes.broken_projects import BREAKS, Shop


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache for uv that all projects share."""
    return tmp_path_factory.mktemp("uv-cache")


@contextmanager
def closing_all(held):
    """Hold a context manager, or nothing."""
    if hasattr(held, "__enter__"):
        with held:
            yield
    else:
        yield


def listing(folder):
    """All files below a folder with their times and sizes."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(place, name)
            seen = os.lstat(path)
            found[path] = (seen.st_mtime_ns if name in files else 0, seen.st_size if name in files else 0, seen.st_mode)
    return found


@pytest.mark.parametrize("way", BREAKS, ids=[way.name for way in BREAKS])
def test_doctor_names_first_what_up_refuses_and_finds_nothing_that_up_has_repaired(way, tmp_path, cache):
    shop = Shop(tmp_path, cache, with_python=way.with_python)
    assert shop.up() == ""
    assert shop.findings() == []
    way.apply(shop)
    with closing_all(way.held(shop)):
        before = listing(shop.root)

        found = shop.findings()

        assert listing(shop.root) == before  # doctor only looks
        assert [way.doctor] * bool(way.doctor) == [each.slug for each in found[:1]], found
        refused = shop.up()
        assert refused == way.up
        if not refused and not way.stays:
            assert [] == shop.findings()


FIXED = [way for way in BREAKS if way.fix]


@pytest.mark.parametrize("way", FIXED, ids=[way.name for way in FIXED])
def test_after_the_fix_all_is_well_and_nothing_is_lost(way, tmp_path, cache):
    shop = Shop(tmp_path, cache, with_python=way.with_python)
    assert shop.up() == ""
    way.apply(shop)

    assert [way.fix.format(folder=tmp_path)] == shop.fix()

    pending = ["sqlite/pending-migrations"] if "there is a copy" in way.name else []  # the copy is of before those
    assert pending == [each.slug for each in shop.findings()]
    assert shop.up() == ""
    assert [] == shop.findings()
    assert [] == shop.fix()
