"""docs/protocol.md names every request and every key that the daemon understands."""

from __future__ import annotations

from pathlib import Path

import pytest

from devboot.daemon.clients.request import Request, View
from devboot.daemon.server.handlers import HANDLERS

PAGE = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
# What the command line tells about itself, for words like `up in 1.4 s, nothing to install`; of no use to others.
OWN = {"command", "names", "view", "began", "installed", "lines"}


@pytest.mark.parametrize("name", sorted(HANDLERS))
def test_each_request_is_described(name):
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("key", sorted({*View._fields, *Request._fields} - OWN))
def test_each_key_is_described(key):
    assert f"`{key}`" in PAGE or f"`view.{key}`" in PAGE
