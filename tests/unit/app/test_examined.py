"""What `doctor` says of variables that `up` would refuse to start without."""

from __future__ import annotations

import os
import time

import pytest

from devboot.app.commands.doctor import doctor
from devboot.app.context import Context
from devboot.text.modes import OutputOptions, StreamFacts

MANIFEST = """
[env]
STRIPE_PRICE = { required = true, description = "from the console" }

[processes.web]
command = "sleep 100"
"""


@pytest.fixture
def context(tmp_path):
    """`context(NAME=value, …)`: a machine whose home is empty, in a project that needs a variable."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "shop/devboot.toml").write_text(MANIFEST)

    def make(**variables):
        environ = {"PATH": os.defpath, "HOME": str(tmp_path / "home"), **variables}
        nothing = {name: StreamFacts() for name in ("stdin", "stdout", "stderr")}
        return Context(
            cwd=str(tmp_path / "shop"),
            environ=environ,
            **nothing,
            output=OutputOptions(),
            clock=time.monotonic,
            wall_clock=time.time,
            uid=os.getuid(),
            version="0.1.0",
        )

    return make


def findings(context):
    return [finding for _, finding in doctor(context, ["manifest"]).findings]


def test_a_required_variable_that_nobody_has_set_is_a_finding_with_the_way_to_set_it(context):
    (finding,) = findings(context())

    assert ("env/missing", "`STRIPE_PRICE` is not set") == (finding.slug, finding.what)
    assert "echo 'STRIPE_PRICE=…' >> .env" == finding.fix.command
    assert ("devboot.toml:3:16", "STRIPE_PRICE  from the console") == finding.evidence


def test_one_that_is_set_is_none(context, tmp_path):
    assert [] == findings(context(STRIPE_PRICE="7"))

    (tmp_path / "shop/.env").write_text("STRIPE_PRICE=7\n")
    assert [] == findings(context())
