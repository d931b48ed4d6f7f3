"""Room for descriptors."""

from __future__ import annotations

import resource

import pytest

from devboot.supervisor.system.limits import make_room


@pytest.fixture(autouse=True)
def limit():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.faults(19)
def test_a_low_limit_is_raised_as_far_as_needed():
    assert make_room(20)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 300


def test_a_limit_that_suffices_is_left_alone():
    assert make_room(2)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 256


def test_what_the_system_does_not_allow_is_told():
    assert not make_room(10**9)
