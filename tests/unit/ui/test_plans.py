"""What `up --dry-run` says of a running project."""

import pytest

from devboot.app.commands.preparing.dry_run import DryRun
from devboot.app.preparation.compose.preview import Running
from devboot.ui.plans import render_plan

UP_TO_DATE = Running((), (), (), (), (), (), (), same=True, installs=False)


@pytest.mark.parametrize(
    ("running", "lines"),
    [
        (UP_TO_DATE, ["  nothing: what runs is up to date"]),
        (UP_TO_DATE._replace(same=False), ["  nothing: the changes don't affect what runs"]),
        (UP_TO_DATE._replace(started=("worker",)), ["  start  worker"]),
        (UP_TO_DATE._replace(installs=True), ["  install  packages  nothing restarts for it"]),
        (UP_TO_DATE._replace(installs=True, restarted=("web",)), ["  install  packages", "  restart  web"]),
    ],
)
def test_a_dry_run_says_what_happens_and_no_more(running, lines):
    assert render_plan(DryRun("shop", ()), running).splitlines()[1:] == lines
