"""`doctor --online` asks the indexes that uv would use, and the registry of npm only for a lock with packages of it."""

from __future__ import annotations

from contextlib import closing

import pytest

from devboot.app.commands.doctor import Reach, doctor
from tests.fakes.broken_projects import Shop
from tests.fakes.fault_server import FaultServer, Reply


@pytest.fixture
def shop(tmp_path):
    shop = Shop(tmp_path, tmp_path / "uv-cache", with_python=False)
    for name in ("UV_NO_INDEX", "UV_FIND_LINKS"):
        del shop.environ[name]
    return shop


def test_the_indexes_of_uv_are_asked_and_only_with_the_flag(shop):
    with closing(FaultServer()) as server:
        server.on("/own/pip/", Reply())
        server.on("/more/pip/", Reply(status=401))
        shop.environ |= {"UV_DEFAULT_INDEX": server.url("/own"), "UV_INDEX": server.url("/more")}

        shop.report()
        assert [] == server.requests
        report = doctor(shop.context(), ["sources"], reach=Reach(is_online=True))

    assert ["/more/pip/", "/own/pip/"] == sorted({each.path for each in server.requests})
    assert ["network/http-401"] == [finding.slug for _, finding in report.findings]
