"""What holds for every test: its level, and that generated cases are the same in each run and no clock stops them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes import ports

settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
settings.load_profile("steady")

# Without compiled files, each of thousands of commands that tests run would compile devboot anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What a shell starts in the background ignores Ctrl-C, and so would all programs that tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
SLOW_FOLDERS = [TESTS / "e2e", TESTS / "recipes"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark as `slow` what needs the network, and the tests of whole commands but those marked `smoke`."""
    for item in items:
        is_whole = any(map(item.path.is_relative_to, SLOW_FOLDERS)) and not item.get_closest_marker("smoke")
        if is_whole or item.get_closest_marker("network"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def home(tmp_path_factory) -> str:
    """A home for devboot, beside all projects."""
    return str(tmp_path_factory.mktemp("home"))


@pytest.fixture
def at_home(home) -> dict[str, str]:
    """An environment in which devboot keeps everything in `home`."""
    return {"DEVBOOT_HOME": home}


@pytest.fixture(autouse=True)
def ports_are_given_back():
    """Give the ports back that a test has taken with `free_ports`."""
    yield
    ports.release()
