"""A stage for each test, cleared afterwards."""

from __future__ import annotations

import pytest

from tests.fakes.ports import free_ports
from tests.fakes.stage import Stage


@pytest.fixture
def stage(tmp_path):
    """An empty stage in a folder of its own."""
    stage = Stage(tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def port():
    """A port on which nobody listens."""
    return free_ports()
