"""A service of a test."""

from __future__ import annotations

import pytest

from devboot.model.edge.recipe.recipe import parse_recipe
from devboot.services.plan import plan_service

RECIPE = """
[package]
name = "toy"
description = "d"
[[source]]
kind = "wheel"
name = "toy"
bin = { toyinit = "toyinit", toy = "toy" }
[service]
command = ["toy", "{data}"]
port = 7
socket = "{socket}/toy"
init = { command = ["toyinit", "{data}"], creates = "WHOLE" }
ready = { tcp = "{port}" }
[test]
"""


@pytest.fixture
def toy(tmp_path):
    """The service, whose first-time step is this shell script."""
    programs, runtime = tmp_path / "bin", tmp_path / "run"
    programs.mkdir()
    runtime.mkdir(mode=0o700)

    def make(script):
        program = programs / "toyinit"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return plan_service(
            parse_recipe(RECIPE, "recipe.toml"),
            "toy",
            "3.1",
            {},
            port=7,
            root=str(tmp_path / "project"),
            data=str(tmp_path / "data"),
            runtime=str(runtime),
            programs=str(programs),
        )

    return make
