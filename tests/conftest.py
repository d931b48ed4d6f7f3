"""What holds for every test: generated ones are the same in each run, and no clock decides over them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
settings.load_profile("steady")


@pytest.fixture
def home(tmp_path_factory) -> str:
    """A home for devboot, beside all projects."""
    return str(tmp_path_factory.mktemp("home"))


@pytest.fixture
def at_home(home) -> dict[str, str]:
    """An environment in which devboot keeps everything in `home`."""
    return {"DEVBOOT_HOME": home}
