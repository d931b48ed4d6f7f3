"""The subject of doctor's checks, of a project in a temporary folder."""

from __future__ import annotations

import os

import pytest

from devboot.doctor.checks.processes import find_lease
from devboot.doctor.subject import Subject
from devboot.model.edge.manifest.manifest import parse_manifest
from devboot.text.modes import StreamFacts
from tests.fakes.folders import project_of, state_folder


@pytest.fixture
def subject(tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    for name in ("data", "cache", "state"):
        (tmp_path / name).mkdir(mode=0o700)
    state_folder(root, tmp_path).mkdir(parents=True)

    def make(text="", **changes):
        known = {
            "version": "0.1.0",
            "environ": {"PATH": os.defpath},
            "uid": os.getuid(),
            "home": str(tmp_path),
            "now": 0.0,
            "terminal": StreamFacts(True, "utf-8", 80, 24),
            "project": project_of(root, tmp_path),
            "name": "shop",
            "data": str(tmp_path / "data"),
            "cache": str(tmp_path / "cache"),
            "state": str(tmp_path / "state"),
            "manifest": parse_manifest(text, "devboot.toml"),
        }
        made = known | changes
        return Subject(**{"lease": lambda: find_lease(made["project"], made["environ"])} | made)

    return make
