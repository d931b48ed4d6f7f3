"""A stage for each test, cleared afterwards."""

from __future__ import annotations

import socket

import pytest

from tests.fakes.stage import Stage


@pytest.fixture
def stage(tmp_path):
    """An empty stage in a folder of its own."""
    stage = Stage(tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def port():
    """A port that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
