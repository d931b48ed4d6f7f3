"""What holds for every test: its level, and that generated cases are the same in each run and no clock stops them."""

from __future__ import annotations

import os
import signal
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadGroupScheduling

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
SLOW_FOLDERS = (TESTS / "e2e", TESTS / "recipes")
PROCESSES = TESTS / "process"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark as `slow` what needs the network, and the tests of whole commands but those marked `smoke`.

    Workers begin with the files that take long and wait much, so that no processor is idle at the end.
    """
    places: dict[Path, int] = {}
    for item in items:
        is_network = item.get_closest_marker("network") is not None
        is_whole = _is_below(item.path.parent, *SLOW_FOLDERS)
        if is_network or (is_whole and not item.get_closest_marker("smoke")):
            item.add_marker(pytest.mark.slow)
        place = 0 if is_network else 1 if is_whole else 2 if _is_below(item.path.parent, PROCESSES) else 3
        places[item.path] = min(place, places.get(item.path, place))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: places[item.path])


@cache  # there are thousands of tests, in a hundred folders
def _is_below(folder: Path, *above: Path) -> bool:
    return any(map(folder.is_relative_to, above))


class FilesTogether(LoadGroupScheduling):
    """Gives each worker whole files, or what has to take turns: what a file sets up once isn't set up in each."""

    def _split_scope(self, nodeid: str) -> str:
        return super()._split_scope(nodeid).partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Distribute files, with `--dist loadgroup`, in the order of `pytest_collection_modifyitems`."""
    if config.getvalue("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False
    return FilesTogether(config, log)


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
