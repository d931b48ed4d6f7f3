"""The levels of a recipe's test that need no network, for every bundled recipe of which that takes no uv."""

import time

import pytest

from devboot.app.recipes.trial import Trial, TrialResult, try_recipe
from devboot.events import RecordingReporter
from devboot.provision.host import Host
from tests.recipes.running import HOST, RECIPES

NAMES = [name for name in RECIPES.names() if all(origin.kind != "wheel" for origin in RECIPES.get(name).recipe.source)]


@pytest.mark.parametrize("name", NAMES)
def test_three_levels_pass_without_network(name):
    reporter, known = RecordingReporter(), RECIPES.get(name)
    debian = Host(HOST.platform, HOST.glibc, "debian-13")
    tried = try_recipe(Trial(known, "", debian, {"PATH": "/nonexistent"}, reporter, time.time), is_offline=True)

    assert TrialResult(known.releases[0].version if known.releases else "1.2.3") == tried
    assert [(event.kind, event.step) for event in reporter.events] == [
        (kind, level) for level in ("schema", "resolve", "build") for kind in ("start", "done")
    ]
