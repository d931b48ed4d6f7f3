"""What is said of a project before anything of it is done."""

from __future__ import annotations

import pytest

from devboot.app.preparation.telling import tell_of_strangers
from devboot.environment.project import Project
from devboot.events import WARNING, RecordingReporter


@pytest.mark.faults(64)
def test_a_project_in_a_folder_of_everybodys_is_warned_of_by_its_slug(tmp_path):
    tmp_path.chmod(0o1777)
    reporter, uid = RecordingReporter(), tmp_path.stat().st_uid + 1
    tell_of_strangers(Project(str(tmp_path), "", written=True), {}, uid, reporter)

    event = reporter.events[-1]
    assert (event.kind, event.slug) == (WARNING, "trust/foreign-owner")
    assert event.text == f"everybody on this machine can write to `{tmp_path}`: what stands there runs as you"
