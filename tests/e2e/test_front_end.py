"""A clone with an API in Python and pages that vite serves comes up with one command, the pages first."""

import os
import re

import pytest

from tests.e2e.conftest import fetch
from tests.e2e.test_projects import goes_down, is_up

pytestmark = pytest.mark.network

UNREACHED = re.compile(
    r"npm error code (?:E(?:NOTFOUND|AI_AGAIN|CONN\w+|TIMEDOUT|SOCKET\w*)|SELF_SIGNED\w*|UNABLE_TO\w*)"
)
# How npm comes to its registry from this machine
KEPT = {name: value for name, value in os.environ.items() if re.match(r"(?i)npm_config_|NODE_EXTRA_CA_CERTS$", name)}


def test_pages_of_a_front_end_are_served_and_reach_the_api_through_their_proxy(machine):
    here = machine("noticeboard")

    started = here.devboot("up", "-d", code=None, **KEPT)

    if UNREACHED.search(started.stderr):
        pytest.skip("npm's registry isn't in reach")
    assert started.returncode == 0, started.stderr
    is_up(here, "web", "frontend")
    addresses = [line.split() for line in started.stderr.splitlines() if line.startswith("  ") and "http://" in line]
    assert [(words[0], words[2]) for words in addresses] == [("frontend", "200"), ("web", "404,")]
    assert addresses[0][1] == here.url("frontend", "")
    assert "<title>Noticeboard</title>" in fetch(here.url("frontend"))
    assert "the kettle is on" in fetch(here.url("frontend", "/api/notice"))
    goes_down(here)
