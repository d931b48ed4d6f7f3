"""`scale` for a project that isn't running: the advice has the numbers that were typed."""

from __future__ import annotations

import pytest

from devboot.app.commands.preparing import scale
from devboot.app.fast.call import Call
from devboot.app.preparation.project.load import load_project
from devboot.errors import WorkError
from devboot.text.modes import OutputOptions, StreamFacts
from tests.fakes.folders import home_beside


def test_a_project_that_is_not_running_is_started_with_the_wanted_numbers(tmp_path):
    (tmp_path / "Procfile").write_text("web: serve\nworker: work\n")
    (tmp_path / "devboot.toml").touch()
    loaded = load_project(str(tmp_path), home_beside(tmp_path))
    streams = (StreamFacts(False, "utf-8", 80, 24),) * 3
    where = {"root": str(tmp_path), "state": loaded.project.state, "data": loaded.project.data}
    call = Call("scale", (), {}, **where, environ={}, streams=streams, output=OutputOptions(), began=0)

    with pytest.raises(WorkError) as caught:
        scale.with_counts(call, loaded, ["web=3", "worker=2"])

    assert ("daemon/not-running", ("devboot up -d -m web=3,worker=2",)) == (caught.value.slug, caught.value.help)
